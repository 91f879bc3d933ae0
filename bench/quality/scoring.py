"""Judges searches: regret, area, ranks with their confidence, and paired comparisons. Arrays in, numbers out.

Regret is 1 at what random search usually has after a tenth of the budget and 0 at the least score known, cut to [0, 1],
so that no problem weighs more than another. The area is its mean over the trials. A unit is one problem with one
seed; all peers of a unit met the same noise, so they are compared within it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["Comparison", "area", "compared", "growth", "interval", "ranked", "ranks", "regrets", "trace"]

Array = NDArray[np.float64]
Searches = TypeVar("Searches", bound=Mapping[tuple[str, int], object])


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


def ranked(found: Mapping[str, Searches], names: Collection[str], focus: str | None) -> dict[str, Searches]:
    """The peers that a table of these problems ranks: who searched all that the focus did, or all without a focus.

    Means and ranks over less would be of other problems. Who is left out can be compared one by one.
    """
    wanted = {unit for unit in found.get(focus or "", ()) if unit[0] in names}
    return {peer: searches for peer, searches in found.items() if wanted <= searches.keys()}


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


def growth(
    pairs: Mapping[str, Sequence[tuple[float, float]]], rounds: int = 1000, seed: int = 1
) -> tuple[float, float, float]:
    """By what share the first numbers are larger than the second, all problems together, and its 95 % interval by
    bootstrap over whole problems. `pairs` has those of each problem; NaN of none."""
    if not pairs:
        return (np.nan, np.nan, np.nan)
    means = np.array([np.mean(pairs[name], axis=0) for name in sorted(pairs)])
    chance = np.random.Generator(np.random.PCG64(seed))
    first, second = means[chance.integers(len(means), size=(rounds, len(means)))].mean(axis=1).T
    low, high = np.quantile(first / second - 1.0, [0.025, 0.975])
    whole = means.mean(axis=0)
    return (float(whole[0] / whole[1] - 1.0), float(low), float(high))


class Comparison(NamedTuple):
    """One peer against another: in how many problems it is better, equal, worse, and the chance of so much by luck.

    `seeds` are the fewest and the most that a problem was compared with, `means` the mean of each over the problems.
    """

    better: int
    equal: int
    worse: int
    p: float
    lost: tuple[str, ...]
    seeds: tuple[int, int]
    means: tuple[float, float]

    def over(self) -> str:
        """Over how much, in words."""
        low, high = self.seeds
        count = self.better + self.equal + self.worse
        return f"{count} × {low}" if low == high else f"{count} × {low}–{high}"


def compared(ours: Mapping[tuple[str, int], float], theirs: Mapping[tuple[str, int], float]) -> Comparison:
    """A paired comparison over the units both have, less is better.

    Problems are counted by their mean over seeds; p is Wilcoxon's signed-rank test over those means, two-sided,
    because the seeds of one problem are not independent evidence. `lost` are the problems we lose, the worst first.
    """
    units = sorted(ours.keys() & theirs.keys())
    names = sorted({name for name, _ in units})
    both = [np.mean([(ours[u], theirs[u]) for u in units if u[0] == name], axis=0) for name in names]
    gaps = np.array([mine - its for mine, its in both])
    means = np.mean(both, axis=0) if both else (np.nan, np.nan)
    even = np.abs(gaps) < 1e-12
    p = float(stats.wilcoxon(gaps, zero_method="zsplit").pvalue) if len(gaps) > 1 and not even.all() else 1.0
    order = np.argsort(-gaps) if len(gaps) else []
    lost = tuple(names[i] for i in order if gaps[i] > 0 and not even[i])
    counts = [sum(unit[0] == name for unit in units) for name in names]
    return Comparison(
        int(np.sum((gaps < 0) & ~even)),
        int(even.sum()),
        int(np.sum((gaps > 0) & ~even)),
        p,
        lost,
        (min(counts, default=0), max(counts, default=0)),
        (float(means[0]), float(means[1])),
    )
