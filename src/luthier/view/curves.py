"""Curves as the record has them: what a trial reported of its metrics, step by step, read in pages.

A trial has one curve a metric: what its newest attempt reported. A trial in stages goes on from one attempt to the next,
so its curve is that of the newest attempt of each stage, in their order. Numbers are kept in flat arrays, so that a
million points take a few megabytes. `sparkline.py` and `curve_chart.py` draw them as text, `figures/curves.py` as a
picture, `exports.py` writes them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite

from luthier.store import Store
from luthier.trial import AttemptId, Outcome, Point, Trial

__all__ = ["Curve", "attempts_of", "came_to", "curve_of", "curves_of", "points_of"]

PAGE = 10_000


@dataclass(slots=True)
class Curve:
    """One metric of one trial. `steps` and `values` are as they were reported, `attempts` says by which."""

    metric: str
    steps: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    attempts: array[int] = field(default_factory=lambda: array("l"))

    def __len__(self) -> int:
        return len(self.values)

    def add(self, attempt: int, step: float, value: float) -> None:
        """Appends a point."""
        self.attempts.append(attempt)
        self.steps.append(step)
        self.values.append(value)

    def best(self, maximize: bool) -> int | None:
        """The place of the best finite value, the first of equals; None without any."""
        found = [place for place, value in enumerate(self.values) if isfinite(value)]
        sign = -1.0 if maximize else 1.0
        return min(found, key=lambda place: sign * self.values[place], default=None)


def attempts_of(store: Store, trial: Trial) -> tuple[int, ...]:
    """The attempts that make a trial's curves: the newest, and where it ran in stages the newest of each stage. **Cost**
    nothing, or one read where there were stages."""
    if not trial.attempt:
        return ()
    if not trial.stage:
        return (trial.attempt,)
    newest = {a.stage: a.id.attempt for a in store.attempts(trial.experiment, trial.number)}
    return tuple(newest[stage] for stage in sorted(newest))


def points_of(store: Store, trial: Trial, attempt: int) -> Iterator[Point]:
    """All points of an attempt, in the order they were reported, a page in memory at a time."""
    id, first = AttemptId(trial.experiment, trial.number, attempt), 0
    while page := store.points_from(id, first, PAGE):
        yield from page
        first += len(page)


def curves_of(store: Store, trial: Trial) -> dict[str, Curve]:
    """All curves of a trial, by metric, in the order they were first reported."""
    found: dict[str, Curve] = {}
    for attempt in attempts_of(store, trial):
        for point in points_of(store, trial, attempt):
            curve = found.get(point.metric)
            if curve is None:
                curve = found[point.metric] = Curve(point.metric)
            curve.add(attempt, point.step, point.value)
    return found


def curve_of(store: Store, trial: Trial, metric: str) -> Curve:
    """One curve of a trial; empty where it reported nothing."""
    found = Curve(metric)
    for attempt in attempts_of(store, trial):
        for point in store.points(trial.experiment, trial.number, metric, attempt):
            found.add(attempt, point.step, point.value)
    return found


def came_to(trial: Trial) -> float | None:
    """How far a trial came that was stopped or waits for its next stage, as the steps it was judged by; None for others,
    and where it was ended before it reported any."""
    result = trial.result
    if result is None or not result.curve:
        return None
    is_early = result.outcome is Outcome.STOPPED or trial.state == "waiting"
    return result.curve[-1][0] if is_early else None
