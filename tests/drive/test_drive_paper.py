"""The loop on a machine of paper: every wish, every ending and every way to come back, without a process or a wait."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from luthier.drive.loop import Interrupts, Why
from luthier.run.runner import Order
from luthier.store import Wish
from luthier.trial import Outcome, Point, Result, TrialState

HOLD = None


def failing(order: Order) -> Result:
    Path(order.folder, "stderr.log").write_text("no such file\n", encoding="utf-8")
    return Result(Outcome.FAILED, "exit code 1", exit_code=1, seconds=0.01)


class AtTrials:
    """A script with its own answer for some trials; the others go well."""

    def __init__(self, paper: Any, **answers: Any) -> None:
        self.well = paper.script
        self.answers = {int(name[1:]): answer for name, answer in answers.items()}

    def __call__(self, order: Order) -> Result | None:
        answer = self.answers.get(order.id.trial, "well")
        if answer == "well":
            return self.well(order)
        return answer(order) if callable(answer) else answer


# ---------------------------------------------------------------------- to the end


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_a_grid_runs_to_its_last_point_in_order(paper: Any, slots: int) -> None:
    ending = paper.drive(slots=slots)
    assert ending.why is Why.MET and ending.record.finished == ending.record.succeeded == 6
    assert paper.texts() == [("1",), ("2",), ("3",), ("4",), ("5",), ("6",)]
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 7), 1)
    assert [t.result.value for t in paper.store.trials(1)] == [1, 2, 3, 4, 5, 6]


def test_a_met_target_starts_nothing(paper: Any) -> None:
    record = paper.open()
    paper.drive(record)
    assert paper.drive(record).why is Why.MET and len(paper.machine.begun) == 6


def test_a_space_with_fewer_points_than_asked_for_is_exhausted_not_waited_for(paper: Any) -> None:
    """A conditional space is counted as a product bound where it must be, so the searcher may run dry first."""
    record = paper.open(paper.describe(algorithm="random", trials=50))
    ending = paper.drive(record)
    assert ending.record.finished == 6 and ending.why in (Why.MET, Why.EXHAUSTED)
    assert len(set(paper.texts())) == 6


def test_a_searcher_that_runs_dry_ends_the_drive(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    record = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=8))
    from luthier.search.random import Random

    full = Random.propose
    monkeypatch.setattr(Random, "propose", lambda *args: [p for p in full(*args) if p.ordinal <= 5])
    ending = paper.drive(record)
    assert ending.record.finished == 5 and ending.record.target == 5 and ending.record.reserved == 0


def test_the_target_can_be_raised_and_lowered_between_drives(paper: Any) -> None:
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


def test_a_target_lowered_while_it_runs_leaves_the_rest_in_the_queue(paper: Any) -> None:
    record = paper.open()

    def lower(what: str) -> None:
        if what == "ended" and len(paper.notes.endings) == 1:
            paper.open(paper.describe(trials=3))

    ending = paper.drive(record, at=lower)
    assert ending.why is Why.MET and ending.record.running == 0
    assert ending.record.finished in (3, 4, 5, 6)  # those that ran already end well


def test_configurations_enqueued_while_it_runs_come_first_and_are_run(paper: Any) -> None:
    record = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=5))
    mine = paper.describe(("x=0.0:1.0",)).space.from_unit({"x": 0.25})

    def enqueue(what: str) -> None:
        if what == "ended" and len(paper.notes.endings) == 5:
            paper.store.enqueue(record.id, [mine], "mine")

    ending = paper.drive(record, at=enqueue)
    assert ending.record.finished == 6 and ("0.25",) in paper.texts()


# ---------------------------------------------------------------------- wishes


def test_pause_lets_what_runs_finish_and_gives_back_what_was_sent_ahead(paper: Any) -> None:
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
    paper: Any, wish: Wish, why: Why, outcome: str
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


def test_ctrl_c_once_ends_what_runs_and_returns_it_to_the_queue(paper: Any) -> None:
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


def test_the_second_ctrl_c_kills_and_is_sent_once(paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_first_trials_all_failing_end_the_drive(paper: Any) -> None:
    paper.script = failing
    ending = paper.drive()
    assert ending.why is Why.ALL_FAILED and ending.record.finished == 3 == len(paper.machine.begun)
    assert paper.notes.endings[0].result.reason == "exit code 1: no such file"


def test_a_small_search_whose_trials_all_fail_is_met(paper: Any) -> None:
    paper.script = failing
    ending = paper.drive(paper.open(paper.describe(("x=1,2",))))
    assert ending.why is Why.MET and ending.record.finished == 2


def test_failures_after_a_success_do_not_end_it(paper: Any) -> None:
    paper.script = AtTrials(paper, **{f"t{n}": failing for n in range(2, 7)})
    ending = paper.drive()
    assert ending.why is Why.MET and paper.outcomes() == ["succeeded"] + ["failed"] * 5


def test_the_first_trial_is_alone_until_it_has_ended(paper: Any) -> None:
    most = []

    def count(what: str) -> None:
        if what == "began":
            most.append(len(paper.machine.running) + (0 if paper.notes.endings else 10))

    paper.drive(slots=4, at=count, first_alone=True)
    assert [n for n in most if n >= 10] == [11]  # one alone


def test_the_others_do_not_wait_for_a_first_trial_that_is_long(paper: Any) -> None:
    paper.script = AtTrials(paper, t1=lambda order: well(order) if len(paper.machine.begun) == 6 else None)
    well = paper.script.well
    assert paper.drive(slots=4, first_alone=True).record.succeeded == 6


def test_a_failed_trial_is_tried_again_as_often_as_was_asked(paper: Any) -> None:
    paper.script = AtTrials(paper, t2=failing)
    ending = paper.drive(paper.open(paper.describe(retry_failed=2)))
    assert ending.why is Why.MET and paper.outcomes()[1] == "failed"
    assert [str(a.result.outcome) for a in paper.store.attempts(1, 2)] == ["failed"] * 3
    assert ending.record.finished == 6


def test_one_trial_that_is_tried_again_is_not_the_first_trials_all_failing(paper: Any) -> None:
    paper.script = AtTrials(paper, t1=failing)
    assert paper.drive(paper.open(paper.describe(retry_failed=4))).why is Why.MET


def test_exit_code_75_asks_for_another_attempt(paper: Any) -> None:
    later = Result(Outcome.FAILED, "exit code 75", exit_code=75, seconds=0.01)
    paper.script = AtTrials(paper, t2=lambda order: later if order.id.attempt < 3 else well(order), t3=later)
    well = paper.script.well
    paper.drive()
    assert paper.outcomes()[1:3] == ["succeeded", "failed"]
    assert len(paper.store.attempts(1, 2)) == len(paper.store.attempts(1, 3)) == 3
    assert "3 times" in paper.store.trial(1, 3).result.reason


def test_a_trial_is_given_up_after_so_many_lost_attempts(paper: Any) -> None:
    paper.script = AtTrials(paper, t2=Result(Outcome.LOST, "its guardian died"))
    paper.drive(paper.open(paper.describe(max_attempts=2)))
    trial = paper.store.trial(1, 2)
    assert (trial.attempt, trial.result.outcome) == (2, Outcome.LOST)
    assert "given up after 2 lost attempts" in trial.result.reason


def test_an_objective_that_is_never_reported_is_a_failure_with_that_reason(paper: Any) -> None:
    paper.script = AtTrials(paper, t2=Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=0.01))
    paper.drive()
    trial = paper.store.trial(1, 2)
    assert trial.result.outcome is Outcome.FAILED and "loss" in trial.result.reason


def test_a_value_that_can_not_be_placed_fails_its_trial_alone(paper: Any) -> None:
    from dataclasses import replace

    from luthier.description import Command

    description = paper.describe(("x=a,b,c d",), objective=None)
    shell = Command(("train :x:",), str(paper.root), shell=True)
    paper.script = lambda order: Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=0.01)
    ending = paper.drive(paper.open(replace(description, command=shell)))
    assert ending.why is Why.MET and paper.outcomes() == ["succeeded", "succeeded", "failed"]
    assert len(paper.machine.begun) == 2


# ---------------------------------------------------------------------- coming back


def die_at(killed: type[BaseException], what: str, place: int) -> Any:
    seen = [0]

    def at(now: str) -> None:
        seen[0] += now == what
        if now == what and seen[0] == place:
            raise killed()

    return at


def test_what_was_running_is_adopted_and_not_begun_again(paper: Any, killed: Any) -> None:
    paper.script = AtTrials(paper, t2=HOLD)
    with pytest.raises(killed):
        paper.drive(at=die_at(killed, "beat", 10))
    assert [id.trial for id in paper.machine.running] == [2]
    paper.script = paper.script.well
    ending = paper.drive()
    assert ending.record.finished == 6 and paper.notes.adopted == 1
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 7), 1)


def test_what_ended_meanwhile_keeps_its_outcome(paper: Any, killed: Any) -> None:
    paper.script = AtTrials(paper, t2=HOLD)
    with pytest.raises(killed):
        paper.drive(at=die_at(killed, "beat", 10))
    (id,) = paper.machine.running
    order = paper.machine.running[id]
    paper.machine.end(id, paper.script.well(order))
    paper.script = paper.script.well
    assert paper.drive().record.succeeded == 6
    assert paper.store.trial(1, 2).attempt == 1 and paper.notes.adopted == 0


def test_what_was_claimed_but_never_began_goes_back_and_counts_for_nothing(paper: Any, killed: Any) -> None:
    """However often the driver dies between the claim and the start, the trial is not given up as lost."""
    record = paper.open(paper.describe(("x=1",), max_attempts=1))
    for _ in range(5):
        worker, hold = paper.alive.work()
        with pytest.raises(killed):
            paper.drive(record, at=die_at(killed, "opened", 1))
        if paper.store.experiment(1).queued:
            paper.store.claim(1, 1, worker, f"claim-{worker}")
        hold.leave()
    ending = paper.drive(record)
    assert ending.record.succeeded == 1 and len(paper.machine.begun) == 1
    ends = [str(a.result.outcome) for a in paper.store.attempts(1, 1)]
    assert set(ends[:-1]) <= {"interrupted"} and ends[-1] == "succeeded"


def test_an_interrupted_attempt_uses_up_no_retry(paper: Any) -> None:
    interrupts = Interrupts()
    paper.script = AtTrials(paper, t2=HOLD)

    def press(what: str) -> None:
        if what == "beat" and 2 in {id.trial for id in paper.machine.running}:
            interrupts.count = 1

    record = paper.open(paper.describe(retry_failed=1))
    paper.drive(record, at=press, interrupts=interrupts)
    paper.script = AtTrials(paper, t2=failing)
    paper.script.well = lambda order: Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=0.01)
    paper.drive(record)
    assert [str(a.result.outcome) for a in paper.store.attempts(1, 2)] == ["interrupted", "failed", "failed"]


def test_an_adopted_attempt_is_read_again_and_no_point_is_counted_twice(paper: Any, killed: Any) -> None:
    def steps(order: Order) -> Result | None:
        path = Path(order.folder, "metrics.jsonl")
        with open(path, "a", encoding="utf-8") as file:
            step = path.read_text(encoding="utf-8").count("\n")
            file.write(f'{{"step": {step}, "loss": {10 - step}, "nan": NaN}}\n')
        return Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=1.0) if step == 7 else None

    paper.script = steps
    record = paper.open(paper.describe(("x=1",)))
    for _ in range(3):
        with pytest.raises(killed):
            paper.drive(record, at=die_at(killed, "reported", 2))
    paper.drive(record)
    points = [p for p in paper.store.points(1, 1) if p.metric == "loss"]
    assert [(p.step, p.value) for p in points] == [(k, 10 - k) for k in range(8)]
    assert paper.store.trial(1, 1).result.value == 3 and len(paper.store.points(1, 1)) == 16


def test_the_result_of_a_worker_that_was_given_up_is_kept_as_an_event_and_counts_nowhere(paper: Any) -> None:
    record = paper.open(paper.describe(("x=1,2",)))

    def steal(what: str) -> None:
        if what == "began" and len(paper.notes.claims) == 1:
            other = Result(Outcome.SUCCEEDED, "the other's", value=7.0)
            paper.store.finish(paper.notes.claims[0], other)

    ending = paper.drive(record, at=steal)
    assert ending.record.finished == 2 and paper.store.trial(1, 1).result.reason == "the other's"
    assert any("went to another worker" in text for text in paper.notes.texts)
    assert "stale" in {event.kind for event in paper.store.events(experiment=1)}


def test_a_reservation_of_a_dead_worker_is_proposed_again_at_once(paper: Any) -> None:
    record = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=4))
    golden = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=4), fresh=True)
    worker, hold = paper.alive.work()
    assert len(paper.store.reserve(record.id, 3, worker, "dead")) == 3
    hold.leave()
    before = paper.machine.clock.elapsed()
    assert paper.drive(record).record.finished == 4
    assert paper.machine.clock.elapsed() - before < 30
    paper.drive(golden)
    assert paper.texts(record.id) == paper.texts(golden.id)


def test_a_lease_that_ran_out_is_taken_over_while_its_program_elsewhere_is_silent(paper: Any) -> None:
    record = paper.open(paper.describe(("x=1,2",), max_attempts=2))
    paper.drive(paper.open(paper.describe(("x=1,2",), trials=1)))
    paper.open(paper.describe(("x=1,2",), trials=2))
    from luthier.drive.planning import ask

    (claim,) = ask(paper.store, record.id, 1, "ask:me", 60.0, paper.machine.clock)
    ending = paper.drive(record)
    assert ending.record.finished == 2 and paper.store.trial(1, claim.id.trial).attempt == 2
    first = paper.store.attempts(1, claim.id.trial)[0]
    assert first.result.outcome is Outcome.LOST and "lease" in first.result.reason


def test_workers_that_come_and_die_share_the_budget_with_one_that_stays(paper: Any, killed: Any) -> None:
    """Others begin, take trials and die at every place where the first one hears something."""
    record = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=40))
    others = [0]

    def other(what: str) -> None:
        if what == "ended" and others[0] < 15:
            others[0] += 1
            mine = paper.notes
            die = {"ended": others[0] % 3 + 1, "began": others[0] % 4 + 1, "beat": 5}
            seen: Counter[str] = Counter()

            def at(now: str) -> None:
                seen[now] += 1
                if seen[now] == die.get(now):
                    raise killed()

            with pytest.raises(killed):
                paper.drive(record, at=at, slots=2)
            paper.notes = mine

    ending = paper.drive(record, slots=2, at=other)
    assert ending.record.finished == ending.record.trials == 40 and others[0] == 15
    assert Counter(id.trial for id in paper.machine.begun) == dict.fromkeys(range(1, 41), 1)
    assert not paper.store.held(1) and not list(paper.alive._folder.glob("worker-*"))


# ---------------------------------------------------------------------- devices


def test_an_adopted_trial_keeps_its_device_to_itself(paper: Any, killed: Any) -> None:
    """Two GPUs, both busy at the kill: the next driver starts nothing on them, ahead or not, before they are free."""
    devices: list[tuple[str, ...] | None] = [("0",), ("1",)]
    where: dict[int, str] = {}

    def script(order: Order) -> Result | None:
        where[order.id.trial] = order.env["CUDA_VISIBLE_DEVICES"]
        busy = [o.env["CUDA_VISIBLE_DEVICES"] for o in paper.machine.running.values()]
        assert len(busy) == len(set(busy)), f"two trials on one GPU: {busy}"
        return HOLD if order.id.trial in (5, 6) and holding else well(order)

    well, holding = paper.script, True
    paper.script = script
    record = paper.open(paper.describe(("x=1,2,3,4,5,6,7,8,9,10,11,12",)))

    def die(what: str) -> None:
        if what == "beat" and {5, 6} <= {id.trial for id in paper.machine.running}:
            raise killed()

    with pytest.raises(killed):
        paper.drive(record, slots=devices, at=die)

    def free(what: str) -> None:
        nonlocal holding
        if what == "beat" and paper.notes.beats == 5:
            holding = False

    ending = paper.drive(record, slots=devices, at=free)
    assert ending.record.succeeded == 12 and paper.notes.adopted == 2
    assert set(where.values()) == {"0", "1"}


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_adopted_trials_count_as_running_ones(paper: Any, killed: Any, slots: int) -> None:
    well, paper.script = paper.script, lambda order: HOLD
    record = paper.open()

    def die(what: str) -> None:
        if what == "beat" and len(paper.machine.running) == 4:
            raise killed()

    with pytest.raises(killed):
        paper.drive(record, slots=4, at=die)
    most = [0]

    def end_one(order: Order) -> Result | None:
        most[0] = max(most[0], len([o for o in paper.machine.running if o.trial > 4]))
        if order.id.trial > 4:
            adopted = [o for o in paper.machine.running if o.trial <= 4]
            assert len(adopted) < slots, "more side by side than there are slots"
        ends = order.id.trial == min(o.trial for o in paper.machine.running)
        return well(order) if ends else None

    paper.script = end_one
    ending = paper.drive(record, slots=slots)
    assert ending.record.finished == 6 and most[0] <= slots


def test_every_trial_is_finished_once_the_drive_says_so(paper: Any) -> None:
    paper.drive(slots=3)
    assert paper.states() == {str(TrialState.FINISHED): 6} and not paper.store.held(1)
    assert not list(paper.alive._folder.glob("worker-*"))


def test_points_are_told_while_a_trial_runs(paper: Any) -> None:
    turns = [0]

    def script(order: Order) -> Result | None:
        turns[0] += 1
        Path(order.folder, "stdout.log").write_text("".join(f"loss={k}\n" for k in range(turns[0])))
        return HOLD if turns[0] < 4 else Result(Outcome.SUCCEEDED, "", seconds=1.0)

    paper.script = script
    paper.drive(paper.open(paper.describe(("x=1",))))
    assert [p.value for p in paper.notes.points] and all(isinstance(p, Point) for p in paper.notes.points)
    assert paper.store.trial(1, 1).result.value == 3
