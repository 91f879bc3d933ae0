"""Sparklines as the terminal can show them, for tables and for one trial's metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from luthier.cli.output import can_print, terminal_width
from luthier.view.curves import ReportedCurve
from luthier.view.sparkline import ASCII, UNICODE, Bars, scale_of, sparkline

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["bars_for", "spark", "sparks"]

WIDEST = 32
LEAST = 8


def bars_for(stream: TextIO | None = None) -> Bars:
    """The characters that standard output, or another stream, can show."""
    return UNICODE if can_print("".join(UNICODE), stream) else ASCII


def room_beside(taken: int) -> int:
    """How many columns are left beside a table that takes so many; a fixed width where there is no terminal."""
    width = terminal_width()
    return WIDEST if width is None else min(max(width - taken - 2, LEAST), WIDEST)


def spark(curve: ReportedCurve, taken: int) -> str:
    """One curve on its own scale; empty for a single point, which is no curve."""
    return sparkline(curve.values, room_beside(taken), bars_for()) if len(curve) > 1 else ""


def sparks(curves: Mapping[str, ReportedCurve], taken: int) -> dict[str, str]:
    """Curves that are compared: on one scale of values, each as long as it came on one scale of steps."""
    room, bars = room_beside(taken), bars_for()
    farthest = max((max(curve.steps) for curve in curves.values() if len(curve)), default=0.0)
    scale = scale_of(value for curve in curves.values() for value in _some(curve.values))
    return {
        name: sparkline(curve.values, _columns(curve, farthest, room), bars, scale)
        for name, curve in curves.items()
        if len(curve)
    }


def _columns(curve: ReportedCurve, farthest: float, room: int) -> int:
    """How many columns a curve takes that came as far as its largest step."""
    share = max(curve.steps) / farthest if farthest > 0 else 1.0
    return max(1, min(room, round(share * room))) if share == share else 1


def _some(values: Sequence[float], most: int = 256) -> Sequence[float]:
    """Enough of the values to find a scale."""
    return values[:: -(-len(values) // most)] if values else values
