"""When a parameter exists: conditions on an earlier parameter.

A condition compares the parent's value with constants. Several conditions of one parameter must all hold, and the
parent must itself be active. Strings are compared only for equality, unless the parent is ordinal: then `<` and `>=`
compare places in its list. `space.py` decides which parameters are active.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple

from luthier.errors import SpaceError
from luthier.space.choices import Ordinal
from luthier.space.domains import Domain
from luthier.space.nearest import hint
from luthier.space.value import Value, canonical_text

__all__ = ["OPERATORS", "Condition", "parse_conditions"]

# The longer ones first, so that a reader of text meets `<=` before `<`.
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {"==": eq, "!=": ne, "<=": le, ">=": ge, "<": lt, ">": gt}


class Condition(NamedTuple):
    """`parent operator values`: with `in` the parent's value is one of `values`, else there is exactly one value."""

    parent: str
    operator: str
    values: tuple[Any, ...]

    def bound(self, domain: Domain) -> Condition:
        """This condition with its values read as values of the parent's domain.

        **Raises** SpaceError when the parent can never have them, or can't be compared that way.
        """
        if self.operator in ("in", "==", "!="):
            return Condition(self.parent, self.operator, tuple(domain.read(v).value for v in self.values))
        value = self.values[0]
        if isinstance(domain, Ordinal):
            return Condition(self.parent, self.operator, (domain.read(value).value,))
        if isinstance(value, str):
            from luthier.space.value import read_number

            value = read_number(value)
        numeric = getattr(domain, "is_numeric", True)
        if not numeric or isinstance(value, bool) or not isinstance(value, (int, float)):
            raise SpaceError(
                f"{self} does not compare numbers; write == or !=, or declare {self.parent} as ordered"
            )
        return Condition(self.parent, self.operator, (value,))

    def holds(self, value: Any, domain: Domain) -> bool:
        """Whether it is true of the parent's plain `value`."""
        if self.operator in ("in", "=="):
            return any(_same(value, v) for v in self.values)
        if self.operator == "!=":
            return not _same(value, self.values[0])
        if isinstance(domain, Ordinal):
            return OPERATORS[self.operator](domain.index_of(value), domain.index_of(self.values[0]))
        return OPERATORS[self.operator](value, self.values[0])

    def to_list(self) -> list[Any]:
        """The condition as plain JSON values."""
        return [self.parent, self.operator, list(self.values)]

    @classmethod
    def from_list(cls, data: list[Any]) -> Condition:
        """Reads what `to_list` wrote."""
        parent, operator, values = data
        return cls(parent, operator, tuple(values))

    def __str__(self) -> str:
        texts = [v.text if isinstance(v, Value) else canonical_text(v) for v in self.values]
        return f"{self.parent} {self.operator} {', '.join(texts)}"


def _same(a: Any, b: Any) -> bool:
    """Equality that tells true from 1."""
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)


def parse_conditions(raw: object) -> tuple[Condition, ...]:
    """Reads what users write under `when`.

    A text (`layers >= 3`, `optimizer in sgd, adam`, several joined by `and`), a mapping from parents to a value or a
    list of values, or a list of any of these; all of them must hold.

    **Raises** SpaceError with one sentence.
    """
    if isinstance(raw, Condition):
        return (raw,)
    if isinstance(raw, Value):
        raw = raw.value
    if isinstance(raw, str):
        return tuple(_parse_text(part.strip()) for part in raw.replace("&&", " and ").split(" and "))
    if isinstance(raw, (list, tuple)):
        return tuple(condition for part in raw for condition in parse_conditions(part))
    if isinstance(raw, dict):
        return tuple(_parse_entry(str(parent), wanted) for parent, wanted in raw.items())
    raise SpaceError(f"'when' can't be {canonical_text(raw)}; write a comparison such as layers >= 3")


def _parse_entry(parent: str, wanted: object) -> Condition:
    if isinstance(wanted, (list, tuple)):
        if not wanted:
            raise SpaceError(f"'when' lists no value of {parent}; list at least one")
        return Condition(parent, "in", tuple(map(_untold, wanted)))
    text = wanted.text if isinstance(wanted, Value) else wanted
    if isinstance(text, str):
        for operator in OPERATORS:
            if text.startswith(operator):
                return _one(parent, operator, text[len(operator) :])
    return Condition(parent, "==", (_untold(wanted),))


def _untold(wanted: Any) -> Any:
    """A list or an object without the spelling of what is in it, as a choice of one has none either."""
    if isinstance(wanted, (list, tuple)):
        return [_untold(item.value if isinstance(item, Value) else item) for item in wanted]
    if isinstance(wanted, dict):
        return {key: _untold(item.value if isinstance(item, Value) else item) for key, item in wanted.items()}
    return wanted


def _parse_text(text: str) -> Condition:
    places = [(text.find(operator), -len(operator), operator) for operator in OPERATORS if operator in text]
    if places:
        place, _, operator = min(places)
        return _one(text[:place].strip(), operator, text[place + len(operator) :])
    parent, word, rest = text.partition(" in ")
    if word and parent.strip():
        values = tuple(v.strip() for v in rest.strip().strip("[]()").split(","))
        if all(values):
            return Condition(parent.strip(), "in", values)
    words = [*OPERATORS, "in"]
    middle = text.split()[1] if len(text.split()) == 3 else ""
    raise SpaceError(f"'when: {text}' is no comparison{hint(middle, words)}; write one such as layers >= 3")


def _one(parent: str, operator: str, value: str) -> Condition:
    value = value.strip().strip("'\"")
    if not parent or not value:
        raise SpaceError(f"'when: {parent} {operator} {value}' lacks a side; write one such as layers >= 3")
    return Condition(parent, operator, (value,))
