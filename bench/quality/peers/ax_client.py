"""Ax by its client, with the generation strategy it chooses itself: the centre, Sobol points, then BoTorch's GP.

It lets a parameter depend on one value of a choice. One that exists under several values is always there, and where it is
inactive it changes nothing. Running trials are pending in its model. A failed trial is told as abandoned: its pages have
it that failed ones may be suggested again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

# Ax sets up its log while it loads, and would say every trial.
logging.disable(logging.WARNING)

import ax  # noqa: E402
from ax.api.client import Client  # noqa: E402
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig  # noqa: E402

from bench.quality.problem import Dim, Problem  # noqa: E402

__all__ = ["PEERS"]


class Ax:
    """One search."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.version = f"ax-platform {ax.__version__}"
        self.dims = problem.dims
        self.client = Client(random_seed=seed)
        self.client.configure_experiment([parameter(dim, problem.dims) for dim in problem.dims])
        self.client.configure_optimization("-loss")
        # Its default, but for a worker that would otherwise be idle while the first results are still to come.
        self.client.configure_generation_strategy(
            initialization_random_seed=seed, allow_exceeding_initialization_budget=problem.workers > 1
        )
        self.open: dict[int, int] = {}

    def ask(self, trial: int) -> Mapping[str, Any]:
        [(number, asked)] = self.client.get_next_trials(1).items()
        self.open[trial] = number
        values: dict[str, Any] = {}
        for dim in self.dims:
            if dim.exists(values):
                values[dim.name] = plain(dim, asked[dim.name])
        return values

    def tell(self, trial: int, loss: float | None, seconds: float) -> None:
        number = self.open.pop(trial)
        if loss is None:
            self.client.mark_trial_abandoned(number)
        else:
            self.client.complete_trial(number, {"loss": loss})


def parameter(dim: Dim, dims: Sequence[Dim]) -> RangeParameterConfig | ChoiceParameterConfig:
    """The parameter as Ax has it, with the parameters that exist under one of its values only."""
    if dim.kind in ("float", "int"):
        scale = "log" if dim.log else "linear"
        bounds = (dim.low, dim.high) if dim.kind == "float" else (int(dim.low), int(dim.high))
        return RangeParameterConfig(dim.name, bounds, dim.kind, scaling=scale)
    below: dict[int, list[str]] = {}
    for each in dims:
        if each.when and each.when[0] == dim.name and len(each.when[1]) == 1:
            below.setdefault(dim.choices.index(each.when[1][0]), []).append(each.name)
    places = list(range(len(dim.choices)))
    return ChoiceParameterConfig(
        dim.name, places, "int", is_ordered=dim.kind == "ordinal", dependent_parameters=below or None
    )


def plain(dim: Dim, value: Any) -> Any:
    """The value as the problem has it."""
    if dim.kind == "float":
        return min(max(float(value), dim.low), dim.high)
    return int(value) if dim.kind == "int" else dim.choices[int(value)]


PEERS = {"ax": Ax}
