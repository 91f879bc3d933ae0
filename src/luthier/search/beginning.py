"""The first configurations of a search that knows nothing yet: the best of earlier searches, the centre, Sobol points.

The centre is a good guess more often than not: ranges are drawn around what people believe in. A finite space is walked
without repeats, and what was tried already is passed over, so this is also where every search turns when it has nothing
better to propose.

**Source** that a small space-filling design does best: Benjamins et al. (2025), CARP-S; the centre first: Song et al.
(2024), The Vizier Gaussian process bandit algorithm.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterator
from functools import lru_cache

from luthier.history import History
from luthier.search.distinct import Distinct
from luthier.search.permutation import permuted
from luthier.search.sobol import DIMENSIONS, point
from luthier.search.stream import uniform
from luthier.space import Categorical, Configuration, Normal, Parameter, Space, Value
from luthier.trial import Proposal

__all__ = ["first", "opening", "unseen"]

EARLIER, LOOKED_AT = 2, 8
"""So many trials begin where earlier experiments were best, each at the best of so many that was not tried."""
PASSES = 64
"""So many points of the sequence are looked at in an endless space, before it is left for what stands beside it."""
BESIDE = 20_000
"""And so many of those."""


def opening(
    space: Space,
    history: History,
    seed: int,
    ordinal: int,
    tried: Container[Configuration],
    by: str,
    *,
    repeats: bool = False,
) -> Proposal | None:
    """The proposal of an ordinal that no model makes: the best of earlier experiments, then the centre, for which a
    person's own first trial stands, then evenly spread points. None where all were tried, unless they may be repeated."""
    if history.earlier and ordinal <= EARLIER:
        best = sorted(history.earlier, key=lambda o: -o.value if history.maximize else o.value)
        for one in best[:LOOKED_AT]:
            if one.configuration not in tried and one.value == one.value:
                return Proposal(one.configuration, by=by, ordinal=ordinal, note={"from": one.source})
    own = any(t.proposal is None or t.proposal.ordinal is None for t in history.trials)
    made = unseen(space, seed, ordinal + own, tried)
    if made is None and repeats:
        made = first(space, seed, ordinal + own)
    return None if made is None else Proposal(made, by=by, ordinal=ordinal, note={"beginning": True})


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

    **Cost** O(count) at worst, in a finite space that is nearly used up; O(tried) in an endless one whose likely values
    are few and used up.
    """
    count = space.count()
    if count is None:
        return _unseen_of_endless(space, seed, number, tried)
    if number <= count:
        made_or_none = _distinct(space, seed).at(number)
        if made_or_none is not None and made_or_none not in tried:
            return made_or_none
    for place in range(count):
        made = space.at(permuted(seed, count, place))
        if made not in tried:
            return made
    return None


def _unseen_of_endless(
    space: Space, seed: int, number: int, tried: Container[Configuration]
) -> Configuration | None:
    """As `unseen`. A distribution with steps is endless, though all but a few of its values are too rare to be drawn:
    when the points of the sequence are used up, their neighbours follow, the nearest first."""
    points: dict[Configuration, None] = {}
    for offset in range(PASSES):
        made = first(space, seed, number + offset)
        if made not in tried:
            return made
        points[made] = None
    neighbours = itertools.chain.from_iterable(
        _outward(space, made, number + turn) for turn, made in enumerate(points)
    )
    return next((beside for beside in itertools.islice(neighbours, BESIDE) if beside not in tried), None)


def _outward(space: Space, configuration: Configuration, turn: int) -> Iterator[Configuration]:
    """The configuration with one distribution's value ever more steps away, below and above; `turn` says whose."""
    stepped = [
        (p.name, p.domain)
        for p in space.parameters
        if isinstance(p.domain, Normal) and p.domain.step is not None and p.name in configuration
    ]
    if not stepped:
        return
    name, domain = stepped[turn % len(stepped)]
    begin = configuration[name].value
    for steps in itertools.count(1):
        for value in (domain.beside(begin, -steps), domain.beside(begin, steps)):
            if value is not None:
                yield _with(space, configuration, name, value)


def _with(space: Space, configuration: Configuration, name: str, value: Value) -> Configuration:
    """The configuration with another value of one parameter; what exists only now takes its middle."""

    def pick(parameter: Parameter) -> Value:
        if parameter.name == name:
            return value
        is_known = parameter.name in configuration
        return configuration[parameter.name] if is_known else parameter.domain.from_unit(0.5)

    return space.choose(pick)
