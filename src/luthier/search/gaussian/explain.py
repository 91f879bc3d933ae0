"""Why a configuration was proposed: the belief and the acquisition along each parameter, through that configuration.

These are the pictures of every lecture on Gaussian processes, mean and band, acquisition and next point, made of a real
search at the moment of a proposal. Everything is recomputed from the history that the proposal saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.history import History
from luthier.search.frame import Frame, frame_of
from luthier.search.gaussian.evidence import Evidence, evidence_of
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.model import Belief, Memory, believe
from luthier.search.gaussian.suggest import Taste, landscape
from luthier.search.stream import bits
from luthier.search.threads import one_thread
from luthier.space import Configuration, Space

__all__ = ["Slice", "believed_draws", "slices"]

Array = NDArray[np.float64]

PLACES = 81


@dataclass(frozen=True, eq=False)
class Slice:
    """What was believed along one parameter while the others stay as they are in the configuration.

    `units` (m,) places in the unit interval, rising, `texts` the values there as written; `mean`, `low`, `high` (m,) the
    objective and its 95 % band in its own unit; `promise` (m,) the acquisition, its highest value 1 and its lowest 0;
    `chosen` the place of the configuration itself. `is_listed` says that each place is a value of its own.
    """

    parameter: str
    units: Array
    texts: tuple[str, ...]
    mean: Array
    low: Array
    high: Array
    promise: Array
    chosen: float
    is_listed: bool


def believed_draws(
    space: Space, history: History, count: int = 8192, seed: int = 0
) -> tuple[Array, Array] | None:
    """What the objective may truly be at the configurations of `history.scored`, noise taken out: the middle of the
    belief at each, and joint draws, in which neighbours rise and fall together.

    In the objective's unit; None where too little is known. **Shapes** (n,) and (count, n). **Cost** O(n³ + count n²).
    """
    with one_thread():
        made = _belief(space, history)
        if made is None:
            return None
        frame, evidence, features, belief = made
        rows = evidence.rows
        if evidence.partway is not None:  # waiting trials are among them
            rows = frame.encode([t.configuration for t in history.scored if t.configuration is not None])
        mean, covariance = belief.posterior.joint(features.of(rows))
        # Neighbours, and all the more repeats, make the covariance singular, which has eigenvectors but no Cholesky factor.
        spreads, directions = np.linalg.eigh(covariance)
        root = directions * np.sqrt(np.maximum(spreads, 0.0))
        normals = np.random.Generator(np.random.PCG64(bits(seed, "beliefs"))).standard_normal(
            (count, len(mean))
        )
        middle = belief.outputs.back(mean[:, 0])
        drawn = belief.outputs.back(mean[:, 0] + normals @ root.T)
    return (-middle, -drawn) if history.maximize else (middle, drawn)


def slices(
    space: Space,
    history: History,
    configuration: Configuration,
    taste: Taste,
    names: Sequence[str] = (),
    turn: int = 0,
) -> list[Slice]:
    """One slice for every active parameter that varies, or for those named; none where too little is known. `turn` is
    the ordinal of the proposal that is explained: it says which model's turn it was."""
    with one_thread():
        made = _belief(space, history, turn)
        if made is None:
            return []
        frame, evidence, features, belief = made
        acquisition = landscape(features, evidence, belief, taste)
        row = frame.encode([configuration])[0]
        found = []
        for j, name in enumerate(frame.names):
            if np.isnan(row[j]) or (names and name not in names):
                continue
            rows, units, is_listed = _line(frame, row, j)
            X = features.of(rows)
            mean, variance = belief.posterior.predict(X)
            losses, low, high = belief.band(mean[:, 0], variance)
            sign = -1.0 if history.maximize else 1.0
            bounds = np.sort([sign * low, sign * high], axis=0)
            domain = space[name].domain
            texts = tuple(domain.from_unit(float(u)).text for u in units)
            promise = _scaled(acquisition.values(X))
            found.append(
                Slice(
                    name, units, texts, sign * losses, bounds[0], bounds[1], promise, float(row[j]), is_listed
                )
            )
    return found


def _belief(space: Space, history: History, turn: int = 0) -> tuple[Frame, Evidence, Features, Belief] | None:
    frame = frame_of(space)
    evidence = evidence_of(frame, history)
    features = Features(frame, evidence.experiments)
    belief = believe(features, evidence, Memory.of(history), turn)
    return None if belief is None else (frame, evidence, features, belief)


def _line(frame: Frame, row: Array, j: int) -> tuple[Array, Array, bool]:
    """The rows along column j: every value where there are few, else evenly spread places."""
    table = frame.tables[j]
    is_listed = table is not None and len(table) <= PLACES
    units = table if is_listed and table is not None else np.linspace(0.0, 1.0, PLACES)
    rows = np.repeat(np.where(np.isnan(row), 0.5, row)[None], len(units), axis=0)
    rows[:, j] = units
    return frame.snap(rows), units, is_listed


def _scaled(values: Array) -> Array:
    """To [0, 1]; logarithms far below the highest count as nothing."""
    top = float(values.max())
    kept = np.maximum(values, top - 12.0)
    width = top - float(kept.min())
    return (kept - kept.min()) / width if width > 0 else np.ones_like(values)
