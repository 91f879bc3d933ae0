"""A store driven at random by hypothesis, against a model small enough to be believed.

    class SqliteMachine(StoreMachine):
        def make_store(self, clock):
            return SqliteStore(...)

    TestSqlite = SqliteMachine.TestCase

The model knows, for each trial, its state, who holds it and what was accepted of it. After every verb it checks that
counters equal counted rows, that every trial moved along the table, that ordinals are unique, that nothing is counted
twice and that revisions grow. Every verb that has a nonce or a fence is sent again later, in any order, and must then
change nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from luthier.clock import Clock, FakeClock
from luthier.store import Reservation, Store, Verdict, Wish
from luthier.testing.store_scene import configuration, describe, fingerprint, points
from luthier.trial import TRANSITIONS, AttemptId, Outcome, Point, Proposal, Result, TrialState

__all__ = ["StoreMachine"]

WORKERS = st.sampled_from(["ann", "bob", "eve"])
VALUES = st.sampled_from([0.5, -1.0, 1e300, float("inf"), float("nan"), None])
PICK = st.integers(0, 10**6)
STEPS = {(before, after) for (before, _), after in TRANSITIONS.items()}


@dataclass
class Known:
    """What the model knows of one attempt."""

    holder: str | None
    points: list[Point] = field(default_factory=list)
    accepted: Result | None = None


class StoreMachine(RuleBasedStateMachine):
    """Random verbs on one experiment. Override `make_store`."""

    def make_store(self, clock: Clock) -> Store:
        """Opens an empty store."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.store = self.make_store(self.clock)
        self.nonces = 0
        self.boots = 1
        self.seen_revision = 0
        self.states: dict[int, TrialState] = {}
        self.run_ids: set[int] = set()
        self.batches: list[tuple[str, list[Reservation]]] = []
        self.attempts: dict[AttemptId, Known] = {}
        self.sent: list[Callable[[], Any]] = []
        self.ordinals_given_back = False
        self.written: dict[int, int] = {}  # when a trial was first seen, as a revision

    def teardown(self) -> None:
        """Closes the store."""
        self.store.close()

    def nonce(self) -> str:
        """A nonce no call has used."""
        self.nonces += 1
        return f"nonce {self.nonces}"

    def pick(self, place: int) -> AttemptId:
        """One of all attempts there ever were."""
        ids = list(self.attempts)
        return ids[place % len(ids)]

    # ------------------------------------------------------------------ verbs

    @initialize(trials=st.sampled_from([None, 0, 1, 3, 8, 20]))
    def begin(self, trials: int | None) -> None:
        """Creates the experiment."""
        self.e = self.store.open_experiment(describe(trials))[0].id

    @rule(trials=st.sampled_from([None, 0, 1, 3, 8, 20]))
    def amend(self, trials: int | None) -> None:
        """Types the command again with another budget."""
        record, created = self.store.open_experiment(describe(trials))
        assert (record.id, record.target, created) == (self.e, trials, False)

    @rule(n=st.integers(0, 5), worker=WORKERS)
    def reserve(self, n: int, worker: str) -> None:
        """Reserves within the budget."""
        nonce, before = self.nonce(), self.store.experiment(self.e)
        reserved = self.store.reserve(self.e, n, worker, nonce)
        new = [r for r in reserved if r.ordinal > before.proposed]
        assert len(reserved) <= n
        if before.target is not None and new:
            assert before.trials + len(new) <= before.target
        if reserved:
            assert before.wish is Wish.RUN
            self.batches.append((nonce, reserved))
            self.sent.append(lambda: self.store.reserve(self.e, n, worker, nonce))

    @precondition(lambda self: self.batches)
    @rule(place=PICK, n=st.integers(0, 5), exhausted=st.sampled_from([False, False, False, True]))
    def propose(self, place: int, n: int, exhausted: bool) -> None:
        """Writes some configurations of some batch, taken over or not."""
        nonce, reserved = self.batches[place % len(self.batches)]
        pairs = [(r.number, Proposal(configuration(r.number), "random", r.ordinal)) for r in reserved[:n]]
        still = {r.number for r in self.store.reserve(self.e, 0, "nobody", nonce)}
        written = self.store.propose(self.e, nonce, pairs, exhausted)
        assert written == len(still & {number for number, _ in pairs})
        self.ordinals_given_back |= exhausted and len(still) > written
        if not still or written or exhausted:
            self.sent.append(lambda: self.store.propose(self.e, nonce, pairs, exhausted))

    @precondition(lambda self: self.batches)
    @rule(place=PICK, choice=st.integers(0, 3), ago=st.integers(0, 6))
    def propose_distinct(self, place: int, choice: int, ago: int) -> None:
        """Writes one of few configurations that was chosen some revisions ago, unless it was written since then."""
        nonce, reserved = self.batches[place % len(self.batches)]
        seen, chosen = max(0, self.store.revision() - ago), configuration(1000 + choice)
        still = [r for r in reserved if r in self.store.reserve(self.e, 0, "nobody", nonce)]
        pairs = [(r.number, Proposal(chosen, "tpe", r.ordinal, seen)) for r in still[:1]]
        twins = [t.number for t in self.store.trials(self.e) if t.configuration == chosen]
        is_new = all(self.written[number] <= seen for number in twins)
        written = self.store.propose(self.e, nonce, pairs, distinct=True)
        assert written == (len(pairs) if is_new else 0)
        if written:
            self.sent.append(lambda: self.store.propose(self.e, nonce, pairs, distinct=True))

    @rule(n=st.integers(0, 3))
    def enqueue(self, n: int) -> None:
        """Adds a person's configurations."""
        nonce, given = self.nonce(), [configuration(1000 + k) for k in range(n)]
        numbers = self.store.enqueue(self.e, given, nonce)
        assert len(numbers) == n and not set(numbers) & set(self.states)
        if n:
            self.sent.append(lambda: self.store.enqueue(self.e, given, nonce))

    @rule(n=st.integers(0, 4), worker=WORKERS)
    def claim(self, n: int, worker: str) -> None:
        """Begins attempts."""
        nonce, before = self.nonce(), self.store.experiment(self.e)
        claims = self.store.claim(self.e, n, worker, nonce)
        room = before.queued if before.target is None else before.target - before.finished - before.running
        expected = max(0, min(n, before.queued, room)) if before.wish is Wish.RUN else 0
        assert len(claims) == expected
        for claim in claims:
            assert claim.id not in self.attempts
            assert self.states[claim.id.trial] is TrialState.QUEUED
            self.attempts[claim.id] = Known(worker)
        if claims:
            self.sent.append(lambda: self.store.claim(self.e, n, worker, nonce))

    @precondition(lambda self: self.attempts)
    @rule(place=PICK, worker=WORKERS)
    def renew(self, place: int, worker: str) -> None:
        """A worker renews a lease, its own or not."""
        id = self.pick(place)
        gone = self.store.renew([id], worker)
        assert gone == ([] if self.attempts[id].holder == worker else [id])
        if not gone:
            assert not next(held for held in self.store.held(self.e) if held.id == id).lapsed

    @precondition(lambda self: self.attempts)
    @rule(place=PICK, old=WORKERS, new=WORKERS)
    def adopt(self, place: int, old: str, new: str) -> None:
        """A worker takes over an attempt."""
        id = self.pick(place)
        holder = self.attempts[id].holder
        assert self.store.adopt(id, old, new) == (holder is not None and holder in (old, new))
        if holder == old:
            self.attempts[id].holder = new

    @precondition(lambda self: self.attempts)
    @rule(
        place=PICK,
        n=st.integers(0, 4),
        back=st.integers(0, 3),
        value=st.sampled_from([0.0, 2.5, float("nan")]),
    )
    def report(self, place: int, n: int, back: int, value: float) -> None:
        """An attempt reports, perhaps again, perhaps too late."""
        id = self.pick(place)
        known = self.attempts[id]
        first = max(0, len(known.points) - back)
        sent = (known.points[first:] + points(*[value] * n, step=float(len(known.points))))[: back + n]
        verdict = self.store.report(id, first, sent)
        new = first + len(sent) - len(known.points)
        if sent and new <= 0:
            assert verdict is Verdict.REPEATED
        elif known.holder is None:
            assert verdict is Verdict.STALE
        else:
            assert verdict is (Verdict.ACCEPTED if new > 0 else Verdict.REPEATED)
            known.points += sent[len(sent) - new :] if new > 0 else []
        self.sent.append(lambda: self.store.report(id, first, sent))

    @precondition(lambda self: self.attempts)
    @rule(place=PICK, value=VALUES, outcome=st.sampled_from(list(Outcome)), again=st.booleans())
    def finish(self, place: int, value: float | None, outcome: Outcome, again: bool) -> None:
        """An attempt ends, perhaps for the second time, perhaps too late."""
        id = self.pick(place)
        known, result = self.attempts[id], Result(outcome, f"{outcome} {again}", value)
        verdict = self.store.finish(id, result, again=again)
        if known.holder is not None:
            assert verdict is Verdict.ACCEPTED
            known.holder, known.accepted = None, result
        else:
            assert verdict is (Verdict.REPEATED if repr(known.accepted) == repr(result) else Verdict.STALE)
        self.sent.append(lambda: self.store.finish(id, result, again=again))

    @precondition(lambda self: self.states)
    @rule(place=PICK, outcome=st.sampled_from([Outcome.STOPPED, Outcome.KILLED]))
    def cancel(self, place: int, outcome: Outcome) -> None:
        """A person cancels a trial, and presses the button twice."""
        number = list(self.states)[place % len(self.states)]
        can = self.states[number] in (TrialState.QUEUED, TrialState.WAITING)
        assert self.store.cancel(self.e, number, outcome, "enough") == can
        assert not self.store.cancel(self.e, number, outcome, "enough")

    @precondition(lambda self: self.states)
    @rule(place=PICK)
    def retry(self, place: int) -> None:
        """A person retries a trial, and presses the button twice."""
        number = list(self.states)[place % len(self.states)]
        assert self.store.retry(self.e, number) == (self.states[number] is TrialState.FINISHED)
        assert not self.store.retry(self.e, number)

    @rule(wish=st.sampled_from([Wish.RUN, Wish.RUN, Wish.PAUSE, Wish.KILL]))
    def wish(self, wish: Wish) -> None:
        """A person wishes."""
        changes = self.store.experiment(self.e).wish is not wish
        assert self.store.set_wish(self.e, wish) == changes

    @rule(worker=WORKERS)
    def die(self, worker: str) -> None:
        """A worker is dead: what it reserved is free, what it ran is adopted and lost."""
        self.store.abandon(worker)
        for held in self.store.held(self.e):
            if held.worker == worker:
                assert self.store.adopt(held.id, worker, "heir")
                lost = Result(Outcome.LOST, "gone")
                assert self.store.finish(held.id, lost, again=True) is Verdict.ACCEPTED
                self.attempts[held.id].holder, self.attempts[held.id].accepted = None, lost
        reserved = {trial for _, batch in self.batches for trial in batch}
        assert self.store.holds_any(worker) <= bool(reserved)

    @rule(seconds=st.sampled_from([1.0, 59.0, 61.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-3600.0, 3600.0]))
    def step_clock(self, seconds: float) -> None:
        """Somebody sets the wall clock; no lease notices."""
        before = [held.lapsed for held in self.store.held(self.e)]
        self.clock.step_wall(seconds)
        assert [held.lapsed for held in self.store.held(self.e)] == before

    @rule()
    def reboot(self) -> None:
        """The machine starts again; every lease is void."""
        self.boots += 1
        self.clock.reboot(f"boot-{self.boots}")
        assert all(held.lapsed for held in self.store.held(self.e))

    @precondition(lambda self: self.sent)
    @rule(place=PICK, times=st.integers(1, 4))
    def send_again(self, place: int, times: int) -> None:
        """An old message arrives once more, out of order: nothing at all changes."""
        again = self.sent[place % len(self.sent)]
        before = fingerprint(self.store)
        for _ in range(times):
            again()
        assert fingerprint(self.store) == before

    # ------------------------------------------------------------------ what always holds

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
        self.states = states
        for trial in trials:
            self.written.setdefault(trial.number, trial.revision)
        good = [t for t in trials if t.result and t.result.outcome is Outcome.SUCCEEDED]
        assert record.succeeded == len(good)

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
            if known.holder is not None or self.states.get(id.trial) is not TrialState.FINISHED:
                continue
            attempt = self.store.attempts(id.experiment, id.trial)[id.attempt - 1]
            assert repr(attempt.result) == repr(known.accepted)
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
