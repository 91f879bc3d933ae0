"""Charts made of characters: the belief along one parameter, the results near it, the place that was proposed.

A range is drawn as a curve (braille: two by four dots a character) in its shaded band, with what the search was to
make large as a bar under every column. Categories have a line each. Where the terminal can't show these characters,
plain ones stand for them. `pictures.py` draws the same as SVG.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from luthier.search.gaussian import Slice
from luthier.view.canvas import Canvas, Tint, braille
from luthier.view.explaining import Along, Dot
from luthier.view.scales import label, nice, range_of, ticks_along, written

__all__ = ["ASCII", "UNICODE", "Marks", "Part", "chart", "legend"]

Array = NDArray[np.float64]
Part = Literal["", "title", "band", "mean", "near", "far", "chosen", "promise", "axis"]

_HEIGHT = 9
_LEAST = 30
_WIDEST = 78
_CATEGORIES = 10
_NEAR = 0.5
"""Results at least so near the slice are drawn as lying on it."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters of a chart. `mean` is empty where braille draws the curve; `bars` rise from nothing to full."""

    band: str
    mean: str
    near: str
    far: str
    chosen: str
    pointer: str
    side: str
    notch: str
    corner: str
    line: str
    tick: str
    stopped: str
    failed: str
    expected: str
    bars: str


UNICODE = Marks("░", "", "●", "∙", "◆", "▲", "│", "┤", "└", "─", "┴", "╵", "✕", "○", " ▁▂▃▄▅▆▇█")
ASCII = Marks(":", "*", "o", ".", "@", "^", "|", "+", "+", "-", "+", "s", "x", "r", " .-=*#")


_SAID = {"stopped": "stopped early", "failed": "failed", "expected": "to come"}


def legend(marks: Marks, chosen: str, states: Collection[str] = ()) -> str:
    """What the characters mean; `chosen` names the place that is marked, `states` are those of trials without a value."""
    mean = marks.mean or "⠒"
    full = marks.bars[-1]
    return (
        f"{mean} mean  {marks.band} 95 % band  {marks.near} result near  {marks.far} farther off  "
        f"{marks.chosen} {chosen}  {full} promise"
        + "".join(f"  {getattr(marks, state)} {said}" for state, said in _SAID.items() if state in states)
    )


def chart(along: Along, width: int, marks: Marks, tint: Tint = lambda text, _: text) -> list[str]:
    """The lines of one chart, none wider than `width`, which is taken as 30 at least; a title first.

    `tint` is given each run of characters with what they are, to colour them. Empty without a belief.
    """
    if along.belief is None:
        return []
    room = min(max(width, _LEAST), _WIDEST)
    head = label(f"{along.parameter}  (the mean moves by {written(float(f'{along.influence:.2g}'))})", room)
    body = _categories if along.is_category else _curve
    return [tint(head, "title"), *body(along, along.belief, room, marks, tint)]


def _axis(along: Along, belief: Slice) -> tuple[float, float]:
    values = [dot.value for dot in along.dots if dot.value is not None]
    return range_of(belief.mean, belief.low, belief.high, values)


# ---------------------------------------------------------------------- a range


@dataclass(frozen=True, slots=True)
class _Field:
    """Where a curve stands on its canvas: columns from `left`, rows from `high` at the top down to `low`."""

    left: int
    wide: int
    low: float
    high: float

    def column(self, place: float) -> int:
        """The column of a place in [0, 1]."""
        return self.left + min(int(place * self.wide), self.wide - 1)

    def rows(self, values: Array, fine: int = 1) -> NDArray[np.int64]:
        """The rows of values, counted in so many parts of a row; what lies beyond stands at the edge."""
        share = (self.high - np.clip(values, self.low, self.high)) / (self.high - self.low)
        return np.minimum((share * _HEIGHT * fine).astype(np.int64), _HEIGHT * fine - 1)

    def row(self, value: float) -> int:
        """The row of one value."""
        return int(self.rows(np.array([value]))[0])

    def middles(self, fine: int = 1) -> Array:
        """The places in [0, 1] of the middles of all columns, each cut in so many."""
        return (np.arange(fine * self.wide) + 0.5) / (fine * self.wide)


def _curve(along: Along, belief: Slice, room: int, marks: Marks, tint: Tint) -> list[str]:
    low, high = _axis(along, belief)
    ticks = [(value, written(value)) for value in nice(low, high, 4)]
    gutter = max(6, *(len(text) for _, text in ticks))
    field = _Field(gutter + 3, room - gutter - 3, low, high)
    canvas = Canvas(_HEIGHT + 4, room)
    _draw_belief(canvas, belief, field, marks)
    for dot in along.dots:
        if dot.value is not None and np.isfinite(dot.value):
            canvas.put(field.row(dot.value), field.column(dot.place), *_result(dot, marks))
    if along.mean is not None:
        canvas.put(field.row(along.mean), field.column(along.chosen), marks.chosen, "chosen")
    for row in range(_HEIGHT):
        canvas.put(row, gutter + 1, marks.side, "axis")
    for value, text in ticks:
        canvas.put(field.row(value), 0, f"{text:>{gutter}} {marks.notch}", "axis")
    _draw_foot(canvas, along, field, marks)
    _draw_bars(canvas, _sampled(belief.promise, belief, field.middles()), field, marks)
    return canvas.lines(tint)


def _result(dot: Dot, marks: Marks) -> tuple[str, Part]:
    return (marks.near, "near") if dot.nearness >= _NEAR else (marks.far, "far")


def _sampled(curve: Array, belief: Slice, places: Array) -> Array:
    """A curve of the belief at other places."""
    return np.interp(places, belief.units, np.nan_to_num(curve, nan=0.0, posinf=1e300, neginf=-1e300))


def _draw_belief(canvas: Canvas, belief: Slice, field: _Field, marks: Marks) -> None:
    """The band, and the mean upon it."""
    middles = field.middles()
    tops = field.rows(_sampled(belief.high, belief, middles))
    bottoms = field.rows(_sampled(belief.low, belief, middles))
    for column in range(field.wide):
        for row in range(int(tops[column]), int(bottoms[column]) + 1):
            canvas.put(row, field.left + column, marks.band, "band")
    if marks.mean:
        for column, row in enumerate(field.rows(_sampled(belief.mean, belief, middles)).tolist()):
            canvas.put(row, field.left + column, marks.mean, "mean")
        return
    heights = field.rows(_sampled(belief.mean, belief, field.middles(2)), 4)
    for (row, column), bits in braille(_course(heights)).items():
        canvas.put(row, field.left + column, chr(0x2800 + bits), "mean")


def _course(heights: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """The dots of the curve through these heights, without gaps: each column goes on from the one before."""
    before = int(heights[0])
    for fine, height in enumerate(heights.tolist()):
        begin, end = (before + 1, height) if before < height else (height, max(before - 1, height))
        yield from ((fine, y) for y in range(begin, end + 1))
        before = height


def _draw_foot(canvas: Canvas, along: Along, field: _Field, marks: Marks) -> None:
    """The parameter's axis with its ticks, the trials that were stopped, failed or are to come, and the place that is marked."""
    left, wide = field.left, field.wide
    canvas.put(_HEIGHT, left - 2, marks.corner + marks.line * (wide + 1), "axis")
    ticks = [(field.column(tick.place), label(tick.text, 12)) for tick in ticks_along(along.domain)]
    canvas.foot(_HEIGHT, left, wide, ticks, marks.tick)
    for dot in along.dots:
        if dot.state != "observed":
            mark = getattr(marks, dot.state)
            canvas.put(_HEIGHT, field.column(dot.place), mark, "far")
    canvas.put(_HEIGHT, field.column(along.chosen), marks.pointer, "chosen")


def _draw_bars(canvas: Canvas, promise: Array, field: _Field, marks: Marks) -> None:
    """The promise as bars of two rows."""
    full = len(marks.bars) - 1
    for column, share in enumerate(promise.tolist()):
        level = round(share * 2 * full)
        for row, part in ((_HEIGHT + 2, max(level - full, 0)), (_HEIGHT + 3, min(level, full))):
            canvas.put(row, field.left + column, marks.bars[part], "promise" if part else "")
    canvas.put(_HEIGHT + 3, 0, "promise", "axis")


# ---------------------------------------------------------------------- categories


def _categories(along: Along, belief: Slice, room: int, marks: Marks, tint: Tint) -> list[str]:
    """A line for each value, its band lying; the most promising ones where there are many."""
    order = _shown(along, belief)
    names = [label(belief.texts[i], 14) for i in order]
    left = max(map(len, names)) + 3
    low, high = _axis(along, belief)
    field = _Field(left, room - left - 3, low, high)
    canvas = Canvas(len(order) + 2, room)
    for row, (i, name) in enumerate(zip(order, names, strict=True)):
        is_chosen = bool(np.isclose(belief.units[i], along.chosen))
        canvas.put(row, 0, f"{name:>{left - 3}}", "chosen" if is_chosen else "")
        canvas.put(row, left - 2, marks.side, "axis")
        _draw_category(canvas, row, along, belief, i, field, marks)
        if is_chosen:
            canvas.put(row, _across(field, float(belief.mean[i])), marks.chosen, "chosen")
        bar = marks.bars[round(float(belief.promise[i]) * (len(marks.bars) - 1))]
        canvas.put(row, room - 1, bar, "promise")
    _draw_scale(canvas, len(order), field, marks)
    hidden = len(belief.units) - len(order)
    return [*canvas.lines(tint), *([f"and {hidden} other values"] if hidden else [])]


def _across(field: _Field, value: float) -> int:
    """The column of a value of the objective, which lies along the rows here."""
    held = min(max(value, field.low), field.high) if value == value else field.low
    return field.column((held - field.low) / (field.high - field.low))


def _draw_category(
    canvas: Canvas, row: int, along: Along, belief: Slice, i: int, field: _Field, marks: Marks
) -> None:
    """The band of one value, its mean, and the results that had it."""
    begin, end = _across(field, float(belief.low[i])), _across(field, float(belief.high[i]))
    canvas.put(row, begin, marks.band * (end - begin + 1), "band")
    canvas.put(row, _across(field, float(belief.mean[i])), marks.mean or "┃", "mean")
    for dot in along.dots:
        if dot.value is not None and np.isclose(dot.place, belief.units[i]):
            canvas.put(row, _across(field, dot.value), *_result(dot, marks))


def _shown(along: Along, belief: Slice) -> list[int]:
    """The places of the values that have a line, in their order, with the chosen one."""
    chosen = int(np.argmin(np.abs(belief.units - along.chosen)))
    promising = [int(i) for i in np.argsort(-belief.promise, kind="stable") if i != chosen]
    return sorted([chosen, *promising[: _CATEGORIES - 1]])


def _draw_scale(canvas: Canvas, row: int, field: _Field, marks: Marks) -> None:
    """The objective's axis under the categories."""
    canvas.put(row, field.left - 2, marks.corner + marks.line * (field.wide + 1), "axis")
    end = -1
    for value in nice(field.low, field.high, 6):
        column, text = _across(field, value), written(value)
        begin = max(column - len(text) // 2, field.left - 1)
        if begin > end + 1 and begin + len(text) <= field.left + field.wide + 3:
            canvas.put(row, column, marks.tick, "axis")
            canvas.put(row + 1, begin, text, "axis")
            end = begin + len(text) - 1
