"""What a model believes over two parameters at once, while the others stay as they are in one configuration: numbers alone.

`figures/contour.py` draws such a surface; a page that draws by itself takes this one, which also says how sure it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.history import History
from luthier.search.frame import frame_of
from luthier.search.gaussian.evidence import evidence_of
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.model import Memory, believe
from luthier.search.threads import one_thread
from luthier.space import Configuration, Space

__all__ = ["Believed", "believed_surface"]

Array = NDArray[np.float64]

GRID = 40


@dataclass(frozen=True, eq=False, slots=True)
class Believed:
    """The objective over a grid, in its own unit. **Shapes** units (a,) and (b,), `mean` and `deviation` (b, a); NaN where one
    of the two does not exist."""

    units: tuple[Array, Array]
    mean: Array
    deviation: Array


def believed_surface(
    space: Space, history: History, at: Configuration, pair: tuple[str, str], grid: int = GRID
) -> Believed | None:
    """The surface over two parameters that vary; every value of one that has no more than `grid`. None where too little is
    known. **Cost** one fit of the model."""
    frame = frame_of(space)
    columns = [frame.column[name] for name in pair]
    units = [_units(frame.tables[j], grid) for j in columns]
    across, up = np.meshgrid(*units)
    row = frame.encode([at])[0]
    rows = np.repeat(np.where(np.isnan(row), 0.5, row)[None], across.size, axis=0)
    rows[:, columns[0]], rows[:, columns[1]] = across.ravel(), up.ravel()
    rows = frame.snap(rows)
    with one_thread():
        evidence = evidence_of(frame, history)
        features = Features(frame, evidence.experiments)
        belief = believe(features, evidence, Memory.of(history), 0)
        if belief is None:
            return None
        mean, variance = belief.posterior.predict(features.of(rows))
        losses, deviation = belief.losses(mean[:, 0], variance)
    is_there = ~np.isnan(rows[:, columns]).any(axis=1)
    values = np.where(is_there, -losses if history.maximize else losses, np.nan)
    spread = np.where(is_there, deviation, np.nan)
    return Believed((units[0], units[1]), values.reshape(across.shape), spread.reshape(across.shape))


def _units(table: Array | None, grid: int) -> Array:
    return table if table is not None and len(table) <= grid else np.linspace(0.0, 1.0, grid)
