"""One suggestion where there are several objectives, or constraints: what wins most and is allowed.

Every objective has a belief of its own (`model.py`), made as if it were the only one. Half of the proposals go where most of
the hypervolume can be expected to be won; the other half draw a direction and aim at something better in it than all that
is known, for the volume alone loves the ends of a front too much. Both are one acquisition (`volume.py`), measured in
transformed losses. A result that breaks a constraint teaches the beliefs and is never improved upon.

**Source** directions: Knowles (2006), ParEGO; constraints: Gardner et al. (2014). Departures: a direction's gain is a
product of improvements, not a distance; under noise the front is that of the believed means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.history import History
from luthier.search.frame import Frame
from luthier.search.gaussian.acquisition import Acquisition, Chance
from luthier.search.gaussian.evidence import Evidence
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.limits import Fit, Together, limit_of
from luthier.search.gaussian.maximize import Landscape, Region, ranked
from luthier.search.gaussian.model import HELD, Belief, Memory, believe, subset
from luthier.search.gaussian.outputs import TRANSFORMS, Transform, cleaned
from luthier.search.gaussian.success import success_of
from luthier.search.gaussian.suggest import CELLS, RUNNING, Suggestion, Taste, first_new
from luthier.search.gaussian.volume import Allowed, VolumeGain
from luthier.search.merit import breach, order_of
from luthier.search.pareto import ends_of, front_of

__all__ = ["Aims", "suggest_several"]

Array = NDArray[np.float64]
Note = dict[str, Any]

WORLDS = 4
"""In so many ways running trials may end."""
FEW = 3
"""With more objectives there are too many boxes, and every proposal takes a direction."""
DIRECTED = 0.5
BEYOND, BELOW = 0.3, 0.3
"""How far beyond the worst of the front volume counts, and how far below the best of it directions begin, as shares of
the front's width: the front that is known is narrower than the true one, and both let it grow at its ends."""
STARTS, STEPS = 4, 15
"""Climbs cost as many times more as there are objectives, so there are fewer and shorter ones."""
AROUND = 64
"""So many rows of the front are looked around, drawn anew each time."""


@dataclass(frozen=True, eq=False)
class Aims:
    """What the results say of every objective. **Shapes** `losses` (n, m), less is better; `excesses` (n, c), a
    constraint is met at zero or less."""

    losses: Array
    excesses: Array

    @classmethod
    def of(cls, history: History) -> Aims:
        """Those of the scored trials, with what is not a number as bad as the worst."""
        losses = history.all_losses()
        columns = [cleaned(losses[:, j]) for j in range(losses.shape[1])]
        return cls(np.column_stack(columns), history.excesses())

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Which results meet all constraints. **Shapes** (n,)."""
        return np.asarray((self.excesses <= 0).all(axis=1))


@dataclass(frozen=True, eq=False)
class Outlook:
    """What a suggestion rests on: the results held, a belief for each objective that has one, `images` (n, m) of the
    losses as believed without noise, the chance to be allowed, and what is noted."""

    evidence: Evidence
    aims: Aims
    features: Features
    beliefs: tuple[Belief, ...]
    images: Array
    chance: Chance | None
    note: Note


def suggest_several(
    frame: Frame,
    history: History,
    evidence: Evidence,
    turn: int,
    taste: Taste,
    generator: np.random.Generator,
) -> Suggestion | None:
    """The most promising configuration not tried yet; None where there is nothing to learn from, or nothing left.

    Its mean and deviation are the first objective's; those of all stand in the note.
    """
    outlook = _outlook(frame, history, evidence, turn)
    if outlook is None:
        return None
    rows, values = _ranked(frame, outlook, _landscape(outlook, generator), taste, generator)
    kept = np.isfinite(values)
    rows, values = rows[kept], values[kept]
    found = first_new(frame, evidence, rows, taste)
    if found is None:
        return None
    place, row = found
    X = outlook.features.of(row[None])
    predicted: list[tuple[float, float]] = []
    for belief in outlook.beliefs:
        mean, variance = belief.posterior.predict(X)
        loss, deviation = belief.losses(mean[:, 0], variance + belief.posterior.noise)
        predicted.append((float(loss[0]), float(deviation[0])))
    note = {**outlook.note, "promise": float(values[place]), "predicted": [list(pair) for pair in predicted]}
    if outlook.chance is not None:
        note["allowed"] = float(np.exp(outlook.chance.log_probability(X)[0]))
    return Suggestion(row, predicted[0][0], predicted[0][1], note)


def _outlook(frame: Frame, history: History, evidence: Evidence, turn: int) -> Outlook | None:
    """Everything that is believed; None where no objective has two different results."""
    if evidence.n < 2:
        return None
    aims = Aims.of(history)
    held = subset(order_of(aims.losses, aims.excesses), HELD)
    aims = Aims(aims.losses[held], aims.excesses[held])
    # What other experiments found says nothing of any objective but their first.
    part = replace(
        evidence,
        rows=evidence.rows[held],
        earlier=evidence.earlier[:0],
        earlier_losses=evidence.earlier_losses[:0],
        sources=evidence.sources[:0],
    )
    features = Features(frame)
    notes = [t.proposal.note for t in reversed(history.trials) if t.proposal]
    beliefs = []
    for j in range(aims.losses.shape[1]):
        memory = Memory.read(_part(note, "objectives", j) for note in notes)
        losses = replace(part, losses=aims.losses[:, j])
        beliefs.append(believe(features, losses, memory, turn, _transforms(turn)))
    known = tuple(belief for belief in beliefs if belief is not None)
    if not known:
        return None
    chance, fits = _chance(features, part, aims, notes)
    note: Note = {"objectives": [belief.note if belief else {} for belief in beliefs]}
    note["transforms"] = [belief.transform for belief in known]
    if any(fits):
        note["limits"] = fits
    images = np.column_stack([_image(belief) for belief in known])
    return Outlook(part, aims, features, known, images, chance, note)


def _transforms(turn: int) -> Sequence[Transform]:
    """Every second time losses are taken as they are: what one objective alone would call its worse half, and press
    together, may well be on the front."""
    return TRANSFORMS if turn % 2 else ("standard",)


def _image(belief: Belief) -> Array:
    """The transformed losses: as observed, or under noise as believed. **Shapes** (n,)."""
    p = belief.posterior
    return p.means(p.X)[:, 0] if belief.is_noisy else p.Y[:, 0]


def _part(note: Note, key: str, j: int) -> Any:
    """What a note says of objective or constraint number j; nothing where it is another searcher's note."""
    each = note.get(key) or ()
    return (each[j] if j < len(each) else None) or {}


def _chance(
    features: Features, evidence: Evidence, aims: Aims, notes: Sequence[Note]
) -> tuple[Chance | None, list[Fit | None]]:
    """The probability that a trial succeeds and is allowed, and the fits made on the way."""
    made = []
    for j in range(aims.excesses.shape[1]):
        known = next((fit for note in notes if (fit := _part(note, "limits", j))), None)
        made.append(limit_of(features, evidence.rows, aims.excesses[:, j], known))
    limits = [limit for limit, _ in made]
    return Together.of([success_of(features, evidence), *limits]), [fit for _, fit in made]


def _landscape(outlook: Outlook, generator: np.random.Generator) -> Landscape:
    """What is climbed on: the gain in hypervolume or in a direction, in every world in which the running trials have
    ended; with one objective its improvement, and while nothing is allowed the chance to be."""
    allowed, images, chance = outlook.aims.allowed, outlook.images, outlook.chance
    posteriors = [belief.posterior for belief in outlook.beliefs]
    if not allowed.any() and chance is not None:
        return Allowed(tuple(posteriors), chance)
    running = outlook.features.of(outlook.evidence.running[-RUNNING:])
    fronts = [images[allowed]]
    if len(running):
        normals = generator.standard_normal((len(posteriors), len(running), WORLDS))
        posteriors = [p.imagined(running, z) for p, z in zip(posteriors, normals, strict=True)]
        imagined = np.stack([p.Y[len(images) :] for p in posteriors], axis=2)
        fronts = [np.vstack([images[allowed], imagined[:, w]]) for w in range(WORLDS)]
    if len(posteriors) == 1:
        best = np.array([front.min() for front in fronts])
        return Acquisition(posteriors[0], best, "ei", success=chance)
    low, high = ends_of(images[allowed])
    width = high - low
    if len(posteriors) <= FEW and generator.random() >= DIRECTED:
        return VolumeGain.of(posteriors, fronts, high + BEYOND * width, chance)
    begin, way = low - BELOW * width, generator.dirichlet(np.ones(len(width))) * width
    way = np.maximum(way, 1e-6 * width)
    aims = [begin + way * ((front - begin) / way).max(axis=1).min() for front in fronts]
    return VolumeGain.aimed(posteriors, aims, chance)


def _ranked(
    frame: Frame,
    outlook: Outlook,
    landscape: Landscape,
    taste: Taste,
    generator: np.random.Generator,
) -> tuple[Array, Array]:
    """The most promising rows first: of all there are in a small space, else of those the search for the best met."""
    features = outlook.features
    cells = frame.cells(CELLS)
    if cells is not None:
        values = np.concatenate([landscape.values(features.of(part)) for part in np.array_split(cells, 4)])
        order = np.argsort(-values, kind="stable")
        return cells[order], values[order]
    best = outlook.evidence.rows[_worth(outlook, generator)]
    effort = taste.effort
    effort = replace(effort, starts=min(effort.starts, STARTS), steps=min(effort.steps, STEPS))
    return ranked(frame, features, landscape, best, Region.whole(frame.d), generator, effort)


def _worth(outlook: Outlook, generator: np.random.Generator) -> NDArray[np.int64]:
    """The places of the results worth looking around: the front in a random order, or what breaks least."""
    allowed = np.flatnonzero(outlook.aims.allowed)
    if not len(allowed):
        return np.argsort(breach(outlook.aims.excesses), kind="stable")[:5]
    front = allowed[front_of(outlook.images[allowed])]
    return generator.permutation(front)[:AROUND]
