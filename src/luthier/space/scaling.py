"""How a range is spread over the unit interval: linear, log and reverse_log, over a line or over a lattice of steps.

Everything is monotone in u, so that greater u never gives a smaller value. On a lattice every point owns the cell
around it, half a step to either side, so that the two ends are as likely as their neighbours. `ranges.py` gives
these functions their bounds.

**Source** `log` is uniform in the logarithm; `reverse_log` is its mirror image, MIN + MAX - x (Spell's page:
"the opposite scaling", density at the top).
"""

from __future__ import annotations

from math import exp, floor, log
from typing import Literal

__all__ = ["SCALINGS", "Scaling", "lattice_index", "lattice_unit", "spread", "unspread"]

Scaling = Literal["linear", "log", "reverse_log"]
SCALINGS: tuple[Scaling, ...] = ("linear", "log", "reverse_log")


def spread(scaling: Scaling, low: float, high: float, u: float) -> float:
    """The point of [low, high] that stands at `u`."""
    if scaling == "linear":
        x = low * (1.0 - u) + high * u
    elif scaling == "log":
        x = exp(log(low) * (1.0 - u) + log(high) * u)
    else:
        x = low + (high - spread("log", low, high, 1.0 - u))
    return min(max(x, low), high)


def unspread(scaling: Scaling, low: float, high: float, x: float) -> float:
    """Where `x` stands between `low` and `high`: the inverse of `spread`."""
    if scaling == "linear":
        u = (x / 2 - low / 2) / (high / 2 - low / 2)  # halves: high - low may overflow
    elif scaling == "log":
        u = (log(x) - log(low)) / (log(high) - log(low))
    else:
        u = 1.0 - unspread("log", low, high, min(max(low + (high - x), low), high))
    return min(max(u, 0.0), 1.0)


def _edges(low: float, step: float, count: int) -> tuple[float, float]:
    """Where the cells of a log lattice begin and end: half a step outside, or, where that is not above zero, as far
    below the first point as its other edge is above it, in the logarithm."""
    begin = low - step / 2
    if begin <= 0:
        begin = low * (low / (low + step / 2))
    return begin, low + (count - 0.5) * step


def lattice_index(scaling: Scaling, low: float, step: float, count: int, u: float) -> int:
    """Which of `count` points low, low + step, … stands at `u`."""
    if scaling == "linear":
        index = int(u * count)
    elif scaling == "log":
        index = floor((spread("log", *_edges(low, step, count), u) - low) / step + 0.5)
    else:
        return count - 1 - lattice_index("log", low, step, count, 1.0 - u)
    return min(max(index, 0), count - 1)


def lattice_unit(scaling: Scaling, low: float, step: float, count: int, index: int) -> float:
    """Where point `index` stands; `lattice_index` of it is `index`."""
    if scaling == "linear":
        return (index + 0.5) / count
    if scaling == "log":
        return unspread("log", *_edges(low, step, count), low + index * step)
    return 1.0 - lattice_unit("log", low, step, count, count - 1 - index)
