"""Trials that end before their end, on a machine of paper: rules, conditions, goals, rungs and folds, and every crash."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from drive_paper import Killed, Paper, die_at

from luthier.description import Description, Goal, Objective, Stages, Stopping
from luthier.drive.ends import Why
from luthier.run.runner import Order
from luthier.trial import Outcome, Result

LEVELS = (1.0, 3.0, 9.0)
EPOCHS = 20


def describe(paper: Paper, count: int = 9, *, stages: Stages | None = None, **changes: Any) -> Description:
    """A grid of `count` values of x, whose loss is to be small."""
    values = ",".join(str(n) for n in range(1, count + 1))
    made = paper.describe((f"x={values}",))._replace(stages=stages, **changes)
    if stages is not None and stages.parameter and made.command is not None:
        words = (*made.command.words, f":{stages.parameter}:")
        made = made._replace(command=made.command._replace(words=words))
    return made


def write(order: Order, text: str) -> None:
    with open(f"{order.folder}/stdout.log", "a", encoding="utf-8") as file:
        file.write(text)


class Epochs:
    """A program that prints one epoch each time it is looked at, and ends after twenty. Its loss falls to x from above."""

    def __init__(self) -> None:
        self.at: Counter[int] = Counter()

    def __call__(self, order: Order) -> Result | None:
        trial, x = order.id.trial, float(order.argv[1])
        self.at[trial] += 1
        epoch = self.at[trial]
        write(order, f"epoch {epoch} loss: {x + 1 / epoch}\n")
        return Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=1.0) if epoch == EPOCHS else None


def rung(order: Order) -> Result:
    """A program with a budget: its loss falls towards x as it grows."""
    x, epochs = float(order.argv[1]), float(order.argv[2])
    write(order, f"loss: {x + 1 / epochs}\n")
    return Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=0.01)


def fold(order: Order) -> Result:
    """A program that is run once a fold; the later folds are the harder ones."""
    x, number = float(order.argv[1]), float(order.argv[2])
    write(order, f"loss: {x + number / 100}\n")
    return Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=0.01)


# ---------------------------------------------------------------------- rules


def test_a_rule_stops_the_poor_ones_with_its_reason_and_their_curves(paper: Paper) -> None:
    epochs = paper.machine.script = Epochs()
    record = paper.open(describe(paper, stopping=Stopping("asha")))
    ending = paper.drive(record, slots=3)
    trials = paper.store.trials(record.id)
    assert ending.why is Why.MET and ending.record.finished == 9
    kept = [t for t in trials if t.result and t.result.outcome is Outcome.SUCCEEDED]
    stopped = [t for t in trials if t.result and t.result.outcome is Outcome.STOPPED]
    assert len(kept) + len(stopped) == 9 and stopped and kept[0].number == 1
    for trial in stopped:
        assert trial.result is not None and trial.result.value is not None
        assert "is rank" in trial.result.reason and epochs.at[trial.number] < EPOCHS
        resource, value = trial.result.curve[-1]
        assert resource == epochs.at[trial.number] and value == trial.result.value
    assert kept[0].result is not None and [r for r, _ in kept[0].result.curve] == [1, 4, 16, 20]


def test_every_decision_is_in_the_record_before_the_trial_ends(paper: Paper) -> None:
    paper.machine.script = Epochs()
    record = paper.open(describe(paper, stopping=Stopping("asha")))
    paper.drive(record, slots=3)
    events = paper.store.events(experiment=record.id)
    ended = {e.trial: e.revision for e in events if e.kind == "finished"}
    stops = {e.trial: e for e in events if e.kind == "decided" and e.detail["stops"]}
    stopped = {
        t.number: t.result.reason
        for t in paper.store.trials(record.id)
        if t.result and t.result.outcome is Outcome.STOPPED
    }
    assert {number: event.detail["reason"] for number, event in stops.items()} == stopped
    assert all(event.revision < ended[number] for number, event in stops.items())
    assert any(e.kind == "decided" and not e.detail["stops"] for e in events)


def test_the_next_driver_compares_with_what_earlier_ones_ran(paper: Paper) -> None:
    """Trials of a dead driver are read from the record: the first one after it is judged against them at once."""
    epochs = paper.machine.script = Epochs()
    record = paper.open(describe(paper, 12, stopping=Stopping("asha")))
    with pytest.raises(Killed):
        paper.drive(record, slots=1, at=die_at("ended", 6))
    paper.drive(record, slots=1)
    late = [trial for trial in paper.store.trials(record.id) if trial.number > 7]
    assert all(trial.result and trial.result.outcome is Outcome.STOPPED for trial in late)
    assert all(epochs.at[trial.number] < 4 for trial in late)  # at the first rung, as soon as it was read


def test_a_condition_stops_at_the_first_index_that_counts_and_not_before(paper: Paper) -> None:
    epochs = paper.machine.script = Epochs()
    record = paper.open(describe(paper, 6, stopping=Stopping("none", {}, ("loss > 5:3",))))
    paper.drive(record)
    outcomes = paper.outcomes(record.id)
    assert outcomes == ["succeeded"] * 4 + ["stopped"] * 2
    assert [epochs.at[n] for n in (5, 6)] == [3, 3]
    reason = paper.store.trial(record.id, 6).result
    assert reason is not None and "the stop condition 'loss > 5:3' holds" in reason.reason


def test_with_two_objectives_a_trial_ends_only_when_it_is_poor_in_both(paper: Paper) -> None:
    def both(order: Order) -> Result | None:
        at[order.id.trial] += 1
        x, epoch = float(order.argv[1]), at[order.id.trial]
        cost = 10 - x if x < 8 else 20.0  # the worst losses are cheap, but for two
        write(order, f"epoch {epoch} loss: {x} cost: {cost}\n")
        return Result(Outcome.SUCCEEDED, "", exit_code=0) if epoch == EPOCHS else None

    at: Counter[int] = Counter()
    paper.machine.script = both
    also = (Objective("cost", direction="minimize"),)
    record = paper.open(describe(paper, 9, stopping=Stopping("asha"), also=also))
    paper.drive(record, slots=9)
    assert paper.outcomes(record.id) == ["succeeded"] * 7 + ["stopped"] * 2
    told = paper.store.trial(record.id, 9).result
    assert told is not None and "loss: " in told.reason and "cost: " in told.reason


def test_a_program_that_asks_whether_it_should_stop_is_told_and_ends_by_itself(paper: Paper) -> None:
    told: dict[int, str] = {}

    def polite(order: Order) -> Result | None:
        Path(order.folder, "asks-should-stop").touch()
        word = Path(order.folder, "should-stop")
        if word.exists():
            told[order.id.trial] = word.read_text(encoding="utf-8").strip()
            return Result(Outcome.SUCCEEDED, "", exit_code=0)
        return epochs(order)

    epochs = Epochs()
    paper.machine.script = polite
    record = paper.open(describe(paper, stopping=Stopping("asha")))
    paper.drive(record, slots=3)
    stopped = {
        t.number: t.result.reason
        for t in paper.store.trials(record.id)
        if t.result and t.result.outcome is Outcome.STOPPED
    }
    assert told and told == stopped


def test_one_that_asks_but_does_not_end_is_ended_after_its_grace(paper: Paper) -> None:
    def deaf(order: Order) -> Result | None:
        Path(order.folder, "asks-should-stop").touch()
        ended = epochs(order) if epochs.at[order.id.trial] < EPOCHS - 1 else None
        return ended

    epochs = Epochs()
    paper.machine.script = deaf
    record = paper.open(describe(paper, 1, stopping=Stopping("none", {}, ("loss > 0",))))
    before = paper.machine.clock.elapsed()
    paper.drive(record)
    assert paper.outcomes(record.id) == ["stopped"]
    assert paper.machine.clock.elapsed() - before >= record.description.limits.grace_seconds


def test_adopted_trials_are_judged_by_all_they_had_reported(paper: Paper) -> None:
    epochs = paper.machine.script = Epochs()
    record = paper.open(describe(paper, 6, stopping=Stopping("patience", {"points": 30})))
    with pytest.raises(Killed):
        paper.drive(record, slots=2, at=die_at("reported", 9))
    assert paper.drive(record, slots=2).record.succeeded == 6
    first = paper.store.trial(record.id, 1).result
    assert first is not None and first.curve == ((1, 2.0), (4, 1.25), (16, 1.0625), (20, 1.05))
    assert epochs.at[1] == EPOCHS


# ---------------------------------------------------------------------- goals


@pytest.mark.parametrize(
    ("goal", "why", "finished"),
    [
        (Goal(value=3.0), Why.TARGET, 3),
        (Goal(no_progress=4), Why.NO_PROGRESS, 7),
    ],
)
def test_a_search_ends_when_its_goal_is_reached_and_says_why(
    paper: Paper, goal: Goal, why: Why, finished: int
) -> None:
    record = paper.open(describe(paper, objective=Objective("loss", direction="maximize"), goal=goal))
    values = [1, 2, 3, 1, 2, 2, 1, 2, 1]
    paper.machine.script = lambda order: scored(order, values[order.id.trial - 1])
    ending = paper.drive(record)
    assert ending.why is why and ending.record.finished == finished and ending.reason
    (noted,) = [
        e for e in paper.store.events(experiment=record.id) if e.detail.get("reason") == ending.reason
    ]
    assert noted.kind == "wished"
    again = paper.drive(record)
    assert again.why is why and again.record.finished == finished  # typed again, it is still reached
    freed = paper.open(describe(paper, objective=Objective("loss", direction="maximize")))
    paper.store.set_wish(freed.id, record.wish.RUN, "a search was started")
    assert freed.id == record.id and paper.drive(freed).why is Why.MET


def test_when_time_is_up_running_trials_go_back_to_the_queue(paper: Paper) -> None:
    paper.machine.script = lambda order: None
    record = paper.open(describe(paper, goal=Goal(seconds=60.0)))
    ending = paper.drive(record, slots=2)
    assert ending.why is Why.TIME and ending.record.finished == 0 and ending.record.queued == 9
    assert paper.machine.clock.elapsed() >= 60


def scored(order: Order, value: float) -> Result:
    write(order, f"loss: {value}\n")
    return Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=1.0)


# ---------------------------------------------------------------------- rungs


def test_a_third_goes_on_from_each_rung_with_its_new_budget(paper: Paper) -> None:
    paper.machine.script = rung
    stages = Stages("rungs", "epochs", LEVELS)
    record = paper.open(describe(paper, stages=stages))
    ending = paper.drive(record, slots=3)
    assert ending.why is Why.MET and ending.record.succeeded == 1 and ending.record.waiting == 0
    assert Counter(order.split()[-1] for order in commands(paper, record.id)) == {"1": 9, "3": 3, "9": 1}
    best = paper.store.trial(record.id, 1)
    assert best.result is not None and best.result.outcome is Outcome.SUCCEEDED
    assert best.result.curve == ((1, 2.0), (3, 1 + 1 / 3), (9, 1 + 1 / 9))
    last = paper.store.trial(record.id, 9).result
    assert last is not None and last.outcome is Outcome.STOPPED and "is rank 9 of 9" in last.reason
    assert last.value == 10.0


def test_rungs_survive_a_kill_at_every_point(paper: Paper, tmp_path: Path) -> None:
    """Wherever the driver dies, the same trials go on to the same rungs, and no rung is finished twice."""
    for word, places in (("began", range(1, 14)), ("ended", range(1, 14))):
        for place in places:
            other = Paper(tmp_path / f"{word}-{place}")
            other.machine.script = rung
            record = other.open(describe(other, stages=Stages("rungs", "epochs", LEVELS)))
            with pytest.raises(Killed):
                other.drive(record, slots=1, at=die_at(word, place))
            ending = other.drive(record, slots=1)
            assert ending.why is Why.MET and ending.record.finished == 9 and ending.record.succeeded == 1
            finished = Counter(
                (t.number, attempt.stage)
                for t in other.store.trials(record.id)
                for attempt in other.store.attempts(record.id, t.number)
                if attempt.result and attempt.result.outcome is Outcome.SUCCEEDED
            )
            assert max(finished.values()) == 1
            assert Counter(stage for _, stage in finished) == {0: 9, 1: 3, 2: 1}


def test_who_waits_for_its_own_rung_takes_no_lock(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker looks five times a second; where no trial waits there is nothing to send on, and nobody to keep waiting."""
    locked, asked, together = [0], [0], paper.store.together

    def counted() -> Any:
        locked[0] += 1
        return together()

    def long(order: Order) -> Result | None:
        asked[0] += 1
        return rung(order) if asked[0] > 100 else None

    monkeypatch.setattr(paper.store, "together", counted)
    paper.machine.script = long
    record = paper.open(describe(paper, 1, stages=Stages("rungs", "epochs", (1.0,))))
    assert paper.drive(record).why is Why.MET
    assert paper.notes.beats > 100 and locked[0] < 20


def test_a_trial_that_fails_at_a_rung_makes_room_for_the_next_best(paper: Paper) -> None:
    def breaks(order: Order) -> Result:
        if order.id.trial == 1 and order.argv[2] == "3":
            return Result(Outcome.FAILED, "exit code 1", exit_code=1)
        return rung(order)

    paper.machine.script = breaks
    record = paper.open(describe(paper, stages=Stages("rungs", "epochs", LEVELS)))
    ending = paper.drive(record, slots=2)
    assert ending.why is Why.MET and ending.record.finished == 9
    assert paper.outcomes(record.id).count("failed") == 1
    assert paper.outcomes(record.id)[1] == "succeeded"


# ---------------------------------------------------------------------- folds


def test_folds_run_one_after_another_and_are_averaged(paper: Paper) -> None:
    paper.machine.script = fold
    stages = Stages("folds", "fold", tuple(float(n) for n in range(5)))
    record = paper.open(describe(paper, 3, stages=stages))
    ending = paper.drive(record, slots=2)
    assert ending.why is Why.MET and ending.record.succeeded == 3
    assert len(commands(paper, record.id)) == 15
    result = paper.store.trial(record.id, 2).result
    assert result is not None and result.value == pytest.approx(2.02)
    assert [resource for resource, _ in result.curve] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("rule", ["auto", "folds"])
def test_a_rule_saves_the_folds_of_those_that_are_far_behind(paper: Paper, rule: str) -> None:
    paper.machine.script = fold
    stages = Stages("folds", "fold", tuple(float(n) for n in range(5)))
    record = paper.open(describe(paper, 9, stages=stages, stopping=Stopping(rule)))
    ending = paper.drive(record, slots=1)
    assert ending.why is Why.MET and ending.record.finished == 9
    assert paper.outcomes(record.id)[0] == "succeeded"
    assert paper.outcomes(record.id)[1:] == ["stopped"] * 8
    assert len(commands(paper, record.id)) <= 5 + 8 * 2
    last = paper.store.trial(record.id, 9).result
    assert last is not None and "of 5 folds" in last.reason and last.curve


def commands(paper: Paper, experiment: int) -> list[str]:
    """The commands of all attempts that finished."""
    return [
        " ".join(attempt.command or ())
        for trial in paper.store.trials(experiment)
        for attempt in paper.store.attempts(experiment, trial.number)
        if attempt.result is not None and attempt.result.outcome is Outcome.SUCCEEDED
    ]
