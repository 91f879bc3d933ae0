"""Predicted against observed: what an algorithm expected of each trial, and how honest its bands were.

A proposal that was made by a model says the mean and the deviation it expected. Set beside what the trial reached,
many of them show whether the model knows how little it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

from luthier.history import is_partial
from luthier.trial import Outcome, Trial

__all__ = ["Prediction", "calibration", "predicted"]

_BAND = 1.959963984540054
"""Deviations to either side of the mean that hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was expected of a trial and what it reached. `z` is the surprise in deviations; an infinite one means that
    the model was sure and wrong."""

    trial: int
    mean: float
    deviation: float
    observed: float
    z: float


def predicted(trials: Sequence[Trial]) -> tuple[Prediction, ...]:
    """The trials that succeeded with a finite value and whose proposal said what to expect, in the order given."""
    rows = []
    for trial in trials:
        why, result = trial.proposal, trial.result
        if why is None or why.mean is None or why.deviation is None or result is None or is_partial(trial):
            continue
        if result.outcome is Outcome.SUCCEEDED and result.value is not None and isfinite(result.value):
            z = _surprise(result.value - why.mean, why.deviation)
            rows.append(Prediction(trial.number, why.mean, why.deviation, result.value, z))
    return tuple(rows)


def _surprise(error: float, deviation: float) -> float:
    if deviation > 0:
        return error / deviation
    return 0.0 if error == 0 else inf if error > 0 else -inf


def calibration(rows: Sequence[Prediction]) -> str | None:
    """`of 45 predictions 93 % fell inside their 95 % band`; None where nothing was predicted."""
    if not rows:
        return None
    inside = sum(abs(row.z) <= _BAND for row in rows)
    if len(rows) == 1:
        return f"the one prediction fell {'inside' if inside else 'outside'} its 95 % band"
    return f"of {len(rows)} predictions {100 * inside / len(rows):.0f} % fell inside their 95 % band"
