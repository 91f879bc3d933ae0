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
from luthier.search.gaussian.region import side, trust_region
from luthier.search.gaussian.success import success_of

__all__ = ["Suggestion", "Taste", "first_new", "landscape", "safest", "suggest", "too_near"]

Array = NDArray[np.float64]

HARD = Effort()
WORLDS = 16
SAME = 1e-6
"""Rows that differ less in every coordinate are one configuration tried again."""
NEAR = 1e-3
"""And so near to a running or a failed one nothing is proposed."""
RUNNING = 64
CELLS = 1024
"""A space of so many configurations is judged whole."""
SAFE = 512


@dataclass(frozen=True)
class Taste:
    """What counts as promising: the rule, `kappa` for the bound, how hard to look, and whether a configuration
    may be tried again."""

    rule: Rule = "ei"
    kappa: float = 2.0
    effort: Effort = HARD
    repeats: bool = False


@dataclass(frozen=True, eq=False)
class Suggestion:
    """`row` (d,) snapped; `mean` and `deviation` of the loss its trial will report, noise and all, as predicted; `note`
    for the record."""

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
        own, others = len(belief.places), len(posterior.X if belief.ends is None else belief.ends)
        posterior = posterior.realised(running, _normals()[: others + q], belief.ends)
        best = np.vstack([posterior.Y[:own], posterior.Y[others:]]).min(axis=0)
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
    features = Features(frame, evidence.experiments)
    belief = believe(features, evidence, memory, turn)
    if belief is None:
        return None
    acquisition = landscape(features, evidence, belief, taste)
    rows, values = _ranked(frame, features, evidence, belief, acquisition, taste, generator)
    kept = np.isfinite(values)
    rows, values = rows[kept], values[kept]
    found = first_new(frame, evidence, rows, taste)
    if found is None:
        return None
    place, row = found
    mean, variance = belief.posterior.predict(features.of(row[None]))
    loss, deviation = belief.losses(mean[:, 0], variance + belief.posterior.noise)
    note = {**belief.note, "transform": belief.transform, "promise": float(values[place])}
    return Suggestion(row, float(loss[0]), float(deviation[0]), note)


def safest(frame: Frame, evidence: Evidence, generator: np.random.Generator) -> Array | None:
    """The row that is most likely to succeed, while there are too few results for anything but failures to teach; None
    where nothing failed. **Shapes** (d,)."""
    features = Features(frame, evidence.experiments)
    success = success_of(features, evidence)
    if success is None or not frame.d:
        return None
    rows = frame.snap(generator.random((SAFE, frame.d)))
    order = np.argsort(-success.log_probability(features.of(rows)), kind="stable")
    found = first_new(frame, evidence, rows[order], Taste())
    return None if found is None else found[1]


def _ranked(
    frame: Frame,
    features: Features,
    evidence: Evidence,
    belief: Belief,
    acquisition: Acquisition,
    taste: Taste,
    generator: np.random.Generator,
) -> tuple[Array, Array]:
    """The most promising rows first: of all there are in a small space, else of those the search for the best met."""
    cells = frame.cells(CELLS)
    if cells is not None:
        values = np.concatenate([acquisition.values(features.of(part)) for part in np.array_split(cells, 4)])
        order = np.argsort(-values, kind="stable")
        return cells[order], values[order]
    effort = taste.effort
    if evidence.n > 300:
        effort = replace(effort, candidates=effort.candidates // 2, starts=min(effort.starts, 4), steps=15)
    best = evidence.rows[evidence.best[:5]]
    region = _region(frame, features, evidence, belief)
    return ranked(frame, features, acquisition, best, region, generator, effort)


def _region(frame: Frame, features: Features, evidence: Evidence, belief: Belief) -> Region:
    """The whole box, or in many dimensions the trust region that the results so far have left."""
    losses = cleaned(evidence.losses)
    length, since = side(losses, frame.d, len(evidence.running) + 1)
    if length is None:
        return Region.whole(frame.d)
    lengths = np.ones(frame.d)
    lengths[features.scale_columns] = np.exp(belief.posterior.h.lengths)
    return trust_region(evidence.rows[since + int(np.argmin(losses[since:]))], lengths, length)


def first_new(frame: Frame, evidence: Evidence, rows: Array, taste: Taste) -> tuple[int, Array] | None:
    """The first row that is not tried yet, as it will really run, and its place; None where all were."""
    near = np.vstack([evidence.running, evidence.failed])
    for begin in range(0, len(rows), 32):
        part = rows[begin : begin + 32]
        if taste.repeats:
            fine = np.ones(len(part), dtype=bool)
        else:
            fine = ~(too_near(frame, part, evidence.tried, SAME) | too_near(frame, part, near, NEAR))
        for k in np.flatnonzero(fine).tolist():
            configuration = frame.decode(part[k])
            if taste.repeats or configuration.key not in evidence.taken:
                return begin + k, frame.encode([configuration])[0]
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
