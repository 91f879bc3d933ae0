"""The pre-flight: a few trials in a throw-away store, to learn about a command before a search rests on it.

The first trial is what the search would begin with. Then one trial for each parameter, which differs from the first
in that parameter alone, as far away as the domain reaches; and a second attempt of the first, with the same seed and
without its checkpoints. So an unwired parameter and an unsteady result show before they have cost anything.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from luthier import metrics
from luthier.description import Description
from luthier.drive.ends import Interrupts, Why
from luthier.drive.listener import Ended, Listener
from luthier.drive.preflight import unwired
from luthier.drive.session import Session
from luthier.history import History
from luthier.search import searcher
from luthier.space import Configuration, Space
from luthier.store import Store

__all__ = ["Checked", "check", "far_neighbours"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the pre-flight learned. `trials` are the attempts that ended, the first one first; `wired` says whether
    parameters were varied at all, `unsteady` names metrics that differed between two equal attempts; `points` says how often the first
    one reported the objective, with how many different steps."""

    trials: tuple[Ended, ...]
    wired: bool
    unwired: tuple[str, ...]
    unsteady: tuple[str, ...]
    interrupted: bool = False
    points: int = 0


class _Keep(Listener):
    """Keeps what ended, and passes it on."""

    def __init__(self, listener: Listener) -> None:
        self.trials: list[Ended] = []
        self._listener = listener

    def ended(self, ended: Ended) -> None:
        self.trials.append(ended)
        self._listener.ended(ended)


def far_neighbours(space: Space, base: Configuration) -> list[Configuration]:
    """For each parameter that is active in `base` and has another value, `base` with the value farthest from it."""
    found = []
    for parameter in space.parameters:
        if parameter.name not in base or parameter.domain.count() == 1:
            continue
        units = dict.fromkeys(space.dimensions, 0.5)
        units |= {name: space[name].domain.to_unit(base[name].value) for name in base if name in units}
        units[parameter.name] = 0.01 if units[parameter.name] > 0.5 else 0.99
        other = space.from_unit(units)
        if other.key != base.key:
            found.append(other)
    return found


def check(
    description: Description,
    session: Session,
    listener: Listener,
    interrupts: Interrupts,
    *,
    patience_seconds: float | None,
) -> Checked:
    """Runs the pre-flight of `description` in a session whose store is thrown away afterwards.

    Parameters are varied only if that will take no longer than `patience_seconds` (None: always) and the first
    trial went well.
    """
    first = searcher(description.algorithm).propose(description.space, History(), description.seed, [1])
    base = first[0].configuration
    store, keep = session.store, _Keep(listener)
    record, _ = store.open_experiment(_plan(description))
    store.enqueue(record.id, [base], "check")
    session.drive(store.experiment(record.id), keep, interrupts)
    points = _steps(store, record.id, description)
    varied = _vary(store, session, record.id, keep, base, interrupts, patience_seconds)
    if not varied:
        return Checked(tuple(keep.trials), False, (), (), bool(interrupts.count), points)
    repeat, others = keep.trials[-1], keep.trials[:-1]
    return Checked(
        tuple(keep.trials),
        True,
        tuple(unwired(others)),
        _unsteady(keep.trials[0], repeat),
        bool(interrupts.count),
        points,
    )


def _vary(
    store: Store,
    session: Session,
    experiment: int,
    keep: _Keep,
    base: Configuration,
    interrupts: Interrupts,
    patience_seconds: float | None,
) -> bool:
    """Runs the neighbours and the repeat; False when it is not worth it or was interrupted."""
    if interrupts.count or not keep.trials or keep.trials[0].result.outcome.is_final is False:
        return False
    first = keep.trials[0]
    record = store.experiment(experiment)
    neighbours = far_neighbours(record.description.space, base)
    seconds = (first.result.seconds or 0.0) * (len(neighbours) + 1)
    if not record.succeeded or (patience_seconds is not None and seconds > patience_seconds):
        return False
    if neighbours:
        store.enqueue(experiment, neighbours, "neighbours")
        ending = session.drive(store.experiment(experiment), keep, interrupts)
        if ending.why is Why.INTERRUPTED:
            return False
    _forget(session.folders.attempt(experiment, 1, 1).checkpoint)
    store.retry(experiment, 1)
    ending = session.drive(store.experiment(experiment), keep, interrupts)
    return ending.why is not Why.INTERRUPTED and keep.trials[-1].claim.id.attempt > 1


def _forget(checkpoint: str) -> None:
    """Empties the folder in which the first run may have left how far it came: its repeat is to begin anew, not to go on."""
    shutil.rmtree(checkpoint, ignore_errors=True)


def _steps(store: Store, experiment: int, description: Description) -> int:
    """At how many steps the first trial reported the objective."""
    names = store.metric_names(experiment)
    metric = metrics.matching_name(description.objective.metric, names) if description.objective else None
    return len({point.step for point in store.points(experiment, 1, metric)}) if metric else 0


def _plan(description: Description) -> Description:
    """The pre-flight as an experiment. Nothing is stopped, and of stages only the first is run: so all attempts are alike."""
    stages = description.stages and description.stages._replace(levels=description.stages.levels[:1])
    limits = description.limits._replace(retry_failed=0, on_driver_loss="stop")
    asked = description._replace(trials=1, name=None, limits=limits, on_finish=None)
    return asked._replace(stopping=None, goal=None, stages=stages)


def _unsteady(first: Ended, second: Ended) -> tuple[str, ...]:
    """The metrics in which two attempts with the same configuration and seed differ."""
    names: Sequence[str] = sorted({*first.metrics, *second.metrics})
    return tuple(n for n in names if repr(first.metrics.get(n)) != repr(second.metrics.get(n)))
