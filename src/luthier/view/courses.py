"""What a trial reported of each metric: how many points, the first, the best, the last, the extremes.

All figures of a row tell of the same points, those that make the trial's curve (`curves.py`): what the newest attempt
reported, and of a trial that came through rungs the newest attempt of each, as one curve. Folds are put side by side in
one row where each reported the metric once, by fold; where they reported it more often, each fold has a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from luthier.metrics import matching_name
from luthier.view.curves import ReportedCurve, curves_of, laid_out
from luthier.view.trials import MetricRow

if TYPE_CHECKING:
    from luthier.description import Description, Objective
    from luthier.store import Store
    from luthier.trial import Trial

__all__ = ["Course", "courses_of"]


@dataclass(frozen=True, slots=True)
class Course:
    """A row and its curve. `best` is None but for an objective, which alone can tell."""

    row: MetricRow
    curve: ReportedCurve
    first: float
    best: float | None
    best_step: float | None


def courses_of(store: Store, trial: Trial, what: Description) -> tuple[Course, ...]:
    """All courses of a trial, by metric and fold. **Cost** one reading of all its points."""
    curves = curves_of(store, trial)
    goals = {matching_name(goal.metric, curves): goal for goal in what.objectives}
    return tuple(
        _course(part, fold, goals.get(name))
        for name in store.metric_names(trial.experiment)
        if name in curves
        for fold, part in _parts(curves[name], what)
    )


def _parts(curve: ReportedCurve, what: Description) -> Iterator[tuple[int | None, ReportedCurve]]:
    """What has rows of its own: the curve, or each fold of it that has more than a point."""
    axis, laid = laid_out({0: curve}, what.stages)
    if axis in ("step", "fold"):
        yield None, laid[0]
        return
    for fold in sorted(set(curve.stages)):
        yield fold, curve.in_stage(fold)


def _course(curve: ReportedCurve, fold: int | None, goal: Objective | None) -> Course:
    numbers = [value for value in curve.values if not isnan(value)]
    last = max(range(len(curve)), key=lambda k: (curve.steps[k], k))
    row = MetricRow(
        curve.metric,
        len(curve),
        curve.values[last],
        curve.steps[last],
        min(numbers, default=None),
        max(numbers, default=None),
        sum(numbers) / len(numbers) if numbers else None,
        fold,
    )
    place = curve.best(goal.direction == "maximize") if goal else None
    if place is None:
        return Course(row, curve, curve.values[0], None, None)
    return Course(row, curve, curve.values[0], curve.values[place], curve.steps[place])
