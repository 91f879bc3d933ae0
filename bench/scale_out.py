"""How claims, finishes, proposals and what dashboards ask grow with trials and with workers, on SQLite and PostgreSQL.

    python bench/scale_out.py [--trials 1000000] [--workers 10000] [--store sqlite] [--store postgres]

First the trials: experiments of 1,000, 10,000, … finished ones stand side by side, each with ten workers at it. Then the
workers: an experiment of 20,000 trials where 10, 100, … run. Each verb is timed in all of them in turn; what is printed are
medians, their ratio to the smallest experiment of the same run, and the power of the size that fits them best. A verb is
to grow no faster than the logarithm of the size, with half again for what is measured twice. Last the bottleneck: how many
commits a second several processes get, how many a trial takes (counted in a simulated world), and how long trials must
be for so many workers not to wait. `--trials 10000 --workers 100` takes a minute; all of it some twenty and 2 GB.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from luthier.store import Sort, Store, WorkerRecord, open_store
from luthier.store.postgres import PostgresStore
from luthier.testing.fill import describe, fill, fill_server
from luthier.testing.simulate import Plan, simulate
from luthier.testing.store_scene import configuration
from luthier.trial import AttemptId, Outcome, Point, Proposal, Result

ROUNDS = 60
HEAVY_ROUNDS = 4
MOST_IN_MEMORY = 100_000  # trials as Python values: a million are gigabytes
AT_WORK = 10
TRIALS_OF_WORKERS = 20_000
PROCESSES = 4
QUEUED = 4000
ON_ONE_MACHINE = 64
COMMIT_SECONDS = 2.0
GOES = 4
SLACK = 1.5
READS_ALL = ("sorted by a metric", "the whole history again")
"""What is known to read everything; it is shown and has no bar."""


class Ground:
    """One experiment on which verbs are timed."""

    def __init__(self, store: Store, experiment: int, size: int) -> None:
        self.store, self.e, self.size = store, experiment, size
        self.trials = store.experiment(experiment).trials
        self.times: dict[str, list[float]] = {}
        self.calls = 0
        self.since = 0

    def amend(self, more: int) -> None:
        """Asks for more trials."""
        self.store.open_experiment(describe(self.trials + more))

    def work(self, workers: int) -> None:
        """Has so many workers run a trial each."""
        for first in range(0, workers, 500):
            with self.store.together():
                for k in range(first, min(workers, first + 500)):
                    self.store.retry(self.e, k + 1)
                    self.store.claim(self.e, 1, f"w{k}", f"begin-{self.e}-{k}", 1e6)
                    self.store.announce(
                        WorkerRecord(f"w{k}", "host", k, 0.0, state="working", experiment=self.e)
                    )

    def timed(self, name: str, verb: Callable[[], Any]) -> Any:
        """Calls a verb and keeps how long it took."""
        began = time.perf_counter()
        answer = verb()
        self.times.setdefault(name, []).append(time.perf_counter() - began)
        return answer

    def round(self) -> None:
        """A trial from its number to its end, and what a dashboard asks meanwhile."""
        store, e, self.calls = self.store, self.e, self.calls + 1
        nonce = f"bench-{e}-{self.calls}"
        (place,) = self.timed("reserve", lambda: store.reserve(e, 1, "bench", nonce))
        made = [(place.number, Proposal(configuration(place.number), "random", place.ordinal))]
        self.timed("propose", lambda: store.propose(e, nonce, made))
        (claim,) = self.timed("claim", lambda: store.claim(e, 1, "bench", f"claim-{nonce}"))
        point = [Point("loss", 1.0, 0.5, time.time())]
        self.timed("report", lambda: store.report(claim.id, 0, point))
        self.timed("renew", lambda: store.renew([claim.id], "bench"))
        self.timed("finish", lambda: store.finish(claim.id, Result(Outcome.SUCCEEDED, "", value=0.5)))
        self.look(claim.id)

    def look(self, id: AttemptId) -> None:
        """What workers, commands and dashboards ask."""
        store, e = self.store, self.e
        revision = store.revision()
        self.timed("a worker's look", lambda: (store.experiment(e), store.end_requests(e, revision)))
        self.timed("what the dead left", lambda: store.held(e, []))
        self.timed("list", store.experiments)
        self.timed("a page of show", lambda: store.trials(e, limit=50))
        self.timed("best", lambda: store.trials(e, Sort("value", smallest_first=True), limit=10))
        self.timed("one trial", lambda: (store.trial(e, id.trial), store.attempts(e, id.trial)))
        events = self.timed("events after a revision", lambda: store.events(self.since, e, 1000))
        self.since = events[-1].revision if self.since else store.revision()
        self.timed("the last page", lambda: store.trials(e, limit=50, offset=max(0, self.trials - 50)))
        if self.calls <= HEAVY_ROUNDS:
            self.timed("sorted by a metric", lambda: store.trials(e, Sort("metric", "loss"), limit=50))
            if self.trials <= MOST_IN_MEMORY + 1000:
                self.timed("the whole history again", lambda: store.history(e))


def measured(grounds: list[Ground], rounds: int) -> None:
    """Takes each verb in all of them in turn."""
    for ground in grounds:
        ground.amend(rounds + 2)
        ground.round()  # what is loaded once is not counted
        ground.times.clear()
    for _ in range(rounds):
        for ground in grounds:
            ground.round()


def power(sizes: list[int], times: list[float]) -> float:
    """The p of size**p that fits best: the slope in the logarithms of both (least squares)."""
    x, y = [math.log(size) for size in sizes], [math.log(seconds) for seconds in times]
    middle = statistics.fmean(x)
    return sum((a - middle) * b for a, b in zip(x, y, strict=True)) / sum((a - middle) ** 2 for a in x)


def allowed(smallest: int, largest: int) -> float:
    """How much slower a verb may be at the largest size: as much as the logarithm is larger, with half again."""
    return SLACK * math.log(largest) / math.log(smallest)


def table(title: str, grounds: list[Ground]) -> bool:
    """Prints how each verb grows; False where one grows too fast."""
    sizes, good = [ground.size for ground in grounds], True
    bar = allowed(sizes[0], sizes[-1])
    print(f"\n{title}: median ms; growth from {sizes[0]:,} to {sizes[-1]:,} (bar {bar:.1f} x)")
    print(f"{'':<26}" + "".join(f"{size:>11,}" for size in sizes) + f"{'growth':>10}{'size^':>8}")
    for name in grounds[0].times:
        here = [ground for ground in grounds if name in ground.times]
        times = [statistics.median(ground.times[name]) for ground in here]
        growth, has_bar = times[-1] / times[0], name not in READS_ALL
        ok = not has_bar or growth <= bar
        good &= ok
        said = "" if ok and has_bar else "  reads all" if ok else "  MISSED"
        cells = "".join(f"{seconds * 1e3:>11.3f}" for seconds in times).ljust(11 * len(sizes))
        grows = power([ground.size for ground in here], times)
        print(f"{name:<26}{cells}{growth:>8.2f} x{grows:>8.2f}{said}", flush=True)
    return good


# ---------------------------------------------------------------------- the two kinds of store


class OnSqlite:
    """Files in a folder."""

    name, is_server = "SQLite", False

    def __init__(self, root: Path) -> None:
        self.root = root

    def filled(self, trials: int, name: str) -> Store:
        folder = self.root / name
        fill(folder / "store.db", trials, 1)
        return open_store(folder)

    def again(self, name: str) -> Store:
        return open_store(self.root / name)

    def drop(self, name: str) -> None:
        shutil.rmtree(self.root / name)


class OnPostgres:
    """Databases of a server of the bench's own."""

    name, is_server = "PostgreSQL", True

    def __init__(self, root: Path) -> None:
        from luthier.testing.postgres import running

        self.server = running()

    def filled(self, trials: int, name: str) -> Store:
        url = self.server.empty(name)
        fill_server(url, trials, 1)
        return PostgresStore(url)

    def again(self, name: str) -> Store:
        return PostgresStore(self.server.url(name))

    def drop(self, name: str) -> None:
        self.server.session().execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def grounds_of(kind: Any, sizes: list[int], trials: list[int], workers: list[int]) -> Iterator[list[Ground]]:
    """An experiment for each size, each in a store of its own."""
    names = [f"scale-{size}-{many}" for size, many in zip(trials, workers, strict=True)]
    stores = []
    try:
        for name, n in zip(names, trials, strict=True):
            stores.append(kind.filled(n, name))
        grounds = [Ground(store, 1, size) for store, size in zip(stores, sizes, strict=True)]
        for ground, many in zip(grounds, workers, strict=True):
            ground.work(many)
        yield grounds
    finally:
        for store in stores:
            store.close()
        for name in names[: len(stores)]:
            kind.drop(name)


# ---------------------------------------------------------------------- the bottleneck


def commits_a_second(kind: Any) -> float:
    """How many commits of ends and claims several processes get done together: the best of some goes, for a machine that
    has other things to do makes each of them worse."""
    store = kind.filled(QUEUED, "commits")
    for first in range(1, QUEUED + 1, 500):
        with store.together():
            for number in range(first, first + 500):
                store.retry(1, number)
    store.close()
    best = max(_one_go(kind) for _ in range(GOES))
    kind.drop("commits")
    return best


def _one_go(kind: Any) -> float:
    pipes = []
    for _ in range(PROCESSES):
        read, write = os.pipe()
        if os.fork() == 0:
            os.write(write, str(_committed(kind, f"w{os.getpid()}")).encode())
            os._exit(0)
        os.close(write)
        pipes.append(read)
    done = sum(float(os.read(read, 64)) for read in pipes)
    for read in pipes:
        os.close(read)
        os.wait()
    return done


def _committed(kind: Any, worker: str) -> float:
    """Ends a trial and begins the next in one commit, as the drive does."""
    store, done = kind.again("commits"), 0
    claims = store.claim(1, 1, worker, f"{worker} begins")
    began = time.perf_counter()
    while claims and time.perf_counter() - began < COMMIT_SECONDS:
        with store.together():
            for claim in claims:
                store.finish(claim.id, Result(Outcome.SUCCEEDED, "", value=0.5))
            claims = store.claim(1, 1, worker, f"{worker} {done}")
        done += 1
    took = time.perf_counter() - began
    store.close()
    return done / took


def bottleneck(kind: Any, workers: int) -> None:
    """Names what gives way first, with its number.

    What a trial asks for is counted in a simulated world, undisturbed. Renewals are a worker's, four in a minute; they and
    reports wait for nobody on PostgreSQL, and for the one writer of a file.
    """
    commits = commits_a_second(kind)
    told = simulate(
        Plan(1, hosts=2, workers=20, trials=200, typical_seconds=60.0, lease_seconds=60.0, pace=5.0)
    )
    renewals = 0.0 if kind.is_server else 4 / 60.0  # a second and worker
    lone = told.asked["renew"] + (told.asked["report"] if kind.is_server else 0)
    each = (told.commits - lone) / told.attempts
    room = commits - workers * renewals
    seconds = workers * each / room if room > 0 else math.inf
    print(
        f"\n{kind.name}: the writers' lock. {commits:,.0f} commits/s of {PROCESSES} processes, of which a trial takes {each:.1f}: "
        f"{workers:,} workers wait for it when their trials take less than {seconds:,.1f} s",
        flush=True,
    )


def main() -> int:
    """Prints the tables; exit code 1 where a verb grows too fast."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=10_000)
    parser.add_argument("--store", action="append", choices=["sqlite", "postgres"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--world", nargs=2, type=int, metavar=("WORKERS", "TRIALS"), help="one simulated world"
    )
    parser.add_argument(
        "--place", choices=["memory", "sqlite"], default="sqlite", help="of that world's store"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="what its trials typically take")
    parser.add_argument("--commits", type=float, default=566.0, help="a second, as this bench measured them")
    asked = parser.parse_args()
    if asked.world:
        from scale_world import run_world

        good = run_world(*asked.world, asked.place, asked.seconds, asked.commits, allowed)
        return 0 if good else 1
    root = Path(tempfile.mkdtemp(prefix="luthier-bench-"))
    many = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= asked.trials]
    crowds = [size for size in (10, 100, 1_000, 10_000) if size <= asked.workers]
    good = True
    try:
        for name in asked.store or ["sqlite", "postgres"]:
            kind: Any = OnSqlite(root) if name == "sqlite" else OnPostgres(root)
            with grounds_of(kind, many, many, [AT_WORK] * len(many)) as grounds:
                measured(grounds, asked.rounds)
                good &= table(f"{kind.name}, trials", grounds)
            with grounds_of(kind, crowds, [TRIALS_OF_WORKERS] * len(crowds), crowds) as grounds:
                measured(grounds, asked.rounds)
                good &= table(f"{kind.name}, workers", grounds)
            bottleneck(kind, asked.workers if kind.is_server else min(asked.workers, ON_ONE_MACHINE))
        return 0 if good else 1
    finally:
        shutil.rmtree(root)
        from luthier.testing.postgres import stop_running

        stop_running()


if __name__ == "__main__":
    sys.exit(main())
