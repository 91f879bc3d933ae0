"""Every configuration of a finite space, in declared order: the first parameter changes slowest, the last fastest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from luthier.history import History
from luthier.record import Record
from luthier.space import Space
from luthier.trial import Proposal

__all__ = ["Grid"]


class Grid(Record):
    """Proposes configuration number `ordinal` - 1 of the space, without making the others."""

    name: ClassVar[str] = "grid"
    looks_back: ClassVar[bool] = False

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        """One proposal for every ordinal that the grid has.

        **Raises** SpaceError naming a parameter whose values can't be listed. **Cost** O(parameters) each.
        """
        count = space.finite_count()
        return [Proposal(space.at(n - 1), by=self.name, ordinal=n) for n in ordinals if n <= count]
