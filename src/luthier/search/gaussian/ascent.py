"""Climbs from many starts at once inside the unit cube: L-BFGS with the box projected, one memory for each start.

All starts are evaluated in one call, which costs little more than one, but each keeps its own pairs of differences:
climbing on the sum of all starts mixes their curvatures and converges more slowly.

**Source** Nocedal and Wright (2006), algorithm 7.4; Bertsekas (1982) for the projection; Irie et al. (2025) for keeping
the starts apart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["climb"]

Array = NDArray[np.float64]

MEMORY = 6
HALVINGS = 6
ENOUGH = 1e-4  # the share of the promised rise that a step has to bring (Armijo)


def climb(
    value_and_gradient: Callable[[Array, NDArray[np.int64]], tuple[Array, Array]],
    starts: Array,
    scale: Array,
    steps: int = 25,
    flat: float = 1e-3,
) -> tuple[Array, Array]:
    """The highest points reached, and their values.

    `value_and_gradient` takes points (q, d) and which starts (q,) they belong to. `scale` (d,) are the typical lengths on
    which the function changes; coordinates with scale 0 stay. **Shapes** starts (b, d) in [0, 1] to (b, d) and (b,).
    """
    x = starts.copy()
    b, d = x.shape
    f, g = value_and_gradient(x, np.arange(b))
    pairs_s, pairs_y = np.zeros((MEMORY, b, d)), np.zeros((MEMORY, b, d))
    rho = np.zeros((MEMORY, b))  # zero: no pair
    metric = scale**2
    going = np.isfinite(f)
    for step in range(steps):
        blocked = ((x <= 0.0) & (g < 0.0)) | ((x >= 1.0) & (g > 0.0)) | (scale == 0.0)
        free = np.where(blocked, 0.0, g)
        going &= (np.abs(free) * scale).max(axis=1, initial=0.0) > flat
        if not going.any():
            break
        direction = np.where(blocked, 0.0, _two_loops(free, pairs_s, pairs_y, rho, metric, step))
        uphill = np.einsum("bd,bd->b", direction, free)
        lost = uphill <= 0
        direction[lost] = (free * metric)[lost]
        x_new, f_new, g_new, moved = _search(
            value_and_gradient, x, f, g, direction, going, first=step == 0, scale=scale
        )
        s, y = x_new - x, g - g_new  # y of the function turned over, so that its curvature is positive
        curved = np.einsum("bd,bd->b", s, y)
        good = moved & (curved > 1e-12 * np.einsum("bd,bd->b", y, y))
        slot = step % MEMORY
        pairs_s[slot], pairs_y[slot] = s, y
        rho[slot] = np.where(good, 1.0 / np.where(good, curved, 1.0), 0.0)
        gain = f_new - f
        x, f, g = x_new, f_new, g_new
        going &= moved & (gain > 1e-5)
    return x, f


def _two_loops(g: Array, S: Array, Y: Array, rho: Array, metric: Array, step: int) -> Array:
    """The quasi-Newton direction for every start. **Shapes** g (b, d), S, Y (memory, b, d), rho (memory, b)."""
    order = [(step - 1 - k) % MEMORY for k in range(min(step, MEMORY))]  # newest first
    q = g.copy()
    weights = {}
    for k in order:
        weights[k] = rho[k] * np.einsum("bd,bd->b", S[k], q)
        q -= weights[k][:, None] * Y[k]
    gamma = np.ones(len(g))
    if order:
        k = order[0]
        bent = np.einsum("bd,d,bd->b", Y[k], metric, Y[k])
        known = (rho[k] > 0) & (bent > 0)
        gamma = np.where(known, 1.0 / np.where(known, rho[k] * bent, 1.0), 1.0)
    r = gamma[:, None] * metric * q
    for k in reversed(order):
        back = rho[k] * np.einsum("bd,bd->b", Y[k], r)
        r += (weights[k] - back)[:, None] * S[k]
    return r


def _search(
    value_and_gradient: Callable[[Array, NDArray[np.int64]], tuple[Array, Array]],
    x: Array,
    f: Array,
    g: Array,
    direction: Array,
    going: NDArray[np.bool_],
    *,
    first: bool,
    scale: Array,
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Halves the step of each start until it rises enough. Starts that never do stay where they are."""
    x, f, g = x.copy(), f.copy(), g.copy()
    length = np.ones(len(x))
    if first:  # no curvature is known yet: at most a quarter of the typical length
        used = np.where(scale > 0, scale, 1.0)
        reach = np.abs(direction / used).max(axis=1)
        length = np.minimum(1.0, 0.25 / np.maximum(reach, 1e-300))
    waiting, moved = going.copy(), np.zeros(len(x), dtype=bool)
    for _ in range(HALVINGS):
        which = np.flatnonzero(waiting)
        if not len(which):
            break
        tried = np.clip(x[which] + length[which, None] * direction[which], 0.0, 1.0)
        value, gradient = value_and_gradient(tried, which)
        promised = np.einsum("bd,bd->b", g[which], tried - x[which])
        risen = np.isfinite(value) & (value >= f[which] + ENOUGH * promised)
        done = which[risen]
        x[done], f[done], g[done] = tried[risen], value[risen], gradient[risen]
        moved[done], waiting[done] = True, False
        length[waiting] *= 0.3
    return x, f, g, moved
