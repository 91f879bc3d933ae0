"""One suggestion of the Gaussian process: from a history to the configuration that promises most, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.search.frame import Frame
from luthier.search.gaussian.acquisition import Acquisition, Rule
from luthier.search.gaussian.evidence import Evidence
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.maximize import Effort, Region, ranked
from luthier.search.gaussian.model import Belief, Memory, believe
from luthier.search.gaussian.outputs import cleaned
from luthier.search.gaussian.region import many, side, trust_region
from luthier.search.gaussian.success import success_of

__all__ = ["Suggestion", "Taste", "landscape", "suggest", "too_near"]

Array = NDArray[np.float64]

HARD = Effort()
WORLDS = 16
SAME = 1e-6
"""Rows that differ less in every coordinate are one configuration tried again."""
NEAR = 1e-3
"""And so near to a running or a failed one nothing is proposed."""
RUNNING = 64


@dataclass(frozen=True)
class Taste:
    """What counts as promising: the rule, `kappa` for the bound, how hard to look, and whether to exploit only."""

    rule: Rule = "ei"
    kappa: float = 2.0
    effort: Effort = HARD
    repeats: bool = False


@dataclass(frozen=True, eq=False)
class Suggestion:
    """`row` (d,) snapped; `mean` and `deviation` of its loss as predicted; `note` for the record."""

    row: Array
    mean: float
    deviation: float
    note: dict[str, Any]


@lru_cache(maxsize=1)
def _normals() -> Array:
    """Standard normal numbers for WORLDS worlds, the same every time. **Shapes** (many, WORLDS)."""
    return np.random.Generator(np.random.PCG64(0)).standard_normal((1024, WORLDS))


def landscape(features: Features, evidence: Evidence, belief: Belief, taste: Taste) -> Acquisition:
    """The acquisition a suggestion climbs on: the belief, with running trials imagined and failures avoided."""
    posterior, running = belief.posterior, features.of(evidence.running[-RUNNING:])
    q = len(running)
    if belief.is_noisy and taste.rule == "ei":
        posterior = posterior.realised(running, _normals()[: len(posterior.X) + q])
        best = posterior.Y.min(axis=0)
    else:
        best = np.array([belief.incumbent()])
        if q:
            posterior = posterior.imagined(running, _normals()[:q])
            best = np.minimum(best, posterior.Y[-q:].min(axis=0))
    return Acquisition(posterior, best, taste.rule, taste.kappa, success_of(features, evidence))


def suggest(
    frame: Frame,
    evidence: Evidence,
    memory: Memory,
    turn: int,
    taste: Taste,
    generator: np.random.Generator,
) -> Suggestion | None:
    """The most promising configuration not tried yet; None where there is nothing to learn from, or nothing left."""
    features = Features(frame, sources=2 if len(evidence.earlier) else 1)
    belief = believe(features, evidence, memory, turn)
    if belief is None:
        return None
    acquisition = landscape(features, evidence, belief, taste)
    best = evidence.rows[evidence.best[:5]]
    effort = taste.effort if evidence.n <= 300 else replace(taste.effort, candidates=128, starts=4, steps=15)
    region = _region(frame, features, evidence, belief)
    rows, values = ranked(frame, features, acquisition, best, region, generator, effort)
    kept = np.isfinite(values)
    rows, values = rows[kept], values[kept]
    place = _first_new(frame, evidence, rows, taste)
    if place is None:
        return None
    row = rows[place]
    mean, variance = belief.posterior.predict(features.of(row[None]))
    loss, deviation = belief.losses(mean[:, 0], variance)
    note = {**belief.note, "transform": belief.transform, "promise": float(values[place])}
    return Suggestion(row, float(loss[0]), float(deviation[0]), note)


def _region(frame: Frame, features: Features, evidence: Evidence, belief: Belief) -> Region:
    """The whole box, or in many dimensions the trust region that the results so far have left."""
    if many(frame.d, evidence.n):
        length = side(cleaned(evidence.losses), frame.d, len(evidence.running) + 1)
        if length is not None:
            lengths = np.ones(frame.d)
            lengths[features.scale_columns] = np.exp(belief.posterior.h.lengths)
            return trust_region(evidence.rows[evidence.best[0]], lengths, length)
    return Region.whole(frame.d)


def _first_new(frame: Frame, evidence: Evidence, rows: Array, taste: Taste) -> int | None:
    if taste.repeats:
        return 0 if len(rows) else None
    near = np.vstack([evidence.running, evidence.failed])
    for begin in range(0, len(rows), 32):
        part = rows[begin : begin + 32]
        bad = too_near(frame, part, evidence.tried, SAME) | too_near(frame, part, near, NEAR)
        if not bad.all():
            return begin + int(np.argmin(bad))
    return None


def too_near(frame: Frame, rows: Array, others: Array, distance: float) -> NDArray[np.bool_]:
    """Which rows are within `distance` of one of the others in every coordinate; values that can be counted count as
    near only when they are equal. **Shapes** (m, d), (t, d) to (m,)."""
    if not len(others) or not len(rows):
        return np.zeros(len(rows), dtype=bool)
    reach = np.where(frame.counts > 0, np.minimum(distance, 0.25 / np.maximum(frame.counts, 1)), distance)
    a, b = np.nan_to_num(rows, nan=-1.0), np.nan_to_num(others, nan=-1.0)
    alike = np.ones((len(a), len(b)), dtype=bool)
    for j in range(frame.d):
        alike &= np.abs(a[:, j, None] - b[None, :, j]) <= reach[j]
    return np.asarray(alike.any(axis=1))
