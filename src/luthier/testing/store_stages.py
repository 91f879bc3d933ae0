"""What a store promises about trials that run in stages: the rungs of a budget, or folds."""

from __future__ import annotations

import pytest

from luthier.history import History
from luthier.store import Sort, Spent, Verdict
from luthier.store.past import Past
from luthier.testing.store_scene import NAN, StoreScene, configuration, describe, ended, points
from luthier.trial import AttemptId, Outcome, Result, TrialState

__all__ = ["StagePromises"]

WHOLE = ended(0.25)._replace(
    signal=None,
    seconds=1.5,
    peak_bytes=2**20,
    cpu_seconds=1.25,
    values=(0.25, 7.0),
    constraints=(-1.0,),
)


class StagePromises(StoreScene):
    """A trial waits between its stages, is promoted, and is one trial all the while."""

    def paused(self, e: int, result: Result = WHOLE) -> AttemptId:
        """Runs one trial to the end of its stage."""
        id = self.begin(e)
        assert self.store.finish(id, result, pause=True) is Verdict.ACCEPTED
        return id

    def seen(self, e: int) -> tuple[History, str]:
        """The history as it stands, and as it is read again from the record."""
        history = self.store.history(e)
        expected = [trial.number for trial in history.expected]
        return history, repr(Past(self.store, e).at(history.revision, expected))

    def test_a_paused_trial_waits_with_its_result_and_is_not_finished(self) -> None:
        e = self.open(3)
        id = self.paused(e)
        trial, record = self.store.trial(e, 1), self.store.experiment(e)
        assert (trial.state, trial.result, trial.stage) == (TrialState.WAITING, WHOLE, 0)
        assert (trial.ended, trial.worker, trial.attempt) == (None, None, 1)
        assert (record.waiting, record.running, record.finished, record.succeeded) == (1, 0, 0, 0)
        attempt = self.store.attempts(e, 1)[0]
        assert (attempt.result, attempt.stage, attempt.ended) == (WHOLE, 0, self.clock.now())
        assert self.store.held(e) == [] and not self.store.holds_any("w")
        event = self.store.events(experiment=e)[-1]
        assert (event.kind, event.trial, event.attempt) == ("paused", 1, 1)
        assert event.detail == {"stage": 0, "outcome": "succeeded"}
        assert self.store.renew([id], "w") == [id]
        self.check_counters(e)

    def test_a_pause_counts_once_and_a_late_one_is_stale(self) -> None:
        e = self.open(2)
        old = self.paused(e, ended(NAN))
        before = self.store.revision()
        assert self.store.finish(old, ended(NAN), pause=True) is Verdict.REPEATED
        assert self.store.revision() == before
        assert self.store.finish(old, ended(0.9), pause=True) is Verdict.STALE
        assert self.store.report(old, 0, points(1.0)) is Verdict.STALE
        self.store.promote(e, 1)
        new = self.claim(e)[0].id
        assert self.store.finish(old, ended(0.7), pause=True) is Verdict.STALE
        assert self.store.finish(old, ended(NAN), pause=True) is Verdict.REPEATED
        assert [held.id for held in self.store.held(e)] == [new]
        with pytest.raises(ValueError, match="not both"):
            self.store.finish(new, ended(), again=True, pause=True)
        assert [held.id for held in self.store.held(e)] == [new]
        self.check_counters(e)

    def test_a_promoted_trial_runs_its_next_stage_before_the_others(self) -> None:
        e = self.open(6)
        self.queue(e, 5)
        first, *others = self.claim(e, 4)
        assert {claim.stage for claim in (first, *others)} == {0}
        self.store.finish(first.id, ended(None, Outcome.LOST), again=True)
        for claim in others:
            self.store.finish(claim.id, WHOLE._replace(value=claim.id.trial / 8), pause=True)
        assert self.store.promote(e, 4) and self.store.promote(e, 2)
        assert not self.store.promote(e, 4)
        trial = self.store.trial(e, 4)
        assert (trial.state, trial.stage, trial.result, trial.attempt) == (TrialState.QUEUED, 1, None, 1)
        kept = self.store.attempts(e, 4)[0]
        assert kept.result == WHOLE._replace(value=0.5) and kept.stage == 0
        event = self.store.events(experiment=e)[-1]
        assert (event.kind, event.trial, event.detail) == ("promoted", 2, {"stage": 1})
        claims = self.store.claim(e, 9, "w", "n")
        found = [(claim.id.trial, claim.id.attempt, claim.stage) for claim in claims]
        assert found == [(2, 2, 1), (4, 2, 1), (1, 2, 0), (5, 1, 0)]
        assert self.store.claim(e, 9, "w", "n") == claims
        assert [attempt.stage for attempt in self.store.attempts(e, 2)] == [0, 1]
        self.check_counters(e)

    def test_only_a_waiting_trial_is_promoted(self) -> None:
        e = self.open(4)
        self.reserve(e, 1)
        assert not self.store.promote(e, 1)
        self.store.enqueue(e, [configuration(k) for k in range(2)], self.nonce())
        assert not self.store.promote(e, 2)
        id = self.claim(e)[0].id
        assert not self.store.promote(e, 2)
        self.store.finish(id, ended())
        before = self.store.revision()
        assert not self.store.promote(e, 2)
        assert self.store.revision() == before

    def test_a_lost_attempt_repeats_its_stage_and_so_does_a_retry(self) -> None:
        e = self.open(1)
        self.paused(e)
        self.store.promote(e, 1)
        lost = self.claim(e)[0].id
        self.store.finish(lost, ended(None, Outcome.LOST), again=True)
        assert (self.store.trial(e, 1).stage, self.store.trial(e, 1).result) == (1, None)
        claim = self.claim(e)[0]
        assert (claim.id.attempt, claim.stage) == (3, 1)
        self.store.finish(claim.id, ended(None, Outcome.FAILED))
        assert self.store.trial(e, 1).stage == 1
        assert self.store.retry(e, 1)
        claim = self.claim(e)[0]
        assert (claim.id.attempt, claim.stage) == (4, 1)
        self.store.finish(claim.id, ended(0.5))
        assert [a.stage for a in self.store.attempts(e, 1)] == [0, 1, 1, 1]
        assert self.store.experiment(e).is_met
        self.check_counters(e)

    def test_a_cancelled_trial_keeps_what_it_had_reached(self) -> None:
        e = self.open(2)
        self.paused(e)
        self.clock.advance(5.0)
        assert self.store.cancel(e, 1, Outcome.STOPPED, "others were better")
        assert not self.store.promote(e, 1)
        trial = self.store.trial(e, 1)
        assert trial.result == WHOLE._replace(outcome=Outcome.STOPPED, reason="others were better")
        assert (trial.state, trial.ended) == (TrialState.FINISHED, self.clock.now())
        history, read_again = self.seen(e)
        assert read_again == repr(history)
        assert [t.number for t in history.scored] == [1]
        assert self.store.attempts(e, 1)[0].result == WHOLE
        assert self.store.unsuccessful(e) == {Outcome.STOPPED: 1}
        self.paused(e)
        assert self.store.cancel(e, 2, Outcome.SUCCEEDED, "it reached the last rung it was given")
        assert [t.number for t in self.store.trials(e, Sort("value"))] == [2]
        self.check_counters(e)

    def test_a_promoted_trial_that_is_cancelled_has_reached_nothing_in_its_stage(self) -> None:
        e = self.open(1)
        self.paused(e)
        self.store.promote(e, 1)
        self.store.cancel(e, 1, Outcome.KILLED, "no more")
        assert self.store.trial(e, 1).result == Result(Outcome.KILLED, "no more")
        history, read_again = self.seen(e)
        assert read_again == repr(history)

    @pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.STOPPED, Outcome.FAILED])
    def test_a_waiting_trial_is_in_no_list_of_results(self, outcome: Outcome) -> None:
        e = self.open(2)
        self.paused(e, WHOLE._replace(outcome=outcome, value=1e9))
        self.store.finish(self.begin(e), ended(0.5))
        for limit in (-1, 5):
            assert [t.number for t in self.store.trials(e, Sort("value"), limit)] == [2]
            assert [t.number for t in self.store.trials(e, Sort("not well"), limit)] == []
        assert self.store.unsuccessful(e) == {}
        shown = self.store.trials(e)[0].result
        assert shown is not None and shown.outcome is outcome

    def test_a_history_has_a_waiting_trial_as_pending_with_its_result(self) -> None:
        e = self.open(3)
        self.paused(e)
        self.store.finish(self.begin(e), ended(0.5))
        self.begin(e)
        history, read_again = self.seen(e)
        assert read_again == repr(history)
        assert history.trials[0].result == WHOLE
        numbers = [[t.number for t in kind] for kind in (history.pending, history.expected, history.scored)]
        assert numbers == [[1, 3], [1, 3], [2]]
        self.store.promote(e, 1)
        history, read_again = self.seen(e)
        assert read_again == repr(history)
        assert (history.trials[0].result, history.trials[0].stage) == (None, 1)

    def test_waiting_trials_have_their_place_in_the_target(self) -> None:
        e = self.open(3)
        self.paused(e)
        self.queue(e, 2)
        assert len(self.claim(e, 9)) == 2
        assert self.claim(e, 9) == [] and not self.store.experiment(e).is_met
        self.store.promote(e, 1)
        assert [claim.id for claim in self.claim(e, 9)] == [AttemptId(e, 1, 2)]
        for k in (1, 2, 3):
            self.store.finish(AttemptId(e, k, 1 + (k == 1)), ended(k / 8), pause=k == 3)
        assert (self.store.experiment(e).finished, self.store.experiment(e).is_met) == (2, False)
        self.store.cancel(e, 3, Outcome.STOPPED, "that is all")
        assert self.store.experiment(e).is_met

    def test_a_lower_target_leaves_no_room_beside_those_that_wait(self) -> None:
        e = self.open(4)
        self.queue(e, 4)
        for claim in self.claim(e, 3):
            self.store.finish(claim.id, ended(), pause=True)
        self.store.open_experiment(describe(2))
        self.store.promote(e, 2)
        assert self.claim(e, 9) == []
        self.store.cancel(e, 1, Outcome.STOPPED, "fewer are wanted")
        assert self.claim(e, 9) == []
        self.store.promote(e, 3)
        assert [claim.id.trial for claim in self.claim(e, 9)] == [2]
        self.check_counters(e)

    def test_an_attempt_of_a_later_stage_has_its_own_points_and_seconds(self) -> None:
        e = self.open(1)
        id = self.begin(e)
        self.store.report(id, 0, points(3.0, 2.0))
        self.store.finish(id, ended(2.0), pause=True)
        assert self.store.summaries(e, 1)[0].points == 2
        self.store.promote(e, 1)
        id = self.claim(e)[0].id
        self.store.report(id, 0, points(1.0, step=3.0))
        self.store.finish(id, ended(1.0)._replace(seconds=9.0))
        assert [point.step for point in self.store.points(e, 1)] == [1.0, 2.0, 3.0]
        assert (self.store.summaries(e, 1)[0].points, self.store.summaries(e, 1)[0].minimum) == (1, 1.0)
        assert [a.result.seconds for a in self.store.attempts(e, 1) if a.result] == [None, 9.0]

    def test_what_the_attempts_of_a_trial_took_is_added_up(self) -> None:
        e = self.open(4)
        assert self.store.spent(e, [1, 2]) == {}
        self.paused(e)
        self.store.promote(e, 1)
        self.clock.advance(5.0)
        id = self.claim(e)[0].id
        self.begin(e)
        self.queue(e, 1)
        now = self.clock.now()
        assert self.store.spent(e, [1]) == {1: Spent(1.5, 1.25, now)}
        assert self.store.spent(e, [2, 1, 3, 9]) == {1: Spent(1.5, 1.25, now), 2: Spent(None, None, now)}
        self.store.finish(id, ended(1.0)._replace(seconds=9.0))
        assert self.store.spent(e, (1,)) == {1: Spent(10.5, 1.25, None)}
        assert self.store.spent(99, [1]) == {}
