"""What a store promises to workers: claims, fences and leases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from math import inf, isnan

import pytest

from luthier.errors import ConflictError, NotFound
from luthier.space import Configuration, Value
from luthier.store import Verdict
from luthier.testing.store_scene import NAN, StoreScene, configuration, describe, ended, points
from luthier.trial import AttemptId, Outcome, Result, TrialState

__all__ = ["LeasePromises", "RunningPromises"]


class RunningPromises(StoreScene):
    """Claiming, finishing and finishing too late; cancel and retry."""

    def test_all_objectives_and_constraints_are_kept(self) -> None:
        e = self.open()
        result = ended(0.5)._replace(values=(0.5, NAN, -inf), constraints=(-1.0, 1e300))
        id = self.begin(e)
        assert self.store.finish(id, result) is Verdict.ACCEPTED
        assert self.store.finish(id, result) is Verdict.REPEATED
        for kept in (self.store.trial(e, 1).result, self.store.attempts(e, 1)[0].result):
            assert kept is not None and kept.values is not None and not kept.is_allowed
            assert kept.values[0] == 0.5 and isnan(kept.values[1]) and kept.values[2] == -inf
            assert kept.constraints == (-1.0, 1e300)
        self.store.retry(e, 1)
        assert self.store.trial(e, 1).result is None
        plain = self.begin(e)
        self.store.finish(plain, ended(0.25))
        again = self.store.trial(e, 1).result
        assert again is not None and again.values is None and again.constraints == ()

    def test_a_curve_is_kept(self) -> None:
        e = self.open()
        stopped = Result(
            Outcome.STOPPED, "rank 7 of 9", value=0.31, curve=((1.0, NAN), (4.0, inf), (9.5, 0.31))
        )
        id = self.begin(e)
        assert self.store.finish(id, stopped) is Verdict.ACCEPTED
        assert self.store.finish(id, stopped) is Verdict.REPEATED
        for kept in (self.store.trial(e, 1).result, self.store.attempts(e, 1)[0].result):
            assert kept is not None and kept.curve[1:] == ((4.0, inf), (9.5, 0.31))
            assert kept.curve[0][0] == 1.0 and isnan(kept.curve[0][1])
            assert (kept.value, kept.values, kept.constraints) == (0.31, None, ())
        assert [t.number for t in self.store.history(e).partial] == [1]

    def test_trials_are_claimed_in_order_with_all_a_worker_needs(self) -> None:
        e = self.open()
        self.queue(e, 3)
        first, second = self.claim(e, 2)
        assert (first.id, second.id) == (AttemptId(e, 1, 1), AttemptId(e, 2, 1))
        trial = self.store.trial(e, 1)
        assert (first.run_id, first.seed, first.ordinal) == (trial.run_id, trial.seed, 1)
        assert first.configuration == configuration(1)
        assert (trial.state, trial.worker, trial.attempt, trial.began) == (
            TrialState.RUNNING,
            "w",
            1,
            self.clock.now(),
        )
        self.check_counters(e)

    def test_a_configuration_keeps_its_written_form(self) -> None:
        e = self.open()
        written = Configuration.of(
            [("rate", Value(1e-6, "1e-6")), ("code", Value("007")), ("d", Value(0.5, ".50"))]
        )
        self.store.enqueue(e, [written], self.nonce())
        claimed = self.claim(e)[0].configuration
        assert claimed == written and claimed.texts() == {"rate": "1e-6", "code": "007", "d": ".50"}

    def test_a_claim_sent_twice_begins_once(self) -> None:
        e = self.open()
        self.queue(e, 4)
        claims = self.store.claim(e, 2, "w", "n")
        assert self.store.claim(e, 2, "w", "n") == claims
        self.store.finish(claims[0].id, ended())
        assert self.store.claim(e, 2, "w", "n") == claims[1:]
        self.store.finish(claims[1].id, ended())
        assert self.store.claim(e, 2, "w", "n") == []
        assert self.store.experiment(e).queued == 2
        self.store.enqueue(e, [configuration(9)], self.nonce())
        claims = self.store.claim(e, 3, "w", "m")
        assert [claim.id.trial for claim in claims] == [5, 3, 4]
        assert self.store.claim(e, 3, "w", "m") == claims

    def test_no_more_run_than_the_target_leaves(self) -> None:
        e = self.open(4)
        self.queue(e, 4)
        self.store.open_experiment(describe(2))
        claims = self.claim(e, 4)
        assert len(claims) == 2
        assert self.claim(e, 0) == self.claim(e, 1) == []
        self.store.finish(claims[0].id, ended())
        assert self.claim(e, 1) == []
        self.store.finish(claims[1].id, ended(), again=True)
        assert len(self.claim(e, 4)) == 1

    def test_a_finish_counts_once(self) -> None:
        e = self.open(1)
        id = self.begin(e)
        assert self.store.finish(id, ended(0.5)) is Verdict.ACCEPTED
        before = self.store.revision()
        assert self.store.finish(id, ended(0.5)) is Verdict.REPEATED
        assert self.store.revision() == before
        record, trial = self.store.experiment(e), self.store.trial(e, 1)
        assert (record.finished, record.succeeded, record.running, record.is_met) == (1, 1, 0, True)
        assert (trial.state, trial.result, trial.ended, trial.worker) == (
            TrialState.FINISHED,
            ended(0.5),
            self.clock.now(),
            None,
        )

    def test_a_result_is_kept_whole(self) -> None:
        e = self.open()
        result = Result(Outcome.OUT_OF_MEMORY, "over 1 GB", -1.5, None, 9, 12.25, 2**40, 11.5)
        self.store.finish(self.begin(e), result)
        assert self.store.trial(e, 1).result == result
        assert self.store.attempts(e, 1)[0].result == result
        assert self.store.unsuccessful(e) == {Outcome.OUT_OF_MEMORY: 1}

    @pytest.mark.parametrize("value", [inf, -inf, 1e300, -1e300, 5e-324, 3, 0.1])
    def test_any_number_is_a_value(self, value: float) -> None:
        e = self.open()
        id = self.begin(e)
        assert self.store.finish(id, ended(value)) is Verdict.ACCEPTED
        assert self.store.finish(id, ended(value)) is Verdict.REPEATED
        result = self.store.trial(e, 1).result
        assert result is not None and result.value == value and type(result.value) is float

    def test_nan_is_a_value_too(self) -> None:
        e = self.open()
        id = self.begin(e)
        assert self.store.finish(id, ended(NAN)) is Verdict.ACCEPTED
        assert self.store.finish(id, ended(NAN)) is Verdict.REPEATED
        result = self.store.trial(e, 1).result
        assert result is not None and result.value is not None and isnan(result.value)

    def test_a_late_worker_is_told_and_overwrites_nothing(self) -> None:
        e = self.open()
        old = self.begin(e, "slow")
        assert self.store.finish(old, ended(None, Outcome.LOST, "silent"), again=True) is Verdict.ACCEPTED
        new = self.begin(e, "next")
        assert new == AttemptId(e, 1, 2)
        before = self.store.trial(e, 1)
        for _ in range(3):
            assert self.store.finish(old, ended(0.9)) is Verdict.STALE
            assert self.store.report(old, 0, points(1.0)) is Verdict.STALE
            assert self.store.renew([old, new], "slow") == [old, new]
            assert self.store.finish(old, ended(0.9), again=True) is Verdict.STALE
        assert self.store.trial(e, 1) == before
        assert self.store.points(e, 1) == []
        self.store.finish(new, ended(0.1))
        assert self.store.finish(old, ended(0.9)) is Verdict.STALE
        assert self.store.trial(e, 1).result == ended(0.1)
        stale = [event for event in self.store.events(experiment=e) if event.kind == "stale"]
        assert [(event.attempt, event.detail["write"]) for event in stale] == [
            (1, "finish"),
            (1, "report"),
            (1, "renew"),
            (2, "renew"),
        ]
        assert stale[0].detail["value"] == 0.9
        self.check_counters(e)

    def test_a_lost_attempt_gives_the_same_trial_another(self) -> None:
        e = self.open(1)
        for k in (1, 2):
            id = self.begin(e)
            assert id == AttemptId(e, 1, k)
            self.store.finish(id, ended(None, Outcome.LOST, f"lost {k}"), again=True)
            trial = self.store.trial(e, 1)
            assert (trial.state, trial.result, trial.attempt) == (TrialState.QUEUED, None, k)
        assert self.store.lost(e, 1) == 2
        attempts = self.store.attempts(e, 1)
        assert [a.result.reason for a in attempts if a.result] == ["lost 1", "lost 2"]
        assert self.store.experiment(e).finished == 0

    def test_an_attempt_that_never_was_is_stale(self) -> None:
        e = self.open()
        self.queue(e, 1)
        before = self.store.revision()
        for id in (AttemptId(e, 1, 1), AttemptId(e, 1, 0), AttemptId(e, 9, 1), AttemptId(99, 1, 1)):
            assert self.store.finish(id, ended()) is Verdict.STALE
            assert self.store.report(id, 0, points(1.0)) is Verdict.STALE
            assert self.store.renew([id], "w") == [id]
            assert not self.store.adopt(id, "w", "v")
            self.store.note_command(id, ["x"])
            self.store.note_decision(id, "asha", 4.0, "no", stops=True)
            self.store.note_reuse(id, AttemptId(e, 1, 1))
            assert self.store.provenance(id) is None
        assert self.store.revision() == before

    def test_decisions_are_events_of_a_running_attempt(self) -> None:
        e = self.open()
        id = self.begin(e)
        before, revision = self.store.experiment(e), self.store.revision()
        self.store.note_decision(id, "asha", 4.0, "0.3 is rank 7 of 9 ☃", stops=True)
        self.store.finish(id, ended(outcome=Outcome.STOPPED))
        self.store.note_decision(id, "asha", 16.0, "too late", stops=False)
        (made,) = [event for event in self.store.events(revision) if event.kind == "decided"]
        assert (made.experiment, made.trial, made.attempt) == (e, id.trial, id.attempt)
        assert dict(made.detail) == {
            "rule": "asha",
            "resource": 4.0,
            "stops": True,
            "reason": "0.3 is rank 7 of 9 ☃",
        }
        assert made.revision > before.revision

    def test_looks_are_events_that_are_found_among_all_others(self) -> None:
        e, other = self.open(), self.open()
        id = self.begin(e)
        self.store.finish(id, ended())
        self.begin(e)
        self.store.note_decision(AttemptId(e, 2, 1), "asha", 4.0, "good", stops=False)
        before, first = self.store.experiment(e), self.store.trial(e, 1)
        self.store.note_look(e, 1, {"command": "score ☃", "metrics": {"loss": 0.5}, "ended": 1.5})
        self.store.note_look(e, 2, {"metrics": {"loss": NAN}})
        self.store.note_look(e, 1, {"metrics": {}})
        looks = self.store.looks(e)
        assert [(look.kind, look.trial, look.attempt) for look in looks] == [
            ("looked", 1, None),
            ("looked", 2, None),
            ("looked", 1, None),
        ]
        assert dict(looks[0].detail) == {"command": "score ☃", "metrics": {"loss": 0.5}, "ended": 1.5}
        assert repr(looks[1].detail["metrics"]["loss"]) == "nan"
        assert [made.detail["rule"] for made in self.store.decisions(e, 2)] == ["asha"]
        assert self.store.decisions(e, 1) == self.store.looks(other) == self.store.looks(99) == []
        assert (self.store.experiment(e), self.store.trial(e, 1)) == (before, first)
        for gone in ((e, 9), (99, 1)):
            with pytest.raises(NotFound):
                self.store.note_look(*gone, {})

    def test_commands_are_kept_with_their_attempt(self) -> None:
        e = self.open()
        id = self.begin(e)
        words = ["python", "train.py", "--name=it's", "", "naïve ☃"]
        self.store.note_command(id, words)
        self.store.finish(id, ended())
        self.store.note_command(id, ["other"])
        attempt = self.store.attempts(e, 1)[0]
        assert attempt.command == tuple(words)
        assert (attempt.worker, attempt.began, attempt.ended) == ("w", self.clock.now(), self.clock.now())

    def test_only_a_waiting_trial_is_cancelled(self) -> None:
        e = self.open()
        self.queue(e, 2)
        id = self.claim(e)[0].id
        assert not self.store.cancel(e, 1, Outcome.KILLED, "no")
        assert self.store.cancel(e, 2, Outcome.STOPPED, "enough")
        assert not self.store.cancel(e, 2, Outcome.STOPPED, "enough")
        assert self.store.trial(e, 2).result == Result(Outcome.STOPPED, "enough")
        self.store.finish(id, ended())
        assert not self.store.cancel(e, 1, Outcome.KILLED, "no")
        assert self.claim(e) == []
        self.check_counters(e)

    def test_a_finished_trial_is_retried_first_and_keeps_its_past(self) -> None:
        e = self.open(3)
        self.queue(e, 3)
        self.store.finish(self.claim(e)[0].id, ended(0.7))
        assert not self.store.retry(e, 2)
        assert self.store.retry(e, 1)
        assert not self.store.retry(e, 1)
        trial = self.store.trial(e, 1)
        assert (trial.state, trial.result, trial.ended) == (TrialState.QUEUED, None, None)
        assert self.store.experiment(e).succeeded == 0
        id = self.claim(e)[0].id
        assert id == AttemptId(e, 1, 2)
        self.store.finish(id, ended(0.9))
        assert [a.result.value for a in self.store.attempts(e, 1) if a.result] == [0.7, 0.9]
        assert self.store.experiment(e).succeeded == 1
        self.check_counters(e)

    def test_verbs_may_be_made_durable_together(self) -> None:
        e = self.open(4)
        self.queue(e, 3)
        first = self.claim(e)[0].id
        with self.store.together():
            assert self.store.finish(first, ended()) is Verdict.ACCEPTED
            with pytest.raises(NotFound):
                self.store.claim(99, 1, "w", self.nonce())
            second = self.claim(e)[0].id
            with pytest.raises(ConflictError):
                self.store.report(second, 5, points(1.0))
            assert self.store.report(second, 0, points(1.0)) is Verdict.ACCEPTED
            assert self.store.experiment(e).finished == 1
            assert len(self.store.history(e).trials) == 3
        assert self.store.finish(first, ended()) is Verdict.REPEATED
        assert [held.id for held in self.store.held(e)] == [second]
        assert list(self.store.history(e).trials) == self.store.trials(e)
        self.check_counters(e)

    def test_threads_may_share_a_store(self) -> None:
        e = self.open(80)
        self.queue(e, 80)

        def work(name: str) -> list[int]:
            done = []
            for k in range(100):
                claims = self.store.claim(e, 1, name, f"{name} {k}")
                if not claims:
                    break
                self.store.report(claims[0].id, 0, points(1.0))
                self.store.history(e)
                self.store.finish(claims[0].id, ended())
                done.append(claims[0].id.trial)
            return done

        with ThreadPoolExecutor(8) as pool:
            seen = [number for done in pool.map(work, [f"w{k}" for k in range(8)]) for number in done]
        assert sorted(seen) == list(range(1, 81))
        assert self.store.experiment(e).finished == 80


class LeasePromises(StoreScene):
    """Who holds an attempt, and for how long."""

    def test_a_lease_ends_on_time_and_is_renewed(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.clock.advance(60.0)
        assert [(h.id, h.worker, h.lapsed) for h in self.store.held(e)] == [(id, "w", False)]
        self.clock.advance(0.001)
        assert self.store.held(e)[0].lapsed
        assert self.store.renew([id], "w", 10.0) == []
        assert not self.store.held(e)[0].lapsed
        self.clock.advance(10.001)
        assert self.store.held(e)[0].lapsed

    def test_out_of_contact_but_not_replaced_still_counts(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.clock.advance(3600.0)
        assert self.store.report(id, 0, points(1.0)) is Verdict.ACCEPTED
        assert self.store.finish(id, ended()) is Verdict.ACCEPTED

    @pytest.mark.parametrize("seconds", [3600.0, -3600.0, 4e9, -1.7e9])
    def test_no_step_of_the_wall_clock_ends_a_lease(self, seconds: float) -> None:
        e = self.open()
        id = self.begin(e)
        self.clock.step_wall(seconds)
        assert not self.store.held(e)[0].lapsed
        assert self.store.renew([id], "w") == []
        _, reserved = self.reserve(e, 1, "a")
        self.clock.step_wall(-2 * seconds)
        assert reserved[0] not in self.reserve(e, 1, "b")[1]

    def test_a_lease_of_another_boot_is_void(self) -> None:
        e = self.open()
        self.begin(e)
        self.clock.reboot("boot-2")
        assert self.store.held(e)[0].lapsed is self.boots
        assert bool(self.store.held(e, [])) is self.boots
        self.clock.reboot("boot-0")
        assert bool(self.store.held(e, [])) is self.boots

    def test_a_lapsed_trial_is_given_to_searchers_as_queued(self) -> None:
        e = self.open()
        self.begin(e)
        assert self.store.history(e).trials[0].state is TrialState.RUNNING
        self.clock.advance(61.0)
        assert self.store.history(e).trials[0].state is TrialState.QUEUED
        assert self.store.trial(e, 1).state is TrialState.RUNNING

    def test_one_worker_adopts_an_attempt(self) -> None:
        e = self.open()
        id = self.begin(e, "dead")
        self.clock.advance(61.0)
        assert self.store.adopt(id, "dead", "heir")
        assert self.store.adopt(id, "dead", "heir")
        assert not self.store.adopt(id, "dead", "other")
        held = self.store.held(e)[0]
        assert (held.id, held.worker, held.lapsed) == (id, "heir", False)
        assert self.store.renew([id], "dead") == [id]
        assert self.store.renew([id], "heir") == []
        assert self.store.holds_any("heir") and not self.store.holds_any("dead")
        assert [event.kind for event in self.store.events(experiment=e)].count("adopted") == 1
        assert self.store.trial(e, 1).attempt == 1
        self.store.finish(id, ended())
        assert not self.store.adopt(id, "heir", "late")
        assert not self.store.holds_any("heir")
