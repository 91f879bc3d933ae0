"""The median rule: a trial ends when its best value is worse than the median of what complete ones had on average.

**Source** Golovin et al., "Google Vizier" (2017), section 3.2: the running averages are of the complete trials, up to the
step at which the trial is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from luthier.curves import Curves, Standing
from luthier.stopping.checkpoints import reached_checkpoint
from luthier.stopping.rule import Decision

__all__ = ["Median"]


@dataclass(frozen=True)
class Median:
    """Judges from resource `grace` + 1 on, once `min_trials` complete trials came so far."""

    grace: float = 1.0
    min_trials: int = 5

    @property
    def name(self) -> str:
        return "median"

    def decide(self, curves: Curves, number: int) -> Decision | None:
        curve = curves.get(number)
        if curve is None or curve.standing is not Standing.RUNNING or not curve.resource > self.grace:
            return None
        place, end = reached_checkpoint(curve), curves.furthest
        if place is None or end is None or curve.resource >= end:
            return None
        others = curves.averages(place)
        if len(others) < self.min_trials:
            return None
        median = others.entries[(len(others) - 1) // 2][0]
        if len(others) % 2 == 0:
            median = (median + others.entries[len(others) // 2][0]) / 2
        best = curve.records[-1][2] if curve.records and curve.loss == curve.loss else inf
        there = f"the median over {len(others)} complete trials of their averages up to there, {curves.shown(median)}"
        at = f"the best value up to step {curve.step():g}, {curves.shown(best)}, is"
        if not best > median or self._leads(curves, number, place):
            return None
        return Decision(True, f"{at} worse than {there}", self.name, place)

    def _leads(self, curves: Curves, number: int, place: float) -> bool:
        """Whether no complete trial was as good there."""
        mine = curves[number].loss
        mine = inf if mine != mine else mine
        known = (curve.at(place) for curve in curves.complete.values())
        return not any(loss is not None and loss <= mine for loss in known)

    def explain(self) -> str:
        return (
            f"median rule: once {self.min_trials} trials are complete, one is stopped when its best value is "
            "worse than the median of their averages up to the same step"
        )
