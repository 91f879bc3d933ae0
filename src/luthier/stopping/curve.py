"""Learning-curve extrapolation: a trial ends when it will hardly end better than the best one did.

How a curve is thought to go on is `extrapolation.py`; `auto` uses the same as a veto.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.curves import Curves, Standing
from luthier.stopping.checkpoints import reached_checkpoint
from luthier.stopping.rule import Decision, likely

__all__ = ["CurveRule"]


@dataclass(frozen=True)
class CurveRule:
    """Stops where the probability of ending better than the best complete trial is below `chance`, once `min_trials`
    are complete."""

    chance: float = 0.1
    min_trials: int = 3
    max_resource: float | None = None

    @property
    def name(self) -> str:
        return "curve"

    def decide(self, curves: Curves, number: int) -> Decision | None:
        curve = curves.get(number)
        if curve is None or curve.standing is not Standing.RUNNING or len(curves.complete) < self.min_trials:
            return None
        end = max(curves.furthest or 0.0, self.max_resource or 0.0)
        place, best = reached_checkpoint(curve), curves.best
        if place is None or best is None or curve.resource >= end:
            return None
        from luthier.stopping.extrapolation import guess

        known = curves[best[1]].at(curve.resource)
        thought = guess(curves, number, end)
        if thought is None or known is None or curve.loss <= known:
            return None
        chance = thought.chance_below(best[0])
        if chance >= self.chance:
            return None
        ends = f"it would end near {curves.shown(thought.mean)}, the best trial has {curves.shown(best[0])}"
        value = f"{curves.shown(curve.loss)} at step {curve.step():g}"
        return Decision(
            True, f"{value}: {ends}; the chance to be better is {likely(chance)}", self.name, curve.resource
        )

    def explain(self) -> str:
        return (
            f"extrapolation: a trial is stopped when its curve has less than {100 * self.chance:.0f} % chance to end "
            f"better than the best of at least {self.min_trials} complete trials"
        )
