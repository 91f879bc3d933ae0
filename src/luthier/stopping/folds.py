"""Folds of a cross-validation, or repeats: a trial ends as soon as the rest of its folds will hardly make it the best.

Each point is a fold. A trial is compared with the best complete one fold by fold, so that what makes a fold easy or hard
for everybody falls out. How far the rest can still move the mean is known from all trials together: what is left of their
values once the mean of each trial and of each fold is taken away.

**Source** the paired t-test with pooled variance and finite-population correction: of M folds, m are known, and the mean
difference of all lies around that of the m with variance s² (1/m - 1/M).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, isfinite, sqrt

from luthier.curves import Curve, Curves, Standing
from luthier.stopping.rule import Decision, likely

__all__ = ["Folds"]

PRIOR = 4.0
"""The first guess of the variance counts as so many observations: the spread over the best trial's own folds."""

SURE = 5
"""From so many complete trials on one fold can be enough; before that it takes two."""

ASKED = 64
"""The variance is taken from the better half of so many trials, the newest: poor ones often have another."""


@dataclass(frozen=True)
class Folds:
    """Stops where the probability that all the folds would make the trial better than the best one is below `chance`.
    `folds` is how many there are; where it is None, as many as a complete trial had."""

    chance: float = 0.05
    folds: int | None = None

    @property
    def name(self) -> str:
        return "folds"

    def decide(self, curves: Curves, number: int) -> Decision | None:
        curve = curves.get(number)
        if curve is None or curve.standing is not Standing.RUNNING or not curve.parts:
            return None
        best = best_of(curves)
        if best is None:
            return None
        done, whole = len(curve.parts), self.folds or len(curves[best].parts or ())
        if done >= whole or (done < 2 and len(curves.complete) < SURE):
            return None
        ours, theirs = paired(curve, curves[best])
        if not ours:
            return None
        differences = [a - b for a, b in zip(ours, theirs, strict=True)]
        behind = sum(differences) / len(differences)
        if behind <= 0:  # level or ahead
            return None
        if isfinite(behind):
            left = variance(curves, best) * 2.0 * max(1.0 / len(differences) - 1.0 / whole, 0.0)
            chance = 0.5 * erfc(behind / sqrt(2.0 * left)) if left > 0 else 0.0
        else:
            chance = 0.0
        if chance >= self.chance:
            return None
        mean, other = (curves.shown(sum(values) / len(values)) for values in (ours, theirs))
        reason = (
            f"{mean} on average over {len(ours)} of {whole} folds, where the best trial has {other}; "
            f"all folds together would make it better with a chance of {likely(chance)}"
        )
        return Decision(True, reason, self.name, float(done))

    def explain(self) -> str:
        return (
            "folds: a trial is stopped as soon as it has less than a "
            f"{100 * self.chance:.0f} % chance to be better than the best one over all folds"
        )


def best_of(curves: Curves) -> int | None:
    """The complete trial with the least mean over its parts, of those that have the most parts."""

    def compute() -> int | None:
        found = [
            (-len(c.parts), sum(c.parts.values()) / len(c.parts), n)
            for n, c in curves.complete.items()
            if c.parts and not any(v != v for v in c.parts.values())
        ]
        return min(found)[2] if found else None

    made: int | None = curves.noted("best over parts", compute)
    return made


def paired(curve: Curve, other: Curve) -> tuple[list[float], list[float]]:
    """The values of two trials in the folds that both have; one that is no number is as bad as can be."""
    parts, others = curve.parts or {}, other.parts or {}
    common = [fold for fold in parts if fold in others]
    return [float("inf") if parts[f] != parts[f] else parts[f] for f in common], [others[f] for f in common]


def variance(curves: Curves, best: int) -> float:
    """The variance of a single value around the means of its trial and its fold."""

    def compute() -> float:
        own = [v for v in (curves[best].parts or {}).values() if isfinite(v)]
        mean = sum(own) / len(own) if own else 0.0
        first = sum((v - mean) ** 2 for v in own) / max(len(own) - 1, 1)
        folds = list(curves[best].parts or ())
        rows = [
            [c.parts[f] for f in folds]
            for c in list(curves.complete.values())[-ASKED:]
            if c.parts and all(isfinite(c.parts.get(f, float("nan"))) for f in folds)
        ]
        rows = sorted(rows, key=sum)[: max(SURE, (len(rows) + 1) // 2)]
        free = (len(rows) - 1) * (len(folds) - 1)
        return (PRIOR * first + _left_over(rows)) / (PRIOR + free) if free > 0 else first

    return float(curves.noted(("variance over parts", best), compute))


def _left_over(rows: list[list[float]]) -> float:
    """The sum of squares of what is left without the means of rows and columns."""
    means = [sum(row) / len(row) for row in rows]
    columns = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    mean = sum(means) / len(means)
    left: float = 0.0
    for row, row_mean in zip(rows, means, strict=True):
        left += sum((v - row_mean - column + mean) ** 2 for v, column in zip(row, columns, strict=True))
    return left
