"""The seam between the engine and every rule that ends a trial early.

`testing/stopper.py` holds the contract as tests; a rule that passes them can be used everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from luthier.curves import Curves

__all__ = ["Decision", "StoppingRule", "likely"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule made of a trial at one of its points. `reason` is a sentence for people, `rule` who decided,
    `resource` where. A stop that `completes` the trial says that it has come to its end: its value counts."""

    stop: bool
    reason: str
    rule: str
    resource: float
    completes: bool = False


def likely(chance: float) -> str:
    """A small probability as people read it: `0.034`, `less than 0.001`."""
    return f"{chance:.2g}" if chance >= 0.001 else "less than 0.001"


class StoppingRule(Protocol):
    """Says of a trial whether it goes on. A frozen value: its settings and nothing else."""

    @property
    def name(self) -> str:
        """Who decides: it becomes `Decision.rule`."""

    def decide(self, curves: Curves, number: int) -> Decision | None:
        """What is to become of trial `number`, whose newest point was just added; None where there is nothing to decide
        at this point.

        **Holds** A decision depends on the settings and on what was added to `curves`, in that order, and on nothing
        else. A trial that reported nothing, has ended, or is the best of all that came so far is never stopped.

        **Cost** well under a millisecond with 1,000 trials of 1,000 points.
        """

    def explain(self) -> str:
        """What it will do, in one line."""
