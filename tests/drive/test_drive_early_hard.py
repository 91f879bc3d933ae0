"""Early endings where they are hard: kills between a decision and its doing, folds of unequal difficulty, several objectives,
programs that end in their own way."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from drive_paper import Killed, Paper, die_at
from test_drive_early import EPOCHS, Epochs, describe, write

from luthier.description import Constraint, Goal, Objective, Stages, Stopping
from luthier.drive.ends import Why
from luthier.drive.leaving import Leaving
from luthier.run.runner import Order
from luthier.trial import Outcome, Result

WELL = Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=1.0)
FOLDS = Stages("folds", "fold", (0.0, 1.0, 2.0))


def results(paper: Paper, experiment: int = 1) -> list[Result]:
    """The results of all trials, which are all finished."""
    found = [trial.final for trial in paper.store.trials(experiment)]
    assert all(found)
    return [each for each in found if each is not None]


# ---------------------------------------------------------------------- folds


def test_a_hard_fold_ends_nobody_in_its_middle(paper: Paper) -> None:
    """Fold 1 is hard for everybody: within it nobody is compared with what others had in easy ones."""

    def train(order: Order) -> Result | None:
        at[order.key] += 1
        x, number = float(order.argv[1]), int(order.argv[2])
        write(
            order, f"epoch {at[order.key]} loss: {x + (50.0 if number == 1 else 0.0) + 1 / at[order.key]}\n"
        )
        return WELL if at[order.key] == 10 else None

    at: Counter[str] = Counter()
    paper.machine.script = train
    # the best one comes last
    record = paper.open(describe(paper, 9, stages=FOLDS, stopping=Stopping("auto"))._replace(seed=1))
    paper.drive(record)
    for trial in paper.store.trials(record.id):
        for attempt in paper.store.attempts(record.id, trial.number):
            assert attempt.result is not None and "fold" in (attempt.result.reason or "folds")
    first = paper.store.trial(record.id, 1).final
    assert first is not None and first.outcome is Outcome.SUCCEEDED
    assert all(count == 10 for count in at.values()), "no fold was cut short"


def test_who_is_stopped_in_a_fold_has_what_its_whole_folds_came_to(paper: Paper) -> None:
    def train(order: Order) -> Result | None:
        x, number = float(order.argv[1]), int(order.argv[2])
        if x == 2 and number == 2:
            write(order, "epoch 1 loss: 99\n")
            return None
        write(order, f"epoch 1 loss: {x + number}\n")
        return WELL

    paper.machine.script = train
    conditions = Stopping("none", {}, ("loss > 50",))
    paper.drive(paper.open(describe(paper, 3, stages=FOLDS, stopping=conditions)))
    good, stopped, other = results(paper)
    assert (good.value, other.value) == (2.0, 4.0)
    assert stopped.outcome is Outcome.STOPPED and stopped.value == 2.5
    assert stopped.curve == ((1.0, 2.0), (2.0, 2.5))


def test_who_is_stopped_in_its_first_stage_has_no_value(paper: Paper) -> None:
    paper.machine.script = lambda order: write(order, "epoch 1 loss: 99\n") or None
    conditions = Stopping("none", {}, ("loss > 50",))
    paper.drive(paper.open(describe(paper, 2, stages=FOLDS, stopping=conditions)))
    assert [(r.outcome, r.value, r.curve) for r in results(paper)] == [(Outcome.STOPPED, None, ())] * 2


# ---------------------------------------------------------------------- a budget with a rule of one's own


def test_those_that_were_promoted_still_count_at_the_rungs_they_passed(paper: Paper) -> None:
    """Every attempt goes on from where the one before it ended, so a rung keeps whom it had."""

    def train(order: Order) -> Result | None:
        trial, x, budget = order.id.trial, float(order.argv[1]), float(order.argv[2])
        at[trial] += 1
        write(order, f"epoch {at[trial]} loss: {x + 1 / at[trial]}\n")
        return WELL if at[trial] >= budget else None

    at: Counter[int] = Counter()
    paper.machine.script = train
    stages = Stages("rungs", "epochs", (6.0, 18.0, 54.0))
    record = paper.open(describe(paper, 9, stages=stages, stopping=Stopping("asha", {"eta": 2})))
    paper.drive(record)
    decided = [e.detail for e in paper.store.events(experiment=record.id) if e.kind == "decided"]
    counts = [
        int(re.findall(r"rank \d+ of (\d+)", detail["reason"])[0])
        for detail in decided
        if "rank" in detail["reason"] and detail["resource"] == 1
    ]
    assert counts == list(range(counts[0], 10)), "each one is compared with all that came before it"


# ---------------------------------------------------------------------- several objectives


def test_a_trial_that_has_caught_up_in_one_objective_is_not_held_to_what_it_was(paper: Paper) -> None:
    """Trial 9 is hopeless in the first objective until epoch 7, then the best of all; in the second it is poor from 14 on."""

    def both(order: Order) -> Result | None:
        number = order.id.trial
        at[number] += 1
        epoch = at[number]
        loss, cost = 1.0 + 1 / epoch, 1.0 + 1 / epoch
        if number == 9:
            loss, cost = (5.0, 0.5) if epoch < 8 else (0.5 - epoch / 10, 0.5 if epoch < 14 else 5.0)
        write(order, f"epoch {epoch} loss: {loss} cost: {cost}\n")
        return WELL if epoch == EPOCHS else None

    at: Counter[int] = Counter()
    paper.machine.script = both
    also = (Objective("cost", direction="minimize"),)
    record = paper.open(describe(paper, 9, stopping=Stopping("auto"), also=also))
    paper.drive(record)
    assert results(paper)[8].outcome is Outcome.SUCCEEDED and at[9] == EPOCHS


# ---------------------------------------------------------------------- kills


def test_a_stop_that_was_decided_is_done_by_the_next_driver(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = paper.machine.script = Epochs()
    record = paper.open(describe(paper, 3, stopping=Stopping("none", {}, ("loss > 3:3",))))

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Leaving, "let_go", dies)
        with pytest.raises(Killed):
            paper.drive(record)
    paper.drive(record)
    assert paper.outcomes(record.id) == ["succeeded", "succeeded", "stopped"]
    assert epochs.at[3] <= 5


@pytest.mark.parametrize("place", [1, 2])
def test_a_point_that_was_kept_but_not_judged_is_judged_by_the_next_driver(paper: Paper, place: int) -> None:
    """Only the point at step 3 fulfils the condition; the driver dies between keeping a point and judging it."""

    def train(order: Order) -> Result | None:
        at[order.id.trial] += 1
        epoch = at[order.id.trial]
        write(order, f"epoch {epoch} loss: {9 if epoch == 3 else 1}\n")
        return WELL if epoch == EPOCHS else None

    at: Counter[int] = Counter()
    paper.machine.script = train
    record = paper.open(describe(paper, 1, stopping=Stopping("none", {}, ("loss > 5:3",))))
    with pytest.raises(Killed):
        paper.drive(record, at=die_at("reported", place))
    paper.drive(record)
    assert paper.outcomes(record.id) == ["stopped"]


def test_a_condition_remembers_what_was_said_before_the_kill(paper: Paper) -> None:
    """`accuracy` is reported once, in the beginning."""

    def train(order: Order) -> Result | None:
        at[order.id.trial] += 1
        epoch = at[order.id.trial]
        write(order, "epoch 1 accuracy: 0.1\n" if epoch == 1 else f"epoch {epoch} loss: {epoch}\n")
        return WELL if epoch == EPOCHS else None

    at: Counter[int] = Counter()
    paper.machine.script = train
    record = paper.open(describe(paper, 1, stopping=Stopping("none", {}, ("accuracy < 0.2 && loss > 9",))))
    with pytest.raises(Killed):
        paper.drive(record, at=die_at("reported", 4))
    paper.drive(record)
    assert paper.outcomes(record.id) == ["stopped"] and at[1] < EPOCHS


def test_one_that_was_told_and_ended_while_nobody_drove_was_stopped(paper: Paper) -> None:
    """It saves its model and leaves with 0, as it was told to; its value is that of a part."""

    def polite(order: Order) -> Result | None:
        Path(order.folder, "asks-should-stop").touch()
        return WELL if Path(order.folder, "should-stop").exists() else epochs(order)

    epochs = Epochs()
    paper.machine.script = polite
    record = paper.open(describe(paper, 1, stopping=Stopping("none", {}, ("loss > 0:4",))))

    def dies_once_it_is_told(word: str) -> None:
        if list(paper.root.rglob("should-stop")):
            raise Killed

    with pytest.raises(Killed):
        paper.drive(record, at=dies_once_it_is_told)
    paper.drive(record)
    (result,) = results(paper)
    assert result.outcome is Outcome.STOPPED and "the stop condition" in result.reason


@pytest.mark.parametrize("code", [0, 1, 3])
def test_one_that_was_told_may_leave_with_any_exit_code(paper: Paper, code: int) -> None:
    def leaves(order: Order) -> Result | None:
        Path(order.folder, "asks-should-stop").touch()
        if Path(order.folder, "should-stop").exists():
            outcome = Outcome.FAILED if code else Outcome.SUCCEEDED
            return Result(outcome, f"it exited with code {code}", exit_code=code, seconds=1.0)
        return epochs(order)

    epochs = Epochs()
    paper.machine.script = leaves
    description = describe(paper, 1, stopping=Stopping("none", {}, ("loss > 0:4",)))
    limits = description.limits._replace(retry_failed=1)
    record = paper.open(description._replace(limits=limits))
    paper.drive(record)
    assert paper.outcomes(record.id) == ["stopped"]
    assert paper.store.trial(record.id, 1).attempt == 1


# ---------------------------------------------------------------------- goals, patience, names


def test_a_target_is_not_reached_by_who_breaks_a_constraint(paper: Paper) -> None:
    def train(order: Order) -> Result:
        x = float(order.argv[1])
        write(order, f"loss: {x} memory: {3 - x}\n")
        return WELL

    paper.machine.script = train
    made = describe(paper, goal=Goal(value=2.0), constraints=(Constraint.of("memory <= 1"),))
    ending = paper.drive(paper.open(made))
    assert ending.why is Why.TARGET and ending.record.finished == 2
    assert ending.reason == "trial 1.2 reached 2, the target being 2"


@pytest.mark.parametrize("asks", [False, True])
def test_who_has_converged_is_complete_and_may_be_the_best(paper: Paper, asks: bool) -> None:
    def train(order: Order) -> Result | None:
        at[order.id.trial] += 1
        if asks:
            Path(order.folder, "asks-should-stop").touch()
            if Path(order.folder, "should-stop").exists():
                return WELL
        write(
            order,
            f"epoch {at[order.id.trial]} loss: {float(order.argv[1]) + 1 / min(at[order.id.trial], 5)}\n",
        )
        return WELL if at[order.id.trial] == EPOCHS else None

    at: Counter[int] = Counter()
    paper.machine.script = train
    record = paper.open(describe(paper, 3, stopping=Stopping("patience", {"points": 4})))
    ending = paper.drive(record)
    assert ending.record.succeeded == 3 and max(at.values()) < EPOCHS
    assert [(r.outcome, r.value) for r in results(paper)] == [
        (Outcome.SUCCEEDED, pytest.approx(x + 0.2)) for x in (1, 2, 3)
    ]
    assert "was not improved in 4 points" in results(paper)[0].reason


def test_a_condition_meets_a_metric_by_its_names_in_keras(paper: Paper) -> None:
    def train(order: Order) -> Result | None:
        at[order.id.trial] += 1
        write(order, f"Epoch {at[order.id.trial]}/20\n9/9 - 1s - loss: 2.0 - val_accuracy: 0.1\n")
        return WELL if at[order.id.trial] == EPOCHS else None

    at: Counter[int] = Counter()
    paper.machine.script = train
    record = paper.open(describe(paper, 1, stopping=Stopping("none", {}, ("keras/val_acc < 0.5:3",))))
    paper.drive(record)
    assert paper.outcomes(record.id) == ["stopped"] and at[1] < EPOCHS


def test_a_condition_on_what_nobody_reports_is_said_once(paper: Paper) -> None:
    paper.machine.script = Epochs()
    conditions = Stopping("none", {}, ("los > 5", "loss > 500"))
    paper.drive(paper.open(describe(paper, 3, stopping=conditions)))
    said = [text for text in paper.notes.texts if "stop condition" in text]
    assert said == ["1.1: a stop condition names los, which it did not report (did you mean loss?)"]
