"""What the true values of configurations may be, as draws: from repeated runs, or from a model's beliefs.

A configuration's true value is the mean of endlessly many runs of it. Chance is fixed by a seed, and the same for
every question, so that the same record gives the same answer. Nothing here knows of trials or experiments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Draws", "from_beliefs", "from_repeats"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]

DRAWS = 8192
SEED = 20_240_229
MOST = 200
"""Configurations that are drawn; those behind so many better means can't be best."""
LEVELS = 48
SPREADS = 64
"""Points at which the variance within configurations and the deviation between them are weighed."""


@dataclass(frozen=True)
class Draws:
    """Draws of the true values. **Shapes** `values` (draws, k), `means` (k,), the best mean first; `places` tells which
    of the given configurations each column is, `noise` the deviation between runs of one, where runs told it."""

    values: Array
    means: Array
    places: tuple[int, ...]
    noise: float | None = None


def from_beliefs(means: Array, drawn: Array, maximize: bool) -> Draws:
    """The joint draws of a model, of the leading configurations alone. The first one is always among them.

    **Shapes** means (m,), drawn (draws, m).
    """
    places = _leading(means, maximize)
    return _ordered(drawn[:, places], means[places], places, maximize)


def from_repeats(runs: Sequence[Sequence[float]], maximize: bool) -> Draws:
    """Draws of the posterior given all runs: at least one of each configuration, and a second one of any. The first
    configuration is always among them.

    Runs are normal about a configuration's true value, with one variance for all; the true values of the contenders
    are normal about a common mean. So the best of many single runs is expected to have been lucky, and one that was
    repeated less so. The deviation between configurations has a flat prior, their common variance a flat one of its
    logarithm; with fewer than three configurations the former can't be known, and their values stand alone.

    **Source** A. Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), eqs. 5.17, 5.20 and 5.21, where the variance
    within is known; here it is summed over together with the deviation between.
    """
    values = [np.asarray(each, dtype=np.float64) for each in runs]
    y = np.array([each[0] + (each - each[0]).mean() for each in values])  # exact where all are equal
    kept = _contenders(y, maximize)
    variance, spare = _pooled([values[place] for place in kept])
    if not spare:
        variance, spare = _pooled(values)
    places = kept[_leading(y[kept], maximize)]
    if variance == 0:
        return _ordered(y[None, places], y[places], places, maximize, noise=0.0)
    n = np.array([float(len(each)) for each in values])
    rng = np.random.Generator(np.random.PCG64(SEED))
    if len(kept) < 3:
        wide = np.sqrt(spare / rng.chisquare(spare, (DRAWS, 1)) * variance / n[places])
        mean, deviation = np.broadcast_to(y[places], wide.shape), wide
    else:
        of = _Population(y[kept], n[kept], spare * variance, spare)
        mean, deviation = of.draw(y[places], n[places], rng)
    drawn = mean + deviation * rng.standard_normal((DRAWS, len(places)))
    return _ordered(drawn, mean.mean(axis=0), places, maximize, noise=float(np.sqrt(variance)))


def _pooled(runs: Sequence[Array]) -> tuple[float, int]:
    """The variance within configurations and its degrees of freedom."""
    spare = sum(len(values) - 1 for values in runs)
    moved = [values - values[0] for values in runs]  # so that equal values give nothing, not a rounding error
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in moved)
    return (squares / spare if spare else 0.0), spare


class _Population:
    """The joint posterior of the variance within configurations and the deviation between them, on a grid.

    **Shapes** y, n (m,): each configuration's mean and number of runs; `squares` and `spare` are the sum of squares
    within configurations and its degrees of freedom.
    """

    def __init__(self, y: Array, n: Array, squares: float, spare: int) -> None:
        # Levels of the variance that are equally likely by the repeats alone, whose law is scaled inverse chi-square.
        chances = np.random.Generator(np.random.PCG64(SEED)).chisquare(spare, 64 * LEVELS)
        self.within = squares / np.quantile(chances, (np.arange(LEVELS) + 0.5) / LEVELS)
        widest = 1.5 * (y.max() - y.min())
        self.between = (np.arange(SPREADS) + 0.5) / SPREADS * widest
        total = self.within[:, None, None] / n + self.between[:, None] ** 2
        self.precision = (1 / total).sum(axis=2)
        self.middle = (y / total).sum(axis=2) / self.precision
        errors = ((y - self.middle[..., None]) ** 2 / total).sum(axis=2)
        log = -0.5 * (np.log(self.precision) + np.log(total).sum(axis=2) + errors)
        weight = np.exp(log - log.max())
        self.weight = weight / weight.sum()

    def draw(self, y: Array, n: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draws of configurations' conditional means and deviations. **Shapes** y, n (k,) to two of (draws, k)."""
        which = rng.choice(self.weight.size, DRAWS, p=self.weight.ravel())
        level, spread = np.unravel_index(which, self.weight.shape)
        noise = rng.standard_normal(DRAWS)
        common = self.middle[level, spread] + noise / np.sqrt(self.precision[level, spread])
        between = self.between[spread, None] ** 2
        within = self.within[level, None] / n
        share = between / (between + within)
        return share * y + (1 - share) * common[:, None], np.sqrt(share * within)


def _contenders(y: Array, maximize: bool) -> Places:
    """The places of the first value and of all that are no outliers on the bad side, where a run that diverged would
    pass for the spread of the good ones.

    **Source** J. Tukey's inner fence, 1.5 quartile ranges below the lower quartile, with that range taken from the
    better half alone (a departure): up to half of the runs may have diverged.
    """
    better = y if maximize else -y
    middle, high = np.quantile(better, [0.5, 0.75])
    is_kept = better >= middle - 4 * (high - middle)
    is_kept[0] = True
    return np.flatnonzero(is_kept)


def _leading(means: Array, maximize: bool) -> Places:
    """The places of the best means, and of the first configuration, whose single value was the best."""
    order = np.argsort(-means if maximize else means, kind="stable")[:MOST]
    return order if 0 in order else np.append(order[: MOST - 1], 0)


def _ordered(
    values: Array, means: Array, places: Places, maximize: bool, noise: float | None = None
) -> Draws:
    order = np.argsort(-means if maximize else means, kind="stable")
    return Draws(values[:, order], means[order], tuple(int(place) for place in places[order]), noise)
