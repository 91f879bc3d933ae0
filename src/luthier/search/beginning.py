"""The first configurations of a search that knows nothing yet: the centre, then scrambled Sobol points.

The centre is a good guess more often than not: ranges are drawn around what people believe in. A finite space is walked
without repeats, and what was tried already is passed over, so this is also where every search turns when it has nothing
better to propose.

**Source** that a small space-filling design does best: Benjamins et al. (2025), CARP-S; the centre first: Song et al.
(2024), The Vizier Gaussian process bandit algorithm.
"""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache

from luthier.search.distinct import Distinct
from luthier.search.permutation import permuted
from luthier.search.sobol import DIMENSIONS, point
from luthier.search.stream import uniform
from luthier.space import Categorical, Configuration, Space

__all__ = ["first", "unseen"]

PASSES = 64


def first(space: Space, seed: int, number: int) -> Configuration:
    """Configuration `number`, from 1, of the sequence; a finite space may give one again (`unseen` does not)."""
    if number == 1:
        return space.from_unit(dict.fromkeys(space.dimensions, 0.5) | _first_choices(space))
    if len(space.dimensions) > DIMENSIONS:
        return space.from_unit({name: uniform(seed, "beginning", number, name) for name in space.dimensions})
    return space.from_unit({name: point(seed, j, number - 2) for j, name in enumerate(space.dimensions)})


def _first_choices(space: Space) -> dict[str, float]:
    """Of a list without an order the first is the user's own first thought."""
    domains = {name: space[name].domain for name in space.dimensions}
    return {n: 0.0 for n, d in domains.items() if type(d) is Categorical and not d.is_numeric}


@lru_cache(maxsize=8)
def _distinct(space: Space, seed: int) -> Distinct:
    return Distinct(space, seed, lambda number: first(space, seed, number))


def unseen(space: Space, seed: int, number: int, tried: Container[Configuration]) -> Configuration | None:
    """The configuration of the sequence at `number`, or the next after it that was not tried; None where all were.

    **Cost** O(count) at worst, in a finite space that is nearly used up.
    """
    count = space.count()
    if count is None:
        for offset in range(PASSES):
            made = first(space, seed, number + offset)
            if made not in tried:
                return made
        return made
    if number <= count:
        made_or_none = _distinct(space, seed).at(number)
        if made_or_none is not None and made_or_none not in tried:
            return made_or_none
    for place in range(count):
        made = space.at(permuted(seed, count, place))
        if made not in tried:
            return made
    return None
