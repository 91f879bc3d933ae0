"""One value of a parameter, together with the way it was written.

A value that the user listed (`1e-6`, `.50`, `"007"`) reaches commands, tables and files as it was written. A value
that was drawn is written in its canonical text: the shortest decimal that reads back as the same number, and JSON's
words for true, false and null. Nothing here knows of parameters; `configuration.py` puts values under names.
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["Value", "canonical_text", "identity", "is_text", "number_text", "read_number", "read_value"]


class Value:
    """A plain value and, where it differs from the canonical text, its written form.

    `value` is None, a bool, an int, a float, a str, or a JSON list or object as an opaque choice.
    """

    __slots__ = ("value", "written")
    value: Any
    written: str | None

    def __init__(self, value: Any, written: str | None = None) -> None:
        object.__setattr__(self, "value", value)
        plain = written is not None and written == canonical_text(value)
        object.__setattr__(self, "written", None if plain else written)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a Value is frozen: its {name} can't be set")

    def __reduce__(self) -> tuple[Any, ...]:
        return (Value, (self.value, self.written))

    @property
    def text(self) -> str:
        """The value as it was written, or its canonical text."""
        return canonical_text(self.value) if self.written is None else self.written

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value):
            return NotImplemented
        same_kind = type(self.value) is type(other.value)  # for True == 1 == 1.0
        return same_kind and self.value == other.value and self.written == other.written

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return (
            f"Value({self.value!r})" if self.written is None else f"Value({self.value!r}, {self.written!r})"
        )

    def __str__(self) -> str:
        return self.text


def canonical_text(value: object) -> str:
    """How a value is written that nobody wrote: strings as they are, everything else as JSON, floats at full
    precision (`0.1`, `1e-05`)."""
    if type(value) is float or type(value) is int:
        return repr(value)
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def identity(value: object) -> str:
    """A string that two values share exactly when they are the same choice: `1` and `1.0` do; `true` and `1`, or
    `"1"` and `1`, do not."""
    if type(value) is float:
        return str(int(value)) if value.is_integer() else repr(value)
    if type(value) is int:
        return str(value)
    import json

    if isinstance(value, (list, tuple)):
        return "[" + ",".join(identity(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{identity(value[k])}" for k in sorted(value)) + "}"
    return json.dumps(value)


def is_text(text: str) -> bool:
    """Whether it can be written down. Python's own texts may hold halves of characters (lone surrogates), such as a file
    name that is no UTF-8 leaves in them."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def read_number(text: str) -> int | float | None:
    """The finite number that `text` writes in ASCII digits, or None: `1_000`, `nan`, `inf` and `0x1f` are no numbers."""
    if not text or not text.isascii() or "_" in text or text != text.strip():
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number - number == 0 else None


def read_value(text: str) -> Value:
    """A listed word as a value: an integer, else a float, else the string.

    The text is kept: `007` is the integer 7 and is still written 007. `True` stays the string that it is, for only
    JSON has true and false, and so do `1_000`, `nan` and `inf`, which no two programs read alike.
    """
    number = read_number(text)
    return Value(text) if number is None else Value(number, text)


def number_text(number: float) -> str:
    """A number for people: shortest exact text, whole floats without `.0`."""
    text = repr(number)
    return text.removesuffix(".0")
