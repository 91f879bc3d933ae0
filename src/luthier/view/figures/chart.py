"""What a figure shows, as plain values: panels with axes, and marks in them. Nothing here draws or reads a store.

A figure is computed once, as a `Chart`, and drawn by `draw.py` as SVG and by `plotting.py` as a Plotly figure, so that
both show the same. A mark's `role` names what it stands for; colours and shapes of roles are in `looks.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.view.scales import Tick

__all__ = [
    "Axis",
    "Bars",
    "Chart",
    "Dots",
    "Lanes",
    "Line",
    "Mark",
    "Panel",
    "Parallel",
    "Ramp",
    "Role",
    "Scale",
    "Spans",
    "Surface",
]

Array = NDArray[np.float64]
Scale = Literal["linear", "log", "places"]
Role = Literal[
    "result",
    "best",
    "failed",
    "stopped",
    "broken",
    "running",
    "faint",
    "shaded",
    "front",
    "gone",
    "alone",
    "total",
    "idle",
]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from `low` to `high`. With the scale `places` its numbers are places in [0, 1] that only `ticks` explain;
    the ticks of every scale stand at places in [0, 1]."""

    label: str
    low: float
    high: float
    scale: Scale = "linear"
    ticks: tuple[Tick, ...] = ()

    def place(self, values: ArrayLike) -> Array:
        """Where values stand in [0, 1]; what lies beyond the axis stands at its end, NaN stays NaN."""
        v = np.asarray(values, dtype=np.float64)
        low, high = self.low, self.high
        if self.scale == "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                v = np.log(v)
            low, high = float(np.log(low)), float(np.log(high))
        with np.errstate(over="ignore", invalid="ignore"):
            return np.clip((v / 2 - low / 2) / (high / 2 - low / 2), 0.0, 1.0)


@dataclass(frozen=True, eq=False, slots=True)
class Dots:
    """Points. `shade` (n,) in [0, 1], the better the larger, colours them by the ramp; `texts` are shown on pointing."""

    x: Array
    y: Array
    role: Role
    name: str
    texts: Sequence[str] = ()
    shade: Array | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """A line through points, going from one to the next in steps if `is_step`."""

    x: Array
    y: Array
    role: Role
    name: str = ""
    text: str = ""
    is_step: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Bars:
    """Horizontal bars from 0, one a label and the first on top, with error bars where `low` and `high` are given."""

    labels: Sequence[str]
    lengths: Array
    role: Role
    name: str
    texts: Sequence[str] = ()
    low: Array | None = None
    high: Array | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Surface:
    """Values over a grid: `z` (len(y), len(x)), NaN where there is none. `is_cells` draws each value as a cell, else
    areas between `levels`, which rise and also divide the ramp evenly. `sign` is 1 where larger is better, else -1."""

    x: Array
    y: Array
    z: Array
    levels: Array
    is_cells: bool
    sign: float

    def knots(self) -> Array:
        """The values at which the ramp is divided, both ends included, rising."""
        kept = self.z[np.isfinite(self.z)]
        inner = self.levels[(self.levels > kept.min()) & (self.levels < kept.max())]
        return np.array([float(kept.min()), *inner.tolist(), float(kept.max())])

    def shades(self) -> Array:
        """How good each value is, from 0 to 1, as the ramp shows it: the levels stand at even distances."""
        knots = self.knots()
        if knots[0] == knots[-1]:
            return np.where(np.isfinite(self.z), 0.5, np.nan)
        scale = np.abs(
            knots
        ).max()  # values near the smallest or the largest number would overflow in the slopes
        good = np.interp(self.z / scale, knots / scale, np.linspace(0.0, 1.0, len(knots)))
        good = np.where(np.isfinite(self.z), good, np.nan)
        return good if self.sign > 0 else 1.0 - good


@dataclass(frozen=True, eq=False, slots=True)
class Spans:
    """Stretches of time in lanes, counted from 0 at the top."""

    lanes: NDArray[np.int64]
    begin: Array
    end: Array
    role: Role
    name: str
    texts: Sequence[str] = ()


Mark = Dots | Line | Bars | Surface | Spans


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of a timeline: how many there are, and the names that stand beside some of them."""

    count: int
    names: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Panel:
    """One plot. `y` is an axis, or the lanes of spans; bars need none."""

    x: Axis
    y: Axis | Lanes | None
    marks: tuple[Mark, ...]
    head: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Parallel:
    """Upright axes side by side with a line for each trial. `rows` (n, k) are places on them in [0, 1], NaN where a
    parameter does not exist; `shade` (n,) as in `Dots`, the best last."""

    axes: tuple[Axis, ...]
    rows: Array
    shade: Array
    texts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ramp:
    """What the shades mean: `label`, and what stands at the worse and the better end."""

    label: str
    worse: str
    better: str


@dataclass(frozen=True, eq=False, slots=True)
class Chart:
    """A whole figure. `words` stand for the plots where there is nothing to draw."""

    title: str
    note: str = ""
    panels: tuple[Panel | Parallel, ...] = ()
    ramp: Ramp | None = None
    words: str = ""
    columns: int = 1
    size: tuple[float, float] = field(default=(760.0, 420.0))
    """Width and height of one plot with its axes, in pixels."""
