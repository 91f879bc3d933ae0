"""How fast many processes claim from one store, and that together they make exactly what was asked for.

    python bench/claims.py [--workers 64] [--trials 1000] [--turns 3]

On PostgreSQL and, in the same run and turn about, on SQLite. *Claims*: the trials are queued, and all processes claim them
one by one until none is left; what is counted is from the first claim to the last, not how long processes take to start.
*Whole trials*: the same processes begin with nothing, reserve, propose, claim, report and finish, and end with exactly the
trials that were asked for, each claimed once. The server is the tests' own (`luthier.testing.postgres`): its files are in
memory where the machine has such a folder, `fsync` is on. Exit code 1 when PostgreSQL's median is below 200 claims a second, or
anything is not exact.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from luthier.store import Store
from luthier.store.postgres import PostgresStore
from luthier.store.sqlite import SqliteStore
from luthier.testing.faults import Ledger, fork, wait
from luthier.testing.postgres import running, stop_running
from luthier.testing.store_scene import configuration, describe
from luthier.testing.store_worker import Worker

BAR = 200.0  # claims a second

Opening = Callable[[], Store]


def crowd(n: int, prepare: Callable[[], Callable[[], None]]) -> None:
    """Has `n` processes prepare, and then do what that gave them, all at once."""
    there, start = os.pipe(), os.pipe()

    def child() -> None:
        os.close(start[1])
        body = prepare()
        os.write(there[1], b".")
        os.read(start[0], 1)  # ends when the parent closes its end
        body()

    pids = [fork(child) for _ in range(n)]
    for _ in pids:
        os.read(there[0], 1)
    os.close(start[1])
    ends = [wait(pid) for pid in pids]
    for fd in (*there, start[0]):
        os.close(fd)
    assert ends == [0] * n, f"processes ended with {ends}"


def claims_a_second(opening: Opening, ledger: Ledger, workers: int, trials: int) -> float:
    """All processes claim what is queued, one by one."""
    with closing(opening()) as store:
        e = store.open_experiment(describe(None))[0].id
        for first in range(0, trials, 500):
            chosen = [configuration(n) for n in range(first, min(trials, first + 500))]
            store.enqueue(e, chosen, f"queued {first}")

    def prepare() -> Callable[[], None]:
        worker = Worker(opening(), ledger)

        def claim_all() -> None:
            began, taken = time.monotonic(), 0
            while worker.store.claim(e, 1, worker.name, worker.nonce()):
                taken += 1
            ledger.note("took", taken, began, time.monotonic())

        return claim_all

    crowd(workers, prepare)
    took = [line[1:] for line in ledger.lines()]
    with closing(opening()) as store:
        attempts = [trial.attempt for trial in store.trials(e)]
    assert sum(line[0] for line in took) == trials and attempts == [1] * trials, "not claimed once each"
    return trials / (max(line[2] for line in took) - min(line[1] for line in took))


def trials_a_second(opening: Opening, ledger: Ledger, workers: int, trials: int) -> float:
    """All processes work from nothing to exactly so many trials."""
    with closing(opening()) as store:
        e = store.open_experiment(describe(trials))[0].id

    def prepare() -> Callable[[], None]:
        worker = Worker(opening(), ledger)
        return lambda: worker.work(batch=8)

    began = time.monotonic()
    crowd(workers, prepare)
    seconds = time.monotonic() - began
    with closing(opening()) as store:
        record = store.experiment(e)
    claims = sum(line[0] == "claimed" for line in ledger.lines())
    assert record.trials == record.finished == claims == trials, f"{claims} claims, {record}"
    return trials / seconds


def fresh(kind: str, folder: Path) -> Opening:
    """How an empty store of this kind is opened."""
    if kind == "postgres":
        url = running().empty("claims")
        return lambda: PostgresStore(url, patience_seconds=60.0)
    return lambda: SqliteStore(folder / "store.db")


def measure(
    what: Callable[[Opening, Ledger, int, int], float], kind: str, workers: int, trials: int
) -> float:
    """One measurement on an empty store."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder = Path(tempfile.mkdtemp(prefix="luthier-claims-", dir=memory))
    try:
        return what(fresh(kind, folder), Ledger(folder / "ledger"), workers, trials)
    finally:
        shutil.rmtree(folder)


def main() -> int:
    """Measures turn about and prints; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    is_good = True
    print(
        f"{asked.workers} processes, {asked.trials} trials, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':<22}{'PostgreSQL':>12}{'SQLite':>12}{'ratio':>8}   range of PostgreSQL")
    for what, name, bar in (
        (claims_a_second, "claims a second", BAR),
        (trials_a_second, "whole trials a second", None),
    ):
        found: dict[str, list[float]] = {"postgres": [], "sqlite": []}
        for _ in range(asked.turns):
            for kind, figures in found.items():
                figures.append(measure(what, kind, asked.workers, asked.trials))
        ours, peer = (statistics.median(figures) for figures in found.values())
        told = "" if bar is None else f", bar {bar:g} {'ok' if ours >= bar else 'MISSED'}"
        is_good &= bar is None or ours >= bar
        spread = f"{min(found['postgres']):.0f} to {max(found['postgres']):.0f}"
        print(f"{name:<22}{ours:>12.0f}{peer:>12.0f}{ours / peer:>8.2f}   {spread}{told}", flush=True)
    print(
        f"exactly {asked.trials} trials, each claimed once: {2 * 2 * asked.turns} of {2 * 2 * asked.turns} runs"
    )
    stop_running()
    return 0 if is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
