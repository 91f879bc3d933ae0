"""From the number of a configuration to the configuration and back, without making the others.

Declared order: the first parameter changes slowest, the last fastest. At every parameter the walk knows how many
configurations each run of values leads to (`counting.py`) and steps over whole runs, so a point of a grid of 10^30
costs as much as one of a grid of 16.
"""

from __future__ import annotations

from luthier.space.configuration import Configuration
from luthier.space.counting import Counter, Ruled
from luthier.space.value import Value

__all__ = ["configuration_at", "index_of"]


class _Walk:
    """Goes through the parameters in declared order and keeps how many ways remain in every component."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.ruled: dict[int, Ruled] = {}
        self.rest: dict[int, int] = {}
        self.ways = 1
        for component, members in counter.members.items():
            self.ruled[component] = frozenset()
            self.rest[component] = counter.left(members[0], frozenset()) or 0
            self.ways *= self.rest[component]

    def enter(self, position: int) -> bool:
        """Whether the parameter is active; the walk moves past it if it is not."""
        component = self.counter.component[position]
        if position not in self.ruled[component]:
            return True
        self.ruled[component] |= self.counter.ruled_without(position)
        return False

    def after(self, position: int, decided: Ruled) -> int:
        """The configurations that follow each value of a run that decides `decided`."""
        component = self.counter.component[position]
        left = self.counter.left(self.counter.following(position), self.ruled[component] | decided)
        assert left is not None
        return self.ways // self.rest[component] * left

    def take(self, position: int, decided: Ruled) -> None:
        """Moves past an active parameter whose value decides `decided`."""
        component = self.counter.component[position]
        self.ways = self.after(position, decided)
        self.ruled[component] |= decided
        left = self.counter.left(self.counter.following(position), self.ruled[component])
        assert left is not None
        self.rest[component] = left


def configuration_at(counter: Counter, index: int) -> Configuration:
    """The configuration number `index`, from 0."""
    walk = _Walk(counter)
    items: list[tuple[str, Value]] = []
    for position, parameter in enumerate(counter.parameters):
        if not walk.enter(position):
            continue
        for start, stop, decided in counter.runs(position):
            each = walk.after(position, decided)
            if index < (stop - start) * each:
                skipped, index = divmod(index, each)
                items.append((parameter.name, parameter.domain.at(start + skipped)))
                walk.take(position, decided)
                break
            index -= (stop - start) * each
    return Configuration.of(items)


def index_of(counter: Counter, configuration: Configuration) -> int:
    """The number of a valid configuration: the inverse of `configuration_at`."""
    walk = _Walk(counter)
    index = 0
    for position, parameter in enumerate(counter.parameters):
        if not walk.enter(position):
            continue
        place = parameter.domain.index_of(configuration[parameter.name].value)
        for start, stop, decided in counter.runs(position):
            each = walk.after(position, decided)
            if place < stop:
                index += (place - start) * each
                walk.take(position, decided)
                break
            index += (stop - start) * each
    return index
