"""Ranges of numbers: `Float` and `Integer`, each with a scaling and, if wanted, a step.

Both ends belong to the range. A stepped range is MIN, MIN + step, … up to MAX; its values are computed in decimals,
so they never drift (0.3, not 0.30000000000000004). The mathematics of the scalings is in `scaling.py`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from luthier.errors import SpaceError
from luthier.record import Record
from luthier.space.nearest import hint
from luthier.space.scaling import SCALINGS, Scaling, lattice_index, lattice_unit, spread, unspread
from luthier.space.value import Value, number_text, read_number

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["Float", "Integer", "as_number", "is_number"]

LARGEST = 1e300


def _check(low: float, high: float, scaling: str, step: float | None) -> None:
    """Refuses bounds, a scaling or a step that make no range."""
    bounds = (low, high) if step is None else (low, high, step)
    for number in bounds:
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) <= LARGEST:
            raise SpaceError(f"{number!r} is not a finite number; write MIN, MAX and step as decimal numbers")
    if not low < high:
        raise SpaceError(
            f"MIN {number_text(low)} is not below MAX {number_text(high)}; write the smaller number first"
        )
    if scaling not in SCALINGS:
        raise SpaceError(
            f"scaling {scaling!r} is unknown; write one of {', '.join(SCALINGS)}{hint(scaling, SCALINGS)}"
        )
    if scaling != "linear" and low <= 0:
        raise SpaceError(f"{scaling} needs a MIN above 0, not {number_text(low)}; raise MIN or write linear")
    if step is not None and step <= 0:
        raise SpaceError(f"the step {number_text(step)} is not above 0; write a positive step")


def _describe(low: float, high: float, scaling: str, step: float | None, kind: str) -> str:
    words = [number_text(low), "…", number_text(high)]
    if scaling != "linear":
        words.append(scaling)
    if step is not None:
        words.append(f"step {number_text(step)}")
    return " ".join([*words, kind]).rstrip()


class Float(Record):
    """Floating-point numbers from `low` to `high`.

    **Raises** SpaceError when the bounds, the scaling or the step make no range.
    """

    low: float
    high: float
    scaling: Scaling = "linear"
    step: float | None = None

    kind: ClassVar[str] = "float"

    def __post_init__(self) -> None:
        _check(self.low, self.high, self.scaling, self.step)
        step = None if self.step is None else float(self.step)
        self._settle(low=float(self.low), high=float(self.high), step=step)
        self.count()

    @cached_property
    def _lattice(self) -> tuple[Decimal, Decimal, int]:
        """The first point, the step and the number of points of a stepped range."""
        from decimal import Context, Decimal

        low, high, step = (Decimal(repr(number)) for number in (self.low, self.high, self.step))
        return low, step, int(Context(prec=999).divide_int(high - low, step)) + 1

    @property
    def is_uniform(self) -> bool:
        """Whether `from_unit` makes all values equally likely."""
        return self.scaling == "linear"

    def count(self) -> int | None:
        """The number of values, None where they are endless."""
        return None if self.step is None else self._lattice[2]

    def at(self, index: int) -> Value:
        """The value number `index` of a stepped range."""
        low, step, count = self._lattice
        if not 0 <= index < count:
            raise IndexError(index)
        return Value(float(low + index * step))

    def index_of(self, value: Any) -> int:
        """Which value of a stepped range this is."""
        low, step, count = self._lattice
        index: int = min(max(round((value - float(low)) / float(step)), 0), count - 1)
        if abs(self.at(index).value - value) > 1e-9 * float(step):
            raise SpaceError(f"{value!r} is not on the steps of {self}")
        return index

    def from_unit(self, u: float) -> Value:
        """The value that stands at `u` in [0, 1]."""
        if self.step is None:
            return Value(spread(self.scaling, self.low, self.high, u))
        return self.at(lattice_index(self.scaling, self.low, self.step, self._lattice[2], u))

    def to_unit(self, value: Any) -> float:
        """Where a value stands in [0, 1]."""
        if self.step is None:
            return unspread(self.scaling, self.low, self.high, value)
        return lattice_unit(self.scaling, self.low, self.step, self._lattice[2], self.index_of(value))

    def read(self, raw: object) -> Value:
        """A user's text or number as a value of this range, its text kept.

        **Raises** SpaceError when it is none.
        """
        number, written = as_number(raw)
        if number is None or not self.low <= number <= self.high:
            raise SpaceError(f"{written} is not in {self}")
        if self.step is not None:
            return Value(
                self.at(self.index_of(number)).value, written if isinstance(raw, (str, Value)) else None
            )
        return Value(float(number), written if isinstance(raw, (str, Value)) else None)

    def contains(self, value: object) -> bool:
        """Whether `value` belongs to the range."""
        return _belongs(self, value)

    def to_dict(self) -> dict[str, Any]:
        """The range as plain JSON values."""
        return _to_dict(self)

    def __str__(self) -> str:
        return _describe(self.low, self.high, self.scaling, self.step, "")


class Integer(Record):
    """Integers from `low` to `high`, every one equally likely on a linear scale.

    **Raises** SpaceError when the bounds, the scaling or the step make no range of integers.
    """

    low: int
    high: int
    scaling: Scaling = "linear"
    step: int | None = None

    kind: ClassVar[str] = "integer"

    def __post_init__(self) -> None:
        _check(self.low, self.high, self.scaling, self.step)
        for name in ("low", "high", "step"):
            number = getattr(self, name)
            if number is not None and number != int(number):
                word = {"low": "MIN", "high": "MAX", "step": "step"}[name]
                raise SpaceError(
                    f"{word} {number!r} is not an integer; write a whole number or the type float"
                )
            self._settle(**{name: None if number is None else int(number)})

    @property
    def is_uniform(self) -> bool:
        """Whether `from_unit` makes all values equally likely."""
        return self.scaling == "linear"

    def count(self) -> int:
        """The number of values."""
        return (self.high - self.low) // (self.step or 1) + 1

    def at(self, index: int) -> Value:
        """The value number `index`."""
        if not 0 <= index < self.count():
            raise IndexError(index)
        return Value(self.low + index * (self.step or 1))

    def index_of(self, value: Any) -> int:
        """Which of the values this is."""
        index, rest = divmod(value - self.low, self.step or 1)
        if rest or not 0 <= index < self.count():
            raise SpaceError(f"{value!r} is not in {self}")
        return int(index)

    def from_unit(self, u: float) -> Value:
        """The value that stands at `u` in [0, 1]."""
        return self.at(lattice_index(self.scaling, self.low, self.step or 1, self.count(), u))

    def to_unit(self, value: Any) -> float:
        """Where a value stands in [0, 1]."""
        return lattice_unit(self.scaling, self.low, self.step or 1, self.count(), self.index_of(value))

    def read(self, raw: object) -> Value:
        """A user's text or number as a value of this range, its text kept.

        **Raises** SpaceError when it is none.
        """
        number, written = as_number(raw)
        if number is None or number != int(number) or not self.low <= number <= self.high:
            raise SpaceError(f"{written} is not in {self}")
        self.index_of(int(number))
        return Value(int(number), written if isinstance(raw, (str, Value)) else None)

    def contains(self, value: object) -> bool:
        """Whether `value` belongs to the range."""
        return not isinstance(value, float) and _belongs(self, value)

    def to_dict(self) -> dict[str, Any]:
        """The range as plain JSON values."""
        return _to_dict(self)

    def __str__(self) -> str:
        return _describe(self.low, self.high, self.scaling, self.step, "int")


def as_number(raw: object) -> tuple[int | float | None, str]:
    """A text, number or value as a number, and as it is written."""
    if isinstance(raw, Value):
        return (raw.value if is_number(raw.value) else None), raw.text
    if isinstance(raw, str):
        return read_number(raw), raw
    return (raw if is_number(raw) else None), repr(raw)  # type: ignore[return-value]


def is_number(value: object) -> bool:
    """Whether it is an int or float that a range may hold, and no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def _belongs(domain: Float | Integer, value: object) -> bool:
    if isinstance(value, str) or not is_number(value):
        return False
    try:
        domain.read(value)
    except SpaceError:
        return False
    return True


def _to_dict(domain: Float | Integer) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": domain.kind, "low": domain.low, "high": domain.high}
    if domain.scaling != "linear":
        data["scaling"] = domain.scaling
    if domain.step is not None:
        data["step"] = domain.step
    return data
