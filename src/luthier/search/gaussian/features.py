"""Rows of the unit cube as what a kernel compares: places on scales, and codes of what has no order.

The embedding of conditional parameters: where a parameter does not exist its place is one half, and a code of its own
says so, one for each group of parameters that exist together (a category's absence is one more level of it). Points are
then compared by kernels on whole vectors, so the covariance is positive definite whatever the tree looks like, which
masking the distances of inactive pairs is not.

**Source** the idea of Swersky et al. (2013), Raiders of the lost architecture, with a code in place of the radius.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luthier.search.frame import Frame

__all__ = ["Features"]

Array = NDArray[np.float64]


class Features:
    """How rows of a frame become vectors: `scales` numbers in [0, 1], then one code for each of `levels`.

    `scale_columns` are the frame's columns behind the first `scales` features, `category_columns` those behind the first
    codes; the codes after those are the gates of `gates`, each a column whose activity stands for its group's. With more
    than one of `sources` the last code says which experiment a result comes from.
    """

    def __init__(self, frame: Frame, sources: int = 1) -> None:
        self.frame = frame
        self.sources = sources
        self.scale_columns = np.flatnonzero(~frame.is_category)
        self.category_columns = np.flatnonzero(frame.is_category)
        self.scales = len(self.scale_columns)
        groups: dict[object, int] = {}
        for j in self.scale_columns.tolist():
            when = frame.space[frame.names[j]].when
            if when:
                groups.setdefault(when, j)
        self.gates = tuple(groups.values())
        conditional = [bool(frame.space[frame.names[j]].when) for j in self.category_columns.tolist()]
        counts = frame.counts[self.category_columns].tolist()
        own = (*(c + w for c, w in zip(counts, conditional, strict=True)), *(2 for _ in self.gates))
        self.levels = own if sources == 1 else (*own, sources)
        self._counts = np.array(counts, dtype=np.int64)

    def of(self, rows: Array, source: int = 0) -> Array:
        """The vectors of rows of one source, 0 for this experiment.

        **Shapes** (m, d) with NaN where inactive to (m, scales + len(levels)).
        """
        scales = rows[:, self.scale_columns]
        categories = rows[:, self.category_columns]
        with np.errstate(invalid="ignore"):
            codes = np.floor(categories * self._counts)
        codes = np.where(np.isnan(categories), self._counts, np.minimum(codes, self._counts - 1))
        gates = np.isnan(rows[:, list(self.gates)]).astype(float)
        whence = np.full((len(rows), int(self.sources > 1)), float(source))
        return np.hstack([np.where(np.isnan(scales), 0.5, scales), codes, gates, whence])
