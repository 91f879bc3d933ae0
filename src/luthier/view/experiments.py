"""Experiments as rows: where each stands, how far it is and its best so far.

What an experiment is doing is not stored, for a killed driver could not correct it: `state_of` derives it from what a
person last asked, the counters, and whether anybody works on it now, which the caller finds out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from luthier.description import IMPORTED, IMPORTED_FROM, SHOWN_AS, Description
from luthier.drive.alive import asks
from luthier.store import ExperimentRecord, Sort, Store, Wish
from luthier.trial import Outcome

if TYPE_CHECKING:
    from luthier.description import Objective
    from luthier.trial import Trial

__all__ = [
    "BY_A_PERSON",
    "Aim",
    "ExperimentRow",
    "ExperimentState",
    "best_trials",
    "experiment_row",
    "experiment_rows",
    "is_allowed",
    "is_asked",
    "state_of",
    "wish_reason",
]

IsActive = Callable[[int], bool]


class ExperimentState(StrEnum):
    """What an experiment is doing."""

    RUNNING = "running"
    ASKED = "asked"  # nobody drives it; programs that asked have trials of it
    PAUSED = "paused"  # by a person: nothing new starts; trials may still be running
    ENDED = "ended"  # by itself, before all trials: a goal was reached, or the first ones all failed; `resume` goes on
    STOPPING = "stopping"  # asked to stop or killed; trials are still running
    STOPPED = "stopped"  # by a person; `resume` goes on
    FINISHED = "finished"  # as many trials as asked for have ended
    INTERRUPTED = "interrupted"  # trials are left, and nobody works on it; `resume` goes on


BY_A_PERSON = ("paused by", "stopped by", "killed by")
"""How the reason begins where it was a person who wanted nothing more."""

_WISHED = (ExperimentState.PAUSED, ExperimentState.ENDED, ExperimentState.STOPPING, ExperimentState.STOPPED)


@dataclass(frozen=True, slots=True)
class Aim:
    """One objective, and the best value of it by itself: of several each may have another trial."""

    metric: str
    aggregate: str
    direction: str
    best_value: float | None
    best_trial: int | None


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """One line of `luthier list`. Times are seconds since 1970; `unsuccessful` are finished but did not succeed, among them
    those that were `stopped` early. `objectives` has all of them, the first one first. `wish_reason` says why nothing more is to
    start, where that is so."""

    id: int
    name: str | None
    project: str
    algorithm: str
    state: ExperimentState
    target: int | None
    trials: int
    queued: int
    running: int
    waiting: int
    finished: int
    succeeded: int
    unsuccessful: int
    best_trial: int | None
    best_value: float | None
    metric: str | None
    aggregate: str | None
    direction: str | None
    seed: int
    created: float
    changed: float
    command: str | None
    stopped: int = 0
    objectives: tuple[Aim, ...] = ()
    wish_reason: str | None = None


def is_asked(store: Store, record: ExperimentRecord) -> bool:
    """Whether another program has a trial of the experiment that is still its own. **Cost** one indexed read."""
    if not record.running:
        return False
    return any(asks(held.worker) and not held.lapsed for held in store.held(record.id))


def state_of(record: ExperimentRecord, is_active: bool, is_asked: bool = False) -> ExperimentState:
    """What an experiment is doing, given whether a driver or worker is at it and whether a program that asked is."""
    is_open = record.target is None or not record.is_met
    match record.wish:
        case Wish.STOP | Wish.KILL if record.running or is_active:
            return ExperimentState.STOPPING
        case Wish.STOP | Wish.KILL if is_open:
            return ExperimentState.STOPPED
        case Wish.PAUSE if is_open:
            return ExperimentState.PAUSED
    if is_active:
        return ExperimentState.RUNNING
    if is_asked:
        return ExperimentState.ASKED
    return ExperimentState.INTERRUPTED if is_open or record.running else ExperimentState.FINISHED


def best_trials(store: Store, record: ExperimentRecord, limit: int, offset: int = 0) -> list[Trial]:
    """The best succeeded trials by the first objective, best first; none without one. Where there are constraints, only
    the trials that keep them. **Cost** one indexed read; with constraints one of all trials."""
    objective = record.description.objective
    if objective is None:
        return []
    if record.description.constraints:
        known = store.history(record.id).scored
        kept = [
            (t, t.result.value)
            for t in known
            if t.result and is_allowed(record, t) and t.result.value is not None
        ]
        kept = [(t, v) for t, v in kept if v == v and t.result and t.result.outcome is Outcome.SUCCEEDED]
        kept.sort(key=lambda pair: objective.key(pair[1]))
        return [t for t, _ in kept[offset : offset + limit]]
    order = Sort("value", smallest_first=objective.direction == "minimize")
    return store.trials(record.id, order, limit, offset)


def is_allowed(record: ExperimentRecord, trial: Trial) -> bool:
    """Whether a trial is known to keep all constraints of its experiment."""
    result = trial.result
    if result is None or len(result.constraints) != len(record.description.constraints):
        return False
    return result.is_allowed


def experiment_row(store: Store, record: ExperimentRecord, is_active: IsActive) -> ExperimentRow:
    """One experiment as a row. **Cost** four indexed reads; with several objectives one of all trials."""
    what = record.description
    best = best_trials(store, record, 1)
    objective = what.objective
    unsuccessful = record.finished - record.succeeded
    state = state_of(record, is_active(record.id), is_asked(store, record))
    why = wish_reason(store, record) if state in _WISHED else None
    if state is ExperimentState.PAUSED and not record.running and why and not why.startswith(BY_A_PERSON):
        state = ExperimentState.ENDED
    return ExperimentRow(
        id=record.id,
        name=what.name,
        project=what.project,
        algorithm=what.labels.get(IMPORTED, what.algorithm.name),
        state=state,
        target=record.target,
        trials=record.trials - record.reserved,
        queued=record.queued,
        running=record.running,
        waiting=record.waiting,
        finished=record.finished,
        succeeded=record.succeeded,
        unsuccessful=unsuccessful,
        best_trial=best[0].number if best else None,
        best_value=best[0].result.value if best and best[0].result else None,
        metric=objective.metric if objective else None,
        aggregate=objective.aggregate if objective else None,
        direction=objective.direction if objective else None,
        seed=record.seed,
        created=record.created,
        changed=record.changed,
        command=_command(what),
        stopped=store.unsuccessful(record.id).get(Outcome.STOPPED, 0) if unsuccessful else 0,
        objectives=_aims(store, record, best[0] if best else None),
        wish_reason=why,
    )


def _command(what: Description) -> str | None:
    """What an experiment runs, as a person knows it."""
    typed = str(what.command) if what.command else what.function
    return what.labels.get(SHOWN_AS) or typed or what.labels.get(IMPORTED_FROM)


def wish_reason(store: Store, record: ExperimentRecord) -> str | None:
    """Why nothing more is to start of an experiment that has trials left: `trial 12.2 reached 2, the target being 2`. None
    where more may start."""
    if record.wish is Wish.RUN or record.is_met:
        return None
    wished = store.newest_wish(record.id)
    return str(wished.detail.get("reason") or "") or None if wished is not None else None


def _aims(store: Store, record: ExperimentRecord, best: Trial | None) -> tuple[Aim, ...]:
    """All objectives with the best value of each, among the trials that may be best."""
    found: list[tuple[float | None, int | None]] = [
        (best.result.value, best.number) if best and best.result else (None, None)
    ]
    if record.description.also:
        from luthier.view.front import best_of_each

        found = best_of_each(store.history(record.id))
    goals = record.description.objectives
    return tuple(_aim(goal, *one) for goal, one in zip(goals, found, strict=False))


def _aim(goal: Objective, value: float | None, trial: int | None) -> Aim:
    return Aim(goal.metric, goal.aggregate, goal.direction, value, trial)


def experiment_rows(store: Store, is_active: IsActive) -> list[ExperimentRow]:
    """All experiments, the newest first."""
    records = sorted(store.experiments(), key=lambda record: -record.id)
    return [experiment_row(store, record, is_active) for record in records]
