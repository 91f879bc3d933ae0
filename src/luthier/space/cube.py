"""Configurations as points of the unit cube, in batches, for models that compute with arrays.

One axis for every parameter that varies. An inactive parameter is NaN; what a model makes of that is its own affair.
This is the only module of the room that needs numpy, and it is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from luthier.errors import SpaceError
from luthier.space.configuration import Configuration

if TYPE_CHECKING:
    from luthier.space.space import Space

__all__ = ["decode", "encode"]


def encode(space: Space, configurations: Sequence[Configuration]) -> NDArray[np.float64]:
    """The configurations as rows. **Shapes** (n, d), NaN where a parameter is inactive."""
    X = np.full((len(configurations), len(space.dimensions)), np.nan)
    columns = [(j, name, space[name].domain) for j, name in enumerate(space.dimensions)]
    for i, configuration in enumerate(configurations):
        values = configuration.values()
        for j, name, domain in columns:
            if name in values:
                X[i, j] = domain.to_unit(values[name])
    return X


def decode(space: Space, X: NDArray[np.float64]) -> list[Configuration]:
    """The rows as configurations. **Shapes** X (n, d).

    **Raises** SpaceError where an active parameter is NaN, or the columns are not the space's dimensions.
    """
    if X.ndim != 2 or X.shape[1] != len(space.dimensions):
        raise SpaceError(f"points of shape {X.shape} are not rows of {len(space.dimensions)} dimensions")
    made = [space.from_unit(dict(zip(space.dimensions, row, strict=True))) for row in _rows(X)]
    return made


def _rows(X: NDArray[np.float64]) -> list[list[float]]:
    rows: list[list[float]] = X.tolist()
    return rows
