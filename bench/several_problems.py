"""The problems of `bench/several.py`: ZDT and DTLZ with their usual sizes, and a few with constraints.

**Source** Zitzler, Deb and Thiele (2000), Comparison of multiobjective evolutionary algorithms; Deb et al. (2005),
Scalable test problems for evolutionary multiobjective optimization; Jain and Deb (2014) for C2-DTLZ2; Deb (2001) for BNH,
SRN and CONSTR.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from luthier.search.pareto import front_of, hypervolume
from luthier.space import Float, Parameter, Space

__all__ = ["PROBLEMS", "Problem"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Losses of a point, all to be small; `limits` of a point, which are met where none is above zero. `beyond` is the
    volume below the true front, where it is known."""

    name: str
    bounds: tuple[tuple[float, float], ...]
    losses: Callable[[Array], list[float]]
    usual: tuple[float, ...]
    true_front: Callable[[], Array]
    limits: Callable[[Array], list[float]] | None = None
    beyond: float | None = None

    @property
    def objectives(self) -> int:
        return len(self.usual)

    @cached_property
    def constraints(self) -> int:
        """How many limits there are."""
        return len(self.evaluate(np.array([low for low, _ in self.bounds]))[1])

    @cached_property
    def space(self) -> Space:
        return Space([Parameter(f"x{j}", Float(*bounds)) for j, bounds in enumerate(self.bounds)])

    def evaluate(self, x: Array) -> tuple[list[float], list[float]]:
        """The losses, and by how much each limit is passed."""
        return [float(v) for v in self.losses(x)], [float(v) for v in self.limits(x)] if self.limits else []

    @cached_property
    def front(self) -> Array:
        """The true front, about as densely as the hypervolume needs."""
        rows = self.true_front()
        return rows[front_of(rows)]

    def reference(self, tight: bool) -> Array:
        """The reference of the literature, or one a tenth of the front's width beyond its worst."""
        if not tight:
            return np.array(self.usual)
        return np.asarray(self.front.max(axis=0) + 0.1 * np.ptp(self.front, axis=0))

    def best_volume(self, tight: bool) -> float:
        """The hypervolume of the true front."""
        reference = self.reference(tight)
        if self.beyond is not None:
            return float(np.prod(reference)) - self.beyond
        return hypervolume(self.front, reference)


UNIT = (0.0, 1.0)
GRID = np.linspace(0.0, 1.0, 2001)


def zdt1(x: Array) -> list[float]:
    g = 1 + 9 * x[1:].mean()
    return [x[0], g * (1 - np.sqrt(x[0] / g))]


def zdt2(x: Array) -> list[float]:
    g = 1 + 9 * x[1:].mean()
    return [x[0], g * (1 - (x[0] / g) ** 2)]


def zdt3(x: Array) -> list[float]:
    g = 1 + 9 * x[1:].mean()
    return [x[0], g * (1 - np.sqrt(x[0] / g) - x[0] / g * np.sin(10 * np.pi * x[0]))]


def zdt4(x: Array) -> list[float]:
    g = 1 + 10 * (len(x) - 1) + (x[1:] ** 2 - 10 * np.cos(4 * np.pi * x[1:])).sum()
    return [x[0], g * (1 - np.sqrt(x[0] / g))]


def zdt6(x: Array) -> list[float]:
    first = 1 - np.exp(-4 * x[0]) * np.sin(6 * np.pi * x[0]) ** 6
    g = 1 + 9 * x[1:].mean() ** 0.25
    return [first, g * (1 - (first / g) ** 2)]


def _rugged(x: Array) -> float:
    return float(100 * (len(x) + ((x - 0.5) ** 2 - np.cos(20 * np.pi * (x - 0.5))).sum()))


def dtlz1(x: Array) -> list[float]:
    g = _rugged(x[2:])
    a, b = x[:2]
    return [0.5 * a * b * (1 + g), 0.5 * a * (1 - b) * (1 + g), 0.5 * (1 - a) * (1 + g)]


def _sphere(a: float, b: float, g: float) -> list[float]:
    return [
        (1 + g) * np.cos(a) * np.cos(b),
        (1 + g) * np.cos(a) * np.sin(b),
        (1 + g) * np.sin(a),
    ]


def dtlz2(x: Array) -> list[float]:
    a, b = x[:2] * np.pi / 2
    return _sphere(a, b, float(((x[2:] - 0.5) ** 2).sum()))


def dtlz5(x: Array) -> list[float]:
    g = float(((x[2:] - 0.5) ** 2).sum())
    b = np.pi / (4 * (1 + g)) * (1 + 2 * g * x[1])
    return _sphere(x[0] * np.pi / 2, b, g)


def dtlz7(x: Array) -> list[float]:
    g = 1 + 9 * x[2:].mean()
    h = 3 - sum(f / (1 + g) * (1 + np.sin(3 * np.pi * f)) for f in x[:2])
    return [x[0], x[1], (1 + g) * h]


def c2dtlz2(x: Array) -> list[float]:
    f = dtlz2(x)
    near = [(f[i] - 1) ** 2 + sum(v**2 for j, v in enumerate(f) if j != i) - 0.4**2 for i in range(3)]
    return [min(*near, sum((v - 3**-0.5) ** 2 for v in f) - 0.4**2)]


def bnh(x: Array) -> list[float]:
    return [4 * x[0] ** 2 + 4 * x[1] ** 2, (x[0] - 5) ** 2 + (x[1] - 5) ** 2]


def bnh_limits(x: Array) -> list[float]:
    return [(x[0] - 5) ** 2 + x[1] ** 2 - 25, 7.7 - (x[0] - 8) ** 2 - (x[1] + 3) ** 2]


def srn(x: Array) -> list[float]:
    return [2 + (x[0] - 2) ** 2 + (x[1] - 1) ** 2, 9 * x[0] - (x[1] - 1) ** 2]


def srn_limits(x: Array) -> list[float]:
    return [x[0] ** 2 + x[1] ** 2 - 225, x[0] - 3 * x[1] + 10]


def constr(x: Array) -> list[float]:
    return [x[0], (1 + x[1]) / x[0]]


def constr_limits(x: Array) -> list[float]:
    return [6 - x[1] - 9 * x[0], 1 + x[1] - 9 * x[0]]


def _curve(f: Callable[[Array], list[float]], *more: float) -> Callable[[], Array]:
    return lambda: np.array([f(np.array([x, *more])) for x in GRID])


def _plane() -> Array:
    a, b = (side.ravel() for side in np.meshgrid(GRID[::40], GRID[::40]))
    return 0.5 * np.column_stack([a * b, a * (1 - b), 1 - a])


def _sphere_front() -> Array:
    a, b = (side.ravel() * np.pi / 2 for side in np.meshgrid(GRID[::40], GRID[::40]))
    return np.column_stack([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)])


def _dtlz7_front() -> Array:
    return np.array([dtlz7(np.array([a, b, 0.0])) for a in GRID[::25] for b in GRID[::25]])


def _c2_front() -> Array:
    rows = _sphere_front()
    near = [((rows - np.eye(3)[i]) ** 2).sum(axis=1) for i in range(3)]
    near.append(((rows - 3**-0.5) ** 2).sum(axis=1))
    return rows[np.min(near, axis=0) <= 0.4**2 + 1e-12]


def _square(
    losses: Callable[[Array], list[float]],
    limits: Callable[[Array], list[float]],
    bounds: tuple[tuple[float, float], ...],
) -> Callable[[], Array]:
    """The front of a problem of two parameters, from a grid over both."""

    def made() -> Array:
        sides = [low + (high - low) * GRID[::8] for low, high in bounds]
        points = np.stack([side.ravel() for side in np.meshgrid(*sides)])
        kept = np.max(limits(points), axis=0) <= 0
        return np.column_stack(losses(points[:, kept]))

    return made


ASIDE = (UNIT, UNIT, *((0.0, 0.8),) * 10)
"""Ranges in whose middle the front of DTLZ1, 2 and 5 does not lie: there it would be met by who begins in the middle."""
BNH, SRN, CONSTR = ((0.0, 5.0), (0.0, 3.0)), ((-20.0, 20.0),) * 2, ((0.1, 1.0), (0.0, 5.0))

PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("ZDT1", (UNIT,) * 30, zdt1, (11.0,) * 2, _curve(zdt1, 0.0)),
        Problem("ZDT2", (UNIT,) * 30, zdt2, (11.0,) * 2, _curve(zdt2, 0.0)),
        Problem("ZDT3", (UNIT,) * 30, zdt3, (11.0,) * 2, _curve(zdt3, 0.0)),
        Problem("ZDT4", (UNIT, *((-5.0, 5.0),) * 9), zdt4, (11.0,) * 2, _curve(zdt4, 0.0)),
        Problem("ZDT6", (UNIT,) * 10, zdt6, (11.0,) * 2, _curve(zdt6, 0.0)),
        Problem("DTLZ1", (UNIT,) * 7, dtlz1, (400.0,) * 3, _plane, beyond=1 / 48),
        Problem("DTLZ2", (UNIT,) * 12, dtlz2, (1.1,) * 3, _sphere_front, beyond=np.pi / 6),
        Problem("DTLZ5", (UNIT,) * 12, dtlz5, (10.0,) * 3, _curve(dtlz5, *[0.5] * 11)),
        Problem("DTLZ7", (UNIT,) * 22, dtlz7, (15.0,) * 3, _dtlz7_front),
        Problem("ZDT4s", (UNIT, *((-5.0, 4.0),) * 9), zdt4, (11.0,) * 2, _curve(zdt4, 0.0)),
        Problem("DTLZ1s", ASIDE[:7], dtlz1, (400.0,) * 3, _plane, beyond=1 / 48),
        Problem("DTLZ2s", ASIDE, dtlz2, (1.1,) * 3, _sphere_front, beyond=np.pi / 6),
        Problem("DTLZ5s", ASIDE, dtlz5, (10.0,) * 3, _curve(dtlz5, *[0.5] * 11)),
        Problem("C2DTLZ2", (UNIT,) * 12, dtlz2, (1.1,) * 3, _c2_front, c2dtlz2),
        Problem("BNH", BNH, bnh, (140.0, 50.0), _square(bnh, bnh_limits, BNH), bnh_limits),
        Problem("SRN", SRN, srn, (225.0, 50.0), _square(srn, srn_limits, SRN), srn_limits),
        Problem("CONSTR", CONSTR, constr, (1.0, 9.0), _square(constr, constr_limits, CONSTR), constr_limits),
    )
}
