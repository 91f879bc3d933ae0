"""Where a curve will end, from its beginning: a power law, held to what complete trials did.

y(t) = a + b·t^-c by linear least squares for each c of a grid, later points weighing more, the slope b drawn towards the
median of complete trials; the laws are averaged by how well they fit. One of them is a straight line: it is what fits a
trial that has hardly begun to learn, or learns faster and faster, and without it those are stopped that win in the end.
How wrong such a guess is wont to be is not taken from the fit but from the complete trials: each of their curves is cut
off at the same resource and guessed as well.

**Shapes** t, y (n,); c, a, b (8,). **Cost** about 0.1 ms for a curve, kept until its next point.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan, floor, inf, log2, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from luthier.curves import Curve, Curves

__all__ = ["LEAST", "Guess", "guess"]

LEAST = 4
"""Fewer points are no curve."""

MOST = 32
"""Of a longer curve so many points are taken, closer together towards its end."""

POWERS = np.array([-1.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5])
HUGE = 1e100
"""What is as large is no number to compute with."""

PULL = 2.0
"""The complete trials' slope counts as much as so many points."""

CHECKED = 64
"""The errors of so many complete trials say how wrong guesses are."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Guess:
    """What a curve is thought to end with: a loss, and its deviation."""

    mean: float
    deviation: float

    def chance_below(self, loss: float) -> float:
        """The probability that it ends with less than `loss`. The errors of guesses have heavy tails: theirs is Student's
        distribution with three degrees of freedom."""
        if not self.deviation > 0:
            return float(self.mean < loss)
        x = (loss - self.mean) / (self.deviation * sqrt(3.0))
        chance = 0.5 + (x / (1.0 + x * x) + atan(x)) / pi if abs(x) < HUGE else float(x > 0)
        return min(max(chance, 0.0), 1.0)


def guess(curves: Curves, number: int, end: float) -> Guess | None:
    """Where trial `number` will be at the resource `end`; None while it has too few points. A curve that is no number, or
    endless, will stay so."""
    curve = curves[number]
    place = curve.resource
    if not abs(curve.loss) < HUGE:
        return Guess(inf if curve.loss != curve.loss else curve.loss, 0.0) if curve.count >= LEAST else None
    t, y = _points(curve, place)
    if len(t) < LEAST:
        return None
    key = ("guess", end, curves.endings)
    if key not in curve.notes:
        mean, spread = _fit(t, y, end, _slopes(curves))
        usual = _usual_error(curves, place, end)
        curve.notes[key] = Guess(mean, max(spread, usual))
    made: Guess = curve.notes[key]
    return made


def _points(curve: Curve, place: float) -> tuple[Array, Array]:
    """The points up to a resource that are numbers, thinned."""
    t, y = np.frombuffer(curve.resources), np.frombuffer(curve.losses)
    upto = int(np.searchsorted(t, place, side="right"))
    t, y = t[:upto], y[:upto]
    fine = (np.abs(y) < HUGE) & (t > 0) & (t < HUGE)
    t, y = t[fine], y[fine]
    if len(t) > MOST:
        kept = np.unique((len(t) - 1) * np.sqrt(np.linspace(0.0, 1.0, MOST))).astype(int)
        t, y = t[np.unique(kept)], y[np.unique(kept)]
    return t.copy(), y.copy()  # a view would forbid the curve to grow


def _fit(t: Array, y: Array, end: float, slopes: Array | None) -> tuple[float, float]:
    """The mean and the deviation of the value at `end` over the power laws."""
    w = t / t.sum()
    z = t ** -POWERS[:, None]
    level, middle = float(w @ y), z @ w
    dz, dy = z - middle[:, None], y - level
    spread = (dz * dz) @ w
    pull = PULL / len(t) * spread * (POWERS > 0) + 1e-300
    towards = np.zeros(len(POWERS)) if slopes is None else slopes
    # the slope: weighted least squares with the pull towards the usual one
    b = ((dz * dy) @ w + (pull * towards if slopes is not None else 0.0)) / (
        spread + (pull if slopes is not None else 1e-300)
    )
    left = dy - b[:, None] * dz
    squares = (left * left) @ w
    noise = max(float(squares.min()), 1e-24)
    weights = np.exp(-0.5 * len(t) * np.minimum(squares / noise - 1.0, 1e3))
    weights /= weights.sum()
    ends = level + b * (end**-POWERS - middle)
    mean = float(weights @ ends)
    far = (end**-POWERS - middle) ** 2 / np.maximum(spread, 1e-300) / len(t)
    variance = float(weights @ ((ends - mean) ** 2 + noise * (1.0 + far)))
    return mean, sqrt(variance)


def _slopes(curves: Curves) -> Array | None:
    """The median slope of the complete trials under each power; None while there is none."""

    def compute() -> Array | None:
        found = [slope for curve in _recent(curves) if (slope := _slope(curve)) is not None]
        return np.median(np.array(found), axis=0) if found else None

    made: Array | None = curves.noted("slopes", compute)
    return made


def _slope(curve: Curve) -> Array | None:
    if "slope" not in curve.notes:
        t, y = _points(curve, curve.resource)
        made = None
        if len(t) >= LEAST:
            w = t / t.sum()
            dz = t ** -POWERS[:, None]
            dz -= (dz @ w)[:, None]
            made = ((dz * (y - w @ y)) @ w) / np.maximum((dz * dz) @ w, 1e-300)
        curve.notes["slope"] = made
    slope: Array | None = curve.notes["slope"]
    return slope


def _usual_error(curves: Curves, place: float, end: float) -> float:
    """How wrong a guess made at about this resource is wont to be: the root mean square over complete trials, outliers
    cut."""
    place = 2.0 ** (floor(2.0 * log2(place)) / 2.0)

    def compute() -> float:
        found = [error for curve in _recent(curves) if (error := _error(curve, place, end)) is not None]
        if not found:
            return 0.0
        errors = np.array(found)
        cut = 5.0 * float(np.median(errors)) + 1e-300
        return sqrt(float(np.mean(np.minimum(errors, cut) ** 2)))

    return float(curves.noted(("usual error", place, end), compute))


def _error(curve: Curve, place: float, end: float) -> float | None:
    """How wrong the guess would have been for a complete trial."""
    key = ("error", place, end)
    if key not in curve.notes:
        t, y = _points(curve, place)
        known = curve.at(end)
        made = None
        if len(t) >= LEAST and known is not None and abs(known) < HUGE:
            made = abs(_fit(t, y, end, None)[0] - known)
        curve.notes[key] = made
    error: float | None = curve.notes[key]
    return error


def _recent(curves: Curves) -> list[Curve]:
    """The complete trials that are asked; the newest, where they are many."""
    return list(curves.complete.values())[-CHECKED:]
