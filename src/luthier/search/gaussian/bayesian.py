"""Bayesian optimization: a Gaussian process believes, an acquisition says what is worth trying next.

The first trials are spread over the space (`beginning.py`); from then on every proposal is the most promising
configuration that was not tried. A proposal is a function of the record: the hyperparameters it begins from are those
that earlier proposals noted, and running trials are imagined in the same worlds every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np

from luthier.history import History
from luthier.search.beginning import opening
from luthier.search.frame import Frame, frame_of
from luthier.search.gaussian.acquisition import Rule
from luthier.search.gaussian.evidence import Evidence, evidence_of
from luthier.search.gaussian.model import Memory
from luthier.search.gaussian.several import suggest_several
from luthier.search.gaussian.suggest import Taste, safest, suggest
from luthier.search.ledger import Tried
from luthier.search.searcher import in_turn
from luthier.search.stream import bits
from luthier.search.threads import one_thread
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["Bayesian", "beginning_length", "begins", "modelled", "start"]

LEAST, MOST = 4, 10
SHARE = 0.15  # of a known budget that the beginning may take
RESULTS = 3  # a model is made from so many results on


@dataclass(frozen=True)
class Bayesian:
    """Proposes where the `acquisition` is highest: "ucb" (mean and `kappa` deviations) or "ei" (log expected
    improvement). With `repeats` a configuration may be proposed again."""

    acquisition: Rule = "ucb"
    kappa: float = 2.0
    repeats: bool = False

    name: ClassVar[str] = "bayesian"
    looks_back: ClassVar[bool] = True

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        """One proposal for every ordinal; none past the last configuration of a finite space."""
        taste = Taste(self.acquisition, self.kappa, repeats=self.repeats)
        frame = frame_of(space)

        def one(ordinal: int, also: Sequence[Configuration]) -> Proposal | None:
            evidence = evidence_of(frame, history, also)
            if begins(frame, history, evidence, ordinal):
                return start(frame, history, evidence, seed, ordinal, self.name, repeats=self.repeats)
            return modelled(frame, history, evidence, seed, ordinal, taste, self.name)

        return in_turn(ordinals, one)


def modelled(
    frame: Frame, history: History, evidence: Evidence, seed: int, ordinal: int, taste: Taste, else_by: str
) -> Proposal | None:
    """What the Gaussian process proposes; where it has learned nothing or finds nothing new, a point of the beginning in
    the name of `else_by`."""
    with one_thread():
        draws = _generator(seed, "gaussian", ordinal)
        if history.has_aims:
            found = suggest_several(frame, history, evidence, ordinal, taste, draws)
        else:
            found = suggest(frame, evidence, Memory.of(history), ordinal, taste, draws)
    if found is None:
        return start(frame, history, evidence, seed, ordinal, else_by, repeats=taste.repeats)
    mean = -found.mean if history.maximize else found.mean
    return Proposal(
        frame.decode(found.row), Bayesian.name, ordinal, mean=mean, deviation=found.deviation, note=found.note
    )


def start(
    frame: Frame,
    history: History,
    evidence: Evidence,
    seed: int,
    ordinal: int,
    by: str,
    *,
    repeats: bool = False,
) -> Proposal | None:
    """A proposal of the beginning (`search/beginning.py`); while all but one or two trials fail, what is most likely to
    succeed."""
    if len(evidence.failed) >= LEAST and 0 < evidence.n < RESULTS:
        with one_thread():
            row = safest(frame, evidence, _generator(seed, "safest", ordinal))
        if row is not None:
            return Proposal(frame.decode(row), by=by, ordinal=ordinal, note={"safest": len(evidence.failed)})
    return opening(frame.space, history, seed, ordinal, Tried(evidence.taken), by, repeats=repeats)


def _generator(seed: int, purpose: str, ordinal: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(bits(seed, purpose, ordinal)))


def begins(frame: Frame, history: History, evidence: Evidence, ordinal: int) -> bool:
    """Whether it is too early for a model, or there is nothing to model."""
    if not frame.d:
        return True
    if len(evidence.earlier):
        return evidence.n < 2
    return evidence.n < RESULTS or ordinal <= beginning_length(frame.d, history.target)


def beginning_length(d: int, target: int | None) -> int:
    """How many trials are spread over the space first."""
    length = min(max(ceil(d / 2) + 3, LEAST), MOST)
    return length if target is None else max(RESULTS, min(length, ceil(SHARE * target)))
