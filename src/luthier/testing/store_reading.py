"""What a store promises to those who look: pages, histories and events."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from threading import Thread
from typing import Any

import pytest

from luthier.description import Objective
from luthier.store import Sort
from luthier.store.plain_rows import PlainTrial, plain_of, plain_trials, reports, some_trials
from luthier.testing.store_scene import NAN, StoreScene, configuration, describe, ended, fingerprint, points
from luthier.trial import AttemptId, Observation, Outcome, TrialState

__all__ = ["ReadingPromises"]


class ReadingPromises(StoreScene):
    """Reads change nothing and agree with one another."""

    def finished(self, *values: float | None) -> int:
        """An experiment whose trials ended with these values; None for a failed one."""
        e = self.open(len(values))
        self.queue(e, len(values))
        for claim, value in zip(self.claim(e, len(values)), values, strict=True):
            outcome = Outcome.FAILED if value is None else Outcome.SUCCEEDED
            self.store.finish(claim.id, ended(value, outcome))
        return e

    def numbers(self, e: int, sort: Sort, limit: int = -1, offset: int = 0) -> list[int]:
        """The numbers on a page."""
        return [trial.number for trial in self.store.trials(e, sort, limit, offset)]

    def test_pages_by_number(self) -> None:
        e = self.finished(*(float(k) for k in range(10)))
        assert self.numbers(e, Sort()) == list(range(1, 11))
        assert self.numbers(e, Sort(), 3, 4) == [5, 6, 7]
        assert self.numbers(e, Sort(), 3, 9) == [10]
        assert self.numbers(e, Sort(), 3, 10) == self.numbers(e, Sort(), 0) == []
        assert self.numbers(99, Sort()) == []

    def test_the_best_by_value(self) -> None:
        e = self.finished(0.5, None, 0.9, NAN, -inf, 0.9, 0.1, inf)
        assert self.numbers(e, Sort("value")) == [8, 3, 6, 1, 7, 5]
        assert self.numbers(e, Sort("value", smallest_first=True)) == [5, 7, 1, 3, 6, 8]
        assert self.numbers(e, Sort("value"), 2, 1) == [3, 6]

    def test_plain_rows_are_the_trials(self) -> None:
        """What is read of a hundred thousand at once is what is read of each, in every state."""
        e = self.open(None)
        self.queue(e, 9)
        for claim, value in zip(self.claim(e, 5), (0.5, None, NAN, inf, 0.25), strict=True):
            self.store.finish(claim.id, ended(value, Outcome.FAILED if value is None else Outcome.SUCCEEDED))
        first, second, _ = [claim.id for claim in self.claim(e, 3)]
        self.store.report(first, 0, [*points(1.0, NAN), *points(2.0, metric="other", step=7.0)])
        self.store.finish(first, ended(0.75), pause=True)
        self.store.finish(second, ended(0.5, reason="half \udc80 a character"), pause=True)
        self.store.promote(e, second.trial)
        self.reserve(e, 1)

        def told(row: Sequence[Any]) -> tuple[Any, ...]:
            plain = PlainTrial(*row)
            if plain.outcome is None:
                plain = plain._replace(seconds=None, reason=None, value=None, aims=None)
            return tuple(
                repr(float(plain.value)) if cell is plain.value is not None else cell for cell in plain
            )

        trials = [told(plain_of(trial)) for trial in self.store.trials(e)]
        assert [told(row) for row in plain_trials(self.store, e, 0, 100)] == trials
        assert [told(row) for row in plain_trials(self.store, e, 2, 3)] == trials[2:5]
        assert [row[0] for row in plain_trials(self.store, e, 0, 100, every=3)] == [3, 6, 9]
        found = sorted((n, metric, str(last), step) for n, metric, last, step in reports(self.store, e, 0, 9))
        assert found == [(first.trial, "loss", str(NAN), 2.0), (first.trial, "other", "2.0", 7.0)]
        assert list(reports(self.store, e, first.trial, 9)) == []
        some = some_trials(self.store, self.store.experiment(e))
        assert [told(row) for row in some] == trials  # so few are all there are

    def test_running_and_not_well(self) -> None:
        e = self.finished(0.5, None, 0.7, None)
        self.store.enqueue(
            e, [t.configuration for t in self.store.trials(e) if t.configuration][:2], self.nonce()
        )
        self.claim(e, 1)
        assert self.numbers(e, Sort("running")) == [5]
        assert self.numbers(e, Sort("not well")) == [2, 4]
        assert self.numbers(e, Sort("not well"), 1, 1) == [4]
        self.store.retry(e, 2)
        assert self.numbers(e, Sort("not well")) == [4]
        self.store.cancel(e, 6, Outcome.STOPPED, "by a rule")
        assert self.numbers(e, Sort("not well")) == [4]  # to be stopped is no failure
        assert self.store.unsuccessful(e) == {Outcome.FAILED: 1, Outcome.STOPPED: 1}
        self.store.retry(e, 6)
        assert self.store.unsuccessful(e) == {Outcome.FAILED: 1}

    def test_what_changed_after_a_revision(self) -> None:
        e = self.finished(0.5, None, 0.7)
        before = self.store.revision()
        assert [trial.number for trial in self.store.changed_trials(e, 0)] == [1, 2, 3]
        assert self.store.changed_trials(e, 0) == self.store.trials(e)
        assert self.store.changed_trials(e, before) == self.store.changed_trials(99, 0) == []
        self.store.retry(e, 3)
        self.store.retry(e, 2)
        assert self.store.changed_trials(e, before) == [self.store.trial(e, 2), self.store.trial(e, 3)]
        self.store.reserve(e, 1, "worker", self.nonce())
        assert [trial.number for trial in self.store.changed_trials(e, before)] == [2, 3]

    def test_summaries_of_many_trials(self) -> None:
        e = self.open()
        self.queue(e, 4)
        for claim, values in zip(self.claim(e, 4), [(5.0, NAN), (9.0,), (), (1.0, inf)], strict=True):
            self.store.report(claim.id, 0, points(*values))
        self.store.report(AttemptId(e, 4, 1), 2, points(1.0, metric="other"))
        found = self.store.summaries_of(e)
        assert list(found) == [1, 2, 4]
        assert [row.metric for row in found[4]] == ["loss", "other"]
        assert str(found) == str({number: self.store.summaries(e, number) for number in (1, 2, 4)})
        assert str(self.store.summaries_of(e, [3, 4, 99])) == str({4: found[4]})
        assert self.store.summaries_of(e, []) == self.store.summaries_of(99) == {}

    @pytest.mark.parametrize(
        ("how", "order"), [("last", [3, 1, 2]), ("min", [1, 3, 2]), ("max", [2, 1, 3]), ("avg", [1, 3, 2])]
    )
    def test_pages_by_a_metric(self, how: str, order: list[int]) -> None:
        e = self.open()
        self.queue(e, 6)
        series = [(5.0, 6.0, 4.0), (9.0, 0.0, 0.0), (3.0, 5.5, 4.5), (NAN,), (), ()]
        for claim, values in zip(self.claim(e, 6), series, strict=True):
            self.store.report(claim.id, 0, points(*values))
        self.store.report(AttemptId(e, 5, 1), 0, points(1.0, metric="other"))
        assert self.numbers(e, Sort("metric", "loss", how)) == [*order, 4]
        assert self.numbers(e, Sort("metric", "loss", how, smallest_first=True)) == [*reversed(order), 4]
        assert self.numbers(e, Sort("metric", "loss", how), 2, 1) == [*order[1:3]]
        assert self.numbers(e, Sort("metric", "other", how)) == [5]
        assert self.numbers(e, Sort("metric", "nothing", how)) == []

    def test_ties_of_a_metric_go_by_number(self) -> None:
        e = self.open()
        self.queue(e, 3)
        for claim in reversed(self.claim(e, 3)):
            self.store.report(claim.id, 0, points(1.0))
        for first in (True, False):
            assert self.numbers(e, Sort("metric", "loss", smallest_first=first)) == [1, 2, 3]

    def test_a_history_is_frozen(self) -> None:
        e = self.finished(0.5, 0.7)
        self.queue(e, 0)
        before = self.store.history(e)
        assert list(before.trials) == self.store.trials(e)
        assert before.revision == self.store.revision()
        kept = repr(before)
        self.store.retry(e, 1)
        id = self.claim(e)[0].id
        self.store.finish(id, ended(0.9))
        after = self.store.history(e)
        assert repr(before) == kept
        assert after.revision == self.store.revision() > before.revision
        assert list(after.trials) == self.store.trials(e)
        assert [t.result.value for t in after.trials if t.result] == [0.9, 0.7]

    def test_a_history_read_often_equals_one_read_once(self) -> None:
        e = self.open(12)
        for k in range(12):
            id = self.begin(e, f"w{k % 3}")
            self.store.history(e)
            if k % 3 == 0:
                self.store.finish(id, ended(None, Outcome.LOST), again=True)
                id = self.claim(e)[0].id
                self.store.history(e)
            self.store.finish(id, ended(float(k)))
            assert list(self.store.history(e).trials) == self.store.trials(e)

    def test_a_history_says_what_is_sought_and_from_where(self) -> None:
        known = (Observation(configuration(3), 0.25, "7.1"), Observation(configuration(4), 1e300))
        wanted = describe(5)._replace(objective=Objective("loss", direction="minimize"), earlier=known)
        e = self.store.open_experiment(wanted)[0].id
        history = self.store.history(e)
        assert (history.maximize, history.target, history.earlier) == (False, 5, known)
        self.store.open_experiment(wanted._replace(trials=None, earlier=()))
        after = self.store.history(e)
        assert (after.target, after.earlier) == (None, known) and history.target == 5
        assert self.store.history(self.open()).maximize

    def test_what_has_not_changed_is_the_same_value_in_the_next_history(self) -> None:
        e = self.open()
        for _ in range(2):
            self.store.finish(self.begin(e), ended())
        self.queue(e, 1)
        before = self.store.history(e)
        id = self.claim(e)[0].id
        running = self.store.history(e)
        assert [a is b for a, b in zip(before.trials, running.trials, strict=True)] == [True, True, False]
        self.clock.advance(61.0)
        assert [t.state for t in self.store.history(e).trials][2] is TrialState.QUEUED
        self.store.adopt(id, "w", "heir")
        assert self.store.history(e).trials[2].worker == "heir"
        assert self.store.history(e).trials[:2] == before.trials[:2]

    def test_revisions_order_every_change(self) -> None:
        e = self.finished(0.5, 0.7)
        events = self.store.events()
        revisions = [event.revision for event in events]
        assert revisions == sorted(set(revisions)) and revisions[-1] == self.store.revision()
        assert [event.kind for event in events] == [
            "created",
            "proposed",
            *["claimed"] * 2,
            *["finished"] * 2,
        ]
        assert [(ev.trial, ev.attempt) for ev in events if ev.kind == "finished"] == [(1, 1), (2, 1)]
        assert self.store.events(since=revisions[2]) == events[3:]
        assert self.store.events(since=revisions[2], limit=1) == events[3:4]
        assert self.store.events(experiment=e) == events and self.store.events(experiment=99) == []
        changed = {event.trial: event.revision for event in events}
        assert {t.number: t.revision for t in self.store.trials(e)} == {1: changed[1], 2: changed[2]}
        assert self.store.experiment(e).revision == revisions[-1]

    def test_the_next_change_is_waited_for(self) -> None:
        self.finished(0.5)
        newest = self.store.revision()
        assert self.store.wait(newest - 1, 60.0) == self.store.wait(newest, 0.0) == newest
        assert self.store.wait(newest, 0.02) == newest
        seen: list[int] = []

        def follow() -> None:
            since = newest
            while since < newest + 2:
                since = self.store.wait(since, 60.0)
                seen.append(since)

        follower = Thread(target=follow)
        follower.start()
        for _ in range(2):
            self.open()  # each is an event
        follower.join()
        assert seen[-1] == newest + 2 and seen == sorted(set(seen))

    def test_experiments_do_not_see_one_another(self) -> None:
        first = self.finished(0.5, 0.7)
        kept = fingerprint(self.store)[f"experiment {first}"]
        second = self.finished(0.1, None, 0.2)
        assert fingerprint(self.store)[f"experiment {first}"] == kept
        assert self.numbers(first, Sort("value")) == [2, 1]
        assert self.numbers(second, Sort("value")) == [3, 1]
        assert len(self.store.history(first).trials) == 2
        assert self.store.trial(second, 1).run_id == 3

    def test_the_record_outlives_its_process(self) -> None:
        if self.reopen is None:
            pytest.skip("this store keeps its record as long as its process lives")
        e = self.finished(0.5, None, NAN, inf)
        self.queue(e, 0)
        self.store.retry(e, 2)
        self.store.report(self.claim(e)[0].id, 0, points(1.0, NAN))
        before = fingerprint(self.store)
        self.store.close()
        self.store = self.reopen(self.clock)
        assert fingerprint(self.store) == before
