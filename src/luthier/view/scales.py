"""Round places for axes: ticks on the objective's scale and along a parameter, and how far an axis reaches.

A parameter's axis is its unit interval; its ticks are written as values of the parameter, so that a logarithmic one
shows powers of ten. Nothing here draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, isfinite, log10
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from luthier.space import Value
from luthier.space.domains import Domain

__all__ = ["Tick", "label", "nice", "printable", "range_of", "short", "ticks_along", "written"]

Array = NDArray[np.float64]

_LARGEST = 1e250  # beyond it differences overflow
_DIVERGED = 100.0
_FAR = 1.0  # a band is shown so many ranges of the mean and the results beyond them


class Tick(NamedTuple):
    """A place on an axis, and what is written there."""

    place: float
    text: str


def written(value: float) -> str:
    """A value for an axis or a caption: six digits, small and large ones with a short exponent (`1e-5`)."""
    if value == 0 or 1e-3 <= abs(value) < 1e6 or not isfinite(value):
        return f"{value:.6g}"
    mantissa, _, exponent = f"{value:.5e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def short(value: Value) -> str:
    """A parameter's value for a line of words: as it was written, a drawn number with six digits."""
    drawn = isinstance(value.value, float) and repr(value.value) == value.text
    return written(value.value) if drawn else value.text


def printable(text: str) -> str:
    """The text with a question mark for all that can't be printed, or may not stand in XML."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def label(text: str, width: int) -> str:
    """A printable text of at most `width` characters."""
    plain = printable(text)
    return plain if len(plain) <= width else plain[: width - 1] + "…"


def nice(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` round numbers from `low` to `high`, one, two or five times a power of ten apart."""
    width = high - low
    if not (isfinite(width) and width > 0):
        return [low]
    magnitude = 10.0 ** floor(log10(width / most))
    if not magnitude:
        return [low]
    for factor in (1, 2, 5, 10, 20):
        step = factor * magnitude
        begin, end = ceil(low / step - 1e-9), floor(high / step + 1e-9)
        if end - begin < most:
            return [float(f"{i * step:.12g}") for i in range(begin, end + 1)]
    return [low]


def range_of(mean: Array, low: Array, high: Array, values: Sequence[float]) -> tuple[float, float]:
    """Where an axis of the objective begins and ends: all of the mean and of most results, the band as far as it
    stays near them. What diverged (far beyond the middle half of the results) does not squeeze the rest.

    **Shapes** (m,), (m,), (m,).
    """
    seen = _sane(np.asarray(values, dtype=float))
    begin, end = _fence(seen)
    seen, mean = (kept[(kept >= begin) & (kept <= end)] for kept in (seen, _sane(mean)))
    core = np.concatenate([mean, np.percentile(seen, [5, 95]) if len(seen) else seen])
    if not len(core):
        return 0.0, 1.0
    begin, end = float(core.min()), float(core.max())
    reach = _FAR * (end - begin)
    edges = _sane(np.concatenate([low, high, seen]))
    if reach > 0:
        edges = np.clip(edges, begin - reach, end + reach)
    both = np.concatenate([core, edges])
    begin, end = float(both.min()), float(both.max())
    margin = 0.04 * (end - begin) or 0.05 * abs(begin) or 0.5
    return begin - margin, end + margin


def _fence(seen: Array) -> tuple[float, float]:
    """Beyond which values have diverged: so many times the width of the middle half to either side of it."""
    if len(seen) < 4:
        return -np.inf, np.inf
    low, high = np.percentile(seen, [25, 75])
    reach = _DIVERGED * (high - low) or np.inf
    return float(low - reach), float(high + reach)


def _sane(values: Array) -> Array:
    """The numbers that an axis can show."""
    kept = values[np.isfinite(values)]
    return np.clip(kept, -_LARGEST, _LARGEST)


def ticks_along(domain: Domain, most: int = 6) -> list[Tick]:
    """Round values of a parameter at their places in [0, 1], rising; the ends and the middle where none are round.

    A short list of values has a tick for each.
    """
    count = domain.count()
    if count is not None and (count <= most or not _is_range(domain)):
        every = max(1, ceil(count / max(most, 1))) if _is_range(domain) or count > 2 * most else 1
        values = [domain.at(i) for i in range(0, count, every)]
        return [Tick(domain.to_unit(v.value), v.text) for v in values]
    ticks = []
    for number in _round_values(domain, most):
        value: Any = int(number) if number == int(number) and _is_whole(domain) else number
        if domain.contains(value):
            ticks.append(Tick(domain.to_unit(value), written(value)))
    if len(ticks) < 2:
        at = [domain.from_unit(u) for u in (0.0, 0.5, 1.0)]
        ticks = [Tick(domain.to_unit(v.value), written(v.value)) for v in at]
    return sorted(ticks)


def _is_range(domain: Domain) -> bool:
    return domain.kind in ("float", "integer", "normal", "lognormal")


def _is_whole(domain: Domain) -> bool:
    return isinstance(domain.from_unit(0.5).value, int)


def _round_values(domain: Domain, most: int) -> list[float]:
    """Round numbers inside a range, spread as its scaling spreads them."""
    bounded = hasattr(domain, "low")
    low, high = (float(domain.from_unit(u).value) for u in ((0.0, 1.0) if bounded else (0.02, 0.98)))
    scaling = getattr(domain, "scaling", "log" if domain.kind == "lognormal" else "linear")
    if scaling == "linear" or low <= 0:
        return nice(low, high, most)
    powers = _powers(low, high, most)
    return powers if scaling == "log" else [float(f"{high - x:.12g}") for x in powers]


def _powers(low: float, high: float, most: int) -> list[float]:
    """Powers of ten, every other one where there are many, with twos and fives where there are few."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [float(f"{f}e{k}") for k in decades for f in factors if low <= float(f"{f}e{k}") <= high]
        if len(found) > 2:
            return found[:: ceil(len(found) / most)]
    return nice(low, high, most)
