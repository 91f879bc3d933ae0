"""Optuna's samplers by define-by-run, as its pages show it; failed trials are told as failed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any

import optuna

from bench.quality.problem import Dim, Problem

__all__ = ["PEERS"]

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Optuna:
    """A study with one of the samplers."""

    def __init__(self, problem: Problem, seed: int, sampler: str) -> None:
        self.version = f"optuna {optuna.__version__}"
        self.dims = problem.dims
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = sampler_of(sampler, seed)
        self.study = optuna.create_study(sampler=made)
        self.open: dict[int, optuna.Trial] = {}

    def ask(self, trial: int) -> Mapping[str, Any]:
        self.open[trial] = asked = self.study.ask()
        values: dict[str, Any] = {}
        for dim in self.dims:
            if dim.exists(values):
                values[dim.name] = suggested(asked, dim)
        return values

    def tell(self, trial: int, loss: float | None, seconds: float) -> None:
        asked = self.open.pop(trial)
        if loss is None:
            self.study.tell(asked, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(asked, loss)


def suggested(trial: optuna.Trial, dim: Dim) -> Any:
    """The value of one dimension; an ordered list is asked for by its index."""
    if dim.kind == "float":
        return trial.suggest_float(dim.name, dim.low, dim.high, log=dim.log)
    if dim.kind == "int":
        return trial.suggest_int(dim.name, int(dim.low), int(dim.high), log=dim.log)
    if dim.kind == "ordinal":
        return dim.choices[trial.suggest_int(dim.name, 0, len(dim.choices) - 1)]
    return trial.suggest_categorical(dim.name, dim.choices)


def sampler_of(name: str, seed: int) -> optuna.samplers.BaseSampler:
    """The sampler with Optuna's own defaults."""
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed)


PEERS = {"optuna-tpe": partial(Optuna, sampler="tpe"), "optuna-gp": partial(Optuna, sampler="gp")}
