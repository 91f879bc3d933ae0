"""Results of other experiments, for searches that begin from them: whose they are, and on which scale.

Another experiment may have measured the same quantity, or another one: a loss per batch for a loss per image, minutes
for seconds. Its results teach where it is good to look, but its numbers mean nothing beside ours unless they look like
one quantity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from luthier.trial import Observation

__all__ = ["alike", "matched", "sources_of"]

Array = NDArray[np.float64]


def sources_of(earlier: Sequence[Observation]) -> NDArray[np.int64]:
    """Which experiment each comes from, numbered from 1 in the order they first come. **Shapes** (w,)."""
    numbers: dict[str, int] = {}
    names = (one.source.partition(".")[0] for one in earlier)
    return np.array([numbers.setdefault(name, len(numbers) + 1) for name in names], dtype=np.int64)


def alike(own: Array, then: Array) -> bool:
    """Whether two experiments' losses may be of one quantity on one scale: all own ones lie where the other's lie, give
    or take twice the width of their middle. **Shapes** (n,), (w,), finite."""
    low, high = np.percentile(then, [5, 95])
    width = high / 2 - low / 2
    return bool(width > 0 and own.min() / 2 > low / 2 - 2 * width and own.max() / 2 < high / 2 + 2 * width)


def matched(own: Array, then: Array) -> Array:
    """The other experiment's losses on our scale: as they are where they look like one quantity, else each put where
    ours of the same rank lies. **Shapes** (n,), (w,) to (w,), finite."""
    if len(own) < 2 or alike(own, then):
        return then
    ranks = np.argsort(np.argsort(then, kind="stable"), kind="stable")
    return np.asarray(np.quantile(own, ranks / max(1, len(then) - 1)))
