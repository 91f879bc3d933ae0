"""One line: `minimize` and `maximize`. They make an experiment and run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from luthier.description import Aggregate, Goal, Limits
from luthier.drive.callee import style_of
from luthier.errors import UsageError
from luthier.experiment.describing import counted, refuse_unknown, worded
from luthier.experiment.experiment import Experiment
from luthier.experiment.placing import placed
from luthier.space.tree import Tree

__all__ = ["Options", "maximize", "minimize"]


def minimize(
    function: Callable[..., Any], space: Any, trials: int = 100, **options: Unpack[Options]
) -> Experiment:
    """Finds the parameters for which the function returns the least.

    `space` says what may be tried, `trials` how often (fewer when the space has fewer configurations), `workers` how many
    processes run side by side (default: one a core; 0 calls the function in this process). With `store=FOLDER` nothing is
    lost whatever is killed, and the same call goes on. The function returns a number, or a dict of metrics in which
    `metric` is the objective; it may `luthier.report(step=…, loss=…)` on the way and raise `luthier.Stop`.

    Returns the experiment: `.best.params`, `.best.value`, `.trials`.
    **Raises** UsageError, SpaceError for what can't be searched; TrialError when the first trials all failed.
    """
    return _found(function, space, trials, "minimize", options)


def maximize(
    function: Callable[..., Any], space: Any, trials: int = 100, **options: Unpack[Options]
) -> Experiment:
    """Finds the parameters for which the function returns the most; otherwise as `minimize`."""
    return _found(function, space, trials, "maximize", options)


class Options(TypedDict, total=False):
    """What `minimize` and `maximize` take besides. `aggregate` is what is made of the points of `metric` where the function
    returns no number: "last", "min", "max", or "avg", as of folds. **Units** `timeout` seconds a trial, `memory` bytes a worker, `gpus` and
    `cpus` of each worker (fractions share a GPU; `cpus` caps the threads of numerical libraries). `also` names further
    objectives ("minimize:latency"), `constraints` what metrics have to keep ("memory <= 4e9"). `early_stopping` is the rule
    that ends trials which report poor values on the way ("auto", "asha:eta=3", …; "none" for none), `stop_conditions` are
    your own ("loss > 5:3"). `target`, `max_time` (seconds) and `no_progress` (trials) end the search before its trials are
    used up. `on="ray"` has the workers on a Ray cluster (docs/ray.md): the one at `ray_address`, else the one the environment
    names, else one started for this search; each also takes the custom `ray_resources`."""

    workers: int | None
    metric: str | None
    aggregate: Aggregate
    algorithm: str
    settings: Mapping[str, Any]
    seed: int | None
    store: str | Path | None
    name: str | None
    tries: Sequence[Mapping[str, Any]]
    timeout: float | None
    memory: int | None
    gpus: float
    cpus: float | None
    also: Sequence[str]
    constraints: Sequence[str]
    early_stopping: str | None
    stop_conditions: Sequence[str]
    target: float | None
    max_time: float | None
    no_progress: int | None
    retries: int
    progress: bool
    new: bool
    on: Literal["local", "ray"] | None
    ray_address: str | None
    ray_resources: Mapping[str, float] | None


def _found(
    function: Callable[..., Any],
    space: Any,
    trials: int,
    direction: Literal["minimize", "maximize"],
    options: Options,
) -> Experiment:
    refuse_unknown(direction, options, Options.__annotations__)
    _check(options)
    workers, progress = options.get("workers"), options.get("progress")
    place: dict[str, Any] = {name: options.get(name) for name in ("on", "ray_address", "ray_resources")}
    placed(workers=workers, **place)
    tree = Tree.of(space)
    style_of(function, tree)  # before anything is begun
    experiment = Experiment.create(
        tree,
        metric=options.get("metric"),
        direction=direction,
        aggregate=options.get("aggregate", "last"),
        trials=counted("trials", trials, 1),
        algorithm=options.get("algorithm", "auto"),
        settings=options.get("settings"),
        seed=options.get("seed"),
        store=options.get("store"),
        name=options.get("name"),
        tries=options.get("tries", ()),
        function=function,
        limits=_limits(options),
        new=options.get("new", False),
        also=options.get("also", ()),
        constraints=options.get("constraints", ()),
        early_stopping=options.get("early_stopping"),
        stop_conditions=options.get("stop_conditions", ()),
        goal=Goal(options.get("target"), options.get("max_time"), options.get("no_progress")),
    )
    return experiment.run(function, workers=workers, progress=progress, **place)


def _limits(options: Options) -> Limits:
    return Limits(
        parallel=options.get("workers") or None,
        timeout_seconds=options.get("timeout"),
        memory_bytes=options.get("memory"),
        gpus=options.get("gpus", 0.0),
        cpus=options.get("cpus"),
        retry_failed=options.get("retries", 0),
    )


_NUMBERS: dict[str, tuple[type | tuple[type, ...], float, str]] = {
    "timeout": ((int, float), 0.0, "seconds above 0"),
    "memory": (int, 0.0, "a whole number of bytes above 0"),
    "cpus": ((int, float), 0.0, "a number above 0"),
    "gpus": ((int, float), -1e-9, "a number from 0"),
    "target": ((int, float), float("-inf"), "a number"),
    "max_time": ((int, float), 0.0, "seconds above 0"),
    "no_progress": (int, 0.0, "a whole number from 1"),
    "retries": (int, -1, "a whole number from 0"),
    "seed": (int, float("-inf"), "a whole number"),
}


def _check(options: Options) -> None:
    """Refuses what is no such number or text. **Raises** UsageError naming the option."""
    given: Mapping[str, Any] = options
    for name, (kind, above, words) in _NUMBERS.items():
        value = given.get(name)
        is_number = (
            isinstance(value, (int, float)) and isinstance(value, kind) and not isinstance(value, bool)
        )
        if value is not None and not (is_number and float(value) > above):
            raise UsageError(f"{name}={value!r} is not {words}")
    if (target := options.get("target")) is not None and not isfinite(target):
        raise UsageError(f"target={target!r} is not a finite number")
    for name in ("name", "metric", "algorithm"):
        worded(name, given.get(name))
