"""Listed values: `Categorical` (no order), `Ordinal` (in the order listed) and `Constant` (one value).

Every value keeps the form it was written in. A choice is told from another by value, so `1` and `1.0` are the same
choice and may not both be listed; see `value.identity`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar, Self

from luthier.errors import SpaceError
from luthier.record import Record
from luthier.space.nearest import hint
from luthier.space.value import Value, identity, is_text, read_value

__all__ = ["Categorical", "Constant", "Ordinal"]


class Categorical(Record):
    """One of several values without an order.

    Plain values are accepted as choices too: `Categorical(("relu", "tanh"))`.

    **Raises** SpaceError when nothing is listed, or the same value twice.
    """

    choices: tuple[Value, ...]

    kind: ClassVar[str] = "categorical"
    is_uniform: ClassVar[bool] = True

    def __post_init__(self) -> None:
        choices = tuple(c if isinstance(c, Value) else Value(c) for c in self.choices)
        self._settle(choices=choices)
        if not choices:
            raise SpaceError("the list of values is empty; list at least one value")
        seen: dict[str, Value] = {}
        for choice in choices:
            if isinstance(choice.value, float) and choice.value - choice.value != 0:
                raise SpaceError(
                    f"{choice.text} is not a finite number; write it as a string if it is a word"
                )
            if not is_text(choice.text):
                raise SpaceError(
                    f"{choice.text!r} holds half a character (a lone surrogate), which no record can keep; write it in UTF-8"
                )
            twin = seen.setdefault(identity(choice.value), choice)
            if twin is not choice:
                same = (
                    f"{twin.text} twice"
                    if twin.text == choice.text
                    else f"{twin.text} and {choice.text}, one value"
                )
                raise SpaceError(f"the list holds {same}; list every value once")

    @classmethod
    def of(cls, choices: Iterable[object]) -> Self:
        """Makes one of plain values."""
        return cls(tuple(c if isinstance(c, Value) else Value(c) for c in choices))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {identity(choice.value): index for index, choice in enumerate(self.choices)}

    @property
    def is_numeric(self) -> bool:
        """Whether every choice is a number, so that a model may use its size."""
        return all(isinstance(c.value, (int, float)) and not isinstance(c.value, bool) for c in self.choices)

    def count(self) -> int:
        """The number of values."""
        return len(self.choices)

    def at(self, index: int) -> Value:
        """The value number `index`, as it was written."""
        if not 0 <= index < len(self.choices):
            raise IndexError(index)
        return self.choices[index]

    def index_of(self, value: Any) -> int:
        """Which of the choices this is."""
        try:
            return self._index[identity(value)]
        except KeyError:
            raise SpaceError(self._unlisted(str(value))) from None

    def from_unit(self, u: float) -> Value:
        """The choice that stands at `u` in [0, 1]."""
        count = len(self.choices)
        return self.choices[min(max(int(u * count), 0), count - 1)]

    def to_unit(self, value: Any) -> float:
        """Where a choice stands in [0, 1]: the middle of its share."""
        return (self.index_of(value) + 0.5) / len(self.choices)

    def read(self, raw: object) -> Value:
        """A user's text or value as the choice it names: by its text, else by its value.

        **Raises** SpaceError when it names none.
        """
        if isinstance(raw, Value):
            return self.read(raw.text if raw.written is not None else raw.value)
        if isinstance(raw, str):
            for choice in self.choices:
                if choice.text == raw:
                    return choice
            index = self._index.get(identity(read_value(raw).value))
        else:
            index = self._index.get(identity(raw))
        if index is None:
            raise SpaceError(self._unlisted(str(raw)))
        return self.choices[index]

    def contains(self, value: object) -> bool:
        """Whether `value` is one of the choices."""
        try:
            return identity(value) in self._index
        except TypeError:
            return False

    def to_dict(self) -> dict[str, Any]:
        """The choices as plain JSON values, with their texts where they were kept."""
        data: dict[str, Any] = {"kind": self.kind, "values": [c.value for c in self.choices]}
        if any(c.written is not None for c in self.choices):
            data["texts"] = [c.written for c in self.choices]
        return data

    def _unlisted(self, word: str) -> str:
        return f"{word} is not one of {self}{hint(word, (c.text for c in self.choices))}"

    def __str__(self) -> str:
        return ", ".join(c.text for c in self.choices)


class Ordinal(Categorical):
    """One of several values in the order listed: neighbours are alike, and `<` and `>=` compare places."""

    kind: ClassVar[str] = "ordinal"


class Constant(Categorical):
    """Always the same value: it is handed to the trial and shown, but not searched."""

    kind: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        if isinstance(self.choices, tuple) and len(self.choices) == 1:
            super().__post_init__()
            return
        raise SpaceError("a constant holds one value; list several as a categorical parameter")
