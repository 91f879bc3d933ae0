"""What a program is told of a trial: `Tried`, one that the experiment has, and `Asked`, one that it runs itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Asked", "Tried"]


@dataclass(frozen=True)
class Tried:
    """One trial as a program reads it. `params` is the user's own structure with the real objects, `values` the plain
    values by parameter; `value` is the objective, None where there is none; `metrics` the last value of each metric."""

    number: int
    params: Any
    values: dict[str, Any]
    value: float | None
    state: str
    outcome: str | None
    reason: str
    seconds: float | None
    seed: int
    metrics: dict[str, float]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        ended = self.outcome or self.state
        return f"trial {self.number}: {ended if self.value is None else f'{self.value:.6g}'} at {shown}"


@dataclass(frozen=True)
class Asked:
    """A trial that the program runs itself: `params` to try, and the seed to use. Say how it ended with
    `experiment.tell`."""

    number: int
    params: Any
    values: dict[str, Any]
    seed: int
    attempt: int
