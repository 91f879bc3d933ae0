"""What a store promises to workers: claims, fences, leases and reports."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import inf, isnan

import pytest

from luthier.errors import ConflictError, NotFound
from luthier.space import Configuration, Value
from luthier.store import Verdict, Wish
from luthier.testing.store_scene import NAN, StoreScene, configuration, describe, ended, points
from luthier.trial import AttemptId, Outcome, Point, Result, TrialState

__all__ = ["LeasePromises", "ReportPromises", "RunningPromises"]


class RunningPromises(StoreScene):
    """Claiming, finishing and finishing too late; cancel and retry."""

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
        assert self.store.revision() == before

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
        assert self.store.held(e)[0].lapsed

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


class ReportPromises(StoreScene):
    """Points, in order, once, and what is kept of them in summaries."""

    def test_points_are_kept_in_order_and_once(self) -> None:
        e = self.open()
        id = self.begin(e)
        sent = points(3.0, 2.0, 1.0)
        assert self.store.report(id, 0, sent[:2]) is Verdict.ACCEPTED
        assert self.store.report(id, 0, sent[:2]) is Verdict.REPEATED
        assert self.store.report(id, 1, sent[1:]) is Verdict.ACCEPTED
        assert self.store.report(id, 0, sent) is Verdict.REPEATED
        assert self.store.report(id, 3, []) is Verdict.REPEATED
        assert self.store.points(e, 1) == sent
        assert self.store.summaries(e, 1)[0].count == 3
        self.store.finish(id, ended())
        assert self.store.report(id, 0, sent) is Verdict.REPEATED
        assert self.store.report(id, 3, sent) is Verdict.STALE
        assert self.store.points(e, 1) == sent

    def test_a_gap_is_refused(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.store.report(id, 0, points(1.0))
        with pytest.raises(ConflictError, match="points 1 to 4 are missing"):
            self.store.report(id, 5, points(2.0))
        assert len(self.store.points(e, 1)) == 1

    def test_metrics_are_named_in_the_order_they_appear(self) -> None:
        e = self.open()
        id = self.begin(e)
        names = ["z", "a", "m", "b"]
        self.store.report(id, 0, [Point(name, 1, k, 5.0) for k, name in enumerate(names)])
        assert self.store.metric_names(e) == names
        assert [row.metric for row in self.store.summaries(e, 1)] == names
        assert self.store.points(e, 1, "m") == [Point("m", 1.0, 2.0, 5.0)]
        assert self.store.metric_names(99) == [] and self.store.points(e, 9) == []

    def test_the_last_value_is_that_of_the_highest_step(self) -> None:
        e = self.open()
        id = self.begin(e)
        steps = [(2, 0.2), (5, 0.5), (3, 0.3), (5, 0.55), (4, 0.4)]
        self.store.report(id, 0, [Point("loss", step, value, 0.0) for step, value in steps])
        row = self.store.summaries(e, 1)[0]
        assert (row.count, row.last, row.last_step, row.minimum, row.maximum) == (5, 0.55, 5.0, 0.2, 0.55)
        assert row.total == pytest.approx(1.95) and row.numbers == 5

    def test_nan_is_reported_but_is_no_number(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.store.report(id, 0, points(NAN))
        (row,) = self.store.summaries(e, 1)
        assert isnan(row.last) and (row.minimum, row.maximum, row.numbers, row.count) == (None, None, 0, 1)
        self.store.report(id, 1, points(2.0, NAN, 4.0, NAN, step=2.0))
        (row,) = self.store.summaries(e, 1)
        assert isnan(row.last) and (row.minimum, row.maximum, row.total, row.numbers) == (2.0, 4.0, 6.0, 2)
        assert [isnan(point.value) for point in self.store.points(e, 1)] == [True, False, True, False, True]

    def test_infinities_and_great_numbers_add_up_as_floats_do(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.store.report(id, 0, points(inf, 1e308, 1e308))
        assert self.store.summaries(e, 1)[0].total == inf
        self.store.report(id, 3, points(-inf, step=4.0))
        (row,) = self.store.summaries(e, 1)
        assert isnan(row.total) and (row.minimum, row.maximum) == (-inf, inf)
        self.store.report(id, 4, points(1.0, step=5.0))
        assert isnan(self.store.summaries(e, 1)[0].total)

    def test_steps_may_be_any_number_and_nan_is_the_first(self) -> None:
        e = self.open()
        id = self.begin(e)
        self.store.report(
            id, 0, [Point("loss", NAN, 1, 0.0), Point("loss", -2.5, 2, 0.0), Point("loss", inf, 3, 0.0)]
        )
        assert [point.step for point in self.store.points(e, 1)] == [0.0, -2.5, inf]
        assert self.store.summaries(e, 1)[0].last_step == inf

    def test_a_new_attempt_begins_its_summary_anew(self) -> None:
        e = self.open()
        first = self.begin(e)
        self.store.report(first, 0, points(9.0, 8.0, metric="loss") + points(1.0, metric="old"))
        self.store.finish(first, ended(None, Outcome.LOST), again=True)
        second = self.begin(e)
        assert self.store.report(second, 0, points(5.0)) is Verdict.ACCEPTED
        rows = {row.metric: row for row in self.store.summaries(e, 1)}
        assert (rows["loss"].count, rows["loss"].minimum, rows["loss"].maximum, rows["loss"].last) == (
            1,
            5.0,
            5.0,
            5.0,
        )
        assert rows["old"].count == 1
        assert [point.value for point in self.store.points(e, 1, "loss")] == [9.0, 8.0, 5.0]
        assert self.store.points(e, 1, attempt=2) == points(5.0)

    def test_hostile_names_are_only_names(self) -> None:
        names = [
            '"; DROP TABLE trial; --',
            "'); DELETE FROM experiment; --",
            ":experiment ?1 $x @y",
            "naïve ☃ 𝕏 \u202e\u0000\n\t",
            "x" * 10_000,
            "",
            "nan",
            "NULL",
        ]
        for name in names:
            description = replace(describe(name=name or None, project=f"/p/{name}"), labels={name: name})
            e = self.store.open_experiment(description, fresh=True, nonce=f"open {name}")[0].id
            kept = self.store.experiment(e).description
            assert (kept.name, kept.project, kept.labels) == (name or None, f"/p/{name}", {name: name})
            given = Configuration({name: name, "n": None, "list": [name]})
            assert self.store.enqueue(e, [given], f"enqueue {name}") == [1]
            (claim,) = self.store.claim(e, 1, name, f"claim {name}")
            assert claim.configuration == given
            assert self.store.holds_any(name)
            self.store.note_command(claim.id, [name, name])
            assert self.store.report(claim.id, 0, points(1.0, metric=name)) is Verdict.ACCEPTED
            assert self.store.renew([claim.id], name) == []
            assert self.store.adopt(claim.id, name, name + "2")
            assert self.store.finish(claim.id, ended(1.0, reason=name)) is Verdict.ACCEPTED
            assert self.store.finish(claim.id, ended(1.0, reason=name)) is Verdict.REPEATED
            assert self.store.set_wish(e, Wish.STOP, name)
            assert self.store.metric_names(e) == [name]
            assert self.store.points(e, 1, name) == points(1.0, metric=name)
            assert self.store.attempts(e, 1)[0].command == (name, name)
            result = self.store.trial(e, 1).result
            assert result is not None and result.reason == name
            assert self.store.retry(e, 1) and self.store.cancel(e, 1, Outcome.KILLED, name)
            self.store.abandon(name)
        assert len(self.store.experiments()) == len(names)

    def test_text_that_is_no_unicode_does_no_harm(self) -> None:
        e, broken = self.open(), "caf\udce9"
        self.store.enqueue(e, [Configuration({"file": broken})], broken.encode("utf-8", "replace").decode())
        claim = self.store.claim(e, 1, broken, "n")[0]
        assert claim.configuration.values() == {"file": broken}
        self.store.note_command(claim.id, [broken])
        assert self.store.attempts(e, 1)[0].command == (broken,)
        assert self.store.report(claim.id, 0, points(1.0, metric=broken)) is Verdict.ACCEPTED
        assert len(self.store.points(e, 1, broken)) == 1
        assert self.store.renew([claim.id], broken) == []
        assert self.store.finish(claim.id, ended(1.0, reason=broken)) is Verdict.ACCEPTED
        assert self.store.set_wish(e, Wish.STOP, broken)
