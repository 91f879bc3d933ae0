"""Configurations as points of the unit cube, in batches, for models that compute with arrays.

One axis for every parameter that varies. An inactive parameter is NaN; what a model makes of that is its own affair.
This is the only module of the room that needs numpy, and it is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from luthier.errors import SpaceError
from luthier.space.configuration import Configuration
from luthier.space.domains import Domain

__all__ = ["decode", "encode"]


def encode(
    axes: Sequence[tuple[str, Domain]], configurations: Sequence[Configuration]
) -> NDArray[np.float64]:
    """The configurations as rows, one column for each (name, domain). **Shapes** (n, d), NaN where inactive."""
    X = np.full((len(configurations), len(axes)), np.nan)
    for i, configuration in enumerate(configurations):
        values = configuration.values()
        for j, (name, domain) in enumerate(axes):
            if name in values:
                X[i, j] = domain.to_unit(values[name])
    return X


def decode(names: Sequence[str], X: NDArray[np.float64]) -> list[dict[str, float]]:
    """The rows as units by name. **Shapes** X (n, d).

    **Raises** SpaceError where the columns are not the space's dimensions.
    """
    if X.ndim != 2 or X.shape[1] != len(names):
        raise SpaceError(f"points of shape {X.shape} are not rows of {len(names)} dimensions")
    rows: list[list[float]] = X.tolist()
    return [dict(zip(names, row, strict=True)) for row in rows]
