"""HEBO, asked and told, from an environment of its own: it wants an older numpy than Luthier (`make bench-hebo`).

It knows no conditions: every dimension is always there, and an inactive one changes nothing. A failed trial is told
as not a number, which it leaves out. It doesn't know of running trials: asked again, it draws another point of the
front of its three acquisitions.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

from bench.quality.problem import Dim, Problem

__all__ = ["PEERS"]


class Hebo:
    """One search. Its chance is numpy's and torch's own, so one process searches one problem at a time."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.version = f"HEBO {importlib.metadata.version('HEBO')}"
        self.dims = problem.dims
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.optimizer = HEBO(DesignSpace().parse([domain(dim) for dim in problem.dims]), scramble_seed=seed)
        self.open: dict[int, Any] = {}

    def ask(self, trial: int) -> Mapping[str, Any]:
        self.open[trial] = asked = self.optimizer.suggest(1)
        return {dim.name: plain(dim, asked[dim.name].iloc[0]) for dim in self.dims}

    def tell(self, trial: int, loss: float | None, seconds: float) -> None:
        self.optimizer.observe(self.open.pop(trial), np.array([[math.nan if loss is None else loss]]))


def domain(dim: Dim) -> dict[str, Any]:
    """The parameter as HEBO has it; an ordered list is searched by its place."""
    if dim.kind == "choice":
        return {"name": dim.name, "type": "cat", "categories": list(range(len(dim.choices)))}
    if dim.kind == "ordinal":
        return {"name": dim.name, "type": "int", "lb": 0, "ub": len(dim.choices) - 1}
    kind = {("float", False): "num", ("float", True): "pow", ("int", False): "int", ("int", True): "pow_int"}
    return {"name": dim.name, "type": kind[dim.kind, dim.log], "lb": dim.low, "ub": dim.high}


def plain(dim: Dim, value: Any) -> Any:
    """The value as the problem has it."""
    if dim.kind in ("choice", "ordinal"):
        return dim.choices[int(value)]
    value = min(max(value, dim.low), dim.high)
    return int(value) if dim.kind == "int" else float(value)


PEERS = {"hebo": Hebo}
