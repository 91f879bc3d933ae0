"""The rule that `tune` takes by itself: silent until a trial reports steps, then careful.

An objective that is averaged over its points is taken for a cross-validation, and the folds are compared (`folds.py`), as
long as they are few enough for one.
Any other curve ends when two things hold: what it is thought to end with (`extrapolation.py`) is hardly better than the
best complete trial, and it is not among the best quarter of those that came so far, nor as good but for the noise. Nothing
is stopped before a trial is complete, which tells how long the way is and what is good.

**Measured** with random search over the recorded curves of the five data sets of `bench/curves` that it was tuned on, 60
trials, 400 searches: the points spent of all, and how often the end was worse by more than 1 % of the range. Rungs alone
(asha) 20 % and 143, Hyperband 34 % and 80, the median rule 46 % and 57, extrapolation alone 45 % and 18; this rule 47 %
and 13, on five other data sets 44 % and 10 (`bench/early_stopping.py`). Without the straight line among the laws more was
lost, with normal errors in the place of heavy tails three times as much. What rungs save beyond costs the best trial too
often.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.curves import Curves, Standing
from luthier.stopping.checkpoints import reached_checkpoint
from luthier.stopping.folds import Folds
from luthier.stopping.rule import Decision, likely
from luthier.stopping.rungs import Ranked

__all__ = ["Auto"]

CHANCE = 0.1
"""So likely to end better than the best, a trial goes on."""

NEARLY = 0.9
"""Who came so far of the way runs to the end: little would be saved, and a whole result lost."""

FEWEST = 2
"""Nobody is stopped where fewer trials came."""


@dataclass(frozen=True)
class Auto:
    """The best 1 / eta go on whatever their curves promise. Nothing is stopped before `min_resource`; `max_resource` is
    what a whole trial takes, where that is more than any complete one has had."""

    eta: float = 4.0
    min_resource: float = 1.0
    max_resource: float | None = None

    @property
    def name(self) -> str:
        return "auto"

    def decide(self, curves: Curves, number: int) -> Decision | None:
        curve = curves.get(number)
        if curve is None or curve.standing is not Standing.RUNNING:
            return None
        if curves.aggregate == "avg" and curve.parts is not None:
            return Folds().decide(curves, number)
        place, best, whole = reached_checkpoint(curve), curves.best, curves.furthest
        if place is None or best is None or whole is None or curve.resource < self.min_resource:
            return None
        end, there = max(whole, self.max_resource or whole), curves[best[1]].at(curve.resource)
        if curve.resource > NEARLY * end or (there is not None and curve.loss <= there):
            return None
        from luthier.stopping.extrapolation import guess

        thought = guess(curves, number, end)
        chance = 1.0 if thought is None else thought.chance_below(best[0])
        if thought is None or chance >= CHANCE:
            return None
        rung = curves.rung(place)
        rank = rung.rank(number)
        if rank is None or len(rung) < FEWEST:
            return None
        ranked = Ranked(curves, number, rung.entries, rank, self.eta)
        if ranked.among:
            return None
        reason = (
            f"{curves.shown(curve.loss)} at step {curve.step():g} is rank {rank} of {len(rung)} at that step; it would end near "
            f"{curves.shown(thought.mean)}, and better than the best trial, {curves.shown(best[0])}, with a chance of "
            f"{likely(chance)}"
        )
        return Decision(True, reason, self.name, place)

    def explain(self) -> str:
        return (
            "once a trial is complete, one is stopped when its curve has less than a 10 % chance to end better than the "
            f"best and it is not among the best 1/{self.eta:g} so far; an objective that is averaged is compared fold by fold"
        )
