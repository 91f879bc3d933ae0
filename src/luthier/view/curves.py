"""Curves as the record has them: what a trial reported of its metrics, step by step, read in pages.

A trial has one curve a metric: what its newest attempt reported. A trial in stages goes on from one attempt to the next,
so its curve is that of the newest attempt of each stage, in their order. The steps of a fold begin anew in the next one:
`laid_out` gives such curves one axis. Numbers are kept in flat arrays, so that a million points take a few megabytes.
`sparkline.py` and `text_panel.py` draw them as text, `figures/curves.py` as a picture, `exports.py` writes them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import TYPE_CHECKING, TypeVar

from luthier.history import is_partial
from luthier.store import Store
from luthier.trial import AttemptId, Point, Trial

if TYPE_CHECKING:
    from luthier.description import Stages

__all__ = [
    "ReportedCurve",
    "attempts_by_stage",
    "attempts_of",
    "came_to",
    "curve_of",
    "curves_of",
    "laid_out",
    "points_of",
]

K = TypeVar("K")

PAGE = 10_000


@dataclass(slots=True)
class ReportedCurve:
    """One metric of one trial. `steps` and `values` are as they were reported, `attempts` and `stages` say by which attempt
    and in which stage."""

    metric: str
    steps: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    attempts: array[int] = field(default_factory=lambda: array("l"))
    stages: array[int] = field(default_factory=lambda: array("l"))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_once_a_stage(self) -> bool:
        """Whether no stage reported it more than once."""
        return len(set(self.stages)) == len(self)

    def add(self, attempt: int, step: float, value: float, stage: int = 0) -> None:
        """Appends a point."""
        self.stages.append(stage)
        self.attempts.append(attempt)
        self.steps.append(step)
        self.values.append(value)

    def in_stage(self, stage: int) -> ReportedCurve:
        """What one stage reported."""
        found = ReportedCurve(self.metric)
        for k, at in enumerate(self.stages):
            if at == stage:
                found.add(self.attempts[k], self.steps[k], self.values[k], stage)
        return found

    def best(self, maximize: bool) -> int | None:
        """The place of the best finite value, the first of equals; None without any."""
        found = [place for place, value in enumerate(self.values) if isfinite(value)]
        sign = -1.0 if maximize else 1.0
        return min(found, key=lambda place: sign * self.values[place], default=None)


def attempts_by_stage(store: Store, trial: Trial) -> dict[int, int]:
    """The attempts that make a trial's curves, by stage: the newest, and where it ran in stages the newest of each stage.
    **Cost** nothing, or one read where there were stages."""
    if not trial.attempt:
        return {}
    if not trial.stage:
        return {0: trial.attempt}
    newest = {a.stage: a.id.attempt for a in store.attempts(trial.experiment, trial.number)}
    return dict(sorted(newest.items()))


def attempts_of(store: Store, trial: Trial) -> tuple[int, ...]:
    """The attempts that make a trial's curves, in the order of their stages."""
    return tuple(attempts_by_stage(store, trial).values())


def points_of(store: Store, trial: Trial, attempt: int) -> Iterator[Point]:
    """All points of an attempt, in the order they were reported, a page in memory at a time."""
    id, first = AttemptId(trial.experiment, trial.number, attempt), 0
    while page := store.points_from(id, first, PAGE):
        yield from page
        first += len(page)


def curves_of(store: Store, trial: Trial) -> dict[str, ReportedCurve]:
    """All curves of a trial, by metric, in the order they were first reported."""
    found: dict[str, ReportedCurve] = {}
    for stage, attempt in attempts_by_stage(store, trial).items():
        for point in points_of(store, trial, attempt):
            curve = found.get(point.metric)
            if curve is None:
                curve = found[point.metric] = ReportedCurve(point.metric)
            curve.add(attempt, point.step, point.value, stage)
    return found


def curve_of(store: Store, trial: Trial, metric: str) -> ReportedCurve:
    """One curve of a trial; empty where it reported nothing."""
    found = ReportedCurve(metric)
    for stage, attempt in attempts_by_stage(store, trial).items():
        for point in store.points(trial.experiment, trial.number, metric, attempt):
            found.add(attempt, point.step, point.value, stage)
    return found


def laid_out(curves: Mapping[K, ReportedCurve], stages: Stages | None) -> tuple[str, dict[K, ReportedCurve]]:
    """Curves that are looked at together, on one axis, and what that axis counts. It is `step`, as reported, except for
    folds: where none of them reported a value twice, it is `fold`; else fold follows fold."""
    if stages is None or stages.kind != "folds":
        return "step", dict(curves)
    if all(curve.is_once_a_stage for curve in curves.values()):
        return "fold", {key: _by_fold(curve) for key, curve in curves.items()}
    return "step, fold after fold", {key: _fold_after_fold(curve) for key, curve in curves.items()}


def _by_fold(curve: ReportedCurve) -> ReportedCurve:
    steps = array("d", (float(stage) for stage in curve.stages))
    return ReportedCurve(curve.metric, steps, curve.values, curve.attempts, curve.stages)


def _fold_after_fold(curve: ReportedCurve) -> ReportedCurve:
    """The same with the steps of each fold moved behind those of the folds before."""
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    for stage, step in zip(curve.stages, curve.steps, strict=True):
        if isfinite(step):
            first[stage] = min(first.get(stage, inf), step)
            last[stage] = max(last.get(stage, -inf), step)
    shifts: dict[int, float] = {}
    end: float | None = None
    for stage in first:
        shifts[stage] = 0.0 if end is None else end + 1.0 - first[stage]
        end = last[stage] + shifts[stage]
    steps = array("d", (s + shifts.get(k, 0.0) for k, s in zip(curve.stages, curve.steps, strict=True)))
    return ReportedCurve(curve.metric, steps, curve.values, curve.attempts, curve.stages)


def came_to(trial: Trial) -> float | None:
    """How far a trial came that was stopped or waits for its next stage, as the steps it was judged by; None for others,
    and where it was ended before it reported any."""
    return trial.result.curve[-1][0] if trial.result and is_partial(trial) else None
