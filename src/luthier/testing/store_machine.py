"""A store driven at random by hypothesis, against a model small enough to be believed.

    class SqliteMachine(StoreMachine):
        def make_store(self, clock):
            return SqliteStore(...)

    TestSqlite = SqliteMachine.TestCase

The model (`store_model`) knows, for each trial, its state, its stage, who holds it and what was accepted of it. After every
verb it checks that counters equal counted rows, that every trial moved along the table, that ordinals are unique, that
nothing is counted twice and that revisions grow. Every verb that has a nonce or a fence is sent again later, in any order,
and must then change nothing at all.
"""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from luthier.store import Verdict, Wish
from luthier.testing.store_model import STEPS, Known, StoreModel
from luthier.testing.store_scene import configuration, describe, fingerprint, points
from luthier.trial import AttemptId, Outcome, Proposal, Result, TrialState

__all__ = ["STEPS", "StoreMachine"]

WORKERS = st.sampled_from(["ann", "bob", "eve"])
VALUES = st.sampled_from([0.5, -1.0, 1e300, float("inf"), float("nan"), None])
ENDS = st.sampled_from(["", "again", "pause"])
PICK = st.integers(0, 10**6)


class StoreMachine(StoreModel):
    """Random verbs on one experiment. Override `make_store`."""

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

    @rule(n=st.integers(1, 4), worker=WORKERS, trials=st.sampled_from([None, 8, 20]))
    def work(self, n: int, worker: str, trials: int | None) -> None:
        """A worker's turn as it mostly is: the search is wanted, more trials are queued, and some begin."""
        self.wish(Wish.RUN)
        self.amend(trials)
        self.reserve(n, worker)
        if self.batches:
            self.propose(len(self.batches) - 1, n, False)
        self.every_step_is_in_the_table(self.store.trials(self.e))
        self.claim(n, worker)

    @rule(n=st.integers(0, 4), worker=WORKERS)
    def claim(self, n: int, worker: str) -> None:
        """Begins attempts."""
        nonce, before = self.nonce(), self.store.experiment(self.e)
        claims = self.store.claim(self.e, n, worker, nonce)
        begun = before.finished + before.running + before.waiting
        room = before.queued if before.target is None else before.target - begun
        expected = max(0, min(n, before.queued, room)) if before.wish is Wish.RUN else 0
        assert len(claims) == expected
        for claim in claims:
            assert claim.id not in self.attempts
            assert self.states[claim.id.trial] is TrialState.QUEUED
            attempt = self.store.attempts(self.e, claim.id.trial)[-1]
            assert claim.stage == attempt.stage == self.stages.get(claim.id.trial, 0)
            self.attempts[claim.id] = Known(worker, stage=claim.stage)
        if claims:
            self.sent.append(lambda: self.store.claim(self.e, n, worker, nonce))

    @rule(worker=WORKERS, text=st.sampled_from(["one", "two"]))
    def note_provenance(self, worker: str, text: str) -> None:
        """A worker says what its attempts run with, from now on."""
        since = self.clock.now()
        self.store.note_provenance(self.e, worker, text, since)
        sheets = [(sheet.worker, sheet.since, sheet.text) for sheet in self.store.sheets(self.e)]
        assert sheets.count((worker, since, text)) == 1

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
    @rule(place=PICK, value=VALUES, outcome=st.sampled_from(list(Outcome)), how=ENDS)
    def finish(self, place: int, value: float | None, outcome: Outcome, how: str) -> None:
        """An attempt ends, perhaps for the second time, perhaps too late."""
        self._finish(self.pick(place), Result(outcome, f"{outcome} {how}", value), how)

    @precondition(lambda self: any(known.holder for known in self.attempts.values()))
    @rule(place=PICK, value=VALUES, how=ENDS)
    def end(self, place: int, value: float | None, how: str) -> None:
        """One of the attempts that run ends well."""
        held = [id for id, known in self.attempts.items() if known.holder]
        self._finish(held[place % len(held)], Result(Outcome.SUCCEEDED, how, value), how)

    def _finish(self, id: AttemptId, result: Result, how: str) -> None:
        known = self.attempts[id]
        finish = partial(self.store.finish, id, result, **{how: True} if how else {})
        verdict = finish()
        if known.holder is not None:
            assert verdict is Verdict.ACCEPTED
            known.holder, known.accepted = None, result
        else:
            assert verdict is (Verdict.REPEATED if repr(known.accepted) == repr(result) else Verdict.STALE)
        self.sent.append(finish)

    @precondition(lambda self: self.states)
    @rule(place=PICK, outcome=st.sampled_from([Outcome.STOPPED, Outcome.KILLED]))
    def cancel(self, place: int, outcome: Outcome) -> None:
        """A person cancels a trial, and presses the button twice."""
        self._cancel(list(self.states)[place % len(self.states)], outcome)

    def _cancel(self, number: int, outcome: Outcome) -> None:
        can = self.states[number] in (TrialState.QUEUED, TrialState.WAITING)
        reached = self.store.trial(self.e, number).result
        assert self.store.cancel(self.e, number, outcome, "enough") == can
        assert not self.store.cancel(self.e, number, outcome, "enough")
        if can:
            kept = Result(outcome, "enough", reached.value if reached else None)
            assert repr(self.store.trial(self.e, number).result) == repr(kept)

    @precondition(lambda self: TrialState.WAITING in self.states.values())
    @rule(place=PICK, is_good=st.booleans())
    def judge(self, place: int, is_good: bool) -> None:
        """A rule promotes a trial that waits, and is heard twice, or has it end where it is."""
        waiting = [number for number, state in self.states.items() if state is TrialState.WAITING]
        number = waiting[place % len(waiting)]
        if not is_good:
            self._cancel(number, Outcome.STOPPED)
            return
        assert self.store.promote(self.e, number)
        assert not self.store.promote(self.e, number)
        self.stages[number] = self.stages.get(number, 0) + 1

    @precondition(lambda self: self.states)
    @rule(place=PICK)
    def promote(self, place: int) -> None:
        """A rule that looked too long ago promotes a trial that does not wait."""
        number = list(self.states)[place % len(self.states)]
        if self.states[number] is not TrialState.WAITING:
            assert not self.store.promote(self.e, number)

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
        """The machine starts again; every lease is void, unless many machines share the clock."""
        self.booted += 1
        self.clock.reboot(f"boot-{self.booted}")
        assert not self.boots or all(held.lapsed for held in self.store.held(self.e))

    @precondition(lambda self: self.sent)
    @rule(place=PICK, times=st.integers(1, 4))
    def send_again(self, place: int, times: int) -> None:
        """An old message arrives once more, out of order: nothing at all changes."""
        again = self.sent[place % len(self.sent)]
        before = fingerprint(self.store)
        for _ in range(times):
            again()
        assert fingerprint(self.store) == before
