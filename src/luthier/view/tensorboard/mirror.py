"""Writes an experiment as a folder of TensorBoard runs, and what is new of it at each `refresh`.

A trial is a folder, named `144.7`, with one event file that is only added to; below it are links to the event files the
trial wrote itself. TensorBoard believes the first end of a run that it hears of, so a trial that ended and is tried again
becomes another run, `144.7 (attempt 2)`, in place of the first. Each fold has curves of its own, `accuracy/fold 2`. The
columns of the HParams table are said once, when the first trial has ended and it is known what trials report; until then
TensorBoard makes them up from the trials it sees. It reads the record and writes nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from luthier import metrics
from luthier.metrics.event_files import LINKS, MARK
from luthier.metrics.walk import Walk
from luthier.run.folders import Folders
from luthier.store import ExperimentRecord, Store
from luthier.trial import Attempt, Outcome, Trial, TrialState
from luthier.view.tensorboard import columns, encoding
from luthier.view.trials import attempt_row

__all__ = ["Mirror"]

_OURS = ".luthier"


@dataclass
class _Run:
    """How far a trial has been written."""

    path: Path
    attempt: int = 0
    points: int = 0
    means: int = 0
    revision: int = -1
    is_ended: bool = False
    has_columns: bool = False
    walk: Walk = field(default_factory=lambda: Walk(MARK))


class Mirror:
    """The runs of one experiment in `directory`; `folders` is where its trials' files are, for those they wrote.

    **Holds** after each `refresh` all that the record has is there. What an earlier mirror wrote there of the same trials
    is written anew; nothing else is touched.
    """

    def __init__(self, store: Store, experiment: int, folders: Folders, directory: Path) -> None:
        self.directory = directory
        self._store = store
        self._experiment = experiment
        self._folders = folders
        self._runs: dict[int, _Run] = {}
        self._is_said = False
        self._tells_complete = False
        what = store.experiment(experiment).description
        self._folds = what.stages if what.in_folds else None
        self._columns = columns.columns_of(what.space)

    def refresh(self, now: float) -> int:
        """Adds what is new and returns how many runs there are. **Cost** ten microseconds a point."""
        record = self._store.experiment(self._experiment)
        begun = [t for t in self._store.history(self._experiment).trials if t.attempt or t.result]
        is_ended = any(t.state is TrialState.FINISHED for t in begun)
        names = self._store.metric_names(self._experiment) if is_ended or not self._is_said else []
        for trial in begun:
            run = self._run(trial)
            if run.is_ended and trial.attempt > run.attempt:
                run = self._anew(trial, run)
            lines: list[bytes] = []
            if is_ended and not self._is_said:
                self._tells_complete = columns.may_be_stopped(record.description, begun)
                said = columns.metrics_of(record.description, names, complete=self._tells_complete)
                lines.append(encoding.experiment(record.created, self._columns, said))
                self._is_said = run.has_columns = True
            if run.revision != trial.revision or trial.state is TrialState.RUNNING:
                lines += self._news(record, trial, run, names, now)
                self._link(trial, run, now)
                run.revision = trial.revision
            if lines:
                with run.path.open("ab") as file:
                    file.write(b"".join(lines))
        return len(self._runs)

    def _run(self, trial: Trial) -> _Run:
        """The run of a trial, begun when it is first met."""
        run = self._runs.get(trial.number)
        if run is not None:
            return run
        for later in self.directory.glob(f"{trial.name} (attempt *)"):
            _clear(later)
        return self._begin(trial, trial.name)

    def _anew(self, trial: Trial, run: _Run) -> _Run:
        """The run of a trial that had ended and is tried again: another one, in place of the first."""
        _clear(run.path.parent)
        self._is_said &= not run.has_columns
        return self._begin(trial, f"{trial.name} (attempt {trial.attempt})")

    def _begin(self, trial: Trial, name: str) -> _Run:
        folder = self.directory / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"*{MARK}*{_OURS}"):
            old.unlink()
        began = trial.began if trial.began is not None else trial.created
        run = _Run(folder / f"events.out.{MARK}.{int(began):010d}{_OURS}")
        assert trial.configuration is not None, "a trial that has begun has its configuration"
        values = columns.values_of(self._columns, trial.configuration)
        run.path.write_bytes(encoding.beginning(began) + encoding.session_start(began, trial.name, values))
        self._runs[trial.number] = run
        return run

    def _news(
        self, record: ExperimentRecord, trial: Trial, run: _Run, names: Sequence[str], now: float
    ) -> Iterator[bytes]:
        """What a trial has reported since it was last written, and its end."""
        attempts = self._store.attempts(trial.experiment, trial.number) if self._folds else []
        for attempt in range(max(run.attempt, 1), trial.attempt + 1):
            points = self._store.points(trial.experiment, trial.number, attempt=attempt)
            if attempt != run.attempt and run.attempt and points and not self._folds:
                # It began again, or goes on with its next rung. Of folds it would take away the others' points.
                yield encoding.restart(points[0].time, min(point.step for point in points))
            written = run.points if attempt == run.attempt else 0
            within = f"/fold {attempts[attempt - 1].stage}" if self._folds else ""
            for point in points[written:]:
                yield encoding.scalar(point.time, point.step, f"{point.metric}{within}", point.value)
            run.attempt, run.points = attempt, len(points)
        yield from self._means(record, run, attempts, names, now)
        if trial.state is TrialState.FINISHED and not run.is_ended:
            run.is_ended = True
            ended = trial.ended if trial.ended is not None else now
            yield from self._values(record, trial, names, ended)
            went_well = trial.result is not None and trial.result.outcome in (
                Outcome.SUCCEEDED,
                Outcome.STOPPED,
            )
            if self._tells_complete and columns.COMPLETE not in names:
                is_complete = trial.result is not None and trial.result.outcome is Outcome.SUCCEEDED
                yield encoding.scalar(ended, 0.0, columns.COMPLETE, float(is_complete))
            yield encoding.session_end(ended, went_well)

    def _means(
        self,
        record: ExperimentRecord,
        run: _Run,
        attempts: Sequence[Attempt],
        names: Sequence[str],
        now: float,
    ) -> Iterator[bytes]:
        """Of a trial run fold by fold, the mean of its folds as it stood after each of them."""
        for attempt in attempts[run.means :]:
            if attempt.ended is None:
                break
            run.means += 1
            row = attempt_row(attempt, now, self._folds)
            if row.mean_of is not None and row.value is not None and record.description.objective is not None:
                tag = columns.objective_tag(record.description.objective, names, in_folds=True)
                yield encoding.scalar(attempt.ended, row.mean_of, tag, row.value)

    def _values(
        self, record: ExperimentRecord, trial: Trial, names: Sequence[str], time: float
    ) -> Iterator[bytes]:
        """The values of its objectives, where they are not the last points of their metrics. Those of folds are told one by
        one."""
        result = trial.result
        if result is None or result.value is None or self._folds:
            return
        summaries = {row.metric: row for row in self._store.summaries(trial.experiment, trial.number)}
        for objective, value in zip(
            record.description.objectives, result.values or (result.value,), strict=False
        ):
            name = metrics.matching_name(objective.metric, summaries)
            row = summaries[name] if name is not None else None
            if row is None or objective.aggregate != "last":
                step = row.last_step if row else 0.0
                yield encoding.scalar(time, step, columns.objective_tag(objective, names), value)

    def _link(self, trial: Trial, run: _Run, now: float) -> None:
        """Links the event files that the newest attempt of a trial wrote below its run."""
        if not trial.attempt:
            return
        attempt = self._folders.attempt(trial.experiment, trial.number, trial.attempt)
        for path in run.walk.look(attempt.path, now):
            place = os.path.dirname(os.path.relpath(path, attempt.path)).split("/")
            if place[0] in (LINKS, os.path.basename(attempt.outputs)):
                place = place[1:]
            folder = run.path.parent.joinpath(*(place if place and place[0] else ["own"]))
            link = folder / os.path.basename(path)
            if not link.is_symlink():
                folder.mkdir(parents=True, exist_ok=True)
                link.symlink_to(os.path.realpath(path))


def _clear(folder: Path) -> None:
    """Removes from a run's folder what a mirror wrote, and the folder if that was all."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_symlink() or path.name.endswith(_OURS):
            path.unlink()
        elif path.is_dir():
            with suppress(OSError):  # something else is in it
                path.rmdir()
    with suppress(OSError):
        folder.rmdir()
