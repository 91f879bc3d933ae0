"""What the state machine of `store_machine` believes of a store, and what must hold after each of its verbs.

Every history there was is read again from the record at the end. `walked` has the moves that all examples made. Where
each question is a journey to a server, `every` spares some: what reads much is asked after so many verbs, and at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from luthier.clock import Clock, FakeClock
from luthier.store import ExperimentRecord, Reservation, Sort, Store
from luthier.store.past import Past
from luthier.trial import TRANSITIONS, AttemptId, Outcome, Point, Result, Trial, TrialState

__all__ = ["STEPS", "Known", "StoreModel"]

STEPS = {(before, after) for (before, _), after in TRANSITIONS.items()}


@dataclass
class Known:
    """What the model knows of one attempt."""

    holder: str | None
    points: list[Point] = field(default_factory=list)
    accepted: Result | None = None
    stage: int = 0


class StoreModel(RuleBasedStateMachine):
    """The model, and what always holds. Override `make_store`."""

    e: int
    boots = True
    every = 1
    walked: ClassVar[set[tuple[TrialState, TrialState]]] = set()

    def make_store(self, clock: Clock) -> Store:
        """Opens an empty store."""
        raise NotImplementedError

    def make_clock(self) -> FakeClock:
        """The clock of one example."""
        return FakeClock()

    def __init__(self) -> None:
        super().__init__()
        self.clock = self.make_clock()
        self.store = self.make_store(self.clock)
        self.nonces = 0
        self.booted = 1
        self.seen_revision = 0
        self.states: dict[int, TrialState] = {}
        self.stages: dict[int, int] = {}
        self.histories: list[tuple[int, list[int], str]] = []
        self.run_ids: set[int] = set()
        self.batches: list[tuple[str, list[Reservation]]] = []
        self.attempts: dict[AttemptId, Known] = {}
        self.sent: list[Callable[[], Any]] = []
        self.ordinals_given_back = False
        self.written: dict[int, int] = {}  # when a trial was first seen, as a revision
        self.looks = 0

    def teardown(self) -> None:
        """Looks at everything once more, reads all histories again from the record, as replay does, and closes the store."""
        if self.looks % self.every and sys.exc_info()[0] is None:
            self.look_at_everything(self.store.trials(self.e))
        if self.histories:
            past = Past(self.store, self.e)
            for revision, expected, seen in self.histories:
                assert repr(past.at(revision, expected)) == seen
        self.store.close()

    def nonce(self) -> str:
        """A nonce no call has used."""
        self.nonces += 1
        return f"nonce {self.nonces}"

    def pick(self, place: int) -> AttemptId:
        """One of all attempts there ever were."""
        ids = list(self.attempts)
        return ids[place % len(ids)]

    @invariant()
    def look(self) -> None:
        """Reads the record and compares it with itself, with the table and with the model."""
        record, trials = self.store.experiment(self.e), self.store.trials(self.e)
        self.counters_equal_rows(record, trials)
        self.every_step_is_in_the_table(trials)
        self.numbers_and_ordinals_are_handed_out_once(record, trials)
        self.holders_are_the_models(self._running(trials))
        self.revisions_grow()
        self.looks += 1
        if self.looks % self.every == 0:
            self.look_at_everything(trials)

    def look_at_everything(self, trials: list[Trial]) -> None:
        """Asks also what takes many questions."""
        self.holders_are_the_models({held.id: held.worker for held in self.store.held(self.e)})
        self.orders_and_sums_are_the_rows(trials)
        self.accepted_results_are_the_record()
        self.the_history_is_the_trials(trials)

    def counters_equal_rows(self, record: ExperimentRecord, trials: list[Trial]) -> None:
        """Each counter of an experiment is the number of the trials it counts."""
        assert record.reserved == record.trials - len(trials)
        counts = [record.queued, record.running, record.waiting, record.finished]
        kinds = [TrialState.QUEUED, TrialState.RUNNING, TrialState.WAITING, TrialState.FINISHED]
        assert counts == [sum(trial.state is kind for trial in trials) for kind in kinds]
        assert record.succeeded == sum(trial.result.outcome is Outcome.SUCCEEDED for trial in _over(trials))

    def every_step_is_in_the_table(self, trials: list[Trial]) -> None:
        """No trial vanishes, and each moved as it may, to the stage the model says."""
        states = {trial.number: trial.state for trial in trials}
        assert set(self.states) <= set(states)
        for number, state in states.items():
            before = self.states.get(number, TrialState.RESERVED)
            assert before is state or (before, state) in STEPS, (number, before, state)
            if before is not state:
                self.walked.add((before, state))
        self.states = states
        assert {t.number: t.stage for t in trials} == {t.number: self.stages.get(t.number, 0) for t in trials}
        for trial in trials:
            self.written.setdefault(trial.number, trial.revision)

    def numbers_and_ordinals_are_handed_out_once(self, record: ExperimentRecord, trials: list[Trial]) -> None:
        """Ordinals are unique, and without gaps unless some were given back under later ones."""
        ordinals = [t.proposal.ordinal for t in trials if t.proposal and t.proposal.ordinal]
        assert len(set(ordinals)) == len(ordinals)
        assert len({t.run_id for t in trials}) == len(trials)
        assert max(ordinals, default=0) <= record.proposed
        if not self.ordinals_given_back and not record.reserved:
            assert sorted(ordinals) == list(range(1, record.proposed + 1))

    def holders_are_the_models(self, held: dict[AttemptId, str | None]) -> None:
        """Exactly those attempts run that the model says, for the worker it says."""
        assert held == {id: known.holder for id, known in self.attempts.items() if known.holder}

    def _running(self, trials: list[Trial]) -> dict[AttemptId, str | None]:
        running = [trial for trial in trials if trial.state is TrialState.RUNNING]
        return {AttemptId(self.e, trial.number, trial.attempt): trial.worker for trial in running}

    def revisions_grow(self) -> None:
        """Events are ordered, and none is rewritten."""
        new = [event.revision for event in self.store.events(self.seen_revision)]
        assert new == sorted(set(new))
        self.seen_revision = new[-1] if new else self.seen_revision

    def orders_and_sums_are_the_rows(self, trials: list[Trial]) -> None:
        """What is ordered or counted by the store is what the rows say."""
        assert self.store.revision() == self.seen_revision
        assert all(t.state is TrialState.FINISHED for t in self.store.trials(self.e, Sort("value")))
        failed = [trial for trial in _over(trials) if trial.result.outcome is not Outcome.SUCCEEDED]
        assert sum(self.store.unsuccessful(self.e).values()) == len(failed)

    def accepted_results_are_the_record(self) -> None:
        """Each attempt has the one result that was accepted, and all its points; each trial has its newest one's."""
        for id, known in self.attempts.items():
            over = (TrialState.FINISHED, TrialState.WAITING)
            if known.holder is not None or self.states.get(id.trial) not in over:
                continue
            attempt = self.store.attempts(id.experiment, id.trial)[id.attempt - 1]
            assert (repr(attempt.result), attempt.stage) == (repr(known.accepted), known.stage)
            trial = self.store.trial(id.experiment, id.trial)
            if trial.state is TrialState.WAITING and trial.attempt == id.attempt:
                assert repr(trial.result) == repr(known.accepted)
            assert repr(self.store.points(id.experiment, id.trial, attempt=id.attempt)) == repr(known.points)

    def the_history_is_the_trials(self, trials: list[Trial]) -> None:
        """A history read step by step equals the trials as they are, but for lapsed leases."""
        history = self.store.history(self.e)
        assert [(t.number, t.revision, repr(t.result)) for t in history.trials] == [
            (t.number, t.revision, repr(t.result)) for t in trials
        ]
        if not self.histories or self.histories[-1][0] != history.revision:
            expected = [trial.number for trial in history.expected]
            self.histories.append((history.revision, expected, repr(history)))


def _over(trials: list[Trial]) -> list[Any]:
    """Those that are finished, with a result."""
    return [trial for trial in trials if trial.state is TrialState.FINISHED and trial.result]
