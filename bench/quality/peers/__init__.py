"""The optimizers by name. Each adapter stands in a module of its own, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module

from bench.quality.peers.peer import Exhausted, Peer, Unsuitable
from bench.quality.problem import Problem

__all__ = ["PEERS", "Exhausted", "Peer", "Unsuitable", "make", "suits"]

PEERS = {
    "random": "luthier_search",
    "optuna-tpe": "optuna_samplers",
    "optuna-gp": "optuna_samplers",
    "hyperopt": "hyperopt_tpe",
    "skopt": "skopt_gp",
    "cma": "cma_es",
    "nevergrad": "nevergrad_ngopt",
    "ax": "ax_client",
    "hebo": "hebo_mace",
}
"""The module of each peer. `luthier:NAME` is any algorithm of Luthier."""


def make(name: str) -> Callable[[Problem, int], Peer]:
    """What begins a search of this peer. **Raises** ImportError where its package is missing."""
    if name.startswith("luthier:"):
        module = import_module("bench.quality.peers.luthier_search")
        return partial(module.Luthier, algorithm=name.partition(":")[2])
    module = import_module(f"bench.quality.peers.{PEERS[name]}")
    peer: Callable[[Problem, int], Peer] = module.PEERS[name]
    return peer


def suits(name: str, problem: Problem) -> bool:
    """Whether the peer can search the problem. CMA-ES knows numbers only."""
    return name != "cma" or all(d.kind in ("float", "int") and d.when is None for d in problem.dims)
