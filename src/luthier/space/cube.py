"""Configurations as points of the unit cube, in batches, for models that compute with arrays.

One axis for every parameter that varies. An inactive parameter is NaN; what a model makes of that is its own affair.
This is the only module of the room that needs numpy, and it is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from luthier.errors import SpaceError
from luthier.space.configuration import Configuration
from luthier.space.domains import Domain
from luthier.space.ranges import Float

__all__ = ["decode", "encode"]

MANY = 16
"""From so many configurations on a range of numbers is computed at once; fewer are done sooner one by one."""


def encode(
    axes: Sequence[tuple[str, Domain]], configurations: Sequence[Configuration]
) -> NDArray[np.float64]:
    """The configurations as rows, one column for each (name, domain). **Shapes** (n, d), NaN where inactive."""
    X = np.full((len(configurations), len(axes)), np.nan)
    rows = [configuration.values() for configuration in configurations]
    for j, (name, domain) in enumerate(axes):
        if len(rows) >= MANY and isinstance(domain, Float) and domain.step is None:
            here = [i for i, values in enumerate(rows) if name in values]
            X[here, j] = _units(domain, [rows[i][name] for i in here])
        else:
            for i, values in enumerate(rows):
                if name in values:
                    X[i, j] = domain.to_unit(values[name])
    return X


def _units(domain: Float, values: Sequence[float]) -> NDArray[np.float64]:
    """`domain.to_unit` of many values, equal to the last bit; so the logarithm is that of `scaling.unspread`, from which
    numpy's may differ. **Shapes** (n,)"""
    low, high, x = domain.low, domain.high, np.array(values, dtype=np.float64)
    if domain.scaling == "linear":
        return np.clip((x / 2 - low / 2) / (high / 2 - low / 2), 0.0, 1.0)
    if domain.scaling == "reverse_log":
        x = np.clip(low + (high - x), low, high)
    logs = np.array([log(number) for number in x.tolist()])
    units = np.clip((logs - log(low)) / (log(high) - log(low)), 0.0, 1.0)
    return 1.0 - units if domain.scaling == "reverse_log" else units


def decode(names: Sequence[str], X: NDArray[np.float64]) -> list[dict[str, float]]:
    """The rows as units by name. **Shapes** X (n, d).

    **Raises** SpaceError where the columns are not the space's dimensions.
    """
    if X.ndim != 2 or X.shape[1] != len(names):
        raise SpaceError(f"points of shape {X.shape} are not rows of {len(names)} dimensions")
    rows: list[list[float]] = X.tolist()
    return [dict(zip(names, row, strict=True)) for row in rows]
