"""Axes for figures: of the objective and other measured numbers, and along a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

import numpy as np
from numpy.typing import NDArray

from luthier.space import Categorical, Float, Integer
from luthier.space.domains import Domain
from luthier.view.figures.chart import Axis
from luthier.view.scales import Tick, nice, range_of, ticks_along, written

__all__ = ["along", "is_wide", "measured", "plain", "positions", "seconds_axis"]

Array = NDArray[np.float64]

_WIDE = 300.0
_SHORT = 12
_SPREAD = 0.56
_GOLDEN = 0.6180339887498949


def is_wide(values: Array, maximize: bool) -> bool:
    """Whether losses above zero span so many powers of ten that only a logarithmic axis shows the good ones."""
    kept = values[np.isfinite(values)]
    if maximize or len(kept) < 2 or kept.min() <= 0:
        return False
    return bool(np.percentile(kept, 90) > _WIDE * kept.min())


def measured(label: str, values: Array, log: bool = False, held: Sequence[float] = ()) -> Axis:
    """An axis for measured values; `held` are always within it, while what diverged may lie beyond."""
    kept = values[np.isfinite(values)]
    if log:
        kept = kept[kept > 0]
        if len(kept):
            low, high = float(kept.min()), float(min(kept.max(), kept.min() * 1e30))
            reach = (high / low) ** 0.04 if high > low else 2.0
            low, high = max(low / reach, 1e-300), min(high * reach, 1e300)
            return Axis(label, low, high, "log", tuple(_log_ticks(low, high)))
    low, high = range_of(np.array(list(held), dtype=np.float64), np.empty(0), np.empty(0), kept.tolist())
    return plain(label, low, high)


def plain(label: str, low: float, high: float, most: int = 6) -> Axis:
    """A linear axis with round ticks."""
    high = high if high > low else low + 1.0
    ticks = [Tick((v - low) / (high - low), written(v)) for v in nice(low, high, most)]
    return Axis(label, low, high, "linear", tuple(ticks))


def _log_ticks(low: float, high: float) -> list[Tick]:
    if floor(log10(high)) - floor(log10(low)) > 300:
        return [Tick(0.0, written(low)), Tick(1.0, written(high))]
    return ticks_along(Float(low, high, "log"))


def along(domain: Domain, label: str, most: int = 6) -> Axis:
    """The axis of a parameter: its own values where they lie on a linear or logarithmic line, else places."""
    ticks = tuple(ticks_along(domain, _SHORT if isinstance(domain, Categorical) else most))
    if isinstance(domain, Integer) and domain.scaling == "linear":
        half = (domain.step or 1) / 2
        return Axis(label, domain.low - half, domain.at(domain.count() - 1).value + half, "linear", ticks)
    if isinstance(domain, (Float, Integer)) and domain.scaling in ("linear", "log"):
        if isinstance(domain, Float) and domain.step is None:
            return Axis(label, domain.low, domain.high, domain.scaling, ticks)
        last = domain.at((domain.count() or 1) - 1).value
        if domain.scaling == "linear":
            half = (domain.step or 1) / 2
            return Axis(label, domain.low - half, last + half, "linear", ticks)
        axis = Axis(label, float(domain.low), float(last), "log")
        return Axis(label, axis.low, axis.high, "log", tuple(_log_ticks(axis.low, axis.high)))
    return Axis(label, 0.0, 1.0, "places", ticks)


def positions(domain: Domain, axis: Axis, values: Sequence[object], numbers: Sequence[int]) -> Array:
    """Values of a parameter as numbers of its axis. Where a few words stand side by side, trials are spread a little
    around theirs, by their number, so that they don't hide one another."""
    if axis.scale != "places":
        return np.array([float(v) for v in values], dtype=np.float64)  # type: ignore[arg-type]
    places = np.array([domain.to_unit(v) for v in values], dtype=np.float64)
    count = domain.count()
    if isinstance(domain, Categorical) and count is not None and count <= 2 * _SHORT:
        turn = (np.asarray(numbers, dtype=np.float64) * _GOLDEN) % 1.0 - 0.5
        places = places + turn * _SPREAD / count
    return places


_UNITS = ((1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "days"))


def seconds_axis(label: str, longest: float) -> tuple[Axis, float]:
    """An axis from 0 to so many seconds in a fitting unit, and how many seconds that unit has."""
    one, unit = next(((s, u) for s, u in reversed(_UNITS) if longest >= 2.5 * s), _UNITS[0])
    high = max(longest, 1e-3) / one
    return plain(f"{label} ({unit})", 0.0, high * 1.02), one
