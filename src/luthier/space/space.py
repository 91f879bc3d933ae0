"""The ordered set of parameters that a search may vary, some of which exist only when another has a value.

A `Space` is a frozen value that every door makes and every searcher reads. It counts and numbers its configurations
exactly (`counting.py`, `indexing.py`), turns them into points of the unit cube and back (`cube.py`), and checks what
users hand in. Texts of the command line are read in `grammar.py`, parsed files in `declared.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from luthier.errors import SpaceError
from luthier.record import Record
from luthier.space.conditions import Condition
from luthier.space.configuration import Configuration
from luthier.space.counting import Counter, require_finite
from luthier.space.indexing import configuration_at, index_of
from luthier.space.nearest import hint
from luthier.space.parameter import Parameter
from luthier.space.value import Value, is_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ConditionError", "Parameter", "Space"]


class ConditionError(SpaceError):
    """Says that a parameter depends on something it can't; `parameter` is its name."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"parameter {parameter!r} {problem}")
        self.parameter = parameter
        self.problem = problem

    def __reduce__(self) -> tuple[Any, ...]:
        return (ConditionError, (self.parameter, self.problem))


class Space(Record):
    """Parameters in declared order.

    **Raises** SpaceError for a name that is empty or declared twice, and for a condition on a parameter that is
    unknown, declared later (so no circle can be made), or never has the value asked for.
    """

    parameters: tuple[Parameter, ...] = ()

    def __init__(self, parameters: Sequence[Parameter] = ()) -> None:
        names = [p.name for p in parameters]
        checked: dict[str, Parameter] = {}
        for parameter in parameters:
            if not parameter.name:
                raise SpaceError("a parameter has an empty name; write NAME=VALUE,… with a name before the =")
            if not is_text(parameter.name):
                raise SpaceError(
                    f"the name {parameter.name!r} holds half a character (a lone surrogate), which no record can keep; "
                    "write it in UTF-8"
                )
            if parameter.name in checked:
                raise SpaceError(f"parameter {parameter.name!r} is declared twice; give each parameter once")
            when = tuple(_bound(parameter.name, c, checked, names) for c in parameter.when)
            checked[parameter.name] = Parameter(parameter.name, parameter.domain, when)
        self._settle(parameters=tuple(checked.values()))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return (Space, (self.parameters,))

    def __len__(self) -> int:
        return len(self.parameters)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Parameter:
        return self._by_name[name]

    @cached_property
    def _hash(self) -> int:
        return hash(self.parameters)

    @cached_property
    def _by_name(self) -> dict[str, Parameter]:
        return {p.name: p for p in self.parameters}

    @cached_property
    def _counter(self) -> Counter:
        return Counter(self.parameters)

    @cached_property
    def _count(self) -> int | None:
        return self._counter.total()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all parameters, in declared order."""
        return tuple(self._by_name)

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """The names of the parameters that vary: the axes of the unit cube, in declared order."""
        return tuple(p.name for p in self.parameters if p.domain.count() != 1)

    @cached_property
    def endless(self) -> tuple[str, ...]:
        """The names of the parameters whose values can't be counted."""
        return tuple(p.name for p in self.parameters if p.domain.count() is None)

    def count(self) -> int | None:
        """How many configurations there are, exactly; None when they are endless."""
        return self._count

    def finite_count(self) -> int:
        """How many configurations there are.

        **Raises** SpaceError, when they are endless, naming a parameter and what to write.
        """
        return require_finite(self._count, self.parameters)

    @cached_property
    def is_uniform(self) -> bool:
        """Whether independent draws of all parameters make all configurations of a finite space equally likely."""
        return all(p.domain.is_uniform and not p.when for p in self.parameters)

    def at(self, index: int) -> Configuration:
        """The configuration number `index`, from 0: the first parameter changes slowest.

        **Raises** SpaceError in an endless space, IndexError past the last one. **Cost** O(parameters).
        """
        if not 0 <= index < self.finite_count():
            raise IndexError(index)
        return configuration_at(self._counter, index)

    def index_of(self, configuration: Configuration) -> int:
        """The number of a configuration: the inverse of `at`.

        **Raises** SpaceError in an endless space and for a configuration outside.
        """
        self.finite_count()
        self.validate(configuration)
        return index_of(self._counter, configuration)

    def choose(self, pick: Callable[[Parameter], Value]) -> Configuration:
        """The configuration that has, for every active parameter in declared order, the value `pick` gives."""
        items: list[tuple[str, Value]] = []
        plain: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.when and not self._is_active(parameter, plain):
                continue
            value = pick(parameter)
            plain[parameter.name] = value.value
            items.append((parameter.name, value))
        return Configuration.of(items)

    def from_unit(self, units: Mapping[str, float]) -> Configuration:
        """The configuration that stands at `units`, one number in [0, 1] for every active name of `dimensions`."""
        return self.choose(
            lambda p: p.domain.at(0) if p.domain.count() == 1 else p.domain.from_unit(units[p.name])
        )

    def is_active(self, name: str, values: Mapping[str, Any]) -> bool:
        """Whether a parameter exists, given the plain values of the active parameters declared before it."""
        return self._is_active(self._by_name[name], values)

    def _is_active(self, parameter: Parameter, plain: Mapping[str, Any]) -> bool:
        return all(
            c.parent in plain and c.holds(plain[c.parent], self._by_name[c.parent].domain)
            for c in parameter.when
        )

    def configuration(self, given: Mapping[str, Any]) -> Configuration:
        """The configuration of what a user wrote: texts, plain values or `Value`s, by name; texts are kept.

        Parameters with a single value may be left out.

        **Raises** SpaceError naming what is unknown (with the nearest name), missing, inactive or out of range.
        """
        for name in given:
            if name not in self._by_name:
                known = ", ".join(self._by_name) or "none"
                raise SpaceError(
                    f"there is no parameter {name!r}{hint(name, self._by_name)}; the parameters are {known}"
                )
        made = self.choose(lambda p: _read(p, given))
        for name in given:
            if name not in made:
                conditions = " and ".join(str(c) for c in self._by_name[name].when)
                raise SpaceError(f"parameter {name!r} exists only when {conditions}; leave it out")
        return made

    def validate(self, configuration: Configuration) -> None:
        """Checks that a configuration has a valid value for every active parameter and for no other.

        **Raises** SpaceError saying which has not.
        """
        values = configuration.values()
        made = self.configuration(values)
        for name, value in values.items():
            if not self._by_name[name].domain.contains(value):
                raise SpaceError(f"parameter {name!r}: {value!r} is not in {self._by_name[name].domain}")
        if len(made) != len(configuration):
            missing = next(name for name in made if name not in configuration)
            raise SpaceError(f"parameter {missing!r} has no value; give it one")

    def contains(self, configuration: Configuration) -> bool:
        """Whether `validate` has nothing to say."""
        try:
            self.validate(configuration)
        except SpaceError:
            return False
        return True

    def encode(self, configurations: Sequence[Configuration]) -> NDArray[np.float64]:
        """The configurations as points of the unit cube. **Shapes** (n, len(dimensions)), NaN where inactive."""
        from luthier.space.cube import encode

        return encode([(name, self[name].domain) for name in self.dimensions], configurations)

    def decode(self, X: NDArray[np.float64]) -> list[Configuration]:
        """The configurations that stand at the rows of X. **Shapes** X (n, len(dimensions)). Exactly undoes
        `encode` on finite domains; numbers of inactive parameters are ignored."""
        from luthier.space.cube import decode

        return [self.from_unit(units) for units in decode(self.dimensions, X)]

    def to_list(self) -> list[dict[str, Any]]:
        """The parameters as plain JSON values, in declared order."""
        return [parameter.to_dict() for parameter in self.parameters]

    @classmethod
    def from_list(cls, data: Sequence[dict[str, Any]]) -> Space:
        """Reads what `to_list` wrote."""
        return cls(tuple(Parameter.from_dict(entry) for entry in data))

    def __str__(self) -> str:
        return "\n".join(map(str, self.parameters))


def _bound(
    name: str, condition: Condition, earlier: Mapping[str, Parameter], names: Sequence[str]
) -> Condition:
    """A condition of parameter `name`, checked against the parameters declared before it."""
    parent = earlier.get(condition.parent)
    if parent is None:
        if condition.parent == name:
            raise ConditionError(
                name, "exists only when itself has a value; name another parameter in 'when'"
            )
        if condition.parent in names:
            problem = f"is declared later; declare {condition.parent!r} first"
        else:
            problem = f"is no parameter{hint(condition.parent, names)}; name one that is declared before"
        raise ConditionError(name, f"depends on {condition.parent!r}, which {problem}")
    try:
        return condition.bound(parent.domain)
    except SpaceError as error:
        raise ConditionError(name, f"exists when {condition}, but {error}") from None


def _read(parameter: Parameter, given: Mapping[str, Any]) -> Value:
    if parameter.name not in given:
        if parameter.domain.count() == 1:
            return parameter.domain.at(0)
        raise SpaceError(f"parameter {parameter.name!r} has no value; give it one of {parameter.domain}")
    try:
        return parameter.domain.read(given[parameter.name])
    except SpaceError as error:
        raise SpaceError(f"parameter {parameter.name!r}: {error}") from None
