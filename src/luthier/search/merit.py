"""Several losses and the constraints as one: the place of every result in the order from the best to the worst.

What keeps the constraints comes first, by the front it stands on and then by how much hypervolume would be lost without
it; then what breaks them, the least first. For searches that only ask which results are the better ones.

**Source** Ozaki et al. (2022), Multiobjective tree-structured Parzen estimator, for the order by fronts and hypervolume.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luthier.search.pareto import contributions, ends_of, ranks

__all__ = ["breach", "merits", "order_of"]

Array = NDArray[np.float64]

FINE = 100
"""So many of the best are put in order within their fronts."""
COLUMNS = 4
"""With more objectives hypervolumes take too long, and a front stays as it is."""


def order_of(losses: Array, excesses: Array) -> Array:
    """The rank of every result: those that keep the constraints by their fronts, below zero, then the others by how much
    they break. **Shapes** (n, m) finite, (n, c) to (n,)."""
    allowed = (excesses <= 0).all(axis=1)
    broken = breach(excesses)
    rank = np.argsort(np.argsort(broken, kind="stable"), kind="stable").astype(np.float64)
    rank[allowed] = ranks(losses[allowed], FINE) - float(len(rank))
    return rank


def breach(excesses: Array) -> Array:
    """By how much each result breaks the constraints, each in units of its own middle breach. **Shapes** (n, c) to (n,)."""
    over = np.maximum(np.nan_to_num(excesses, nan=np.inf, posinf=np.inf), 0.0)
    total = np.zeros(len(over))
    for column in over.T:
        known = column[(column > 0) & np.isfinite(column)]
        unit = float(np.median(known)) if len(known) else 1.0
        most = float(known.max()) if len(known) else 1.0
        total += np.where(np.isfinite(column), column, 2.0 * most) / unit
    return total


def merits(losses: Array, excesses: Array) -> Array:
    """The place of every result among all, as a loss from 0 for the best to 1. **Shapes** (n, m) finite, (n, c) to (n,)."""
    n = len(losses)
    if not n:
        return np.empty(0)
    rank = order_of(losses, excesses)
    lost = np.zeros(n)
    allowed = np.flatnonzero(rank < 0)
    if len(allowed) and losses.shape[1] <= COLUMNS:
        low, high = ends_of(losses[allowed])
        reference = high + 0.1 * (high - low)
        fine = 0
        for level in np.unique(rank[allowed]):
            front = allowed[rank[allowed] == level]
            if fine >= FINE or len(front) > 2 * FINE:
                break
            lost[front] = contributions(losses[front], np.maximum(reference, losses[front].max(axis=0)))
            fine += len(front)
    order = np.lexsort((-lost, rank))
    places = np.empty(n)
    places[order] = np.arange(n)
    return places / n
