"""A figure of lines and dots as text: the same chart that is drawn as SVG, in braille or plain characters.

Lines are drawn in the order of the chart, so that the best lies on top. What differs in colour differs in a mark at its
end too: colours may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.view.canvas import Canvas, Tint, braille, dots_of_course
from luthier.view.figures.chart import Axis, Chart, Dots, Line, Panel
from luthier.view.scales import label

__all__ = ["ASCII", "UNICODE", "Marks", "panel_lines"]

Array = NDArray[np.float64]

_HEIGHT = 14
_LEAST = 30
_WIDEST = 100
_TICKS = 12


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters of a panel. `lines` are plain ones by role, empty where braille draws; `ends` stand for dots
    by role, `line_ends` at the end of lines that would look like others without colours."""

    lines: dict[str, str]
    line_ends: dict[str, str]
    ends: dict[str, str]
    side: str
    notch: str
    corner: str
    line: str
    tick: str


UNICODE = Marks(
    {},
    {"best": "◆", "result": "◇"},
    {"best": "◆", "stopped": "○", "failed": "✕", "result": "●"},
    "│",
    "┤",
    "└",
    "─",
    "┴",
)
ASCII = Marks(
    {"best": "#", "result": "*", "faint": "."},
    {"best": "@"},
    {"best": "@", "stopped": "o", "failed": "x", "result": "*"},
    "|",
    "+",
    "+",
    "-",
    "+",
)


def panel_lines(chart: Chart, width: int, marks: Marks, tint: Tint = lambda text, _: text) -> list[str]:
    """The lines of a chart of one panel, none wider than `width`, which is taken as 30 at least: its title, its note, the
    panel and what the marks mean. A chart without one has its words.

    `tint` is given each run of characters with its role, `title` or `axis`.
    """
    room = min(max(width, _LEAST), _WIDEST)
    said = [tint(label(chart.title, room), "title"), *([label(chart.note, room)] if chart.note else [])]
    if not chart.panels:
        return [*said, *([chart.words] if chart.words else [])]
    (panel,) = chart.panels
    assert isinstance(panel, Panel) and isinstance(panel.y, Axis), "lines and dots stand between two axes"
    gutter = max([4, *(len(tick.text) for tick in panel.y.ticks)])
    field = _Field(gutter + 3, room - gutter - 3, panel.x, panel.y)
    canvas = Canvas(_HEIGHT + 2, room)
    for mark in panel.marks:
        if isinstance(mark, Line):
            _draw_line(canvas, mark, field, marks)
    _draw_axes(canvas, field, gutter, marks)
    for mark in panel.marks:
        if isinstance(mark, Dots) or (isinstance(mark, Line) and mark.role in marks.line_ends):
            _draw_ends(canvas, mark, field, marks)
    return [*said, *canvas.lines(tint), *_legend(panel.marks, marks, tint)]


@dataclass(frozen=True, slots=True)
class _Field:
    """Where the panel stands on its canvas: `wide` columns from `left`."""

    left: int
    wide: int
    x: Axis
    y: Axis

    def places(self, x: Array, y: Array, across: int = 1, down: int = 1) -> list[tuple[int, int]]:
        """The places (x, y) of points, counted in so many parts of a character; what is NaN is left out."""
        columns = self.x.place(x) * (self.wide * across)
        rows = (1.0 - self.y.place(y)) * (_HEIGHT * down)
        kept = np.isfinite(columns) & np.isfinite(rows)
        columns = np.minimum(columns[kept], self.wide * across - 1).astype(np.int64)
        rows = np.minimum(rows[kept], _HEIGHT * down - 1).astype(np.int64)
        return list(zip(columns.tolist(), rows.tolist(), strict=True))


def _draw_line(canvas: Canvas, line: Line, field: _Field, marks: Marks) -> None:
    x, y = _stairs(line) if line.is_step else (line.x, line.y)
    if marks.lines:
        for column, row in dots_of_course(field.places(x, y)):
            canvas.put(row, field.left + column, marks.lines.get(line.role, "."), line.role)
        return
    for (row, column), bits in braille(dots_of_course(field.places(x, y, 2, 4))).items():
        canvas.dot(row, field.left + column, bits, line.role)


def _stairs(line: Line) -> tuple[Array, Array]:
    """The corners of a line that goes in steps."""
    return np.repeat(line.x, 2)[1:], np.repeat(line.y, 2)[:-1]


def _draw_ends(canvas: Canvas, mark: Line | Dots, field: _Field, marks: Marks) -> None:
    """The mark of a role at the end of a line, or at each dot."""
    is_line = isinstance(mark, Line)
    x, y = (mark.x[-1:], mark.y[-1:]) if is_line else (mark.x, mark.y)
    sign = (marks.line_ends if is_line else marks.ends).get(mark.role, ".")
    for column, row in field.places(x, y):
        canvas.put(row, field.left + column, sign, mark.role)


def _draw_axes(canvas: Canvas, field: _Field, gutter: int, marks: Marks) -> None:
    for row in range(_HEIGHT):
        canvas.put(row, gutter + 1, marks.side, "axis")
    for tick in field.y.ticks:
        row = min(int((1.0 - tick.place) * _HEIGHT), _HEIGHT - 1)
        canvas.put(row, 0, f"{label(tick.text, gutter):>{gutter}} {marks.notch}", "axis")
    canvas.put(_HEIGHT, field.left - 2, marks.corner + marks.line * (field.wide + 1), "axis")
    ticks = [
        (field.left + min(int(tick.place * field.wide), field.wide - 1), label(tick.text, _TICKS))
        for tick in field.x.ticks
    ]
    canvas.foot(_HEIGHT, field.left, field.wide, ticks, marks.tick)
    name = label(field.x.label, _TICKS)
    canvas.put(_HEIGHT + 1, max(0, gutter - len(name)), name, "axis")


def _legend(drawn: Iterable[object], marks: Marks, tint: Tint) -> list[str]:
    """What the marks at the ends and the lines mean, each once."""
    said: dict[str, str] = {}
    for mark in drawn:
        if isinstance(mark, (Line, Dots)) and mark.name and mark.name not in said:
            line = marks.line_ends.get(mark.role) or marks.lines.get(mark.role, "⠒")
            sign = marks.ends.get(mark.role, ".") if isinstance(mark, Dots) else line
            said[mark.name] = tint(sign, mark.role) + f" {mark.name}"
    return ["  ".join(said.values())] if said else []
