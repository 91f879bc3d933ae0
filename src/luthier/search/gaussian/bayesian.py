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
from luthier.search.beginning import first, unseen
from luthier.search.frame import Frame, frame_of
from luthier.search.gaussian.acquisition import Rule
from luthier.search.gaussian.evidence import Evidence, evidence_of
from luthier.search.gaussian.model import Memory
from luthier.search.gaussian.suggest import Taste, safest, suggest
from luthier.search.stream import bits
from luthier.search.threads import one_thread
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["Bayesian", "beginning_length", "begins"]

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
        made: list[Proposal] = []
        for ordinal in ordinals:
            one = self._one(space, history, seed, ordinal, [p.configuration for p in made])
            if one is not None:
                made.append(one)
        return made

    def _one(
        self, space: Space, history: History, seed: int, ordinal: int, also: Sequence[Configuration]
    ) -> Proposal | None:
        frame = frame_of(space)
        evidence = evidence_of(frame, history, also)
        if not frame.d:
            return start(space, history, seed, ordinal, also, self.name, repeats=self.repeats)
        if not begins(frame, history, evidence, ordinal):
            taste = Taste(self.acquisition, self.kappa, repeats=self.repeats)
            generator = np.random.Generator(np.random.PCG64(bits(seed, "gaussian", ordinal)))
            with one_thread():
                found = suggest(frame, evidence, Memory.of(history), ordinal, taste, generator)
            if found is not None:
                sign = -1.0 if history.maximize else 1.0
                return Proposal(
                    frame.decode(found.row),
                    by=self.name,
                    ordinal=ordinal,
                    mean=sign * found.mean,
                    deviation=found.deviation,
                    note=found.note,
                )
        return start(space, history, seed, ordinal, also, self.name, repeats=self.repeats)


def start(
    space: Space,
    history: History,
    seed: int,
    ordinal: int,
    also: Sequence[Configuration],
    by: str,
    *,
    repeats: bool = False,
) -> Proposal | None:
    """A proposal of the beginning: the best of earlier experiments, the centre, then evenly spread points; while all but one
    or two trials fail, what is most likely to succeed."""
    tried = {t.configuration for t in history.trials if t.configuration is not None}.union(also)
    if history.earlier and ordinal <= 2:
        best = sorted(history.earlier, key=lambda o: -o.value if history.maximize else o.value)
        for one in best[:8]:
            if one.configuration not in tried and one.value == one.value:
                return Proposal(one.configuration, by=by, ordinal=ordinal, note={"from": one.source})
    frame, failed = frame_of(space), len(history.failed)
    if failed >= LEAST and 0 < len(history.scored) < RESULTS:
        generator = np.random.Generator(np.random.PCG64(bits(seed, "safest", ordinal)))
        with one_thread():
            row = safest(frame, evidence_of(frame, history, also), generator)
        if row is not None:
            return Proposal(frame.decode(row), by=by, ordinal=ordinal, note={"safest": failed})
    own = any(t.proposal is None or t.proposal.ordinal is None for t in history.trials)
    made = unseen(space, seed, ordinal + own, tried)  # a person's own first trial stands for the centre
    if made is None and repeats:
        made = first(space, seed, ordinal + own)
    return None if made is None else Proposal(made, by=by, ordinal=ordinal, note={"beginning": True})


def begins(frame: Frame, history: History, evidence: Evidence, ordinal: int) -> bool:
    """Whether it is too early for a model."""
    if len(evidence.earlier):
        return evidence.n < 2
    return evidence.n < RESULTS or ordinal <= beginning_length(frame.d, history.target)


def beginning_length(d: int, target: int | None) -> int:
    """How many trials are spread over the space first."""
    length = min(max(ceil(d / 2) + 3, LEAST), MOST)
    return length if target is None else max(RESULTS, min(length, ceil(SHARE * target)))
