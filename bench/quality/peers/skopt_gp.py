"""scikit-optimize's Gaussian process, asked and told.

It knows no conditions: every dimension is always there, and an inactive one changes nothing. It knows no failure
either: a failed trial is told the worst loss so far, as people do. With several workers it answers by its constant
liar, one point at a time.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from typing import Any

import numpy as np
from skopt import Optimizer
from skopt.space import Categorical, Dimension, Integer, Real

from bench.quality.problem import Dim, Problem

__all__ = ["PEERS"]


class Skopt:
    """One search with the settings of `gp_minimize`."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.version = f"scikit-optimize {importlib.metadata.version('scikit-optimize')}"
        self.dims = problem.dims
        self.optimizer = Optimizer(
            [domain(dim) for dim in problem.dims], base_estimator="GP", n_initial_points=10, random_state=seed
        )
        self.open: dict[int, list[Any]] = {}
        self.worst = 0.0

    def ask(self, trial: int) -> Mapping[str, Any]:
        crowd = len(self.open)
        point = self.optimizer.ask() if not crowd else self.beside(crowd)
        self.open[trial] = point
        return {dim.name: plain(dim, value) for dim, value in zip(self.dims, point, strict=True)}

    def beside(self, crowd: int) -> list[Any]:
        """A point beside the running ones: the last of so many constant lies that is not running."""
        points = self.optimizer.ask(n_points=crowd + 1, strategy="cl_min")
        running = list(self.open.values())
        return next((point for point in points if point not in running), points[-1])

    def tell(self, trial: int, loss: float | None, seconds: float) -> None:
        point = self.open.pop(trial)
        if loss is None:
            loss = self.worst if self.optimizer.yi else None
        else:
            self.worst = max(self.worst, loss) if self.optimizer.yi else loss
        if loss is not None:
            self.optimizer.tell(point, float(np.clip(loss, -1e30, 1e30)))


def domain(dim: Dim) -> Dimension:
    """The dimension as scikit-optimize has it."""
    prior = "log-uniform" if dim.log else "uniform"
    if dim.kind == "float":
        return Real(dim.low, dim.high, prior=prior, name=dim.name)
    if dim.kind == "int":
        return Integer(int(dim.low), int(dim.high), prior=prior, name=dim.name)
    if dim.kind == "ordinal":
        return Integer(0, len(dim.choices) - 1, name=dim.name)
    return Categorical(list(range(len(dim.choices))), name=dim.name)


def plain(dim: Dim, value: Any) -> Any:
    """The value as the problem has it."""
    if dim.kind == "float":
        return min(max(float(value), dim.low), dim.high)
    return int(value) if dim.kind == "int" else dim.choices[int(value)]


PEERS = {"skopt": Skopt}
