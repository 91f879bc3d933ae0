"""The seam between the engine and every algorithm that proposes configurations.

`testing/searcher.py` holds the contract as tests; an algorithm that passes them can be used everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from luthier.history import History
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["Searcher", "in_turn"]


class Searcher(Protocol):
    """Proposes configurations. A frozen value: its settings and nothing else."""

    @property
    def name(self) -> str:
        """Who proposes: it becomes `Proposal.by`."""

    @property
    def looks_back(self) -> bool:
        """Whether proposals depend on the history. If not, they may be made ahead, and an empty history serves."""

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        """One proposal for every ordinal, in that order; ordinals count the algorithm's own proposals from 1.

        **Holds** A proposal depends on (settings, space, seed, its ordinal, history) only; with `looks_back` False
        not on the history. Fewer proposals than ordinals: the space has no more configurations, and the proposals
        made belong to the ordinals that exist, each of which says its own `ordinal`.

        **Raises** SpaceError where the space can't be searched this way.
        """


def in_turn(
    ordinals: Sequence[int], propose: Callable[[int, Sequence[Configuration]], Proposal | None]
) -> list[Proposal]:
    """One proposal for every ordinal, each told which configurations were proposed before it in the same call."""
    made: list[Proposal] = []
    for ordinal in ordinals:
        one = propose(ordinal, [proposal.configuration for proposal in made])
        if one is not None:
            made.append(one)
    return made
