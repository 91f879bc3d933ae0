"""Counts the configurations of a space with conditions, exactly, without making one.

Parameters tied together by conditions form a component; components multiply. Within one, values of a parent that
decide the same conditions alike are counted once, as a run, and what was decided is all that is remembered: the
parameters already ruled out. So a space of 10^30 points is counted in the time of its distinct branches. `indexing.py`
walks the same runs to find one point.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from luthier.errors import SpaceError
from luthier.space.parameter import Parameter

__all__ = ["Counter", "Ruled", "require_finite"]

Ruled = frozenset[int]
"""The positions of parameters that a decided condition has ruled out."""


class Counter:
    """Counts what is left of each component, given what was decided before. Remembers its answers."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = parameters
        place = {p.name: i for i, p in enumerate(self.parameters)}
        self.parents = [sorted({place[c.parent] for c in p.when}) for p in self.parameters]
        self.children: list[list[int]] = [[] for _ in self.parameters]
        for child, parents in enumerate(self.parents):
            for parent in parents:
                self.children[parent].append(child)
        self.component = self._components()
        self.members: dict[int, list[int]] = {}
        for position, component in enumerate(self.component):
            self.members.setdefault(component, []).append(position)
        self._runs: dict[int, list[tuple[int, int, Ruled]]] = {}
        self._left: dict[tuple[int, Ruled], int | None] = {}

    def _components(self) -> list[int]:
        """The smallest position of the component of each parameter."""
        label = list(range(len(self.parameters)))
        for child, parents in enumerate(self.parents):
            joined = {label[child], *(label[p] for p in parents)}
            least = min(joined)
            label = [least if at in joined else at for at in label]
        return label

    def following(self, position: int) -> int | None:
        """The next position of the same component."""
        members = self.members[self.component[position]]
        place = bisect_right(members, position)
        return members[place] if place < len(members) else None

    def ruled_without(self, position: int) -> Ruled:
        """What the absence of a parameter rules out: all its children."""
        return frozenset(self.children[position])

    def runs(self, position: int) -> list[tuple[int, int, Ruled]]:
        """The values of a finite parameter as (first index, past the last index, ruled out), in order."""
        if position not in self._runs:
            self._runs[position] = self._find_runs(position)
        return self._runs[position]

    def _find_runs(self, position: int) -> list[tuple[int, int, Ruled]]:
        parameter = self.parameters[position]
        count = parameter.domain.count()
        assert count is not None
        starts = {0}
        for child in self.children[position]:
            for condition in self.parameters[child].when:
                if condition.parent == parameter.name:
                    for value in condition.values:
                        starts.update(_cuts(position, value, count, self))
        ordered = sorted(s for s in starts if s < count)
        return [
            (start, stop, self.ruled_by(position, parameter.domain.at(start).value))
            for start, stop in zip(ordered, [*ordered[1:], count], strict=True)
        ]

    def ruled_by(self, position: int, value: object) -> Ruled:
        """The children that a parent's value rules out."""
        parameter = self.parameters[position]
        return frozenset(
            child
            for child in self.children[position]
            if any(
                c.parent == parameter.name and not c.holds(value, parameter.domain)
                for c in self.parameters[child].when
            )
        )

    def left(self, position: int | None, ruled: Ruled) -> int | None:
        """How many ways there are to fill a component from `position` on; None for endless."""
        if position is None:
            return 1
        ruled = frozenset(r for r in ruled if r >= position)
        key = (position, ruled)
        if key not in self._left:
            self._left[key] = self._count(position, ruled)
        return self._left[key]

    def _count(self, position: int, ruled: Ruled) -> int | None:
        after = self.following(position)
        if position in ruled:
            return self.left(after, ruled | self.ruled_without(position))
        if self.parameters[position].domain.count() is None:
            return None
        total = 0
        for start, stop, decided in self.runs(position):
            rest = self.left(after, ruled | decided)
            if rest is None:
                return None
            total += (stop - start) * rest
        return total

    def total(self) -> int | None:
        """How many configurations there are; None for endless."""
        total = 1
        for component, members in self.members.items():
            count = self.left(members[0], frozenset())
            if count is None:
                return None
            total *= count
            assert component == members[0]
        return total


def _cuts(position: int, value: object, count: int, counter: Counter) -> tuple[int, ...]:
    """Where a comparison with `value` may change its answer: before and after the place of the value."""
    domain = counter.parameters[position].domain
    if domain.kind in ("categorical", "constant"):
        return tuple(range(count))  # listed, so they are few, and they have no order
    if domain.kind == "ordinal":
        index = domain.index_of(value)
        return (index, index + 1)
    low, high = 0, count  # the first place whose value is not below `value`, by halving
    while low < high:
        middle = (low + high) // 2
        if domain.at(middle).value < value:
            low = middle + 1
        else:
            high = middle
    return (low, low + 1)


def require_finite(count: int | None, parameters: Sequence[Parameter]) -> int:
    """The count of a space that must be finite, as for a grid.

    **Raises** SpaceError naming the parameter that has no end, and what to write.
    """
    if count is not None:
        return count
    endless = next(parameter for parameter in parameters if parameter.domain.count() is None)
    name, domain = endless.name, endless.domain
    low = getattr(domain, "low", None)
    if low is None:
        raise SpaceError(
            f"param '{name}' is {domain}, whose values can't be listed; list them as {name}=VALUE,VALUE"
        )
    raise SpaceError(
        f"param '{name}' is the range {domain} without a step, whose values can't be listed; "
        f"list them as {name}=VALUE,VALUE or add a step, as in {name}=MIN:MAX:step=STEP"
    )
