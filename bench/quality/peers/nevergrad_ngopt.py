"""Nevergrad's NGOpt, asked and told.

Conditional parameters are always there, as its pages have it for flat instrumentations; a failed trial is told an
infinite loss.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Mapping
from typing import Any

import nevergrad
import numpy as np
from nevergrad.optimization import metamodel

from bench.quality.problem import Dim, Problem

__all__ = ["PEERS"]


def _number(value: Any) -> float:
    """A number out of an array of one."""
    return float(np.asarray(value).reshape(-1)[0])


# Its surrogates call float() on an array of one number, which numpy refuses since 2.4.
metamodel.float = _number


class NGOpt:
    """One search with the budget known, as it wants."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.version = f"nevergrad {importlib.metadata.version('nevergrad')}"
        self.dims = problem.dims
        space = nevergrad.p.Dict(**{dim.name: domain(dim) for dim in problem.dims})
        space.random_state.seed(seed)
        self.optimizer = nevergrad.optimizers.NGOpt(space, problem.budget, problem.workers)
        self.open: dict[int, Any] = {}

    def ask(self, trial: int) -> Mapping[str, Any]:
        self.open[trial] = asked = self.optimizer.ask()
        return {dim.name: plain(dim, asked.value[dim.name]) for dim in self.dims}

    def tell(self, trial: int, loss: float | None, seconds: float) -> None:
        self.optimizer.tell(self.open.pop(trial), math.inf if loss is None else loss)


def domain(dim: Dim) -> Any:
    """The parameter as Nevergrad has it."""
    if dim.kind == "choice":
        return nevergrad.p.Choice(list(range(len(dim.choices))))
    if dim.kind == "ordinal":
        return nevergrad.p.TransitionChoice(list(range(len(dim.choices))))
    if dim.log:
        made = nevergrad.p.Log(lower=dim.low, upper=dim.high)
    else:
        made = nevergrad.p.Scalar(lower=dim.low, upper=dim.high)
    return made.set_integer_casting() if dim.kind == "int" else made


def plain(dim: Dim, value: Any) -> Any:
    """The value as the problem has it."""
    if dim.kind in ("choice", "ordinal"):
        return dim.choices[int(value)]
    value = min(max(value, dim.low), dim.high)
    return int(value) if dim.kind == "int" else float(value)


PEERS = {"nevergrad": NGOpt}
