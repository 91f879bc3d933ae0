"""RiseML's words for how an experiment and its sub-experiments stand, made from the record each time they are asked for.

    CREATED → BUILDING → PENDING → STARTING → RUNNING → FINISHED | FAILED | KILLED

A sub-experiment is CREATED until its turn comes, STARTING until its program runs. One that fails leaves the others and
the set alone: a set has FAILED when it is over and none of them went well.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from luthier.cli.options import Place
from luthier.drive.containing import image_failure, is_being_made
from luthier.run.folders import Folders
from luthier.space import Configuration
from luthier.store import ExperimentRecord, Store, Wish
from luthier.trial import Outcome, Trial, TrialState

__all__ = ["State", "Sub", "Whole", "age", "subs", "whole"]

FIRST_FAILED = 3


class State(StrEnum):
    """How something stands."""

    CREATED = "CREATED"
    BUILDING = "BUILDING"
    PENDING = "PENDING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def is_over(self) -> bool:
        """Whether nothing comes after it."""
        return self in (State.FINISHED, State.FAILED, State.KILLED)


@dataclass(frozen=True)
class Sub:
    """A sub-experiment: its number, its state and its parameters as they are written. `began` and `ended` are its newest
    attempt's, seconds since 1970."""

    number: int
    state: State
    texts: dict[str, str]
    began: float | None = None
    ended: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Whole:
    """A set, or a single experiment. `note` is what a person should know, or empty."""

    state: State
    is_driven: bool
    note: str = ""


def subs(
    place: Place, store: Store, record: ExperimentRecord, planned: dict[int, Configuration] | None = None
) -> list[Sub]:
    """All sub-experiments in their order, those too that the record has not yet. Whoever asks again and again hands over
    the same `planned`, which keeps what those are going to try."""
    folders = Folders(place.folder)
    known = {trial.number: trial for trial in store.trials(record.id)}
    is_ended = record.wish in (Wish.STOP, Wish.KILL)
    made = [_sub(folders, trial, is_ended) for trial in known.values()]
    missing = [n for n in range(1, (record.target or 0) + 1) if n not in known]
    waits = State.KILLED if is_ended else State.CREATED
    plan = {} if planned is None else planned
    if not plan.keys() >= set(missing):
        plan.update(zip(missing, _planned(record, missing), strict=True))
    made += [Sub(n, waits, plan[n].texts()) for n in missing]
    return sorted(made, key=lambda sub: sub.number)


def _planned(record: ExperimentRecord, numbers: Sequence[int]) -> list[Configuration]:
    """What a grid will try under these numbers."""
    from luthier.history import History
    from luthier.search import searcher

    what = record.description
    proposals = searcher(what.algorithm).propose(what.space, History(), record.seed, numbers)
    return [proposal.configuration for proposal in proposals]


def _sub(folders: Folders, trial: Trial, is_ended: bool) -> Sub:
    texts = dict(trial.configuration.texts()) if trial.configuration else {}
    reason = trial.result.reason if trial.result else ""
    return Sub(trial.number, _state(folders, trial, is_ended), texts, trial.began, trial.ended, reason)


def _state(folders: Folders, trial: Trial, is_ended: bool) -> State:
    match trial.state:
        case TrialState.FINISHED:
            assert trial.result is not None
            match trial.result.outcome:
                case Outcome.SUCCEEDED:
                    return State.FINISHED
                case Outcome.KILLED | Outcome.STOPPED | Outcome.INTERRUPTED:
                    return State.KILLED
                case _:
                    return State.FAILED
        case TrialState.RUNNING:
            folder = folders.attempt(trial.experiment, trial.number, trial.attempt)
            return State.RUNNING if os.path.exists(folder.guardian) else State.STARTING
        case _:
            return State.KILLED if is_ended else State.CREATED


def whole(place: Place, store: Store, record: ExperimentRecord, parts: Sequence[Sub]) -> Whole:
    """How a set stands, given its sub-experiments."""
    is_driven = place.activity(store)(record.id)
    states = {part.state for part in parts}
    if states and all(state.is_over for state in states):
        return Whole(_end(store, record, states), is_driven, image_failure(store, record.id) or "")
    for state in (State.RUNNING, State.STARTING):
        if state in states:
            return Whole(state, is_driven, "" if is_driven else _left(place, record))
    if is_driven:
        building = is_being_made(record, place.folder)
        return Whole(State.BUILDING if building else State.PENDING, True)
    failed = sum(part.state is State.FAILED for part in parts)
    if failed >= FIRST_FAILED and not record.succeeded:
        note = f"the first {failed} all failed, so no more were started; mend the command and begin anew, or go on"
        return Whole(State.FAILED, False, f"{note} with: {place.hint(f'resume {record.id}')}")
    return Whole(State.PENDING, False, _left(place, record))


def _end(store: Store, record: ExperimentRecord, states: set[State]) -> State:
    if image_failure(store, record.id) is not None and record.wish is Wish.STOP:
        return State.FAILED
    if State.FINISHED in states and not (State.KILLED in states and record.wish in (Wish.STOP, Wish.KILL)):
        return State.FINISHED
    return State.KILLED if State.KILLED in states else State.FAILED


def _left(place: Place, record: ExperimentRecord) -> str:
    return f"nobody drives experiment {record.id}; go on with: {place.hint(f'resume {record.id}')}"


def age(seconds: float) -> str:
    """`8 second(s)`: the largest unit alone."""
    whole_seconds = max(int(seconds), 0)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if whole_seconds >= length:
            return f"{whole_seconds // length} {unit}(s)"
    return f"{whole_seconds} second(s)"
