"""CMA-ES of the `cma` package, for numbers only, started in the middle of the box with a quarter of its width.

A generation is handed out one by one. Asked for more while the last of a generation still run, it samples outside it,
and those results are not told. A failed point is told the worst loss of its generation.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Mapping
from typing import Any

import cma
import numpy as np

from bench.quality.problem import Dim, Problem

__all__ = ["PEERS"]


class CmaEs:
    """One search."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.version = f"cma {importlib.metadata.version('cma')}"
        self.dims = problem.dims
        options = {"seed": seed, "bounds": [0.0, 1.0], "verbose": -9}
        self.strategy = cma.CMAEvolutionStrategy([0.5] * len(self.dims), 0.25, options)
        self.waiting: list[tuple[int, np.ndarray]] = []
        self.generation: list[np.ndarray] = []
        self.losses: dict[int, float] = {}
        self.open: dict[int, int] = {}
        self.extra: set[int] = set()

    def ask(self, trial: int) -> Mapping[str, Any]:
        if not self.waiting:
            if self.open:  # the generation is not over: a worker that would be idle gets one more sample
                self.extra.add(trial)
                return self.values(self.strategy.ask(1)[0])
            self.generation = self.strategy.ask()
            self.waiting = list(enumerate(self.generation))
            self.losses = {}
        at, point = self.waiting.pop(0)
        self.open[trial] = at
        return self.values(point)

    def values(self, point: np.ndarray) -> dict[str, Any]:
        """The values of a point of the unit cube."""
        return {dim.name: placed(dim, float(u)) for dim, u in zip(self.dims, point, strict=True)}

    def tell(self, trial: int, loss: float | None, seconds: float) -> None:
        if trial in self.extra:
            return
        self.losses[self.open.pop(trial)] = math.nan if loss is None else loss
        if not self.waiting and not self.open:
            known = [x for x in self.losses.values() if not math.isnan(x)]
            worst = max(known, default=0.0)
            filled = [
                worst if math.isnan(x) else x for x in (self.losses[i] for i in range(len(self.generation)))
            ]
            self.strategy.tell(self.generation, filled)


def placed(dim: Dim, unit: float) -> Any:
    """The value at a place in [0, 1]; integers have cells of equal width."""
    unit = min(max(unit, 0.0), 1.0)
    low, high = (dim.low - 0.5, dim.high + 0.5) if dim.kind == "int" else (dim.low, dim.high)
    if dim.log:
        value = math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
    else:
        value = low + unit * (high - low)
    if dim.kind == "int":
        return min(max(round(value), int(dim.low)), int(dim.high))
    return min(max(value, dim.low), dim.high)


PEERS = {"cma": CmaEs}
