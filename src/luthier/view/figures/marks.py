"""Draws the marks of a panel as SVG: dots, lines, bars, spans, surfaces, and the lines of parallel axes.

Few dots are circles that say on pointing what they are; many are one path for each colour, which keeps a picture of
thousands small.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from luthier.view.figures.chart import Axis, Bars, Dots, Lanes, Line, Mark, Panel, Parallel, Spans, Surface
from luthier.view.figures.isobands import bands
from luthier.view.figures.looks import RAMP_STEPS
from luthier.view.svg import coordinate, element, path, title

__all__ = ["Box", "draw_marks", "draw_parallel", "swatch"]

Array = NDArray[np.float64]

_POINTED = 400
_CROSSES = 100
_GONE = "faint"
_RINGS = {"stopped": "stopped", "broken": "result"}
_BAR = 0.62
_OVERLAP = 0.5  # of neighbouring cells, so that no seam is seen between them


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that is drawn in."""

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

    def x(self, axis: Axis, values: Array) -> Array:
        """Where values of the lower axis stand."""
        return self.left + axis.place(values) * self.width

    def y(self, axis: Axis, values: Array) -> Array:
        """Where values of the upright axis stand."""
        return self.bottom - axis.place(values) * self.height


def draw_marks(panel: Panel, box: Box) -> str:
    """Everything in a panel, in the order given, and error bars on top."""
    bars = [mark for mark in panel.marks if isinstance(mark, Bars)]
    return "".join(
        [_mark(mark, panel, box) for mark in panel.marks] + [_errors(mark, panel.x, box) for mark in bars]
    )


def _mark(mark: Mark, panel: Panel, box: Box) -> str:
    match mark:
        case Bars():
            return _bars(mark, panel.x, box)
        case Spans():
            assert isinstance(panel.y, Lanes), "spans stand in lanes"
            return _spans(mark, panel.x, panel.y, box)
    assert isinstance(panel.y, Axis), "dots, lines and surfaces stand between two axes"
    match mark:
        case Dots():
            beyond = (mark.y > panel.y.high).astype(np.intp) - (mark.y < panel.y.low)
            return _dots(mark, box.x(panel.x, mark.x), box.y(panel.y, mark.y), beyond)
        case Line():
            return _line(mark, box.x(panel.x, mark.x), box.y(panel.y, mark.y))
        case Surface():
            return _surface(mark, panel.x, panel.y, box)


def swatch(mark: Dots | Line | Bars | Spans, x: float, y: float) -> str:
    """What stands for a mark in the legend."""
    match mark:
        case Dots():
            return _symbol(mark.role, x, y, "")
        case Line():
            return path([(x - 9, y), (x + 9, y)], f"line s-{mark.role} {mark.role}")
        case Bars():
            return element(
                "rect", x=x - 8, y=y - 5, width=16.0, height=10.0, rx=2.0, class_=_bar_class(mark.role)
            )
        case Spans():
            return element(
                "rect", x=x - 8, y=y - 5, width=16.0, height=10.0, rx=2.0, class_=_span_class(mark.role)
            )


# ---------------------------------------------------------------------- dots and lines


def _symbol(role: str, x: float, y: float, said: str, beyond: int = 0) -> str:
    """The shape of a role; a triangle that points outwards for what lies `beyond` the upper (1) or lower (-1) end."""
    inside = (title(said),) if said else ()
    if beyond and role != "failed":
        d = f"M{coordinate(x - 4)} {coordinate(y + 3 * beyond)}h8l-4 {-7 * beyond}z"
        return element(
            "path", *inside, d=d, class_=f"ring s-{_RINGS[role]}" if role in _RINGS else f"dot f-{role}"
        )
    if role == "failed":
        d = f"M{coordinate(x - 3.5)} {coordinate(y - 3.5)}l7 7m0 -7l-7 7"
        return element("path", d=d, class_="cross under") + element(
            "path", *inside, d=d, class_="cross s-failed"
        )
    if role in _RINGS:
        return element("circle", *inside, cx=x, cy=y, r=3.4, class_=f"ring s-{_RINGS[role]}")
    if role in ("best", "front"):
        return element("circle", *inside, cx=x, cy=y, r=5.0, class_="chosen f-best")
    return element("circle", *inside, cx=x, cy=y, r=3.2, class_=f"dot f-{_GONE if role == 'gone' else role}")


def _dots(mark: Dots, xs: Array, ys: Array, beyond: NDArray[np.intp]) -> str:
    seen = np.isfinite(xs) & np.isfinite(ys)
    if mark.shade is not None:
        return _shaded(mark.shade, xs, ys, seen, mark)
    places = np.flatnonzero(seen).tolist()
    if len(places) > _POINTED and mark.role not in ("best", "front", "failed", *_RINGS):
        return element("path", d=_specks(xs[seen], ys[seen]), class_=f"many s-{mark.role}")
    if len(places) > _CROSSES and mark.role == "failed":
        crosses = (f"M{coordinate(xs[i] - 2)} {coordinate(ys[i] - 2)}l4 4m0 -4l-4 4" for i in places)
        return element("path", d="".join(crosses), class_="crosses s-failed")
    said = mark.texts
    return "".join(
        _symbol(mark.role, float(xs[i]), float(ys[i]), said[i] if len(said) else "", int(beyond[i]))
        for i in places
    )


def _specks(xs: Array, ys: Array) -> str:
    """Round points as strokes without length."""
    return "".join(
        f"M{coordinate(x)} {coordinate(y)}h0" for x, y in zip(xs.tolist(), ys.tolist(), strict=True)
    )


def _step(shade: Array) -> NDArray[np.intp]:
    """Which colour of the ramp each shade has."""
    return np.clip((np.nan_to_num(shade) * RAMP_STEPS).astype(np.intp), 0, RAMP_STEPS - 1)


def _shaded(shade: Array, xs: Array, ys: Array, seen: NDArray[np.bool_], mark: Dots) -> str:
    steps = _step(shade)
    if int(seen.sum()) > _POINTED:
        return "".join(
            element("path", d=_specks(xs[here], ys[here]), class_=f"many s-r{k}")
            for k in range(RAMP_STEPS)
            if (here := seen & (steps == k)).any()
        )
    return "".join(
        element(
            "circle",
            *((title(mark.texts[i]),) if len(mark.texts) else ()),
            cx=float(xs[i]),
            cy=float(ys[i]),
            r=3.2,
            class_=f"dot f-r{steps[i]}",
        )
        for i in np.flatnonzero(seen).tolist()
    )


def _line(mark: Line, xs: Array, ys: Array) -> str:
    points = list(zip(xs.tolist(), ys.tolist(), strict=True))
    if mark.is_step:
        points = _stepped(points)
    role = "best" if mark.role == "front" else mark.role
    steps = "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)
    said = (title(mark.text),) if mark.text else ()
    return element("path", *said, d=f"M{steps}", class_=f"line s-{role} {mark.role}")


def _stepped(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A line that stays where it is until the next point."""
    made = points[:1]
    for (_, y), (x, after) in pairwise(points):
        made += [(x, y), (x, after)]
    return made


# ---------------------------------------------------------------------- bars and spans


def _bar_class(role: str) -> str:
    return "f-result" if role == "alone" else f"f-{role}"


def _bars(mark: Bars, axis: Axis, box: Box) -> str:
    tall = box.height / max(len(mark.labels), 1)
    ends = box.x(axis, mark.lengths)
    is_inner = mark.role == "alone"  # a thinner bar on top of the other
    thick = tall * _BAR * (0.55 if is_inner else 1.0)
    parts = []
    for i, end in enumerate(ends.tolist()):
        middle = box.top + (i + 0.5) * tall
        said = (title(mark.texts[i]),) if len(mark.texts) else ()
        width = max(end - box.left, 0.8)
        parts.append(
            element(
                "rect", *said, x=box.left, y=middle - thick / 2, width=width, height=thick, rx=1.5,
                class_=_bar_class(mark.role),
            )
        )  # fmt: skip
    return "".join(parts)


def _errors(mark: Bars, axis: Axis, box: Box) -> str:
    if mark.low is None or mark.high is None:
        return ""
    tall = box.height / max(len(mark.labels), 1)
    tip = coordinate(tall * _BAR * 0.5)
    parts = []
    lows, highs = box.x(axis, mark.low).tolist(), box.x(axis, mark.high).tolist()
    for i, (low, high) in enumerate(zip(lows, highs, strict=True)):
        middle = box.top + (i + 0.5) * tall
        upper = coordinate(middle - tall * _BAR * 0.25)
        across = f"M{coordinate(low)} {coordinate(middle)}H{coordinate(high)}"
        ends = f"M{coordinate(low)} {upper}v{tip}M{coordinate(high)} {upper}v{tip}"
        parts.append(element("path", d=across + ends, class_="error"))
    return "".join(parts)


def _span_class(role: str) -> str:
    if role == "running":
        return "ring s-result"
    return f"span f-{_GONE if role == 'gone' else role}"


def _spans(mark: Spans, axis: Axis, lanes: Lanes, box: Box) -> str:
    tall = box.height / max(lanes.count, 1)
    thick = max(min(tall * 0.8, 26.0), min(tall, 1.0))
    begins, ends = box.x(axis, mark.begin), box.x(axis, mark.end)
    kind = _span_class(mark.role)
    few = len(begins) <= 2 * _POINTED
    areas, strokes = [], []
    for i, (begin, end, lane) in enumerate(
        zip(begins.tolist(), ends.tolist(), mark.lanes.tolist(), strict=True)
    ):
        middle = box.top + (lane + 0.5) * tall
        width = max(end - begin, 0.8)
        if few:
            said = (title(mark.texts[i]),) if len(mark.texts) else ()
            areas.append(
                element("rect", *said, x=begin, y=middle - thick / 2, width=width, height=thick, class_=kind)
            )
        else:
            w, h = coordinate(width), coordinate(thick)
            strokes.append(f"M{coordinate(begin)} {coordinate(middle - thick / 2)}h{w}v{h}h-{w}z")
    return "".join(areas) + (element("path", d="".join(strokes), class_=kind) if strokes else "")


# ---------------------------------------------------------------------- surfaces


def _surface(mark: Surface, x: Axis, y: Axis, box: Box) -> str:
    known = np.isfinite(mark.z)
    if not known.any():
        return ""
    xs, ys = box.x(x, mark.x), box.y(y, mark.y)
    good = mark.shades()
    if mark.is_cells:
        return _cells(good, xs, ys, box)
    count = len(mark.knots()) - 1
    parts = []
    for k in range(count):
        d = bands(xs, ys, good, k / count if k else -1.0)
        if d:
            parts.append(element("path", d=d, class_=f"f-r{int(_step(np.array([(k + 0.5) / count]))[0])}"))
    return "".join(parts)


def _cells(good: Array, xs: Array, ys: Array, box: Box) -> str:
    """A rectangle for each value, from half-way to its neighbours on either side."""
    across = _bounds(xs, box.left, box.right - _OVERLAP)
    up = _bounds(ys, box.bottom - _OVERLAP, box.top)
    steps = _step(good)
    return "".join(
        element(
            "rect",
            x=across[i],
            y=min(up[j], up[j + 1]),
            width=across[i + 1] - across[i] + _OVERLAP,
            height=abs(up[j] - up[j + 1]) + _OVERLAP,
            class_=f"f-r{steps[j, i]}",
        )
        for j in range(len(ys))
        for i in range(len(xs))
        if np.isfinite(good[j, i])
    )


def _bounds(places: Array, first: float, last: float) -> list[float]:
    return [first, *((places[1:] + places[:-1]) / 2).tolist(), last]


# ---------------------------------------------------------------------- parallel axes


def draw_parallel(parallel: Parallel, box: Box) -> str:
    """The lines, which break off where a parameter does not exist."""
    count = parallel.rows.shape[1]
    xs = box.left + np.arange(count) * (box.width / max(count - 1, 1))
    steps = _step(parallel.shade)
    parts = []
    for i, row in enumerate(parallel.rows):
        ys = box.bottom - row * box.height
        d, is_open = [], False
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            if y != y:
                is_open = False
                continue
            d.append(f"{'L' if is_open else 'M'}{coordinate(x)} {coordinate(y)}")
            is_open = True
        said = (title(parallel.texts[i]),) if len(parallel.texts) and len(parallel.rows) <= _POINTED else ()
        parts.append(element("path", *said, d="".join(d), class_=f"line thin s-r{steps[i]}"))
    return "".join(parts)
