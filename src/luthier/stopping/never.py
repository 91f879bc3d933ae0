"""No rule: every trial runs to its end."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.curves import Curves
from luthier.stopping.rule import Decision

__all__ = ["Never"]


@dataclass(frozen=True)
class Never:
    """Decides nothing."""

    @property
    def name(self) -> str:
        return "none"

    def decide(self, curves: Curves, number: int) -> Decision | None:
        return None

    def explain(self) -> str:
        return "no trial is stopped early"
