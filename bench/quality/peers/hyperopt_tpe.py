"""Hyperopt's TPE, asked and told by its trials object; conditional parameters stand inside `hp.choice`, as its pages say.

It draws a new configuration from all results so far; running trials are in its record as running.
"""

from __future__ import annotations

import importlib.metadata
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hyperopt import JOB_STATE_DONE, JOB_STATE_ERROR, STATUS_FAIL, STATUS_OK, Trials, base, hp, tpe
from hyperopt import space_eval as evaluated

from bench.quality.problem import Dim, Problem

__all__ = ["PEERS"]

logging.getLogger("hyperopt").setLevel(logging.ERROR)


class Hyperopt:
    """One search."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.version = f"hyperopt {importlib.metadata.version('hyperopt')}"
        roots = [dim for dim in problem.dims if dim.when is None]
        self.space = {dim.name: domain(dim, problem.dims) for dim in roots}
        self.dims = problem.dims
        self.domain = base.Domain(lambda values: 0.0, self.space)
        self.trials = Trials()
        self.chance = np.random.default_rng(seed)
        self.open: dict[int, int] = {}

    def ask(self, trial: int) -> Mapping[str, Any]:
        [number] = self.trials.new_trial_ids(1)
        self.trials.refresh()
        made = tpe.suggest([number], self.domain, self.trials, int(self.chance.integers(2**31 - 1)))
        self.trials.insert_trial_docs(made)
        self.trials.refresh()
        self.open[trial] = number
        [document] = made
        drawn = {name: values[0] for name, values in document["misc"]["vals"].items() if values}
        return flattened(evaluated(self.space, drawn), self.dims)

    def tell(self, trial: int, loss: float | None, seconds: float) -> None:
        number = self.open.pop(trial)
        [document] = [each for each in self.trials._dynamic_trials if each["tid"] == number]
        if loss is None:
            document["state"] = JOB_STATE_ERROR
            document["result"] = {"status": STATUS_FAIL}
        else:
            document["state"] = JOB_STATE_DONE
            document["result"] = {"status": STATUS_OK, "loss": loss}
        self.trials.refresh()


def domain(dim: Dim, dims: Sequence[Dim]) -> Any:
    """The expression of a dimension; with a choice stand the dimensions that exist under each of its values."""
    name = dim.name
    if dim.kind == "float":
        if dim.log:
            return hp.loguniform(name, math.log(dim.low), math.log(dim.high))
        return hp.uniform(name, dim.low, dim.high)
    if dim.kind == "int":
        if dim.log:
            return hp.qloguniform(name, math.log(dim.low), math.log(dim.high), 1)
        return hp.uniformint(name, int(dim.low), int(dim.high))
    if dim.kind == "ordinal":
        return hp.uniformint(name, 0, len(dim.choices) - 1)
    below = [each for each in dims if each.when and each.when[0] == name]
    return hp.choice(name, [branch(at, value, below, dims) for at, value in enumerate(dim.choices)])


def branch(at: int, value: Any, below: Sequence[Dim], dims: Sequence[Dim]) -> dict[str, Any]:
    """What stands under one value of a choice. Labels are unique in Hyperopt, so they carry the value's place."""
    inner: dict[str, Any] = {"": at}
    for dim in below:
        if dim.when and value in dim.when[1]:
            single = len(dim.when[1]) == 1
            label = dim.name if single else f"{dim.name}|{at}"
            inner[dim.name] = domain(renamed(dim, label), dims) if not single else domain(dim, dims)
    return inner


def renamed(dim: Dim, label: str) -> Dim:
    """The dimension under another label."""
    return Dim(label, dim.kind, dim.low, dim.high, dim.log, dim.choices)


def flattened(drawn: Mapping[str, Any], dims: Sequence[Dim]) -> dict[str, Any]:
    """Plain values by name, out of the branches."""
    by_name = {dim.name: dim for dim in dims}
    values: dict[str, Any] = {}
    for name, value in drawn.items():
        if not name:
            continue
        dim = by_name[name]
        if dim.kind == "choice":
            values[name] = dim.choices[value[""]]
            values |= flattened(value, dims)
        elif dim.kind == "ordinal":
            values[name] = dim.choices[int(value)]
        elif dim.kind == "int":
            values[name] = min(max(int(value), int(dim.low)), int(dim.high))
        else:
            values[name] = min(max(float(value), dim.low), dim.high)
    return values


PEERS = {"hyperopt": Hyperopt}
