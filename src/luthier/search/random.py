"""Independent random configurations; from a finite space each at most once, unless repeats are asked for.

Three ways to the same promise, that a proposal is a function of (space, seed, ordinal): an endless space is drawn
from directly; a finite one whose configurations are all equally likely is walked in a seeded order (`permutation.py`);
any other finite one is drawn from and repeats are passed over (`distinct.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from luthier.history import History
from luthier.search.distinct import Distinct
from luthier.search.permutation import permuted
from luthier.search.stream import uniform
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["Random", "drawn"]


def drawn(space: Space, seed: int, number: int) -> Configuration:
    """The draw of this number: every active parameter at a uniform number of its own, named by the parameter."""
    return space.choose(lambda p: p.domain.from_unit(uniform(seed, "random", number, p.name)))


@lru_cache(maxsize=8)
def _distinct(space: Space, seed: int) -> Distinct:
    return Distinct(space, seed, lambda number: drawn(space, seed, number))


@dataclass(frozen=True)
class Random:
    """Draws at random. With `repeats` a finite space may give the same configuration again."""

    repeats: bool = False

    name: ClassVar[str] = "random"
    looks_back: ClassVar[bool] = False

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        """One proposal for every ordinal; none past the last configuration of a finite space."""
        made = ((n, self._at(space, seed, n)) for n in ordinals)
        return [Proposal(c, by=self.name, ordinal=n) for n, c in made if c is not None]

    def _at(self, space: Space, seed: int, ordinal: int) -> Configuration | None:
        count = None if self.repeats else space.count()
        if count is None:
            return drawn(space, seed, ordinal)
        if ordinal > count:
            return None
        if space.is_uniform:
            return space.at(permuted(seed, count, ordinal - 1))
        return _distinct(space, seed).at(ordinal)
