"""What results that stand part of the way are worth beside complete ones.

A trial that was stopped at epoch 4 of 50 has told something of its configuration, but its loss there can't be set beside
the losses of trials that went to the end. The trials that went further say what it is worth, each by what it had there
itself. From the highest level down, a trial that ended at a level is given

    an estimate   of the loss at the end: a line fitted to those that went further, from what they had at this level to
                  what became of them. A model may believe it, less the further it is from the end.
    a loss        for those who only ask which trials are the better ones: the estimate, but worse than the loss of
                  every trial that went further and was ahead of it at this level. A stopped trial is thus never among the
                  best by luck or because losses rise on the way; one that nobody was ahead of is at most as good as the best.

Nothing here knows of trials or spaces: curves come as rows of numbers, padded with NaN.

**Source** the observations at rungs: Klein et al. (2020), Model-based asynchronous hyperparameter optimization (MOBSTER).
The lines and the order are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Partway", "partway_of", "thinned_curve"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

POINTS = 16
"""So many points of a curve are kept."""
LEVELS = 8
"""So many levels are told apart; a trial that ended between two of them counts as having ended at the lower one."""
HALVINGS = 8.0
"""A trial that got so many halvings short of the end has the shortfall 1."""
DOUBT = 1.0
"""So many pairs along a line of the usual slope are imagined beside those that are known."""
LARGEST = 1e100
FAR = 5.0
"""Pairs so many spreads from the middle of a level tell nothing of a line."""


@dataclass(frozen=True, eq=False)
class Partway:
    """What n observed trials are worth. **Shapes** (n,) each, by trial: `short`, the halvings of the full resource each
    one lacks, in units of HALVINGS, 0 for complete ones; `estimates` and `losses` as above, which for complete trials are
    what they reached.

    What the trials that went further had at the levels on the way are observations too: `at` (k,) whose, `at_short` (k,)
    and `at_estimates` (k,) the line's estimate made of it.
    """

    short: Array
    estimates: Array
    losses: Array
    at: NDArray[np.int64]
    at_short: Array
    at_estimates: Array


def thinned_curve(curve: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """At most POINTS pairs of a curve, evenly chosen, the last among them."""
    if len(curve) <= POINTS:
        return curve
    return tuple(curve[i] for i in np.linspace(0, len(curve) - 1, POINTS).round().astype(int).tolist())


def partway_of(resources: Array, heights: Array, reached: Array, partial: Mask) -> Partway:
    """Weighs partial trials among complete ones; less is better.

    **Shapes** the curves' `resources` and `heights` (n, points), rising, NaN after their end; `reached` (n,) the losses as
    reported, `partial` (n,) whose are not final: those have a curve. **Cost** O(LEVELS · n log n).
    """
    known = ~np.isnan(resources)
    finals = _plain(reached)
    H, R = np.full(known.shape, np.nan), np.full(known.shape, np.nan)
    H[known], R[known] = _plain(heights[known]), np.log(np.maximum(resources[known], 1e-12))
    end = np.where(known, R, -np.inf).max(axis=1)
    full = _full(end, partial)
    stops = np.where(partial, np.minimum(end, full), full)
    levels = _levels(stops[partial], full)
    ends_at = np.searchsorted(levels, stops + 1e-9, side="right") - 1  # len(levels) - 1 is the full resource
    estimates, losses = finals.copy(), finals.copy()
    short = np.zeros(len(finals))
    at: list[Array] = []
    for place in range(len(levels) - 2, -1, -1):
        level = float(levels[place])
        here = ends_at == place
        V = _heights_at(R, H, np.where(here, finals, np.nan), level)
        further = (ends_at > place) & ~np.isnan(V)
        lack = (full - level) / (HALVINGS * float(np.log(2.0)))
        short[here] = lack
        estimates[here], on_the_way = _estimated(V, estimates, here, further)
        losses[here] = _floored(V, estimates, losses, here, further, np.isfinite(reached) | partial)
        who = np.flatnonzero(further)
        at.append(np.column_stack([who, np.full(len(who), lack), on_the_way]))
    plain = ~partial
    estimates[plain], losses[plain] = reached[plain], reached[plain]
    extra = np.vstack(at) if at else np.empty((0, 3))
    return Partway(short, estimates, losses, extra[:, 0].astype(np.int64), extra[:, 1], extra[:, 2])


def _plain(values: Array) -> Array:
    """What is not a number as the worst there is, infinities as the nearest numbers, and nothing so large that its square
    would be infinite."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros_like(values)
    high, low = float(finite.max()), float(finite.min())
    return np.clip(np.nan_to_num(values, nan=high, posinf=high, neginf=low), -LARGEST, LARGEST)


def _full(end: Array, partial: Mask) -> float:
    """The logarithm of the full resource: the largest of a complete trial, else more than any partial one's, and where
    all are partial the largest there is."""
    whole = end[~partial]
    if not len(whole):
        return float(end.max())
    largest = float(whole.max())
    return largest if np.isfinite(largest) else float(end.max() + np.log(2.0))


def _levels(stops: Array, full: float) -> Array:
    """Where partial trials ended, at most LEVELS places, and the full resource; all as logarithms, rising."""
    below = np.unique(stops[stops < full - 1e-9])
    if len(below) > LEVELS:
        below = below[np.unique(np.linspace(0, len(below) - 1, LEVELS).astype(int))]
    return np.append(below, full)


def _heights_at(R: Array, H: Array, otherwise: Array, level: float) -> Array:
    """What each trial had at a level, by a line between two points of its curve; `otherwise` where its curve begins
    later. **Shapes** (n,)"""
    rows = np.arange(len(R))
    count = (level + 1e-9 >= R).sum(axis=1)  # NaN is not
    low = np.maximum(count - 1, 0)
    high = np.minimum(count, np.maximum((~np.isnan(R)).sum(axis=1) - 1, 0))
    r0, r1 = R[rows, low], R[rows, high]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(r1 > r0, (level - r0) / (r1 - r0), 0.0)
        between = H[rows, low] + np.clip(share, 0.0, 1.0) * (H[rows, high] - H[rows, low])
    return np.where(count > 0, between, otherwise)


def _estimated(V: Array, estimates: Array, here: Mask, further: Mask) -> tuple[Array, Array]:
    """What is to be expected at the end of those that ended here, and of what the others had here."""
    v, e = V[further], estimates[further]
    if not len(v):  # nobody knows how those that went on stood: they were better
        others = estimates[~here & ~np.isnan(estimates)]
        worst = float(others.max()) if len(others) else float(V[here].min())
        return worst + V[here] - float(V[here].min()), v
    slope, middle, level = _line(v, e, np.concatenate([v, V[here]]))
    return level + slope * (V[here] - middle), level + slope * (v - middle)


def _line(v: Array, e: Array, all_here: Array) -> tuple[float, float, float]:
    """The slope and the middle of a robust line from `v` to `e`, which were chosen among `all_here`."""
    spread = _spread(all_here)
    middle = float(np.median(v))
    near = np.abs(v - middle) <= FAR * spread
    v, e = (v[near], e[near]) if near.any() else (v, e)
    centre = float(np.median(e))
    reach = FAR * _spread(e)
    e = np.clip(e, centre - reach, centre + reach) if reach > 0 else e
    usual, noticed = (
        1.0,
        max(1e-12 * float(np.abs(v).max()), 1e-290),
    )  # what is less is rounding, and would overflow
    if len(v) >= 5 and _spread(v) > noticed and _spread(e) > 0:
        usual = _spread(e) / _spread(v)
    x, y = v - v.mean(), e - e.mean()
    doubt = DOUBT * spread**2
    below = float(x @ x) + doubt
    slope = (float(x @ y) + doubt * usual) / below if below > 0 else usual
    return max(slope, 0.05 * usual), float(v.mean()), float(e.mean())


def _spread(x: Array) -> float:
    """A deviation that outliers don't move, the plain one where more than half of the numbers are equal."""
    quarter = float(np.percentile(x, 75)) - float(np.percentile(x, 25))
    return quarter / 1.35 if quarter > 0 else float(x.std())


def _floored(V: Array, estimates: Array, losses: Array, here: Mask, further: Mask, counts: Mask) -> Array:
    """The losses of those that ended here: their estimates, or just worse than the worst of those that were ahead."""
    mine, wanted = V[here], estimates[here]
    ahead = further & counts
    if not ahead.any():
        return wanted
    order = np.argsort(V[ahead], kind="stable")
    worst = np.maximum.accumulate(losses[ahead][order])
    before = np.searchsorted(V[ahead][order], mine, side="left")
    floor = np.where(before > 0, worst[np.maximum(before - 1, 0)], losses[ahead].min())
    steps = 1.0 + np.argsort(
        np.argsort(wanted, kind="stable"), kind="stable"
    )  # equal floors keep their order
    return np.asarray(np.maximum(wanted, floor + steps * np.spacing(np.abs(floor))))
