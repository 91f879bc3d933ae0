"""Trials that a program asks for and runs itself: keeps what they report, and what the stopping rules make of it.

The drive's own referee decides, from the same record and in the same words; here it is handed the points, and it is
remembered what the program was told. Nothing is ended: the program does that, or goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import NamedTuple

from luthier import metrics
from luthier.clock import Clock
from luthier.drive.judging import with_aims
from luthier.drive.referee import Referee, Stop, decided_stop
from luthier.experiment.asking import holder, lease_seconds
from luthier.store import ExperimentRecord, Store, Verdict
from luthier.trial import AttemptId, Outcome, Point, Result

__all__ = ["Hearing"]


class Heard(NamedTuple):
    """An attempt as the referee asks for it (`drive.referee.Reporting`)."""

    id: AttemptId
    summaries: Collection[str]


@dataclass
class Told:
    """What a program was told of an attempt: why it is to end, if it is, and whether it reported more of the objective
    after that."""

    stop: Stop | None = None
    went_on: bool = False


class Hearing:
    """The asked trials of one experiment, for one program. It may be shared by threads."""

    def __init__(self, store: Store, record: ExperimentRecord, folder: Path | None, clock: Clock) -> None:
        self._store = store
        self._description = record.description
        self._folder = folder
        self._clock = clock
        self._referee = Referee(store, record.id, record.description, holder(folder), clock)
        self._told: dict[AttemptId, Told] = {}
        self._guard = RLock()

    def keep(
        self, id: AttemptId, step: float, values: Mapping[str, float], *, is_over: bool = False
    ) -> str | None:
        """Keeps the points of one step, and the attempt for its program a while longer. Why it is to end, which is told
        from then on; None while it may go on. Nothing is decided where it `is_over`.

        **Holds** the points are durable on return, and so is a decision.
        """
        with self._guard:
            before = self._store.points(id.experiment, id.trial, attempt=id.attempt)
            known, names = len(before), {point.metric for point in before}
            now = self._clock.now()
            points = [Point(name, float(step), float(value), now) for name, value in values.items()]
            verdict = self._store.report(id, known, points)
            self._store.renew([id], holder(self._folder), lease_seconds(self._folder))
            if verdict is not Verdict.ACCEPTED:
                return None
            told = self._known(id, names, known)
            if told.stop is not None:
                told.went_on |= self._has_objective(points)
                is_over = True
            heard = Heard(id, names | set(values))
            stop = self._referee.hear(heard, points, is_over=is_over)
            told.stop = stop or told.stop
            return told.stop.reason if told.stop is not None else None

    def end(self, id: AttemptId, result: Result, *, again: bool = False) -> Verdict:
        """Writes how an attempt ended, with what the objective was on its way. A success is a trial that went all the way:
        one that ended where it was told to was stopped."""
        with self._guard:
            points = self._store.points(id.experiment, id.trial, attempt=id.attempt)
            summaries = metrics.summarize(points)
            told = self._known(id, summaries, len(points))
            was_told = told.stop is not None and not told.stop.completes and not told.went_on
            if result.outcome is Outcome.SUCCEEDED and was_told:
                result = result._replace(outcome=Outcome.STOPPED)
            if result.outcome is Outcome.STOPPED and not result.reason:
                result = result._replace(reason=told.stop.reason if told.stop else "its program stopped it")
            if result.outcome in (Outcome.SUCCEEDED, Outcome.STOPPED):
                result = with_aims(self._description, result, summaries)
            result = self._referee.ended(Heard(id, summaries), result)
            verdict = self._store.finish(id, result, again=again)
            del self._told[id]
            return verdict

    def objective_value(self, id: AttemptId) -> float | None:
        """What an attempt has reported of the objective, as one number."""
        assert self._description.objective is not None
        points = self._store.points(id.experiment, id.trial, attempt=id.attempt)
        return metrics.objective_value(self._description.objective, metrics.summarize(points))

    def _known(self, id: AttemptId, names: Collection[str], known: int) -> Told:
        """What was told of an attempt; where another `Experiment` has heard its first points, the record says."""
        if id not in self._told:
            told = self._told[id] = Told()
            points = self._store.points(id.experiment, id.trial, attempt=id.attempt)[:known] if known else []
            self._referee.know(Heard(id, names), points)
            if points and self._referee.decides:
                self._read(id, points, told)
        return self._told[id]

    def _read(self, id: AttemptId, points: Sequence[Point], told: Told) -> None:
        for event in self._store.decisions(id.experiment, id.trial):
            if event.attempt == id.attempt and event.detail["stops"]:
                told.stop = decided_stop(event.detail)
                told.went_on = self._has_objective([point for point in points if point.time > event.time])
                return

    def _has_objective(self, points: Sequence[Point]) -> bool:
        names = {point.metric for point in points}
        return any(metrics.matching_name(each.metric, names) for each in self._description.objectives)
