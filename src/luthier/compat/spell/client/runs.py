"""Runs from a program: `client.runs.new(command=…)`, `.get(id)`, `.list()`, and what a `Run` can be asked.

A run is looked up in the record each time; `refresh` only renews what its attributes say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from operator import eq, ge, gt, index, le, lt
from pathlib import Path
from typing import Any, NamedTuple

from luthier.clock import SystemClock
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.kept import Kept
from luthier.compat.spell.looking import FINAL, RunRow, command_for, find_run, labels_of, run_row
from luthier.store import Store
from luthier.trial import Outcome, Trial

__all__ = ["Metric", "Run", "RunsService", "changing", "number_of", "reading"]

BEAT_SECONDS = 0.1


class Metric(NamedTuple):
    """One value that a run sent."""

    timestamp: datetime
    index: float  # type: ignore[assignment]  # it is the word of Spell, and of tuples
    value: float


@contextmanager
def reading(folder: Path) -> Iterator[Store]:
    """The record, to be looked at. **Raises** NotFound when there is none."""
    from luthier.store import open_store

    store = open_store(folder, read_only=True)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def changing(folder: Path) -> Iterator[Store]:
    """The record, to be changed."""
    from luthier.store import open_store

    store = open_store(folder)
    try:
        yield store
    finally:
        store.close()


def number_of(id: Any) -> int:
    """The number of a search or a run, which may be a text of digits. **Raises** SpellError for anything else."""
    try:
        return index(int(id) if isinstance(id, str) else id)
    except (TypeError, ValueError):
        raise SpellError(f"{id!r} is no number of a search or a run, such as 59") from None


class Run:
    """One run: `id`, `status`, `user_exit_code`, `command`, `params`, `labels`, `hyper_search_id`, `created_at`,
    `started_at` and `ended_at` are as they were when it was last refreshed."""

    id: int
    status: str
    user_exit_code: int | None
    command: str
    params: dict[str, Any]

    def __init__(self, folder: Path, id: int) -> None:
        self._folder = folder
        self.id = id
        self.refresh()

    def refresh(self) -> None:
        """Reads anew how it stands. **Raises** NotFound when it is gone."""
        with reading(self._folder) as store:
            trial = find_run(store, self.id)
            self._take(store, trial)

    def _take(self, store: Store, trial: Trial) -> None:
        record = store.experiment(trial.experiment)
        row = run_row(record, trial, SystemClock().now())
        self._place = (trial.experiment, trial.number)
        self.status = row.status
        self.user_exit_code = row.exit_code
        self.command = command_for(record, trial)
        self.params = row.values
        self.hyper_search_id = trial.experiment
        self.description = record.description.labels.get("description")
        self.created_at = datetime.fromtimestamp(row.created).astimezone()
        self.started_at = _when(row.began)
        self.ended_at = _when(row.ended) if row.is_final else None
        self.labels = labels_of(record, self.id, Kept(self._folder))

    def _now(self, store: Store) -> RunRow:
        experiment, number = self._place
        return run_row(store.experiment(experiment), store.trial(experiment, number), SystemClock().now())

    # ------------------------------------------------------------------ metrics and logs

    @property
    def metric_names(self) -> list[str]:
        """The metrics it has sent so far."""
        from luthier.compat.spell.points import names_of

        with reading(self._folder) as store:
            return names_of(store, store.trial(*self._place))

    def metrics(self, metric_name: str, follow: bool = False, start: int | None = None) -> Iterator[Metric]:
        """The values of a metric as (timestamp, index, value); from the index `start` on. With `follow` it goes on until
        the run has ended."""
        from luthier.compat.spell.points import measured

        seen = 0
        with reading(self._folder) as store:
            while True:
                is_over = not follow or self._now(store).is_final
                values = list(measured(store, store.trial(*self._place), metric_name))
                for one in values[seen:]:
                    if start is None or one.step >= start:
                        yield Metric(one.timestamp, one.step, one.value)
                seen = max(seen, len(values))
                if is_over:
                    return
                time.sleep(BEAT_SECONDS)

    def logs(self, follow: bool = False, offset: int = 0) -> Iterator[str]:
        """The lines it printed, without the first `offset`. With `follow` it goes on until the run has ended."""
        from luthier.view.logs import Logs

        count = 0
        with reading(self._folder) as store:
            streams = [
                Logs(store, self._folder, *self._place, None, lambda files: files.stdout),
                Logs(store, self._folder, *self._place, None, lambda files: files.stderr),
            ]
            while True:
                is_over = not follow or self._now(store).is_final
                for stream in streams:
                    for line in [*stream.read(), *(stream.rest() if is_over else ())]:
                        count += 1
                        if count > offset:
                            yield line.text
                if is_over:
                    return
                time.sleep(BEAT_SECONDS)

    # ------------------------------------------------------------------ waiting

    def wait_status(self, *statuses: str, timeout: float | None = None) -> str:
        """Waits until it has one of these statuses, and returns it.

        **Raises** SpellError when it has ended otherwise, or with `timeout` after so many seconds.
        """
        unknown = [each for each in statuses if each not in STATUSES]
        if unknown or not statuses:
            raise SpellError(
                f"{unknown or 'nothing'} is no status of a run; it is one of {', '.join(STATUSES)}"
            )

        def look(store: Store) -> str | None:
            status = self._now(store).status
            return status if status in statuses else None

        found = str(self._wait(look, f"has no status of {', '.join(statuses)}", timeout))
        self.refresh()
        return found

    def wait_metric(
        self,
        metric_name: str,
        eq: float | None = None,
        gt: float | None = None,
        gte: float | None = None,
        lt: float | None = None,
        lte: float | None = None,
        timeout: float | None = None,
    ) -> Metric:
        """Waits until it has sent a value that all these comparisons hold for, and returns that.

        **Raises** SpellError when it has ended without, or with `timeout` after so many seconds.
        """
        from luthier.compat.spell.points import measured

        bounds = {"eq": eq, "gt": gt, "gte": gte, "lt": lt, "lte": lte}
        asked = [(_COMPARE[name], bound) for name, bound in bounds.items() if bound is not None]
        if not asked:
            raise SpellError("wait_metric needs one of eq, gt, gte, lt and lte")

        def look(store: Store) -> Metric | None:
            for one in measured(store, store.trial(*self._place), metric_name):
                if all(compare(one.value, bound) for compare, bound in asked):
                    return Metric(one.timestamp, one.step, one.value)
            return None

        found: Metric = self._wait(look, f"sent no such {metric_name}", timeout)
        return found

    def _wait(self, look: Callable[[Store], Any], without: str, timeout: float | None) -> Any:
        until = None if timeout is None else SystemClock().elapsed() + timeout
        with reading(self._folder) as store:
            while True:
                row = self._now(store)  # before it is looked at: what it sent last is there then
                found = look(store)
                if found is not None:
                    return found
                if row.is_final:
                    raise SpellError(f"run {self.id} has ended, {row.shown_status}, and {without}")
                if until is not None and SystemClock().elapsed() >= until:
                    raise SpellError(f"run {self.id} {without} after {timeout:g} s")
                time.sleep(BEAT_SECONDS)

    # ------------------------------------------------------------------ ending and keeping

    def stop(self) -> None:
        """Stops it; its outputs are kept. One that has not begun is killed."""
        self._end(Outcome.STOPPED)

    def kill(self) -> None:
        """Kills it; what it wrote is thrown away."""
        self._end(Outcome.KILLED)

    def _end(self, outcome: Outcome) -> None:
        from luthier.compat.spell.ending import end_run

        with changing(self._folder) as store:
            end_run(store, self._folder, store.trial(*self._place), outcome)
        self.refresh()

    def cp(self, source_path: str = "", destination_directory: str = ".") -> None:
        """Copies what it wrote, or one path of that, into a folder. **Raises** SpellError where there is no such path."""
        import shutil

        from luthier.compat.spell.resources import place_of

        found = place_of(f"runs/{self.id}/{source_path}".rstrip("/"), self._folder)
        if found is None or not found.exists():
            raise SpellError(f"runs/{self.id}/{source_path}: there is no such file or folder")
        target = Path(destination_directory)
        target.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            name = target / found.name if source_path else target
            shutil.copytree(found, name, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(found, target / found.name)

    def add_label(self, name: str) -> None:
        """Puts a label on it."""
        Kept(self._folder).label(self.id, [name], [])
        self.refresh()

    def remove_label(self, name: str) -> None:
        """Takes a label off that was put on it."""
        Kept(self._folder).label(self.id, [], [name])
        self.refresh()

    def __repr__(self) -> str:
        return f"Run(id={self.id}, status={self.status!r})"


_COMPARE: dict[str, Callable[[float, float], bool]] = {"eq": eq, "gt": gt, "gte": ge, "lt": lt, "lte": le}
STATUSES = ("queued", "running", "stopping", "killing", *FINAL)


def _when(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds).astimezone()


class RunsService:
    """Runs of a store: `new`, `get`, `list`. The statuses stand here as constants."""

    QUEUED, RUNNING, STOPPING, KILLING = "queued", "running", "stopping", "killing"
    COMPLETE, FAILED, STOPPED, KILLED, INTERRUPTED = "complete", "failed", "stopped", "killed", "interrupted"
    FINAL = FINAL

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self, command: str, **options: Any) -> Run:
        """Begins a run and returns it. The options are those of the searches.

        **Raises** SpellError for what can't run.
        """
        from luthier.compat.spell.client.starting import begun
        from luthier.space import Space

        return Run(self._folder, begun("run", Space(()), self._folder, command, options).first[0].run_id)

    def get(self, run_id: int) -> Run:
        """A run by its number. **Raises** NotFound; SpellError for what is no number."""
        return Run(self._folder, number_of(run_id))

    def list(self, limit: int | None = None) -> list[Run]:
        """All runs of the store, the newest first, or the `limit` newest."""
        with reading(self._folder) as store:
            numbers = [trial.run_id for record in store.experiments() for trial in store.trials(record.id)]
        return [Run(self._folder, number) for number in sorted(numbers, reverse=True)[:limit]]
