"""Hyperband: successive halving in several brackets, of which some judge later, in case early values mislead.

**Source** Li et al., "Hyperband" (2018). Its brackets run side by side here and each stops asynchronously; a trial's
bracket follows from its number alone, in the shares that Hyperband gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import ceil, sqrt

from luthier.curves import Curves, Standing
from luthier.stopping.rule import Decision
from luthier.stopping.rungs import reached, verdict

__all__ = ["Hyperband"]

GOLDEN = (sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Hyperband:
    """`brackets` many; bracket b is a successive halving whose first rung is min_resource · eta^b."""

    eta: float = 3.0
    min_resource: float = 1.0
    max_resource: float | None = None
    brackets: int = 3

    @property
    def name(self) -> str:
        return "hyperband"

    def bracket(self, number: int) -> int:
        """Which bracket a trial is in. Numbers in a row are spread evenly over the brackets' shares."""
        last = self.brackets - 1
        shares = [ceil(self.brackets / (last - b + 1) * self.eta ** (last - b)) for b in range(self.brackets)]
        place = number * GOLDEN % 1.0 * sum(shares)
        return next((b for b, most in enumerate(accumulate(shares)) if place < most), last)

    def decide(self, curves: Curves, number: int) -> Decision | None:
        curve = curves.get(number)
        if curve is None or curve.standing is not Standing.RUNNING:
            return None
        mine = self.bracket(number)
        end = curves.furthest if self.max_resource is None else self.max_resource
        place = reached(curve, self.min_resource * self.eta**mine, self.eta, end)
        if place is None:
            return None
        entries = [entry for entry in curves.rung(place).entries if self.bracket(entry[1]) == mine]
        goes_on, reason = verdict(curves, number, place, self.eta, entries)
        return Decision(not goes_on, f"{reason} (bracket {mine + 1})", self.name, place)

    def explain(self) -> str:
        return (
            f"Hyperband: successive halving in {self.brackets} brackets, whose first comparisons are at "
            + ", ".join(f"{self.min_resource * self.eta**b:g}" for b in range(self.brackets))
            + f" steps; the best 1/{self.eta:g} of a bracket go on"
        )
