"""Curves as small as a word: a bar a column, for tables and for the live view.

A column stands for a stretch of the curve and shows its mean. Several rows are drawn on one scale, so that they can be
compared; the few values far beyond the others stand at its ends. No numpy: a table with curves comes as fast as one
without.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import isfinite
from typing import NamedTuple

__all__ = ["ASCII", "UNICODE", "Bars", "Growing", "Scale", "scale_of", "sparkline"]

_FAR = 3.0
"""So many widths of the middle half beyond it a value no longer stretches the scale (Tukey's outer fence)."""

_FEW = 8
"""Of fewer values none is far from the others."""


class Bars(NamedTuple):
    """The characters of a sparkline: `levels` from low to high, and what stands for NaN and infinity."""

    levels: str
    broken: str


UNICODE = Bars("▁▂▃▄▅▆▇█", "×")
ASCII = Bars("_.-=+*#", "x")


class Scale(NamedTuple):
    """The values that the lowest and the highest bar stand for."""

    low: float
    high: float

    def level(self, value: float, count: int) -> int:
        """Which of so many bars a value has; the middle one where all values are equal."""
        width = self.high / 2 - self.low / 2  # halves, so that no difference overflows
        if not width > 0:
            return count // 2 - (count % 2 == 0)
        share = (min(max(value, self.low), self.high) / 2 - self.low / 2) / width
        return min(int(share * count), count - 1)


def scale_of(values: Iterable[float]) -> Scale:
    """A scale for these values, which what lies far beyond the middle half does not stretch."""
    known = sorted(value for value in values if isfinite(value))
    if not known:
        return Scale(0.0, 0.0)
    if len(known) < _FEW:
        return Scale(known[0], known[-1])
    first, third = known[len(known) // 4], known[-1 - len(known) // 4]
    reach = _FAR * (third - first)
    if not 0 < reach < float("inf"):
        return Scale(known[0], known[-1])
    kept = [value for value in known if first - reach <= value <= third + reach]
    return Scale(kept[0], kept[-1])


def sparkline(values: Sequence[float], width: int, bars: Bars = UNICODE, scale: Scale | None = None) -> str:
    """The curve in at most `width` columns, one a value where they suffice; on its own scale if none is given."""
    columns = _columns(values, width)
    on = scale or scale_of(columns)
    last = len(bars.levels)
    return "".join(bars.levels[on.level(v, last)] if isfinite(v) else bars.broken for v in columns)


def _columns(values: Sequence[float], width: int) -> list[float]:
    """The means of so many stretches; one that has anything but numbers in it is not a number."""
    count = len(values)
    if count <= width:
        return list(values)
    bounds = [k * count // width for k in range(width + 1)] if width > 0 else []
    return [_mean(values[begin:end]) for begin, end in pairwise(bounds)]


def _mean(stretch: Sequence[float]) -> float:
    size = len(stretch)
    return sum(value / size for value in stretch)


class Growing:
    """A curve that goes on for as long as it likes: neighbours are joined to their mean when there are many values."""

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._each = 1  # so many values make one
        self._values: list[float] = []
        self._open: list[float] = []

    def add(self, value: float) -> None:
        """Appends a value."""
        self._open.append(value / self._each)
        if len(self._open) < self._each:
            return
        self._values.append(sum(self._open))
        self._open.clear()
        if len(self._values) >= self._most:
            self._values = _columns(self._values, len(self._values) // 2)
            self._each *= 2

    def values(self) -> list[float]:
        """The curve so far, with the mean of what is not yet joined at its end."""
        rest = len(self._open)
        return [*self._values, *([sum(self._open) * self._each / rest] if rest else [])]
