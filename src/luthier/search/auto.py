"""The automatic choice: which algorithm proposes next, from the space, the budget, the results and their cost.

    too few results            the centre, then evenly spread points
    up to MODEL_DIMENSIONS     a Gaussian process with log expected improvement; TPE proposes now and then, more often
                               where most parameters are categories, so that no one model's blindness is the search's
    many dimensions            the process within a trust region once the whole box brings nothing new
    more, or trials so short that the process would cost more than its share     TPE

One arm proposes each trial. Which one is a function of the record, times of trials and proposals included, and the
proposal names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from luthier.history import History
from luthier.search.frame import Frame, frame_of
from luthier.search.gaussian.bayesian import begins, modelled, start
from luthier.search.gaussian.evidence import evidence_of
from luthier.search.gaussian.maximize import Effort
from luthier.search.gaussian.suggest import HARD, Taste
from luthier.search.searcher import in_turn
from luthier.search.stream import uniform
from luthier.search.tpe import Tpe
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["Auto", "plan", "tpe_share"]

MODEL_DIMENSIONS = 100
TPE_SHARE = 1 / 12
TPE_SHARE_MIXED = 1 / 8
TPE_SHARE_CATEGORIES = 1 / 4
COST_SHARE = 0.1  # of a trial's duration that a proposal may take
FREE_SECONDS = 0.1  # and what it may take however short trials are
PATIENCE_SECONDS = (
    5.0  # all of them together may take so long first: a busy machine does not change a short search
)
LIGHT = Effort(candidates=96, starts=3, steps=10, turns=1)
RECENT = 15
WARM = 200
TELLING = 3
AGAIN = 24


@dataclass(frozen=True)
class Auto:
    """Chooses and mixes algorithms by itself. With `repeats` a configuration may be proposed again."""

    repeats: bool = False

    name: ClassVar[str] = "auto"
    looks_back: ClassVar[bool] = True

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        """One proposal for every ordinal; none past the last configuration of a finite space."""
        frame = frame_of(space)

        def one(ordinal: int, also: Sequence[Configuration]) -> Proposal | None:
            evidence = evidence_of(frame, history, also)
            if begins(frame, history, evidence, ordinal):
                return start(frame, history, evidence, seed, ordinal, self.name, repeats=self.repeats)
            effort = affordable(history, ordinal)
            if (
                effort is None
                or frame.d > MODEL_DIMENSIONS
                or uniform(seed, "auto", ordinal) < tpe_share(frame)
            ):
                return Tpe(repeats=self.repeats).next(space, history, seed, ordinal, also)
            taste = Taste("ei", effort=effort, repeats=self.repeats)
            made = modelled(frame, history, evidence, seed, ordinal, taste, self.name)
            if made is not None and effort is LIGHT and made.mean is not None:
                return made._replace(note={**made.note, "light": True})
            return made

        return in_turn(ordinals, one)


def tpe_share(frame: Frame) -> float:
    """How often TPE proposes: a hedge against what the process can't see, dearer where all is smooth."""
    categories = int(frame.is_category.sum())
    if categories > frame.d - categories:
        return TPE_SHARE_CATEGORIES
    return TPE_SHARE_MIXED if categories or frame.is_conditional else TPE_SHARE


def affordable(history: History, ordinal: int) -> Effort | None:
    """How hard the Gaussian process may think, so that a proposal takes its share of a trial's duration at most; None
    where even the least is too much. Durations are those of the record.

    Now and then the next higher effort is tried again, so that one slow moment does not decide for the rest of a search.
    """
    lasted = [t.result.seconds for t in history.scored[-RECENT:] if t.result and t.result.seconds is not None]
    spent = sum(t.proposal.seconds for t in history.trials[:WARM] if t.proposal is not None)
    if not lasted or spent < PATIENCE_SECONDS:
        return HARD
    allowed = max(FREE_SECONDS, COST_SHARE * median(lasted))
    full, light = _costs(history)
    if full is None or full <= allowed or ordinal % AGAIN == 0:
        return HARD
    if light is None or light <= allowed or ordinal % AGAIN == AGAIN // 2:
        return LIGHT
    return None


def _costs(history: History) -> tuple[float | None, float | None]:
    """What a proposal of the process usually takes in seconds, with full and with light effort; None where too few tell."""
    taken: tuple[list[float], list[float]] = ([], [])
    for trial in reversed(history.trials):
        why = trial.proposal
        if why is not None and why.by == "bayesian":
            taken[bool(why.note.get("light"))].append(why.seconds)
            if min(map(len, taken)) >= RECENT:
                break
    full, light = (median(some[:RECENT]) if len(some) >= TELLING else None for some in taken)
    return full, light


def plan(space: Space, target: int | None) -> str:
    """What it will do with this space, and why, in one line."""
    frame = frame_of(space)
    count = space.count()
    categories = int(frame.is_category.sum())
    numbers = frame.d - categories
    what = " and ".join(
        text
        for text, n in ((f"{numbers} on a scale", numbers), (f"{categories} without an order", categories))
        if n
    )
    if frame.d > MODEL_DIMENSIONS:
        return f"TPE, because {frame.d} parameters are too many for a Gaussian process"
    mixed = f"TPE for 1 trial in {round(1 / tpe_share(frame))}"
    ends = (
        f"; all {count} configurations at most"
        if count is not None and (target is None or count <= target)
        else ""
    )
    return f"a Gaussian process with expected improvement, {mixed}: {what}{ends}"
