"""One search that several processes work on: its record in a Luthier store, its objective and results beside it.

The store knows the configurations, who evaluates which and what came of it; leases, fences and locks are its own. What
only hyperopt's users have lies as pickles in `hyperopt/<experiment>/` of the store's folder: the objective with its space
(`domain.pickle`) and the digest of its source (`code.pickle`), and for every attempt all that it returned (`<trial>-<attempt>.pickle`). That folder may be read by its
owner alone, and no other is unpickled.
"""

from __future__ import annotations

import logging
import os
import pickle
import stat
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from luthier.clock import SystemClock
from luthier.compat.hyperopt.documents import STATUS_OK
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.evaluating import evaluated, pickled
from luthier.description import DOOR, Algorithm, Description, Objective
from luthier.drive.alive import Alive
from luthier.drive.planning import nonce
from luthier.errors import AliveError, StoreError, UsageError
from luthier.experiment.functions import CODE, digest_of
from luthier.store import Claim, ExperimentRecord, Reservation, open_store, store_folder
from luthier.trial import AttemptId, Outcome, Point, Result
from luthier.view.whole import write_whole

if TYPE_CHECKING:
    from luthier.compat.hyperopt.pool import Pool

__all__ = ["Shared", "name_of"]

logger = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
ATTEMPTS = 3
"""So often a trial is begun whose worker is lost with it, before it counts as failed."""
LOSS = "loss"
LABELS = {DOOR: "hyperopt"}


def name_of(url: str, exp_key: Any = None) -> str:
    """The name of the experiment that `mongo://HOST:PORT/DATABASE/jobs` and an experiment key mean here.

    **Raises** UsageError for a URL without a database.
    """
    rest = urlsplit(url if "://" in url else f"mongo://{url}")
    parts = [part for part in rest.path.split("/") if part]
    if rest.scheme not in ("mongo", "mongodb") or not parts:
        raise UsageError(f"{url!r} names no database; write it as mongo://HOST:PORT/DATABASE/jobs")
    name = parts[0] if exp_key in (None, parts[0]) else f"{parts[0]}.{exp_key}"
    if not name.isprintable():
        raise UsageError(
            f"{name!r} can't name a search; choose a database and an exp_key of letters and digits"
        )
    return name


class Shared:
    """A store's folder as one process works in it; `experiment` is known once it is opened or found."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or store_folder(os.environ.get("LUTHIER_STORE"), Path.cwd())
        self.clock = SystemClock()
        self.store = open_store(self.folder, self.clock)
        self.alive = Alive(self.folder)
        self.worker, self._hold = self.alive.work()
        self.experiment = 0
        self.is_changed = False
        self._driving: Any = None
        self._known: tuple[int, Domain] | None = None

    def close(self) -> None:
        """Lets go of everything; what this process held is free at once. May be repeated."""
        self._hold.release()
        if self._driving is not None:
            self._driving.release()
        self.store.close()

    # ------------------------------------------------------------------ the experiment

    def open(self, name: str, domain: Domain) -> None:
        """Finds the experiment of this name or makes it, and offers its objective to workers; `is_changed` tells then
        whether the trials that are there are those of another objective.

        **Raises** UsageError where the name belongs to a search of another space.
        """
        description = Description(
            project="hyperopt",
            space=domain.search.space,
            algorithm=Algorithm("tpe", {"repeats": domain.repeats}),
            objective=Objective(LOSS, direction="minimize"),
            name=name,
            labels=LABELS,
            function=name,
        )
        try:
            record, _ = self.store.open_experiment(description, any_seed=True, nonce=nonce())
        except UsageError as error:
            raise UsageError(
                f"the trials of {name!r} in {self.folder} are those of another space; choose another exp_key (for "
                "hyper_tune another EXPERIMENT_NAME), or forget them: MongoTrials(…).delete_all()"
            ) from error
        self.experiment = record.id
        code = digest_of(domain.fn).get(CODE, "")
        before = self._read("code") if (self._place() / "code.pickle").is_file() else ""
        self.is_changed = bool(record.finished and before and before != code)
        self._write("code", pickle.dumps(code))
        self._write("domain", pickle.dumps((sys.path, pickled(domain))))
        try:
            self._driving = self.alive.drive(record.id)
        except AliveError:
            pass  # another fmin of the same search proposes as well

    def finish(self) -> None:
        """Notes that nothing more is asked for than there is, so that the experiment is finished once all of that has
        ended. `open` takes it back."""
        record = self.store.experiment(self.experiment)
        if made := record.trials - record.reserved:
            self._aim_at(record, made)
        if self._driving is not None:
            self._driving.release()
            self._driving = None

    def reserve(self, n: int, key: str) -> list[Reservation]:
        """Numbers for up to `n` new trials; none where the space has no more configurations."""
        reserved = self.store.reserve(self.experiment, n, self.worker, key)
        record = self.store.experiment(self.experiment)
        if n and not reserved and record.description.trials is not None:
            self._aim_at(record, None)  # another fmin of this search has finished, and this one goes on
            reserved = self.store.reserve(self.experiment, n, self.worker, key)
        return reserved

    def _aim_at(self, record: ExperimentRecord, trials: int | None) -> None:
        self.store.open_experiment(record.description._replace(trials=trials), any_seed=True)

    def find(self, name: str) -> bool:
        """Finds the experiment of this name; tells whether there is one with an objective yet."""
        known: list[ExperimentRecord] = [
            r
            for r in self.store.experiments()
            if r.description.name == name and r.description.labels == LABELS
        ]
        if known:
            self.experiment = known[-1].id
        return bool(known) and (self._place() / "domain.pickle").is_file()

    def domain(self) -> Domain:
        """The objective, as it was offered last. Modules are looked for where they were found there, too.

        **Raises** UsageError where they are not found.
        """
        written = (self._place() / "domain.pickle").stat().st_mtime_ns
        if self._known is not None and self._known[0] == written:
            return self._known[1]
        path, data = self._read("domain")
        sys.path += [place for place in path if place not in sys.path]
        try:
            domain: Domain = pickle.loads(data)  # noqa: S301  read from our own folder
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"the objective of {self.experiment} can't be read here: {error}; start the worker where the objective's "
                "module can be imported (PYTHONPATH)"
            ) from error
        self._known = written, domain
        return domain

    @property
    def is_driven(self) -> bool:
        """Whether an fmin of this experiment is alive."""
        return self.alive.is_driven(self.experiment)

    # ------------------------------------------------------------------ evaluating

    @property
    def has_work(self) -> bool:
        """Whether a trial waits, or is held by somebody who may be dead."""
        record = self.store.experiment(self.experiment)
        return bool(record.queued or record.running)

    def take(self) -> Claim | None:
        """A trial that waits, if there is one; it is this process's from now on."""
        self.recover()
        claims = self.store.claim(self.experiment, 1, self.worker, nonce(), LEASE_SECONDS)
        return claims[0] if claims else None

    def evaluate(self, claim: Claim, domain: Domain, pool: Pool | None = None) -> bool:
        """Evaluates the objective here, or in the process of a `pool`, and writes down what came of it; tells whether it
        returned a result.

        **Raises** what ends this process (Ctrl-C); then the trial waits again.
        """
        number, search = claim.id.trial, domain.search
        values, began = search.assignment(claim.configuration), self.clock.elapsed()
        call = pool.evaluate if pool is not None else partial(evaluated, domain)
        with self._renewed(claim.id):
            try:
                end = call(number - 1, values)
            except BaseException:
                self.store.finish(claim.id, Result(Outcome.INTERRUPTED, "its worker was ended"), again=True)
                raise
        seconds = self.clock.elapsed() - began
        if end["died"] is not None:
            logger.error("trial %s ended its process: %s", claim.id, end["died"])
            self._lose(claim.id, f"its process ended: {end['died']}", end["died"], seconds)
            return False
        if end["error"] is not None:
            logger.error("job exception in trial %s: %s", claim.id, end["trace"] or ": ".join(end["error"]))
        kept = {key: end[key] for key in ("error", "result", "attachments")}
        self._write(f"{number}-{claim.id.attempt}", pickled(kept))
        result = _result(end, seconds)
        points = [Point(*point) for point in end["points"]]
        if result.value is not None:
            points.append(Point(LOSS, _next_step(points), result.value, self.clock.now()))
        if points:
            self.store.report(claim.id, 0, points)
        self.store.finish(claim.id, result)
        return end["error"] is None

    def end_of(self, number: int, attempt: int) -> dict[str, Any] | None:
        """What an attempt returned, raised and attached; None where it left nothing."""
        try:
            end = self._read(f"{number}-{attempt}")
        except FileNotFoundError:
            return None
        return end if isinstance(end, dict) else None

    def recover(self) -> None:
        """Queues again what dead processes were evaluating; what has outlived several counts as failed."""
        for name in self.alive.dead_workers():
            self.store.abandon(name)
        for held in self.store.held(self.experiment):
            is_dead = held.lapsed or not self.alive.is_working(held.worker)
            if (
                held.worker == self.worker
                or not is_dead
                or not self.store.adopt(held.id, held.worker, self.worker)
            ):
                continue
            self._lose(held.id, f"worker {held.worker} died", held.worker)
        for name in self.alive.dead_workers():
            if not self.store.holds_any(name):
                self.alive.bury(name)

    def _lose(self, id: AttemptId, why: str, last: str, seconds: float | None = None) -> None:
        """Queues a trial again whose process is gone; one that several were lost with counts as failed."""
        if self.lost_of(id.trial) + 1 < ATTEMPTS:
            self.store.finish(id, Result(Outcome.LOST, why, seconds=seconds), again=True)
        else:
            why = f"{ATTEMPTS} workers died evaluating it, the last one: {last}"
            self.store.finish(id, Result(Outcome.FAILED, why, seconds=seconds))

    def lost_of(self, number: int) -> int:
        """How many attempts of a trial were lost with their workers."""
        return self.store.lost(self.experiment, number)

    @contextmanager
    def _renewed(self, id: AttemptId) -> Iterator[None]:
        """Keeps the lease while the body runs."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(LEASE_SECONDS / 4):
                self.store.renew([id], self.worker, LEASE_SECONDS)

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def forget(self) -> None:
        """Removes the experiment from the store, and its pickles."""
        self.store.remove(self.experiment)
        rmtree(self._place(), ignore_errors=True)
        self.experiment = 0

    # ------------------------------------------------------------------ the pickles

    def _place(self) -> Path:
        return self.folder / "hyperopt" / str(self.experiment)

    def _write(self, name: str, data: bytes) -> None:
        for place in (self.folder / "hyperopt", self._place()):
            place.mkdir(mode=0o700, exist_ok=True)
        write_whole(self._place() / f"{name}.pickle", data, mode=0o600)

    def _read(self, name: str) -> Any:
        """**Raises** FileNotFoundError; StoreError where others could have written the file."""
        for place in (self.folder / "hyperopt", self._place()):
            about = place.stat()
            if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
                raise StoreError(
                    f"{place} can be changed by others, so nothing in it is unpickled; give it to yourself alone: "
                    f"chmod 700 {place}"
                )
        return pickle.loads((self._place() / f"{name}.pickle").read_bytes())  # noqa: S301  our own, see above


def _result(end: Mapping[str, Any], seconds: float) -> Result:
    if end["error"] is not None:
        return Result(Outcome.FAILED, ": ".join(end["error"]), seconds=seconds)
    result = end["result"]
    if result["status"] == STATUS_OK:
        return Result(Outcome.SUCCEEDED, "", float(result["loss"]), seconds=seconds)
    return Result(Outcome.FAILED, f"the objective returned status {result['status']}", seconds=seconds)


def _next_step(points: Sequence[Point]) -> float:
    """The step of the objective's own value: after what was reported of a metric of its name."""
    return max((point.step + 1 for point in points if point.metric == LOSS), default=0.0)
