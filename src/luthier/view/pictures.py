"""What a search believes, as SVG: mean and band along a parameter, the results near it, what was promised below, and
the place that was proposed; and what was predicted against what came.

Every picture is a group of WIDTH by HEIGHT; `sheet` sets several side by side in one file, `framed` one in a page.
Nothing is read from outside, and the same belief makes the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from luthier.search.gaussian import Slice
from luthier.view.explaining import Along, Dot
from luthier.view.predictions import Prediction
from luthier.view.scales import Tick, label, nice, range_of, ticks_along, written
from luthier.view.svg import document, element, path, text, title

__all__ = ["HEIGHT", "PLOT", "WIDTH", "Box", "framed", "scatter", "sheet", "slice_picture", "value_range"]

Array = NDArray[np.float64]

WIDTH, HEIGHT = 440.0, 310.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that curves are drawn in."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height


PLOT = Box(58, 46, 366, 182)
"""Where the objective is drawn in a picture."""
PROMISE = Box(58, 242, 366, 40)
"""Where the acquisition is drawn below it."""
SQUARE = Box(88, 46, 264, 240)
"""Where predictions meet results."""
_PER_CHARACTER = 6.4  # how wide a character of a tick's label is, about
_MARGIN = 14.0
_COLUMNS = 2
_SINGLE = 8
"""Parameters of at most so many values are drawn value by value, longer lists as a curve."""


def value_range(views: Sequence[Along]) -> tuple[float, float]:
    """From where to where the objective's axis goes in these pictures, if it is to be the same in all."""
    beliefs = [view.belief for view in views if view.belief is not None]
    none = np.empty(0)
    mean, low, high = (
        np.concatenate([none, *curves])
        for curves in ([b.mean for b in beliefs], [b.low for b in beliefs], [b.high for b in beliefs])
    )
    fullest = max((view.dots for view in views), key=len, default=())
    return range_of(mean, low, high, [dot.value for dot in fullest if dot.value is not None])


class _Axes:
    """From a place along the parameter and a value of the objective to a place in the drawing."""

    def __init__(self, box: Box, low: float, high: float) -> None:
        self.box = box
        self.low = low
        self.high = high

    def x(self, place: float) -> float:
        """Where a place in [0, 1] stands."""
        return self.box.left + place * self.box.width

    def y(self, value: float) -> float:
        """Where a value stands; what lies beyond the axis stands at its end."""
        held = min(max(value, self.low), self.high) if value == value else self.low
        return self.box.bottom - (held - self.low) / (self.high - self.low) * self.box.height

    def line(self, places: Array, values: Array) -> list[tuple[float, float]]:
        """A curve's points."""
        return [(self.x(u), self.y(v)) for u, v in zip(places.tolist(), values.tolist(), strict=True)]


def slice_picture(
    along: Along, objective: str, chosen: str, values: tuple[float, float] | None = None
) -> str:
    """One parameter: belief, results, promise and the place that `chosen` names, with the range of `values` given."""
    axes = _Axes(PLOT, *(values or value_range([along])))
    promise = _Axes(PROMISE, 0.0, 1.0)
    belief = along.belief
    is_single = along.is_category or (
        belief is not None and belief.is_listed and len(belief.units) <= _SINGLE
    )
    drawn = [_frame(along, axes, objective), _places(along, axes)]
    if belief is None:
        drawn.append(
            text(PLOT.left + PLOT.width / 2, PLOT.top + 20, "too few results for a belief", "note", "middle")
        )
    elif is_single:
        drawn += [_singles(belief, axes), _single_promises(belief, promise)]
    else:
        drawn += [_band(belief, axes), _promise(belief, promise)]
    drawn += [_result(dot, axes) for dot in along.dots if dot.value is not None and isfinite(dot.value)]
    drawn += [_unfinished(dot, axes) for dot in along.dots if dot.state != "observed"]
    drawn.append(_marked(along, axes, chosen))
    return element("g", *drawn)


def _frame(along: Along, axes: _Axes, objective: str) -> str:
    """The heads, the objective's ticks with their lines, and the rims of both plots."""
    box = axes.box
    parts = [
        title(f"{objective} along {label(along.parameter, 60)}"),
        text(box.left, 20, label(along.parameter, 24), "head"),
        text(box.left, 36, label(f"{objective} where the others stay as they are", 60), "note"),
    ]
    for value in nice(axes.low, axes.high, 5):
        y = axes.y(value)
        parts.append(path([(box.left, y), (box.right, y)], "grid"))
        parts.append(text(box.left - 7, y + 3.5, written(value), "tick", "end"))
    parts.append(path([(box.left, box.bottom), (box.right, box.bottom)], "rim"))
    parts.append(path([(PROMISE.left, PROMISE.bottom), (PROMISE.right, PROMISE.bottom)], "rim"))
    parts.append(text(PROMISE.left - 7, PROMISE.bottom - 16, "promise", "tick", "end"))
    return "".join(parts)


def _places(along: Along, axes: _Axes) -> str:
    """The parameter's ticks under both plots, as many as have room."""
    parts, end = [], -np.inf
    for place, words in _spaced(ticks_along(along.domain, 12 if along.is_category else 6)):
        x, half = axes.x(place), len(words) * _PER_CHARACTER / 2
        if x - half < end + 6:
            continue
        end = x + half
        parts.append(path([(x, PROMISE.bottom), (x, PROMISE.bottom + 4)], "rim"))
        parts.append(text(x, PROMISE.bottom + 16, words, "tick", "middle"))
    return "".join(parts)


def _spaced(ticks: Sequence[Tick]) -> list[Tick]:
    """Ticks with labels cut to what each has room for."""
    most = max(4, int(PLOT.width / max(len(ticks), 1) / _PER_CHARACTER) - 1)
    return [Tick(tick.place, label(tick.text, most)) for tick in ticks]


def _band(belief: Slice, axes: _Axes) -> str:
    upper = axes.line(belief.units, belief.high)
    lower = axes.line(belief.units, belief.low)[::-1]
    return path([*upper, *lower], "band", closed=True) + path(axes.line(belief.units, belief.mean), "mean")


def _promise(belief: Slice, axes: _Axes) -> str:
    curve = axes.line(belief.units, belief.promise)
    foot = [(curve[-1][0], axes.box.bottom), (curve[0][0], axes.box.bottom)]
    return path([*curve, *foot], "promised", closed=True) + path(curve, "promise")


def _singles(belief: Slice, axes: _Axes) -> str:
    """A bar and a mean for each value."""
    width = min(26.0, axes.box.width / len(belief.units) * 0.5)
    parts = []
    for place, mean, low, high in zip(belief.units, belief.mean, belief.low, belief.high, strict=True):
        x, top = axes.x(float(place)), axes.y(float(high))
        parts.append(
            element(
                "rect",
                x=x - width / 2,
                y=top,
                width=width,
                height=max(axes.y(float(low)) - top, 1.0),
                rx=3.0,
                class_="band",
            )
        )
        y = axes.y(float(mean))
        parts.append(path([(x - width / 2, y), (x + width / 2, y)], "mean"))
    return "".join(parts)


def _single_promises(belief: Slice, axes: _Axes) -> str:
    width = min(26.0, axes.box.width / len(belief.units) * 0.5)
    parts = []
    for place, share in zip(belief.units.tolist(), belief.promise.tolist(), strict=True):
        x, y = axes.x(place), axes.y(share)
        around = [(x - width / 2, axes.box.bottom), (x - width / 2, y), (x + width / 2, y)]
        parts.append(path([*around, (x + width / 2, axes.box.bottom)], "promised", closed=True))
        parts.append(path([(x - width / 2, y), (x + width / 2, y)], "promise"))
    return "".join(parts)


def _result(dot: Dot, axes: _Axes) -> str:
    """A result: the stronger the nearer it is to the slice."""
    assert dot.value is not None, "only results are drawn here"
    return element(
        "circle",
        title(f"trial {dot.trial}: {written(dot.value)}"),
        cx=axes.x(dot.place),
        cy=axes.y(dot.value),
        r=2.2 + 1.8 * dot.nearness,
        opacity=0.16 + 0.84 * dot.nearness,
        class_="dot",
    )


def _unfinished(dot: Dot, axes: _Axes) -> str:
    """A cross for a trial that failed, a bar for one stopped early, a ring for one whose result was to come, on the lower
    rim."""
    x, y = axes.x(dot.place), axes.box.bottom
    said = title(f"trial {dot.trial}: {dot.state}")
    if dot.state == "expected":
        return element("circle", said, cx=x, cy=y, r=3.0, class_="expected")
    if dot.state == "stopped":
        return element("path", said, d=f"M{x:.2f} {y - 7:.2f}l0 7", class_="failed")
    cross = f"M{x - 3:.2f} {y - 3:.2f}l6 6m0 -6l-6 6"
    return element("path", said, d=cross, class_="failed")


def _marked(along: Along, axes: _Axes, chosen: str) -> str:
    """The place in question: a line through both plots and a mark on the mean."""
    x = axes.x(along.chosen)
    guide = path([(x, axes.box.top), (x, PROMISE.bottom)], "guide")
    said = f"{chosen}: {label(along.text, 24)}"
    name = text(axes.box.right, 20, said, "named", "end")
    y = axes.box.bottom if along.mean is None else axes.y(along.mean)
    return guide + name + element("circle", title(said), cx=x, cy=y, r=5.0, class_="next")


# ---------------------------------------------------------------------- predicted against observed


def scatter(rows: Sequence[Prediction], objective: str) -> str:
    """Each prediction with its 95 % band across, its result upwards; honest ones cross the diagonal."""
    kept = [row for row in rows if isfinite(row.mean) and isfinite(row.deviation)]
    low, high = _both(kept)
    axes = _Axes(SQUARE, low, high)

    def across(value: float) -> float:
        return SQUARE.left + (min(max(value, low), high) - low) / (high - low) * SQUARE.width

    parts = [
        title(f"{objective} as predicted and as observed"),
        text(PLOT.left, 20, "Predicted against observed", "head"),
        text(PLOT.left, 36, label(f"{objective} observed, over what was predicted", 60), "note"),
    ]
    for value in nice(low, high, 5):
        x, y = across(value), axes.y(value)
        parts.append(path([(SQUARE.left, y), (SQUARE.right, y)], "grid"))
        parts.append(path([(x, SQUARE.top), (x, SQUARE.bottom)], "grid"))
        parts.append(text(SQUARE.left - 7, y + 3.5, written(value), "tick", "end"))
        parts.append(text(x, SQUARE.bottom + 16, written(value), "tick", "middle"))
    parts.append(path([(SQUARE.left, SQUARE.bottom), (SQUARE.right, SQUARE.top)], "rim"))
    for row in kept:
        y, reach = axes.y(row.observed), 1.96 * row.deviation
        parts.append(path([(across(row.mean - reach), y), (across(row.mean + reach), y)], "spread"))
    for row in kept:
        inside = abs(row.observed - row.mean) <= 1.96 * row.deviation
        said = title(f"trial {row.trial}: predicted {written(row.mean)}, observed {written(row.observed)}")
        kind = "at" if inside else "outside"
        parts.append(
            element("circle", said, cx=across(row.mean), cy=axes.y(row.observed), r=3.2, class_=kind)
        )
    return element("g", *parts)


def _both(rows: Sequence[Prediction]) -> tuple[float, float]:
    """One range for both axes."""
    means = np.array([row.mean for row in rows])
    reach = np.array([1.96 * row.deviation for row in rows])
    return range_of(means, means - reach, means + reach, [row.observed for row in rows])


# ---------------------------------------------------------------------- putting them together


def framed(picture: str) -> str:
    """One picture as a drawing within a page."""
    return document(WIDTH, HEIGHT, picture)


def sheet(pictures: Sequence[str], head: str) -> str:
    """Several pictures in a file of their own, two in a row, under one head."""
    columns = min(_COLUMNS, max(len(pictures), 1))
    rows = -(-len(pictures) // columns)
    top = 44.0
    placed = [
        element("g", one, transform=f"translate({(i % columns) * WIDTH:g} {top + (i // columns) * HEIGHT:g})")
        for i, one in enumerate(pictures)
    ]
    heading = text(_MARGIN, 28, label(head, int(columns * WIDTH / 8.5)), "head")
    return document(columns * WIDTH, top + rows * HEIGHT, title(head), heading, *placed, alone=True)
