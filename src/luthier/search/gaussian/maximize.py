"""Finds the most promising configurations of a mixed space: candidates, climbs along scales, sweeps over values.

    1  candidates: spread over the whole box, and around the best configurations known
    2  starts: the most promising candidates, some drawn by their promise, and the best configuration itself
    3  in turns: climb along the parameters on a scale; sweep over every value of the others, one parameter at a time
    4  everything is moved to the values that will run, judged there, and put in order

Integers and steps are thus judged at the value that will run, not at the point between that a model may prefer.

**Source** Garrido-Merchán and Hernández-Lobato (2020), Dealing with categorical and integer-valued variables; the sparse
candidates around the best: Papenmeier et al. (2025), Understanding high-dimensional Bayesian optimization.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from luthier.search.frame import Frame
from luthier.search.gaussian.ascent import climb
from luthier.search.gaussian.features import Features

__all__ = ["Effort", "Landscape", "Region", "ranked"]

Array = NDArray[np.float64]

FEW_VALUES = 16
"""Numbers with at most so many values are swept over, not climbed along."""
NEIGHBOURS = 2


class Landscape(Protocol):
    """What is climbed on: an acquisition, as a logarithm. `lengths` (scales,) are the logarithms of the lengths on which
    it changes."""

    @property
    def lengths(self) -> Array: ...

    def values(self, X: Array) -> Array:
        """**Shapes** (q, p) to (q,)."""

    def gradient(self, X: Array) -> tuple[Array, Array]:
        """The values and their gradient by the places on scales. **Shapes** (q,), (q, scales)."""


@dataclass(frozen=True)
class Effort:
    """How hard to look: candidates of each kind, starts of climbs, steps of a climb, turns of climb and sweep."""

    candidates: int = 256
    starts: int = 6
    steps: int = 25
    turns: int = 2


@dataclass(frozen=True, eq=False)
class Region:
    """The box candidates are drawn from and climbs stay in. **Shapes** low, high (d,)."""

    low: Array
    high: Array

    @classmethod
    def whole(cls, d: int) -> Region:
        """The unit cube."""
        return cls(np.zeros(d), np.ones(d))

    def inside(self, U: Array) -> Array:
        """The rows moved into the box."""
        return np.clip(U, self.low, self.high)


@dataclass(frozen=True, eq=False)
class Hill:
    """The acquisition over rows of a frame."""

    frame: Frame
    features: Features
    acquisition: Landscape

    @cached_property
    def climbed(self) -> NDArray[np.bool_]:
        """Which columns are climbed along. **Shapes** (d,)."""
        return ~_swept(self.frame)

    def judged(self, rows: Array) -> Array:
        """The acquisition of snapped rows. **Shapes** (m, d) to (m,)."""
        value = self.acquisition.values(self.features.of(rows))
        return np.where(np.isnan(value), -np.inf, value)


def ranked(
    frame: Frame,
    features: Features,
    acquisition: Landscape,
    best: Array,
    region: Region,
    generator: np.random.Generator,
    effort: Effort,
) -> tuple[Array, Array]:
    """Configurations from the most to the least promising one, and how promising they are.

    **Shapes** best (k, d) the best rows known, the best one first; the result (m, d) snapped and (m,).
    """
    hill = Hill(frame, features, acquisition)
    full = np.vstack([_spread(region, effort, generator), _around(frame, best, region, effort, generator)])
    rows = frame.snap(full)
    values = hill.judged(rows)
    starts = full[_starts(values, effort, generator)]
    if len(best):
        starts = np.vstack([starts, region.inside(np.where(np.isnan(best[:1]), 0.5, best[:1]))])
    reached = starts
    for turn in range(effort.turns):
        if hill.climbed.any():
            reached = _climb(hill, reached, region, effort.steps)
        if not _sweep(hill, reached, region, near=turn == effort.turns - 1):
            break
    ends = frame.snap(reached)
    rows, values = np.vstack([ends, rows]), np.concatenate([hill.judged(ends), values])
    order = np.argsort(-values, kind="stable")
    return rows[order], values[order]


def _swept(frame: Frame) -> NDArray[np.bool_]:
    """The columns without an order, and those with few values. **Shapes** (d,)."""
    return np.asarray(frame.is_category | ((frame.counts > 0) & (frame.counts <= FEW_VALUES)))


def _spread(region: Region, effort: Effort, generator: np.random.Generator) -> Array:
    return region.low + (region.high - region.low) * generator.random((effort.candidates, len(region.low)))


def _around(
    frame: Frame, best: Array, region: Region, effort: Effort, generator: np.random.Generator
) -> Array:
    """Sparse steps from the best rows, of sizes from 0.003 to 0.3; categories are drawn anew.

    A few coordinates move, so that in many dimensions a candidate stays alike to what is known to be good.
    """
    count, d = effort.candidates, frame.d
    if not len(best):
        return np.empty((0, d))
    base = np.where(np.isnan(best), 0.5, best)[np.arange(count) % len(best)]
    share = np.where(generator.random(count) < 0.5, max(0.2, min(1.0, 2.0 / d)), min(1.0, 20.0 / d))
    moves = generator.random((count, d)) < share[:, None]
    moves[np.arange(count), generator.integers(0, d, count)] = True
    size = 10.0 ** generator.uniform(-2.5, -0.5, (count, 1))
    stepped = base + size * generator.standard_normal((count, d))
    anew = _swept(frame) & (frame.is_category | (generator.random((count, d)) < 0.3))
    moved = np.where(anew, generator.random((count, d)), stepped)
    return region.inside(np.where(moves, moved, base))


def _starts(values: Array, effort: Effort, generator: np.random.Generator) -> NDArray[np.int64]:
    """Half the most promising candidates, half drawn by their promise."""
    order = np.argsort(-values, kind="stable")
    top = order[: (effort.starts + 1) // 2]
    rest = order[len(top) :]
    weights = np.exp(np.clip(values[rest] - values[order[0]], -50.0, 0.0))
    if effort.starts <= len(top) or not np.isfinite(values[order[0]]) or not weights.sum() > 0:
        return order[: effort.starts]
    keys = np.log(np.maximum(weights, 1e-300)) - np.log(-np.log(generator.random(len(rest))))
    return np.concatenate([top, rest[np.argsort(-keys, kind="stable")[: effort.starts - len(top)]]])


def _climb(hill: Hill, full: Array, region: Region, steps: int) -> Array:
    """Climbs along the scales; what is swept keeps its value, and who exists stays as it was."""
    frame, features = hill.frame, hill.features
    snapped = frame.snap(full)
    absent = np.isnan(snapped)
    held = np.where(absent, full, snapped)
    width = region.high - region.low
    begin = np.where(hill.climbed, full, held)
    columns = features.scale_columns

    def evaluate(t: Array, which: NDArray[np.int64]) -> tuple[Array, Array]:
        rows = np.where(hill.climbed, region.low + t * width, held[which])
        rows[absent[which]] = np.nan
        value, slope = hill.acquisition.gradient(features.of(rows))
        gradient = np.zeros_like(t)
        gradient[:, columns] = slope * width[columns]
        gradient[absent[which]] = 0.0
        return value, np.where(hill.climbed, gradient, 0.0)

    lengths = np.exp(hill.acquisition.lengths)
    scale = np.zeros(frame.d)
    scale[columns] = np.clip(lengths, 0.02, 2.0)
    scale = np.where(hill.climbed & (width > 0), scale / np.where(width > 0, width, 1.0), 0.0)
    at = np.clip((begin - region.low) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    reached, _ = climb(evaluate, at, scale, steps)
    return np.where(hill.climbed, region.low + reached * width, held)


def _sweep(hill: Hill, full: Array, region: Region, *, near: bool) -> bool:
    """Gives each start, one parameter at a time, the value that promises most; in place. Tells whether any changed.

    With `near`, integers with many values are tried at the neighbours of where the climb left them.
    """
    frame = hill.frame
    changed = False
    current = hill.judged(frame.snap(full))
    for j in range(frame.d):
        table = frame.tables[j]
        if table is None or (hill.climbed[j] and not near):
            continue
        here = frame.places(full, j)
        if hill.climbed[j]:
            options = here[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
            options = np.clip(options, 0, len(table) - 1)
        else:
            options = np.broadcast_to(np.arange(len(table)), (len(full), len(table)))
        units = table[options]
        if not frame.is_category[j]:
            units = np.clip(units, region.low[j], region.high[j])
        tried = np.repeat(full, options.shape[1], axis=0)
        tried[:, j] = units.ravel()
        values = hill.judged(frame.snap(tried)).reshape(options.shape)
        choice = values.argmax(axis=1)
        gained = values[np.arange(len(full)), choice] > current + 1e-12
        full[gained, j] = units[gained, choice[gained]]
        current = np.maximum(current, values.max(axis=1))
        changed |= bool(gained.any())
    return changed
