"""Experiments to draw: recorded through the verbs of a store, with results that a function gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from luthier.clock import FakeClock
from luthier.description import Algorithm, Constraint, Description, Objective
from luthier.space import Categorical, Condition, Configuration, Float, Integer, Parameter, Space
from luthier.store import Store
from luthier.store.memory import MemoryStore
from luthier.trial import Outcome, Point, Result

__all__ = ["MIXED", "aimed", "recorded", "units"]

Ending = float | Outcome | tuple[Outcome, float] | None
"""A value, how a trial ended without one, both, or None while it runs."""

MIXED = Space(
    [
        Parameter("rate", Float(1e-5, 1.0, "log")),
        Parameter("layers", Integer(1, 5)),
        Parameter("kind", Categorical.of(["sgd", "adam"])),
        Parameter("momentum", Float(0.0, 1.0), (Condition("kind", "==", ("sgd",)),)),
    ]
)


def units(space: Space, count: int, seed: int = 0) -> list[Configuration]:
    """Configurations drawn evenly."""
    rng = np.random.default_rng(seed)
    drawn = rng.random((count, len(space.dimensions)))
    return [space.from_unit(dict(zip(space.dimensions, row, strict=True))) for row in drawn.tolist()]


def recorded(
    space: Space,
    worth: Callable[[dict[str, Any], int], Ending],
    configurations: Sequence[Configuration],
    direction: Any = "minimize",
    metric: str | None = "loss",
    points: int = 0,
    name: str | None = None,
    workers: int = 2,
    also: tuple[Objective, ...] = (),
    constraints: tuple[Constraint, ...] = (),
    others: Callable[[int], tuple[tuple[float, ...], tuple[float, ...]]] | None = None,
    seconds: Callable[[int], float] = lambda _: 60.0,
) -> Store:
    """Experiment 1 in memory: one trial a minute on each of some workers, in the order given. `others` gives the values of
    all objectives and the excess over each constraint."""
    clock = FakeClock()
    store = MemoryStore(clock)
    objective = Objective(metric, direction=direction) if metric else None
    what = Description(
        "/p",
        space,
        Algorithm("random"),
        objective=objective,
        trials=len(configurations) + 1,
        seed=1,
        name=name,
        also=also,
        constraints=constraints,
    )
    store.open_experiment(what)
    store.enqueue(1, configurations, "mine")
    number = 0
    while number < len(configurations):
        claims = store.claim(
            1, min(workers, len(configurations) - number), f"worker {number % 2}", f"c{number}", 1e9
        )
        clock.advance(60.0)
        for claim in claims:
            number += 1
            ending = worth(claim.configuration.values(), claim.id.trial)
            value = ending[1] if isinstance(ending, tuple) else ending if isinstance(ending, float) else 1.0
            steps = [
                Point(metric or "loss", float(k), value + 1.0 / k, clock.now() - 60 + k)
                for k in range(1, points + 1)
            ]
            if steps:
                store.report(claim.id, 0, steps)
            if ending is not None:
                result = _result(ending)._replace(seconds=seconds(claim.id.trial))
                if others is not None:
                    values, excesses = others(claim.id.trial)
                    result = result._replace(values=values, constraints=excesses)
                store.finish(claim.id, result)
    return store


def _result(ending: float | Outcome | tuple[Outcome, float]) -> Result:
    if isinstance(ending, tuple):
        return Result(ending[0], "it ended", ending[1])
    if isinstance(ending, Outcome):
        return Result(ending, "it ended")
    return Result(Outcome.SUCCEEDED, "it ended", ending)


def aimed(ways: tuple[str, str] = ("minimize", "maximize")) -> Store:
    """Experiment 1 with a loss, a speed and a limit on memory: trial n has n, 10 - n (4: only 1) and n."""
    return recorded(
        MIXED,
        lambda _, n: float(n),
        units(MIXED, 9),
        direction=ways[0],
        also=(Objective("speed", direction=ways[1]),),  # type: ignore[arg-type]
        constraints=(Constraint("memory", 7.0),),
        others=lambda n: ((float(n), float(10 - n) if n != 4 else 1.0), (float(n) - 7.0,)),
    )
