"""Turns the points of a metric into one number: last, min, max or avg.

A `Summary` is folded point by point, so no series is kept or read again. Which metric the objective means,
where programs spell it differently, is decided here too; what to say when it is missing is `explain.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from luthier.description import Aggregate, Constraint, Objective
from luthier.trial import Point

__all__ = ["Summary", "matching_name", "objective_value", "summarize"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of one metric's points. A fresh one has seen none.

    `last` is the value at the highest step, the newest of several there. `numbers` counts the values that are
    not NaN: minimum, maximum and total are theirs, unless there are no others.
    """

    count: int = 0
    numbers: int = 0
    last: float = math.nan
    minimum: float = math.nan
    maximum: float = math.nan
    total: float = 0.0
    first_step: float = math.nan
    last_step: float = math.nan

    @classmethod
    def of(cls, point: Point) -> Summary:
        """The summary of a single point."""
        return cls().fold(point)

    def fold(self, point: Point) -> Summary:
        """This summary with one more point."""
        value, step = point.value, point.step
        newest = not step < self.last_step
        counts = value == value
        low, high = (self.minimum, self.maximum) if self.numbers else (value, value)
        return Summary(
            count=self.count + 1,
            numbers=self.numbers + counts,
            last=value if newest else self.last,
            minimum=min(low, value) if counts else self.minimum,
            maximum=max(high, value) if counts else self.maximum,
            total=self.total + value if counts else self.total,
            first_step=self.first_step if step > self.first_step else step,
            last_step=step if newest else self.last_step,
        )

    def value(self, how: Aggregate) -> float:
        """The series as one number; NaN where it has none."""
        match how:
            case "last":
                return self.last
            case "min":
                return self.minimum
            case "max":
                return self.maximum
            case "avg":
                return self.total / self.numbers if self.numbers else math.nan


def summarize(points: Iterable[Point], into: dict[str, Summary] | None = None) -> dict[str, Summary]:
    """Folds points into one summary per metric; `into` is added to and returned."""
    summaries = {} if into is None else into
    for point in points:
        known = summaries.get(point.metric)
        summaries[point.metric] = known.fold(point) if known else Summary.of(point)
    return summaries


def objective_value(objective: Objective | Constraint, summaries: Mapping[str, Summary]) -> float | None:
    """The number to be made large or small, or kept within bounds; None where the metric was not reported. It may be NaN."""
    name = matching_name(objective.metric, summaries)
    return None if name is None else summaries[name].value(objective.aggregate)


def matching_name(metric: str, names: Iterable[str]) -> str | None:
    """Which of `names` is meant by `metric`: itself, or itself with or without `keras/` before it.

    Spell named the metrics of Keras so: `keras/val_acc` is met by whatever Keras calls that number, which depends on its
    version (`acc` has become `accuracy`) and on where it is written: `val_accuracy` in its progress lines,
    `validation/epoch_accuracy` in its event files.
    """
    known = set(names)
    plain = metric.removeprefix("keras/")
    candidates = [metric, plain, f"keras/{plain}"]
    if metric != plain:
        candidates += _names_in_keras(plain)
    return next((name for name in candidates if name in known), None)


_ACCURACIES = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy")


def _names_in_keras(plain: str) -> list[str]:
    """What Keras may call the metric `plain` (`val_acc`, `loss`), the likeliest first."""
    bare = plain.removeprefix("val_")
    same = [bare, *(name for name in _ACCURACIES if name != bare)] if bare in _ACCURACIES else [bare]
    is_training = bare == plain
    runs = ["epoch_", "train/epoch_"] if is_training else ["validation/epoch_", "val/epoch_", "epoch_val_"]
    before = "" if is_training else "val_"
    printed = [f"{lead}{before}{name}" for name in same for lead in ("", "keras/")]
    return printed + [f"{run}{name}" for name in same for run in runs]
