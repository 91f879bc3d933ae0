"""Draws a chart as SVG: heads, legend, ramp, and the panels in rows. What stands in a panel is drawn in `marks.py`.

The same chart makes the same text. Nothing is loaded from elsewhere, and no script is needed.
"""

from __future__ import annotations

from html import escape
from textwrap import wrap

from luthier.view.figures.chart import Axis, Bars, Chart, Dots, Lanes, Line, Panel, Parallel, Ramp, Spans
from luthier.view.figures.looks import RAMP_STEPS, Theme, style
from luthier.view.figures.marks import Box, draw_marks, draw_parallel, swatch
from luthier.view.scales import label
from luthier.view.svg import coordinate, element, path, text, title

__all__ = ["svg"]

_WIDE = 7.1  # how wide a character of the text is, about
_LINE = 17.0
_MARGIN = 16.0
_RIGHT, _TOP, _BOTTOM = 18.0, 10.0, 44.0


def svg(chart: Chart, theme: Theme = "auto") -> str:
    """The whole figure as an SVG document."""
    columns = max(1, min(chart.columns, len(chart.panels)))
    rows = -(-len(chart.panels) // columns)
    width = max(columns * chart.size[0], 480.0)
    heads, top = _heads(chart, width)
    parts = [title(f"{chart.title}. {chart.note}"), element("style", style(theme))]
    height = top + (rows * chart.size[1] if chart.panels else 90.0) + 6.0
    parts.append(element("rect", width=width, height=height, class_="paper"))
    parts += heads
    if chart.words:
        lines = wrap(chart.words, int((width - 2 * _MARGIN) / _WIDE))
        parts += [text(_MARGIN, top + 22 + i * _LINE, line, "words") for i, line in enumerate(lines)]
    for i, panel in enumerate(chart.panels):
        left, upper = (i % columns) * chart.size[0], top + (i // columns) * chart.size[1]
        where = (left, upper, chart.size[0], chart.size[1])
        drawn = _upright(panel, where) if isinstance(panel, Parallel) else _panel(panel, where)
        parts.append(drawn)
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        width=width,
        height=height,
        class_="lut",
        role="img",
    )


# ---------------------------------------------------------------------- above the panels


def _heads(chart: Chart, width: float) -> tuple[list[str], float]:
    """Title, note, legend and ramp, and where the panels begin."""
    parts = [text(_MARGIN, 26, label(chart.title, int((width - 2 * _MARGIN) / 8.2)), "head")]
    y = 26.0
    for line in wrap(chart.note, int((width - 2 * _MARGIN) / _WIDE)):
        y += _LINE
        parts.append(text(_MARGIN, y, line, "note"))
    drawn, lines = _legend(chart, width, y + 20)
    parts += drawn
    y += 20 * lines
    if chart.ramp is not None:
        y += 22
        parts.append(_ramp(chart.ramp, y))
    return parts, y + 8


def _legend(chart: Chart, width: float, y: float) -> tuple[list[str], int]:
    """A symbol and a name for each role that is drawn, once; none where one alone would stand there."""
    named: dict[str, Dots | Line | Bars | Spans] = {}
    for panel in chart.panels:
        for mark in panel.marks if isinstance(panel, Panel) else ():
            if isinstance(mark, (Dots, Line, Bars, Spans)) and mark.name and mark.role != "shaded":
                named.setdefault(mark.name, mark)
    if len(named) < 2 and not (named and any(isinstance(m, Spans) for m in named.values())):
        return [], 0
    parts, x, lines = [], _MARGIN, 1
    for name, mark in named.items():
        room = 26 + len(name) * _WIDE + 14
        if x + room > width - _MARGIN and x > _MARGIN:
            x, lines = _MARGIN, lines + 1
        at = y + (lines - 1) * 20
        parts.append(swatch(mark, x + 9, at - 4))
        parts.append(text(x + 24, at, name, "name"))
        x += room
    return parts, lines


def _ramp(ramp: Ramp, y: float) -> str:
    """A strip with all shades, and what its ends mean."""
    parts = [text(_MARGIN, y, ramp.label, "name")]
    x = _MARGIN + len(ramp.label) * _WIDE + 12
    parts.append(text(x, y, ramp.worse, "tick"))
    x += len(ramp.worse) * _WIDE + 8
    for i in range(RAMP_STEPS):
        parts.append(element("rect", x=x + 14 * i, y=y - 9, width=14.4, height=10.0, class_=f"f-r{i}"))
    parts.append(text(x + 14 * RAMP_STEPS + 8, y, ramp.better, "tick"))
    return "".join(parts)


# ---------------------------------------------------------------------- one panel


def _panel(panel: Panel, where: tuple[float, float, float, float]) -> str:
    left, top, width, height = where
    bars = next((mark for mark in panel.marks if isinstance(mark, Bars)), None)
    names = (
        [name for _, name in panel.y.names]
        if isinstance(panel.y, Lanes)
        else list(bars.labels)
        if bars
        else []
    )
    ticks = [tick.text for tick in panel.y.ticks] if isinstance(panel.y, Axis) else []
    longest = max([len(word) for word in (*names, *ticks)], default=0)
    # The label of an upright axis stands beside its ticks, turned.
    gap = longest * _WIDE + (34.0 if isinstance(panel.y, Axis) else 20.0)
    gap = min(max(gap, 30.0), 0.4 * width)
    box = Box(left + gap, top + _TOP, width - gap - _RIGHT, height - _TOP - _BOTTOM)
    parts = [_across(panel.x, box)]
    if isinstance(panel.y, Axis):
        parts.append(_up(panel.y, box, left + 14, int((gap - 26) / _WIDE)))
    elif isinstance(panel.y, Lanes):
        tall = box.height / max(panel.y.count, 1)
        parts += [
            text(box.left - 8, box.top + (at + 0.5) * tall + 4, name, "label", "end")
            for at, name in panel.y.names
        ]
    elif bars is not None:
        tall = box.height / max(len(bars.labels), 1)
        most = max(int((gap - 14) / _WIDE), 3)
        parts += [
            text(box.left - 8, box.top + (i + 0.5) * tall + 4, label(name, most), "label", "end")
            for i, name in enumerate(bars.labels)
        ]
    parts.append(draw_marks(panel, box))
    parts.append(path([(box.left, box.bottom), (box.right, box.bottom)], "rim"))
    return element("g", *parts)


def _across(axis: Axis, box: Box) -> str:
    """The lower axis, with lines upwards; labels where they have room."""
    parts, end = [], float("-inf")
    most = max(3, int(box.width / max(len(axis.ticks), 1) / _WIDE)) if axis.scale == "places" else 12
    for tick in axis.ticks:
        x = box.left + tick.place * box.width
        if axis.scale != "places":
            parts.append(path([(x, box.top), (x, box.bottom)], "grid"))
        words = label(tick.text, most)
        half = len(words) * _WIDE / 2
        if x - half < end + 5:
            continue
        end = x + half
        parts.append(path([(x, box.bottom), (x, box.bottom + 4)], "rim"))
        parts.append(text(x, box.bottom + 17, words, "tick", "middle"))
    words = label(axis.label, int(box.width / _WIDE))
    parts.append(text(box.left + box.width / 2, box.bottom + 35, words, "label", "middle"))
    return "".join(parts)


def _up(axis: Axis, box: Box, at: float, most: int) -> str:
    """The upright axis, with lines across and its label turned."""
    parts = []
    for tick in axis.ticks:
        y = box.bottom - tick.place * box.height
        if axis.scale != "places":
            parts.append(path([(box.left, y), (box.right, y)], "grid"))
        parts.append(text(box.left - 7, y + 4, label(tick.text, max(most, 3)), "tick", "end"))
    middle = box.top + box.height / 2
    words = label(axis.label, int(box.height / _WIDE))
    turned = f"rotate(-90 {coordinate(at)} {coordinate(middle)})"
    parts.append(
        element("text", escape(words), x=at, y=middle, class_="label", text_anchor="middle", transform=turned)
    )
    return "".join(parts)


def _upright(parallel: Parallel, where: tuple[float, float, float, float]) -> str:
    """Parallel axes with their names above and their ticks beside them."""
    left, top, width, height = where
    first = max((len(tick.text) for tick in parallel.axes[0].ticks), default=3)
    begin = left + min(max(30.0, first * _WIDE + 20), 110.0)
    box = Box(begin, top + 34, width - (begin - left) - 46, height - 34 - 34)
    count = len(parallel.axes)
    apart = box.width / max(count - 1, 1)
    parts = [draw_parallel(parallel, box)]
    for k, axis in enumerate(parallel.axes):
        x = box.left + k * apart
        parts.append(path([(x, box.top), (x, box.bottom)], "rim"))
        name = label(axis.label, max(4, int(apart / _WIDE) - 1))
        anchor = "end" if k == count - 1 and count > 1 else "middle"
        parts.append(
            text(min(x + (28 if anchor == "end" else 0), box.right + 40), box.top - 14, name, "label", anchor)
        )
        most = max(3, int((apart - 16) / _WIDE)) if k else 16
        for tick in axis.ticks:
            y = box.bottom - tick.place * box.height
            parts.append(path([(x - 4, y), (x, y)], "rim"))
            parts.append(_haloed(x - 7, y + 4, label(tick.text, min(most, 14))))
    return element("g", *parts)


def _haloed(x: float, y: float, words: str) -> str:
    """A tick's text that stays readable over lines."""
    return element("text", escape(words), x=x, y=y, class_="tick halo", text_anchor="end")
