"""Patience: a trial ends when it has not become better for some time. Other trials do not matter.

Such a trial has come to its end, as with the early stopping of Keras and its like: its value counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.curves import Curve, Curves, Standing
from luthier.stopping.rule import Decision

__all__ = ["Patience"]


@dataclass(frozen=True)
class Patience:
    """Stops after `points` points in a row that did not improve the trial's best by more than `min_delta`."""

    points: int = 10
    min_delta: float = 0.0

    @property
    def name(self) -> str:
        return "patience"

    def decide(self, curves: Curves, number: int) -> Decision | None:
        curve = curves.get(number)
        if curve is None or curve.standing is not Standing.RUNNING or not curve.count:
            return None
        since, resource, best = self._last_gain(curve)
        if curve.count - since < self.points:
            return None
        by = f" by more than {self.min_delta:g}" if self.min_delta else ""
        if since:
            words = f"{curves.shown(best)} of step {curve.step(resource):g} was not improved{by}"
        else:
            words = "there was no number"
        return Decision(
            True, f"{words} in {curve.count - since} points", self.name, curve.resource, bool(since)
        )

    def _last_gain(self, curve: Curve) -> tuple[int, float, float]:
        """The last record that beat the one before it by more than the least difference."""
        gain = (0, 0.0, float("inf"))
        for record in curve.records:
            if record[2] < gain[2] - self.min_delta or not gain[0]:
                gain = record
        return gain

    def explain(self) -> str:
        by = f" by more than {self.min_delta:g}" if self.min_delta else ""
        return f"patience: a trial is at its end after {self.points} points that did not improve its best value{by}"
