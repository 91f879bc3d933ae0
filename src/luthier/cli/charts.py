"""A figure printed as text, in the colours and characters that the terminal has."""

from __future__ import annotations

import shutil

from luthier.cli.output import can_print, emit, paint
from luthier.view.figures.chart import Chart
from luthier.view.text_panel import ASCII, UNICODE, panel_lines

__all__ = ["show_chart"]

_STYLES = {
    "title": ("bold",),
    "axis": ("dim",),
    "faint": ("dim",),
    "best": ("bold", "yellow"),
    "result": ("blue",),
    "stopped": ("green",),
    "failed": ("red",),
}
_CHARACTERS = "⠒◆◇○✕●│┤└─┴…"


def show_chart(chart: Chart) -> None:
    """Prints a chart of lines and dots."""
    marks = UNICODE if can_print(_CHARACTERS) else ASCII
    width = shutil.get_terminal_size((80, 24)).columns

    def tint(text: str, part: str) -> str:
        return paint(text, *_STYLES.get(part, ()))

    for line in panel_lines(chart, width, marks, tint):
        emit(line if can_print(line) else line.encode("ascii", "replace").decode())
