"""An experiment as it stood at an earlier revision, read from what is kept anyway: its events, trials and attempts.

A history is what a searcher was shown, so whoever wants to know why a trial was proposed needs the very same one
again. Everything in it follows from the record but one thing: a lease lapses without a trace, so a proposal's note
says which trials it counted on. Knows the verbs of `contract.Store` that read, and no store in particular.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from luthier.description import Description
from luthier.history import History
from luthier.store.contract import Event, Store
from luthier.store.endings import cancelled
from luthier.trial import Outcome, Result, Trial, TrialState

__all__ = ["EXPECTED", "Past", "history_of", "numbers_written"]

EXPECTED = "expected"
"""The key of a proposal's note under which stand the numbers of the trials it counted on (`History.expected`)."""


def history_of(
    description: Description, target: int | None, revision: int, trials: tuple[Trial, ...]
) -> History:
    """The history of an experiment with these trials."""
    objective = description.objective
    maximize = objective is None or objective.direction == "maximize"
    ways = tuple(each.direction for each in description.objectives) if description.also else ()
    limits = len(description.constraints)
    return History(revision, trials, maximize, target, description.earlier, ways, limits)


def numbers_written(event: Event) -> Iterable[int]:
    """The trials that have had a configuration since this event."""
    if event.kind == "enqueued":
        first = event.detail["first"]
        return range(first, first + event.detail["n"])
    return event.detail.get("numbers", ()) if event.kind == "proposed" else ()


class Past:
    """The histories of one experiment at one revision after another.

    **Cost** reads all its trials and events once, and the attempts of each trial as it ends; O(trials) for a history.
    Trials that did not change between two histories are the same values in both, so what a searcher remembers of them
    serves it again.
    """

    def __init__(self, store: Store, experiment: int) -> None:
        self._store = store
        self._experiment = experiment
        # The events are read first: whatever they tell of is then among the trials, though the search goes on.
        self._events = deque(store.events(experiment=experiment))
        self._newest = {trial.number: trial for trial in store.trials(experiment)}
        record = store.experiment(experiment)
        self._description, self._target = record.description, record.target
        self._trials: dict[int, Trial] = {}
        self._revision = 0

    def at(self, revision: int, expected: Iterable[int] = ()) -> History:
        """The history at a revision, not before that of the last call. A running trial that was not `expected` had
        lost its worker and is given as queued.

        **Raises** ValueError for a revision that is past.
        """
        if revision < self._revision:
            raise ValueError(f"revision {revision} comes before {self._revision}, which was asked for last")
        self._revision = revision
        while self._events and self._events[0].revision <= revision:
            self._step(self._events.popleft())
        held = frozenset(expected)
        trials = tuple(_free(self._trials[number], held) for number in sorted(self._trials))
        return history_of(self._description, self._target, revision, trials)

    def _step(self, event: Event) -> None:
        """Takes the record one event further."""
        detail = event.detail
        if "target" in detail:
            self._target = detail["target"]
        match event.kind:
            case "proposed" | "enqueued":
                for number in numbers_written(event):
                    self._trials[number] = _unbegun(self._newest[number], event.revision)
            case "claimed":
                began = self._newest[_number(event)].began  # the first attempt's, so it never changes
                held = {"attempt": event.attempt, "worker": detail["worker"]}
                self._move(event, TrialState.RUNNING, began=began, **held)
            case "adopted":
                self._move(event, TrialState.RUNNING, worker=detail["worker"])
            case "returned":
                self._move(event, TrialState.QUEUED)
            case "finished":
                ended, result = self._end(event)
                self._move(event, TrialState.FINISHED, ended=ended, result=result)
            case "paused":
                self._move(event, TrialState.WAITING, result=self._end(event)[1])
            case "promoted":
                self._move(event, TrialState.QUEUED, stage=detail["stage"], result=None)
            case "cancelled":
                before = self._trials[_number(event)].result  # of a trial that waited
                result = cancelled(before, Outcome(detail["outcome"]), detail["reason"])
                self._move(event, TrialState.FINISHED, ended=event.time, result=result)
            case "retried":
                self._move(event, TrialState.QUEUED, ended=None, result=None)
            case _:
                pass  # nothing that a history shows

    def _move(self, event: Event, state: TrialState, **changes: Any) -> None:
        number = _number(event)
        changes = {"worker": None, **changes}
        self._trials[number] = self._trials[number]._replace(state=state, revision=event.revision, **changes)

    def _end(self, event: Event) -> tuple[float | None, Result | None]:
        """When the attempt of an event ended, and how; a trial that was tried again has forgotten it."""
        attempts = self._store.attempts(self._experiment, _number(event))
        attempt = next(one for one in attempts if one.id.attempt == event.attempt)
        return attempt.ended, attempt.result


def _number(event: Event) -> int:
    assert event.trial is not None, "an event that moves a trial names it"
    return event.trial


def _unbegun(trial: Trial, revision: int) -> Trial:
    """A trial as it was when its configuration had just been written."""
    return trial._replace(
        state=TrialState.QUEUED,
        attempt=0,
        result=None,
        began=None,
        ended=None,
        revision=revision,
        worker=None,
        stage=0,
    )


def _free(trial: Trial, held: frozenset[int]) -> Trial:
    """A trial whose worker was not counted on, as one that waits for the next."""
    if trial.state is TrialState.RUNNING and trial.number not in held:
        return trial._replace(state=TrialState.QUEUED, worker=None)
    return trial
