"""Asynchronous successive halving: of all that reach a rung only the best go on, without waiting for one another.

**Source** Li et al., "A system for massively parallel hyperparameter tuning" (2020), the variant that stops rather than
pauses. The best at a rung always goes on; so does who differs from the last one kept by noise only.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.curves import Curves, Standing
from luthier.stopping.rule import Decision
from luthier.stopping.rungs import reached, verdict

__all__ = ["Asha"]


@dataclass(frozen=True)
class Asha:
    """Rungs at min_resource · eta^k, and of the trials there the best 1 / eta go on. Nothing is decided at
    `max_resource`, or where that is unknown at the largest resource of a complete trial, nor beyond it."""

    eta: float = 4.0
    min_resource: float = 1.0
    max_resource: float | None = None

    @property
    def name(self) -> str:
        return "asha"

    def decide(self, curves: Curves, number: int) -> Decision | None:
        curve = curves.get(number)
        if curve is None or curve.standing is not Standing.RUNNING:
            return None
        end = curves.furthest if self.max_resource is None else self.max_resource
        place = reached(curve, self.min_resource, self.eta, end)
        if place is None:
            return None
        goes_on, reason = verdict(curves, number, place, self.eta)
        return Decision(not goes_on, reason, self.name, place)

    def explain(self) -> str:
        first = [f"{self.min_resource * self.eta**power:g}" for power in range(3)]
        return (
            f"successive halving: at {', '.join(first)}, … steps the best 1/{self.eta:g} of the trials go on "
            "and the others are stopped"
        )
