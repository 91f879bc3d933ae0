"""What is best when there are several losses: domination, ranks, hypervolume, and the region that is still to be won.

One row of losses is as good as another or better in every column: it dominates it. The front are the rows that none
dominates; the hypervolume is the volume they dominate, up to a reference that bounds it. Everything here is exact, for
any number of columns, and less is better throughout. Nothing here knows of spaces or trials.

**Source** Zitzler and Thiele (1998) for the hypervolume; While et al. (2012), A fast way of calculating exact
hypervolumes (WFG), for more than two columns; Lacour et al. (2017), A box decomposition algorithm to compute the
hypervolume indicator, for `boxes`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["boxes", "contributions", "ends_of", "front_of", "hypervolume", "ranks"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]

BEYOND = 0.1
"""How far beyond the worst of a front its reference lies, as a share of the front's width."""
CHUNK = 256
"""So many rows are compared with the front at once."""
BARELY, FAR = 0.03, 0.3
"""What is barely and what is far worse, as shares of the front's width."""


def front_of(Y: Array) -> Places:
    """The places of the rows that no other row dominates, ascending; equal rows are all there. **Shapes** (n, m).

    A row that holds NaN is dominated by every row that holds none. **Cost** O(n · size of the front · m).
    """
    Y = np.where(np.isnan(Y).any(axis=1, keepdims=True), np.inf, Y)
    order = np.lexsort(Y.T[::-1])  # what dominates a row stands before it
    front: list[int] = []
    for begin in range(0, len(order), CHUNK):
        part = order[begin : begin + CHUNK]
        part = part[~_beaten(Y[part], Y[front])]
        inner: list[int] = []
        for place in part.tolist():
            if not _beaten(Y[[place]], Y[inner])[0]:
                inner.append(place)
        front += inner
    return np.sort(np.array(front, dtype=np.int64))


def _beaten(rows: Array, by: Array) -> NDArray[np.bool_]:
    """Which rows are dominated by one of the others. **Shapes** (k, m), (f, m) to (k,)."""
    if not len(by):
        return np.zeros(len(rows), dtype=bool)
    as_good = np.all(by[None] <= rows[:, None], axis=2)
    better = np.any(by[None] < rows[:, None], axis=2)
    return np.asarray(np.any(as_good & better, axis=1))


def ranks(Y: Array, enough: int | None = None) -> Places:
    """The rank of every row: 0 on the front, 1 on the front of the rest, and so on. **Shapes** (n, m) to (n,).

    Once `enough` rows are ranked, all others get the next rank.
    """
    rank = np.zeros(len(Y), dtype=np.int64)
    left = np.arange(len(Y))
    ranked, level = 0, 0
    while len(left):
        rank[left] = level
        if enough is not None and ranked >= enough:
            break
        front = front_of(Y[left])
        ranked += len(front)
        left = np.delete(left, front)
        level += 1
    return rank


def ends_of(Y: Array) -> tuple[Array, Array]:
    """The best and the worst of the front in every column, without the rows that are barely better in one column and far
    worse in another: the region they open is large and worth nothing, and a search would go on and on after it. Where
    the front has no width the width of all rows stands for it. **Shapes** (n, m) finite, n > 0, to (m,), (m,).

    **Source** for such rows, Ikeda et al. (2001), Failure of Pareto-based MOEAs: does non-dominated really mean near to
    optimal?
    """
    front = np.unique(Y[front_of(Y)], axis=0)
    while True:
        width = np.ptp(front, axis=0)
        worse = (front - front[:, None]) / np.where(
            width > 0, width, 1.0
        )  # [i, k]: by how much k is worse than i
        won, lost = -worse.min(axis=2), worse.max(axis=2)
        poor = (won <= BARELY) & (lost >= FAR)
        if not poor.any():
            break
        # One at a time, the poorest bargain first: its width made the others look alike.
        bargain = np.where(poor, lost / np.maximum(won, 1e-300), 0.0).max(axis=0)
        front = np.delete(front, int(np.argmax(bargain)), axis=0)
    width = np.where(width > 0, width, np.ptp(Y, axis=0))
    low = front.min(axis=0)
    return low, low + np.where(width > 0, width, 1.0)


def hypervolume(Y: Array, reference: Array) -> float:
    """The volume that the rows dominate up to the reference. Rows that are not below it in every column add nothing.

    **Shapes** (n, m), (m,). **Cost** O(n log n) for two columns; for more it grows fast with the front and the columns.
    """
    inside = Y[(Y < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    front = np.unique(inside[front_of(inside)], axis=0)
    return _volume(front, reference)


def _volume(front: Array, reference: Array) -> float:
    """As `hypervolume`, of different rows that don't dominate one another, sorted by their first column."""
    m = front.shape[1]
    if len(front) == 1:
        return float(np.prod(reference - front[0]))
    if m == 1:
        return float(reference[0] - front[:, 0].min())
    if m == 2:
        heights = np.concatenate([reference[1:], front[:-1, 1]]) - front[:, 1]
        return float((reference[0] - front[:, 0]) @ heights)
    if m == 3:
        return _layers(front, reference)
    total = 0.0
    for place, row in enumerate(front):
        total += float(np.prod(reference - row))
        after = np.maximum(front[place + 1 :], row)
        if len(after):
            total -= _volume(np.unique(after[front_of(after)], axis=0), reference)
    return total


def _layers(front: Array, reference: Array) -> float:
    """Three columns: slices of the third, each as wide as the staircase of the rows below it. **Cost** O(n²)."""
    by_height = front[np.argsort(front[:, 2], kind="stable")]
    tops = np.append(by_height[1:, 2], reference[2])
    stairs = np.empty((0, 2))
    total = 0.0
    for row, top in zip(by_height, tops.tolist(), strict=True):
        flat = row[:2]
        if not (stairs <= flat).all(axis=1).any():
            stairs = stairs[~(stairs >= flat).all(axis=1)]
            stairs = np.insert(stairs, np.searchsorted(stairs[:, 0], flat[0]), flat, axis=0)
        if top > row[2]:
            total += _volume(stairs, reference[:2]) * (top - float(row[2]))
    return total


def contributions(Y: Array, reference: Array) -> Array:
    """How much hypervolume each row of the front has for itself; zero for all others. **Shapes** (n, m), (m,) to (n,).

    It is the row's own volume without what the rest of the front, cut down to it, dominates of it.
    **Cost** O(n log n) for two columns, else a small hypervolume for each row.
    """
    gains = np.zeros(len(Y))
    front = front_of(Y)
    inside = front[(Y[front] < reference).all(axis=1)]
    if Y.shape[1] == 2:
        gains[inside] = _steps(Y[inside], reference)
        return gains
    for place in inside.tolist():
        row, others = Y[place], Y[inside[inside != place]]
        shared = hypervolume(np.maximum(others, row), reference)
        gains[place] = max(float(np.prod(reference - row)) - shared, 0.0)
    return gains


def _steps(front: Array, reference: Array) -> Array:
    """Two columns: each row's own rectangle, up to its neighbours on the front. **Shapes** (f, 2), (2,) to (f,)."""
    order = np.lexsort(front.T[::-1])
    x, y = front[order].T
    wide = np.append(x[1:], reference[0]) - x
    high = np.append(reference[1], y[:-1]) - y
    gains = np.empty(len(front))
    gains[order] = wide * high
    return gains


def boxes(Y: Array, reference: Array) -> tuple[Array, Array]:
    """The region below the reference that no row dominates, cut into boxes that don't overlap: their low corners, some
    of them at minus infinity, and their high corners. **Shapes** (n, m), (m,) to (b, m), (b, m).

    A new row wins of every box what it dominates of it, so what an improvement can be expected to win is a sum over
    boxes. **Cost** O(n b m²); b is at most n + 1 for two columns, 2 n + 1 for three.
    """
    m = len(reference)
    inside = Y[(Y < reference).all(axis=1)]
    front = np.unique(inside[front_of(inside)], axis=0) if len(inside) else np.empty((0, m))
    corners, _ = _corners(front, reference)
    # Turned over, the region is what the corners dominate, with no bound.
    far = np.full(m, np.inf)
    tops, makers = _corners(-corners, far)
    low, high = np.empty_like(tops), tops.copy()
    low[:, 0], high[:, 0] = tops[:, 0], np.inf
    for j in range(1, m):
        low[:, j] = makers[:, :j, j].max(axis=1)
    real = (low < high).all(axis=1)
    return -high[real], -low[real]


def _corners(front: Array, reference: Array) -> tuple[Array, Array]:
    """The high corners (b, m) of the region that no row dominates, and the rows (b, m, m) that make them: row j of a
    corner gives its coordinate j.

    Rows are added one by one; a corner above the new row splits into one for each column.
    """
    m = len(reference)
    corners = reference[None].astype(np.float64)
    makers = np.full((1, m, m), -np.inf)
    makers[0, np.arange(m), np.arange(m)] = reference
    for row in front:
        above = (row < corners).all(axis=1)
        old, made_by = corners[above], makers[above]
        new_corners, new_makers = [corners[~above]], [makers[~above]]
        for j in range(m):
            others = np.delete(made_by[:, :, j], j, axis=1).max(axis=1, initial=-np.inf)
            fine = row[j] >= others
            moved, by = old[fine].copy(), made_by[fine].copy()
            moved[:, j], by[:, j] = row[j], row
            new_corners.append(moved)
            new_makers.append(by)
        corners, makers = np.concatenate(new_corners), np.concatenate(new_makers)
    return corners, makers
