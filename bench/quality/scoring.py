"""Judges searches: regret, area, ranks with their confidence, and paired comparisons. Arrays in, numbers out.

Regret is 1 at what random search usually has after a tenth of the budget and 0 at the least score known, cut to [0, 1],
so that no problem weighs more than another. The area is its mean over the trials. A unit is one problem with one
seed; all peers of a unit met the same noise, so they are compared within it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["Comparison", "area", "compared", "interval", "ranks", "regrets", "trace"]

Array = NDArray[np.float64]


def trace(steps: Sequence[Sequence[float]], trials: int, budget: int) -> Array:
    """The score after every trial, infinite before the first success.

    **Shapes** (budget,). A search that ended early keeps what it had.
    """
    found = np.full(budget, np.inf)
    for place, score in steps:
        found[int(place) - 1 :] = score
    return found


def regrets(scores: Array, best: float, ordinary: float) -> Array:
    """The normalised regret of scores. **Shapes** as given. A problem where random search is perfect has none."""
    if not ordinary > best:
        return np.where(scores > best, 1.0, 0.0)
    return np.clip((scores - best) / (ordinary - best), 0.0, 1.0)


def area(regret: Array) -> float:
    """The any-time area: the mean regret over the trials. **Shapes** (budget,)."""
    return float(np.mean(regret))


def ranks(values: Array) -> Array:
    """The rank of each peer in each unit, 1 the least; ties share. **Shapes** (units, peers), NaN for who took no part."""
    found = np.full(values.shape, np.nan)
    for row, ranked in zip(values, found, strict=True):
        present = ~np.isnan(row)
        ranked[present] = stats.rankdata(row[present])
    return found


def interval(
    values: Array, groups: Sequence[str], rounds: int = 1000, seed: int = 1
) -> tuple[float, float, float]:
    """The mean and its 95 % interval by bootstrap over whole problems, whose seeds are alike.

    **Shapes** values (units,), one group (problem) for each unit.
    """
    kept = ~np.isnan(values)
    names = sorted({g for g, k in zip(groups, kept, strict=True) if k})
    if not names:
        return (np.nan, np.nan, np.nan)
    labels = np.array(groups)
    means = np.array([values[kept & (labels == name)].mean() for name in names])
    chance = np.random.Generator(np.random.PCG64(seed))
    drawn = means[chance.integers(len(names), size=(rounds, len(names)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return (float(means.mean()), float(low), float(high))


class Comparison(NamedTuple):
    """One peer against another: in how many problems it is better, equal, worse, and the chance of so much by luck."""

    better: int
    equal: int
    worse: int
    p: float
    lost: tuple[str, ...]


def compared(ours: Mapping[tuple[str, int], float], theirs: Mapping[tuple[str, int], float]) -> Comparison:
    """A paired comparison over the units both have, less is better.

    Problems are counted by their mean over seeds; p is Wilcoxon's signed-rank test over those means, two-sided,
    because the seeds of one problem are not independent evidence. `lost` are the problems we lose, the worst first.
    """
    units = sorted(ours.keys() & theirs.keys())
    names = sorted({name for name, _ in units})
    gaps = np.array([np.mean([ours[u] - theirs[u] for u in units if u[0] == name]) for name in names])
    even = np.abs(gaps) < 1e-12
    p = float(stats.wilcoxon(gaps, zero_method="zsplit").pvalue) if len(gaps) > 1 and not even.all() else 1.0
    order = np.argsort(-gaps) if len(gaps) else []
    lost = tuple(names[i] for i in order if gaps[i] > 0 and not even[i])
    return Comparison(
        int(np.sum((gaps < 0) & ~even)), int(even.sum()), int(np.sum((gaps > 0) & ~even)), p, lost
    )
