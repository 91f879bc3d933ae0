"""A Parzen density: one product kernel on every observed row, and a broad one in the middle that stands for not knowing.

On a scale a kernel is a normal cut off at the ends of the unit interval. It is as wide as the rows spread, and narrower
the more of them there are: together the kernels are a density of all columns at once, so the more columns, the wider.
Integers and steps are judged where they run: candidates and centres are snapped values, and a kernel is never
narrower than half the way to the next one. On a category a kernel gives one count to its own value and shares
one more, divided by the number of kernels, among all.

**Source** Bergstra et al. (2011), Algorithms for hyper-parameter optimization; the floor and the smoothing of categories
as in Watanabe (2023), arXiv 2304.11127; the widths after Scott (1992), Multivariate density estimation, 6.42, halved:
gaps between neighbours, which the former two use, are noise when there are more than a few columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from luthier.search.frame import LISTED, Array, Frame

__all__ = ["Parzen", "is_listed", "parzen"]

Columns = NDArray[np.int64]

NARROWING = 0.5
FLOOR = 0.03
"""No kernel is narrower, as a share of the range."""
PRIOR_VARIANCE = 1.0 / 12.0  # of the uniform distribution: what one more row, the prior, adds to the spread
HALF_LOG_2PI = 0.9189385332046727


@dataclass(frozen=True, eq=False)
class Parzen:
    """A mixture of K kernels over some columns of a frame; the last kernel is the prior.

    `scales` and `categories` are the columns of each kind; `centres` and `widths` (K, scales) belong to the first,
    `places` (K, categories), -1 in the prior, and `tables`, the units of their values, to the second. `log_weights`
    (K,) sum to one as weights.
    """

    scales: Columns
    categories: Columns
    centres: Array
    widths: Array
    places: NDArray[np.int64]
    tables: tuple[Array, ...]
    log_weights: Array

    def log_kernels(self, rows: Array, places: NDArray[np.int64]) -> Array:
        """The logarithm of every kernel, without its weight. **Shapes** rows (m, d), places (m, d) to (m, K).

        A normal's exponent is a quadratic in x, so all kernels at all rows are one matrix product.
        """
        mu, s = self.centres, self.widths
        inside = ndtr((1.0 - mu) / s) - ndtr(-mu / s)
        constant = -(0.5 * (mu / s) ** 2 + np.log(s * inside) + HALF_LOG_2PI).sum(axis=1)
        x = rows[:, self.scales]
        precision = s**-2
        logs: Array = np.hstack([x * x, x]) @ np.hstack([-0.5 * precision, mu * precision]).T
        logs += constant
        for k, j in enumerate(self.categories.tolist()):
            own, other = _shares(len(mu), len(self.tables[k]))
            logs += np.where(places[:, j, None] == self.places[:, k], log(own), log(other))
            logs[:, -1] -= log(len(self.tables[k])) + log(other)
        return logs

    def draw(self, rows: Array, kernels: NDArray[np.int64], generator: np.random.Generator) -> None:
        """Fills this density's columns of `rows` (m, d) with draws from the kernels of these numbers (m,)."""
        mu, s = self.centres[kernels], self.widths[kernels]
        low, high = ndtr(-mu / s), ndtr((1.0 - mu) / s)
        inside = low + generator.random(mu.shape) * (high - low)
        rows[:, self.scales] = np.clip(mu + s * ndtri(inside), 0.0, 1.0)
        for k, j in enumerate(self.categories.tolist()):
            count = len(self.tables[k])
            _, other = _shares(len(self.centres), count)
            own = self.places[kernels, k]
            anywhere = (own < 0) | (generator.random(len(rows)) < count * other)
            rows[:, j] = self.tables[k][np.where(anywhere, generator.integers(count, size=len(rows)), own)]

    def choose(self, m: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """The numbers of m kernels drawn by weight."""
        ends = np.cumsum(np.exp(self.log_weights))
        chosen = np.searchsorted(ends, generator.random(m) * ends[-1], side="right")
        within: NDArray[np.int64] = np.minimum(chosen, len(ends) - 1)
        return within


def _shares(n: int, count: int) -> tuple[float, float]:
    """What a category's kernel gives to its own value and to each of the others, of `n` kernels in all."""
    other = 1.0 / (n + 1) / count
    return other + n / (n + 1), other


def parzen(frame: Frame, columns: Columns, rows: Array, weights: Array) -> Parzen:
    """The density of rows that have all of the columns. **Shapes** rows (n, d), weights (n,) above zero.

    **Holds** the prior kernel weighs as much as an average row.
    """
    listed = is_listed(frame)[columns]
    scales, categories = columns[~listed], columns[listed]
    n = len(rows)
    places = np.full((n + 1, len(categories)), -1, dtype=np.int64)
    for k, j in enumerate(categories.tolist()):
        places[:n, k] = frame.places(rows, j)
    weights = np.append(weights, weights.mean() if n else 1.0)
    return Parzen(
        scales=scales,
        categories=categories,
        centres=np.vstack([rows[:, scales], np.full((1, len(scales)), 0.5)]),
        widths=np.vstack([_widths(frame, scales, rows[:, scales]), np.ones((1, len(scales)))]),
        places=places,
        tables=tuple(table for j in categories.tolist() if (table := frame.tables[j]) is not None),
        log_weights=np.log(weights / weights.sum()),
    )


def is_listed(frame: Frame) -> NDArray[np.bool_]:
    """Which columns are treated as categories: those without an order, and those of two values, where order says
    nothing. **Shapes** (d,)"""
    listed: NDArray[np.bool_] = (frame.is_category | (frame.counts == 2)) & (frame.counts <= LISTED)
    return listed


def _widths(frame: Frame, scales: Columns, centres: Array) -> Array:
    """How wide the kernels on these centres are. **Shapes** centres (n, s) to (n, s)."""
    n, s = centres.shape
    if not n:
        return np.empty((0, s))
    variance = (n * centres.var(axis=0) + PRIOR_VARIANCE) / (n + 1)
    even = np.maximum(NARROWING * np.sqrt(variance) * n ** (-1.0 / (s + 4)), FLOOR)
    widths = np.tile(even, (n, 1))
    for k, j in enumerate(scales.tolist()):
        if frame.counts[j]:
            widths[:, k] = np.maximum(widths[:, k], _half_steps(frame, j, centres[:, k]))
    return widths


def _half_steps(frame: Frame, j: int, centres: Array) -> Array:
    """Half the mean distance from each centre to the values next to it in a column of steps. **Shapes** (n,)."""
    table = frame.tables[j]
    if table is None:
        return np.full(len(centres), 0.5 / frame.counts[j])
    place = np.searchsorted((table[1:] + table[:-1]) / 2, centres)
    before, after = np.maximum(place - 1, 0), np.minimum(place + 1, len(table) - 1)
    half: Array = 0.5 * (table[after] - table[before]) / (after - before)
    return half
