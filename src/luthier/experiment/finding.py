"""One line: `minimize` and `maximize`. They make an experiment and run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from luthier.description import Limits
from luthier.drive.callee import style_of
from luthier.errors import UsageError
from luthier.experiment.experiment import Experiment, counted
from luthier.space import hint
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
    """What `minimize` and `maximize` take besides. **Units** `timeout` seconds a trial, `memory` bytes a worker, `gpus` and
    `cpus` of each worker (fractions share a GPU; `cpus` caps the threads of numerical libraries)."""

    workers: int | None
    metric: str | None
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
    retries: int
    progress: bool
    new: bool


def _found(
    function: Callable[..., Any],
    space: Any,
    trials: int,
    direction: Literal["minimize", "maximize"],
    options: Options,
) -> Experiment:
    given = dict(options)
    unknown = [name for name in given if name not in Options.__annotations__]
    if unknown:
        raise UsageError(
            f"{direction} has no option {unknown[0]!r}{hint(unknown[0], Options.__annotations__)}; "
            f"it takes {', '.join(Options.__annotations__)}"
        )
    workers, progress = options.get("workers"), options.get("progress")
    limits = Limits(
        parallel=workers or None,
        timeout_seconds=options.get("timeout"),
        memory_bytes=options.get("memory"),
        gpus=options.get("gpus", 0.0),
        cpus=options.get("cpus"),
        retry_failed=options.get("retries", 0),
    )
    tree = Tree.of(space)
    style_of(function, tree)  # before anything is begun
    experiment = Experiment.create(
        tree,
        metric=options.get("metric"),
        direction=direction,
        trials=counted("trials", trials, 1),
        algorithm=options.get("algorithm", "auto"),
        settings=options.get("settings"),
        seed=options.get("seed"),
        store=options.get("store"),
        name=options.get("name"),
        tries=options.get("tries", ()),
        function=function,
        limits=limits,
        new=options.get("new", False),
    )
    return experiment.run(function, workers=workers, progress=progress)
