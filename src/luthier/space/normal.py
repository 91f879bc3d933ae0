"""Unbounded distributions: `Normal` and `LogNormal`, drawn by quantile, with a step if wanted.

They have no MIN and MAX; a unit value is read as a probability. With a step every value is the nearest multiple of
it, in clean decimals. The mean and deviation of a lognormal are those of the logarithm, as in hyperopt.
"""

from __future__ import annotations

from math import erfc, exp, log, pi, sqrt
from typing import Any, ClassVar, Literal

from luthier.errors import SpaceError
from luthier.record import Record
from luthier.space.ranges import as_number, is_number
from luthier.space.value import Value, number_text

__all__ = ["LogNormal", "Normal", "probability", "quantile"]

TINY = 2.0**-53


def probability(z: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * erfc(-z / sqrt(2.0))


def quantile(p: float) -> float:
    """The standard normal quantile, to about 1e-15 relative; p is kept within [2^-53, 1 - 2^-53].

    **Source** Abramowitz and Stegun (1964), 26.2.23 as a first guess (error below 4.5e-4), then three steps of
    Halley's method on the distribution function, in the lower tail, where erfc keeps its relative accuracy.
    """
    if p > 0.5:
        return -quantile(1.0 - p)
    p = max(p, TINY)
    t = sqrt(-2.0 * log(p))
    z = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
    for _ in range(3):
        error = (probability(z) - p) * sqrt(2.0 * pi) * exp(z * z / 2.0)
        z -= error / (1.0 + z * error / 2.0)
    return z


class Normal(Record):
    """Numbers spread like a normal distribution, in whole steps if `step` is given, as integers if `type` is int.

    **Raises** SpaceError when the deviation or the step is not above 0.
    """

    mean: float
    deviation: float
    step: float | None = None
    type: Literal["float", "int"] = "float"

    kind: ClassVar[str] = "normal"
    is_uniform: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.type == "int" and self.step is None:
            self._settle(step=1)
        for name in ("mean", "deviation", "step"):
            number = getattr(self, name)
            if number is None and name == "step":
                continue
            if not is_number(number):
                raise SpaceError(f"the {name} {number!r} is not a finite number; write a decimal number")
            if name != "mean" and number <= 0:
                raise SpaceError(f"the {name} {number_text(number)} is not above 0; write a positive {name}")
            self._settle(**{name: float(number)})
        if self.type not in ("float", "int"):
            raise SpaceError(f"type {self.type!r} is unknown; write float or int")
        if self.type == "int" and self.step is not None and self.step != int(self.step):
            raise SpaceError(
                f"the step {number_text(self.step)} is not an integer; write a whole step or the type float"
            )
        self._check()

    def _check(self) -> None:
        if abs(self.mean) + 9 * self.deviation > 1e300:
            raise SpaceError("the mean or deviation is too large; keep the values below 1e300")

    def count(self) -> None:
        """Endless."""
        return

    def at(self, index: int) -> Value:
        """Never: the values of a distribution without bounds can't be listed."""
        raise SpaceError(f"the values of {self} can't be listed")

    def index_of(self, value: Any) -> int:
        """Never: the values of a distribution without bounds can't be listed."""
        raise SpaceError(f"the values of {self} can't be listed")

    def from_unit(self, u: float) -> Value:
        """The quantile of `u`."""
        return self._stepped(self.mean + self.deviation * quantile(u))

    def to_unit(self, value: Any) -> float:
        """The probability of a smaller value."""
        return probability((value - self.mean) / self.deviation)

    def read(self, raw: object) -> Value:
        """A user's text or number as a value of this distribution, its text kept.

        **Raises** SpaceError when it is none.
        """
        number, written = as_number(raw)
        if number is None or not self._may_be(number):
            raise SpaceError(f"{written} is not in {self}")
        plain = self._stepped(number).value if self.step is not None else float(number)
        if abs(plain - number) > 1e-9 * (self.step or 1.0):
            raise SpaceError(f"{written} is not on the steps of {self}")
        return Value(plain, written if isinstance(raw, (str, Value)) else None)

    def contains(self, value: object) -> bool:
        """Whether `value` may be drawn."""
        if (
            isinstance(value, str)
            or not is_number(value)
            or (self.type == "int" and isinstance(value, float))
        ):
            return False
        try:
            self.read(value)
        except SpaceError:
            return False
        return True

    def to_dict(self) -> dict[str, Any]:
        """The distribution as plain JSON values."""
        data: dict[str, Any] = {"kind": self.kind, "mean": self.mean, "deviation": self.deviation}
        if self.step is not None:
            data["step"] = self.step
        if self.type != "float":
            data["type"] = self.type
        return data

    def beside(self, value: float, steps: int) -> Value | None:
        """The value that stands so many steps above a plain value, also where no quantile leads; None where there is
        none, and where there are no steps."""
        if self.step is None:
            return None
        found = self._stepped(value + steps * self.step)
        return found if self._may_be(found.value) else None

    def _may_be(self, number: float) -> bool:
        return True

    def _stepped(self, x: float) -> Value:
        if self.step is None:
            return Value(x)
        from decimal import Decimal

        multiple = round(x / self.step) * Decimal(repr(self.step))
        return Value(int(multiple) if self.type == "int" else float(multiple))

    def __str__(self) -> str:
        words = [number_text(self.mean), number_text(self.deviation)]
        if self.step is not None:
            words.append(f"q={number_text(self.step)}")
        if self.type == "int":
            words.append("int")
        return f"{self.kind}({', '.join(words)})"


class LogNormal(Normal):
    """Positive numbers whose logarithm is normal; with a step the smallest value is 0."""

    kind: ClassVar[str] = "lognormal"

    def _check(self) -> None:
        if abs(self.mean) + 9 * self.deviation > 690:
            raise SpaceError(
                "mean and deviation are those of the logarithm and too large; keep the values below 1e300"
            )

    def from_unit(self, u: float) -> Value:
        """The quantile of `u`."""
        return self._stepped(exp(self.mean + self.deviation * quantile(u)))

    def to_unit(self, value: Any) -> float:
        """The probability of a smaller value. For 0, which stands for all below half a step, that of a quarter step."""
        x = value if value > 0 else (self.step or TINY) / 4
        return probability((log(x) - self.mean) / self.deviation)

    def _may_be(self, number: float) -> bool:
        return number >= 0 if self.step is not None else number > 0
