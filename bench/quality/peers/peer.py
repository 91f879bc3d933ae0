"""The one face of every optimizer: ask for values, tell a loss or that the trial failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from bench.quality.problem import Problem

__all__ = ["Exhausted", "Peer", "Unsuitable"]


class Unsuitable(Exception):
    """The optimizer can't search such a space at all."""


class Exhausted(Exception):
    """The optimizer says that there is nothing left to try."""


class Peer(Protocol):
    """One search. Made as `Peer(problem, seed)`; trials are numbered from 1 and several may be open at once."""

    version: str

    def __init__(self, problem: Problem, seed: int) -> None: ...

    def ask(self, trial: int) -> Mapping[str, Any]:
        """The values of a trial, of its active parameters at least. **Raises** Exhausted."""

    def tell(self, trial: int, loss: float | None, seconds: float) -> None:
        """How the trial ended: its loss, or None when it failed, after so many simulated seconds."""
