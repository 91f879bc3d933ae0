"""What the state machine of `store_machine` believes of a store, and what must hold after each of its verbs.

Every history there was is read again from the record at the end. `walked` has the moves that all examples made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from luthier.clock import Clock, FakeClock
from luthier.store import Reservation, Sort, Store
from luthier.store.past import Past
from luthier.trial import TRANSITIONS, AttemptId, Outcome, Point, Result, TrialState

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

    def teardown(self) -> None:
        """Reads all histories again from the record, as replay does, and closes the store."""
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
    def counters_equal_rows_and_every_step_is_in_the_table(self) -> None:
        """Compares the record with itself, with the table and with the model."""
        record, trials = self.store.experiment(self.e), self.store.trials(self.e)
        reserved = record.trials - len(trials)
        states = {trial.number: trial.state for trial in trials}
        assert record.reserved == reserved
        counts = [record.queued, record.running, record.waiting, record.finished]
        kinds = [TrialState.QUEUED, TrialState.RUNNING, TrialState.WAITING, TrialState.FINISHED]
        assert counts == [sum(state is kind for state in states.values()) for kind in kinds]
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
        over = [t for t in trials if t.state is TrialState.FINISHED and t.result]
        assert record.succeeded == sum(
            t.result is not None and t.result.outcome is Outcome.SUCCEEDED for t in over
        )
        assert all(t.state is TrialState.FINISHED for t in self.store.trials(self.e, Sort("value")))
        assert sum(self.store.unsuccessful(self.e).values()) == len(over) - record.succeeded

    @invariant()
    def numbers_and_ordinals_are_handed_out_once(self) -> None:
        """Ordinals are unique, and without gaps unless some were given back under later ones."""
        record, trials = self.store.experiment(self.e), self.store.trials(self.e)
        ordinals = [t.proposal.ordinal for t in trials if t.proposal and t.proposal.ordinal]
        assert len(set(ordinals)) == len(ordinals)
        assert len({t.run_id for t in trials}) == len(trials)
        assert max(ordinals, default=0) <= record.proposed
        if not self.ordinals_given_back and not record.reserved:
            assert sorted(ordinals) == list(range(1, record.proposed + 1))

    @invariant()
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

    @invariant()
    def holders_are_the_models(self) -> None:
        """Exactly those attempts run that the model says, for the worker it says."""
        held = {held.id: held.worker for held in self.store.held(self.e)}
        assert held == {id: known.holder for id, known in self.attempts.items() if known.holder}

    @invariant()
    def revisions_grow(self) -> None:
        """Events are ordered, and none is rewritten."""
        new = [event.revision for event in self.store.events(self.seen_revision)]
        assert new == sorted(set(new))
        assert self.store.revision() == (new[-1] if new else self.seen_revision)
        self.seen_revision = self.store.revision()

    @invariant()
    def the_history_is_the_trials(self) -> None:
        """A history read step by step equals the trials as they are, but for lapsed leases."""
        history, trials = self.store.history(self.e), self.store.trials(self.e)
        assert [(t.number, t.revision, repr(t.result)) for t in history.trials] == [
            (t.number, t.revision, repr(t.result)) for t in trials
        ]
        if not self.histories or self.histories[-1][0] != history.revision:
            expected = [trial.number for trial in history.expected]
            self.histories.append((history.revision, expected, repr(history)))
