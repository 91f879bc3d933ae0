"""Where a surface over a grid is above a level, as the path of one filled area.

Every cell of the grid is cut by straight lines between the places where its edges cross the level; cells that are
above it whole are joined along their row. Drawn one over the other for rising levels, the areas make a contour plot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luthier.view.svg import coordinate

__all__ = ["bands"]

Array = NDArray[np.float64]


def bands(xs: Array, ys: Array, z: Array, level: float) -> str:
    """The path of the area where `z` (len(ys), len(xs)) is at least `level`, empty where it is nowhere; cells with a
    corner that is NaN have none. `xs` and `ys` are places in the drawing."""
    parts: list[str] = []
    inside = z >= level
    known = np.isfinite(z)
    for j in range(len(ys) - 1):
        begin: int | None = None
        for i in range(len(xs) - 1):
            corners = inside[j : j + 2, i : i + 2]
            is_known = known[j : j + 2, i : i + 2].all()
            if is_known and corners.all():
                begin = i if begin is None else begin
                continue
            if begin is not None:
                parts.append(_rectangle(xs[begin], xs[i], ys[j], ys[j + 1]))
                begin = None
            if is_known and corners.any():
                parts.append(_cut(xs, ys, z, level, i, j))
        if begin is not None:
            parts.append(_rectangle(xs[begin], xs[-1], ys[j], ys[j + 1]))
    return "".join(parts)


def _rectangle(left: float, right: float, one: float, other: float) -> str:
    return (
        f"M{coordinate(left)} {coordinate(one)}H{coordinate(right)}V{coordinate(other)}H{coordinate(left)}Z"
    )


def _cut(xs: Array, ys: Array, z: Array, level: float, i: int, j: int) -> str:
    """The part of one cell above the level."""
    ring = [
        (float(xs[i + a]), float(ys[j + b]), float(z[j + b, i + a]))
        for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))
    ]
    points: list[tuple[float, float]] = []
    for (x0, y0, z0), (x1, y1, z1) in zip(ring, ring[1:] + ring[:1], strict=True):
        if z0 >= level:
            points.append((x0, y0))
        if (z0 >= level) != (z1 >= level):
            t = (level - z0) / (z1 - z0)
            points.append((x0 + t * (x1 - x0), y0 + t * (y1 - y0)))
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points) + "Z"
