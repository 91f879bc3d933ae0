"""The loop on a machine of paper: every wish and every way a trial or a search can end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from drive_paper import HOLD, AtTrials, Paper, failing

from luthier.drive.ends import Interrupts, Why
from luthier.drive.planning import top_up
from luthier.run.runner import Order
from luthier.store import Wish
from luthier.trial import Outcome, Result
from luthier.view.experiments import wish_reason

# ---------------------------------------------------------------------- to the end


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_a_grid_runs_to_its_last_point_in_order(paper: Paper, slots: int) -> None:
    ending = paper.drive(slots=slots)
    assert ending.why is Why.MET and ending.record.finished == ending.record.succeeded == 6
    assert paper.texts() == [("1",), ("2",), ("3",), ("4",), ("5",), ("6",)]
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 7), 1)
    assert [t.result.value for t in paper.store.trials(1)] == [1, 2, 3, 4, 5, 6]


def test_a_met_target_starts_nothing(paper: Paper) -> None:
    record = paper.open()
    paper.drive(record)
    assert paper.drive(record).why is Why.MET and len(paper.machine.begun) == 6


def test_a_space_with_fewer_points_than_asked_for_is_exhausted_not_waited_for(paper: Paper) -> None:
    """A conditional space is counted as a product bound where it must be, so the searcher may run dry first."""
    record = paper.open(paper.describe(algorithm="random", trials=50))
    ending = paper.drive(record)
    assert ending.record.finished == 6 and ending.why in (Why.MET, Why.EXHAUSTED)
    assert len(set(paper.texts())) == 6


def test_a_searcher_that_runs_dry_ends_the_drive(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    record = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=8))
    from luthier.search.random import Random

    full = Random.propose
    monkeypatch.setattr(Random, "propose", lambda *args: [p for p in full(*args) if p.ordinal <= 5])
    ending = paper.drive(record)
    assert ending.record.finished == 5 and ending.record.target == 5 and ending.record.reserved == 0


def test_the_target_can_be_raised_and_lowered_between_drives(paper: Paper) -> None:
    describe = lambda n: paper.describe(("x=0.0:1.0",), algorithm="random", trials=n)  # noqa: E731
    golden = paper.open(describe(9), fresh=True)
    paper.drive(golden)
    record = paper.open(describe(4), fresh=True)
    paper.drive(record)
    assert paper.store.experiment(record.id).finished == 4
    assert paper.open(describe(9)).id == record.id
    paper.drive(record)
    assert paper.store.experiment(record.id).finished == 9
    assert paper.texts(record.id) == paper.texts(golden.id)
    paper.open(describe(2))
    assert paper.drive(record).why is Why.MET
    assert paper.store.experiment(record.id).finished == 9


def test_a_target_lowered_while_it_runs_leaves_the_rest_in_the_queue(paper: Paper) -> None:
    record = paper.open()

    def lower(what: str) -> None:
        if what == "ended" and len(paper.notes.endings) == 1:
            paper.open(paper.describe(trials=3))

    ending = paper.drive(record, at=lower)
    assert ending.why is Why.MET and ending.record.running == 0
    assert ending.record.finished in (3, 4, 5, 6)  # those that ran already end well


def test_configurations_enqueued_while_it_runs_come_first_and_are_run(paper: Paper) -> None:
    record = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=5))
    mine = paper.describe(("x=0.0:1.0",)).space.from_unit({"x": 0.25})

    def enqueue(what: str) -> None:
        if what == "ended" and len(paper.notes.endings) == 5:
            paper.store.enqueue(record.id, [mine], "mine")

    ending = paper.drive(record, at=enqueue)
    assert ending.record.finished == 6 and ("0.25",) in paper.texts()


# ---------------------------------------------------------------------- wishes


def test_pause_lets_what_runs_finish_and_gives_back_what_was_sent_ahead(paper: Paper) -> None:
    def pause(what: str) -> None:
        if what == "ended" and len(paper.notes.endings) == 2:
            paper.store.set_wish(1, Wish.PAUSE, "for a while")

    asked: set[int] = set()

    def second_time(order: Order) -> Result | None:
        if order.id.trial in asked:
            return well(order)
        asked.add(order.id.trial)
        return HOLD

    well, paper.script = paper.script, second_time
    record = paper.open(paper.describe(("x=1:30:linear:int",)))
    ending = paper.drive(record, at=pause)
    assert ending.why is Why.PAUSED and ending.record.running == 0
    assert set(paper.outcomes()) == {"succeeded", "queued"}, "a trial that ran was ended by a pause"
    again = Counter(str(a.result.outcome) for t in range(1, 31) for a in paper.store.attempts(1, t))
    assert set(again) == {"succeeded", "interrupted"}
    paper.store.set_wish(1, Wish.RUN)
    assert paper.drive(record).why is Why.MET
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 31), 1)


@pytest.mark.parametrize(
    ("wish", "why", "outcome"),
    [
        (Wish.STOP, Why.STOPPED, "stopped"),
        (Wish.KILL, Why.KILLED, "killed"),
    ],
)
def test_stop_and_kill_end_what_runs_and_leave_what_waits(
    paper: Paper, wish: Wish, why: Why, outcome: str
) -> None:
    paper.script = AtTrials(paper, t3=HOLD, t4=HOLD)

    def ask(what: str) -> None:
        if what == "beat" and {3, 4} <= {id.trial for id in paper.machine.running}:
            paper.store.set_wish(1, wish)

    ending = paper.drive(slots=2, at=ask)
    assert ending.why is why and ending.record.running == 0
    assert paper.outcomes()[2:4] == [outcome, outcome]
    begun = {id.trial for id in paper.machine.begun}
    assert {n for n, found in enumerate(paper.outcomes(), 1) if found == "queued"} == {
        1,
        2,
        3,
        4,
        5,
        6,
    } - begun
    paper.script = paper.script.well
    paper.store.set_wish(1, Wish.RUN)
    assert paper.drive().record.finished == 6
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 7), 1)


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.STOP, Wish.KILL])
@pytest.mark.parametrize("begins", [False, True])
def test_a_wish_finds_trials_sent_ahead_and_one_that_begins_that_very_moment(
    paper: Paper, wish: Wish, begins: bool
) -> None:
    """What was only sent ahead was never run, so it is neither stopped nor interrupted by anyone; what has just begun
    runs on through a pause and is ended, once, by the others."""
    asked: Counter[int] = Counter()

    def third_time(order: Order) -> Result | None:
        asked[order.id.trial] += 1
        return well(order) if asked[order.id.trial] == 3 else HOLD

    well, paper.script = paper.script, third_time
    record = paper.open(paper.describe(("x=1:30:linear:int",)))
    ran: list[int] = []

    def ask(what: str) -> None:
        waiting = [h.id for h in paper.store.held(1) if h.id not in paper.machine.begun]
        if what == "beat" and len(paper.notes.endings) > 2 and waiting and not ran:
            (id,) = paper.machine.running
            if begins:  # the next one begins, and the drive does not know it yet
                paper.runner._over(paper.machine.end(id, well(paper.machine.running[id])))
            ran.extend(id.trial for id in paper.machine.running)
            paper.store.set_wish(1, wish)

    ending = paper.drive(record, at=ask)
    (number,) = ran
    expected = {Wish.PAUSE: "succeeded", Wish.STOP: "stopped", Wish.KILL: "killed"}[wish]
    outcomes = paper.outcomes()
    assert outcomes[number - 1] == expected and set(outcomes) <= {"succeeded", "queued", expected}
    assert outcomes.count("queued") == ending.record.queued > 0 == ending.record.running
    withdrawn = [
        a.result for n in range(1, 31) for a in paper.store.attempts(1, n) if a.result.seconds is None
    ]
    assert {str(r.outcome) for r in withdrawn} - {expected} == {"interrupted"}
    paper.script = well
    paper.store.set_wish(1, Wish.RUN)
    assert paper.drive(record).record.finished == 30
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 31), 1)


def test_ctrl_c_once_ends_what_runs_and_returns_it_to_the_queue(paper: Paper) -> None:
    paper.script = AtTrials(paper, t2=HOLD)
    interrupts = Interrupts()

    def press(what: str) -> None:
        if what == "beat" and 2 in {id.trial for id in paper.machine.running}:
            interrupts.count = 1

    ending = paper.drive(at=press, interrupts=interrupts)
    assert ending.why is Why.INTERRUPTED and ending.record.running == 0 and ending.record.queued == 5
    assert str(paper.store.attempts(1, 2)[0].result.outcome) == "interrupted"
    paper.script = paper.script.well
    assert paper.drive().record.finished == 6
    assert paper.machine.begun.count(paper.store.attempts(1, 2)[-1].id) == 1


def test_the_second_ctrl_c_kills_and_is_sent_once(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.testing.machine import FakeRunner

    asked: list[bool] = []

    def stop(self: Any, id: Any, outcome: Any, reason: str, grace: float, *, kill: bool = False) -> None:
        asked.append(kill)
        if kill and len(asked) > 1 and asked[-2:] == [True, True]:
            raise AssertionError("the same kill was sent again")
        if kill:
            interrupts.count = 3
            FakeRunner.events(self, 0.1)
            self._over(self.machine.end(id, Result(outcome, reason)))

    monkeypatch.setattr(FakeRunner, "stop", stop)
    paper.script = lambda order: None
    interrupts = Interrupts()

    def press(what: str) -> None:
        if what == "beat":
            interrupts.count = min(2, paper.notes.beats // 3)

    ending = paper.drive(at=press, interrupts=interrupts)
    assert ending.why is Why.INTERRUPTED and asked == [False, True] and ending.record.queued == 6


# ---------------------------------------------------------------------- trials that don't end well


def test_the_first_trials_all_failing_end_the_drive(paper: Paper) -> None:
    paper.script = failing
    ending = paper.drive()
    assert ending.why is Why.ALL_FAILED and ending.record.finished == 3 == len(paper.machine.begun)
    assert paper.notes.endings[0].result.reason == "exit code 1: no such file"
    assert wish_reason(paper.store, ending.record) == "the first 3 trials all failed"


def test_while_others_are_at_it_failing_first_trials_end_this_worker_alone(paper: Paper) -> None:
    paper.script = failing

    def join(what: str) -> None:
        if what == "began" and len(paper.machine.begun) == 3:
            top_up(paper.store, 1, paper.describe(), 2, "other", paper.machine.clock)
            assert paper.store.claim(1, 1, "other", "theirs", 1e9)

    ending = paper.drive(at=join)
    assert ending.why is Why.ALL_FAILED and ending.record.running == 1
    assert ending.record.wish is Wish.RUN


def test_who_was_killed_is_not_counted_among_those_that_failed(paper: Paper) -> None:
    paper.script = failing

    def kill_the_last(what: str) -> None:
        if what == "ended" and paper.store.trial(1, 4).result is None:
            assert paper.store.cancel(1, 4, Outcome.KILLED, "killed by luthier kill")

    ending = paper.drive(at=kill_the_last)
    assert ending.why is Why.ALL_FAILED and (ending.failed, ending.record.finished) == (3, 4)


def test_a_small_search_whose_trials_all_fail_is_met(paper: Paper) -> None:
    paper.script = failing
    ending = paper.drive(paper.open(paper.describe(("x=1,2",))))
    assert ending.why is Why.MET and ending.record.finished == 2


def test_failures_after_a_success_do_not_end_it(paper: Paper) -> None:
    paper.script = AtTrials(paper, **{f"t{n}": failing for n in range(2, 7)})
    ending = paper.drive()
    assert ending.why is Why.MET and paper.outcomes() == ["succeeded"] + ["failed"] * 5


def test_three_begin_at_most_until_one_has_ended(paper: Paper) -> None:
    most = []

    def count(what: str) -> None:
        if what == "began":
            most.append(len(paper.machine.running) + (0 if paper.notes.endings else 10))

    paper.drive(slots=4, at=count, wary=True)
    assert [n for n in most if n >= 10] == [11, 12, 13]


def test_a_command_that_can_not_work_costs_three_trials_with_any_number_of_slots(paper: Paper) -> None:
    paper.script = failing
    ending = paper.drive(slots=4, wary=True)
    assert ending.why is Why.ALL_FAILED and len(paper.machine.begun) == 3


def test_the_others_start_once_one_has_not_failed(paper: Paper) -> None:
    most: list[int] = []
    paper.script = AtTrials(paper, t1=failing)

    def count(what: str) -> None:
        if what == "began":
            most.append(len(paper.machine.running))

    record = paper.open(paper.describe(("x=1,2,3,4,5,6,7,8",)))
    ending = paper.drive(record, slots=4, at=count, wary=True)
    assert most[:3] == [1, 2, 3] and max(most) == 4 and ending.record.succeeded == 7


def test_the_others_do_not_wait_for_a_first_trial_that_is_long(paper: Paper) -> None:
    paper.script = AtTrials(paper, t1=lambda order: well(order) if len(paper.machine.begun) == 6 else None)
    well = paper.script.well
    assert paper.drive(slots=4, wary=True).record.succeeded == 6


def test_a_failed_trial_is_tried_again_as_often_as_was_asked(paper: Paper) -> None:
    paper.script = AtTrials(paper, t2=failing)
    ending = paper.drive(paper.open(paper.describe(retry_failed=2)))
    assert ending.why is Why.MET and paper.outcomes()[1] == "failed"
    assert [str(a.result.outcome) for a in paper.store.attempts(1, 2)] == ["failed"] * 3
    assert ending.record.finished == 6


def test_one_trial_that_is_tried_again_is_not_the_first_trials_all_failing(paper: Paper) -> None:
    paper.script = AtTrials(paper, t1=failing)
    assert paper.drive(paper.open(paper.describe(retry_failed=4))).why is Why.MET


def test_exit_code_75_asks_for_another_attempt(paper: Paper) -> None:
    later = Result(Outcome.FAILED, "exit code 75", exit_code=75, seconds=0.01)
    paper.script = AtTrials(paper, t2=lambda order: later if order.id.attempt < 3 else well(order), t3=later)
    well = paper.script.well
    paper.drive()
    assert paper.outcomes()[1:3] == ["succeeded", "failed"]
    assert len(paper.store.attempts(1, 2)) == len(paper.store.attempts(1, 3)) == 3
    assert "3 times" in paper.store.trial(1, 3).result.reason


def test_a_trial_is_given_up_after_so_many_lost_attempts(paper: Paper) -> None:
    paper.script = AtTrials(paper, t2=Result(Outcome.LOST, "its guardian died"))
    paper.drive(paper.open(paper.describe(max_attempts=2)))
    trial = paper.store.trial(1, 2)
    assert (trial.attempt, trial.result.outcome) == (2, Outcome.LOST)
    assert "given up after 2 lost attempts" in trial.result.reason


def test_an_objective_that_is_never_reported_is_a_failure_with_that_reason(paper: Paper) -> None:
    paper.script = AtTrials(paper, t2=Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=0.01))
    paper.drive()
    trial = paper.store.trial(1, 2)
    assert trial.result.outcome is Outcome.FAILED and "loss" in trial.result.reason


def test_a_value_that_can_not_be_placed_fails_its_trial_alone(paper: Paper) -> None:

    from luthier.description import Command

    description = paper.describe(("x=a,b,c d",), objective=None)
    shell = Command(("train :x:",), str(paper.root), shell=True)
    paper.script = lambda order: Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=0.01)
    ending = paper.drive(paper.open(description._replace(command=shell)))
    assert ending.why is Why.MET and paper.outcomes() == ["succeeded", "succeeded", "failed"]
    assert len(paper.machine.begun) == 2
