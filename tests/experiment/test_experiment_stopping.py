"""Early stopping in Python: functions that report, and trials that a program runs itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import luthier
from luthier.errors import ConflictError, UsageError

EPOCHS = 30
SPACE = {"rate": luthier.uniform(0, 1), "late": luthier.uniform(0, 1)}
QUIET: dict[str, Any] = {"workers": 0, "progress": False}


def loss_at(epoch: int, rate: float, late: float) -> float:
    """How good a configuration is shows late: some are found out at once, some after a few epochs."""
    shown = min(1.0, (epoch + 1) / (1 + 20 * late))
    return shown * rate + (1 - shown) * 0.2 + 0.98**epoch


def train(rate: float, late: float) -> None:
    for epoch in range(EPOCHS):
        luthier.report(step=epoch, loss=loss_at(epoch, rate, late))


def points_of(experiment: luthier.Experiment) -> dict[int, int]:
    return {number: len(points) for number, points in experiment.curves("loss").items()}


def decided(experiment: luthier.Experiment) -> list[tuple[int | None, bool, str]]:
    events = experiment._store.events(experiment=experiment.id)
    return [(e.trial, e.detail["stops"], e.detail["reason"]) for e in events if e.kind == "decided"]


def test_poor_trials_end_at_the_rungs_and_the_others_at_the_end() -> None:
    """Check 72: a function that reports every epoch, and ASHA."""
    experiment = luthier.minimize(
        train, SPACE, trials=40, algorithm="random", seed=4, early_stopping="asha", **QUIET
    )
    points = points_of(experiment)
    trials = experiment.trials
    assert {points[t.number] for t in trials if t.outcome == "stopped"} == {1, 4, 16}
    whole = [t for t in trials if t.outcome == "succeeded"]
    assert len(whole) >= 3 and all(points[t.number] == EPOCHS for t in whole)
    assert len(whole) + sum(t.outcome == "stopped" for t in trials) == 40
    assert experiment.best.number in {t.number for t in whole}
    assert sum(points.values()) < 0.5 * 40 * EPOCHS
    for trial in trials:
        if trial.outcome == "stopped":
            (reason,) = [
                why for number, stops, why in decided(experiment) if number == trial.number and stops
            ]
            assert trial.reason == reason and " is rank " in reason
            assert trial.value == experiment.curves("loss")[trial.number][-1][1]


def test_the_curves_of_all_trials_are_a_data_frame() -> None:
    experiment = luthier.minimize(
        train, SPACE, trials=12, algorithm="random", seed=1, early_stopping="asha", **QUIET
    )
    frame = experiment.to_pandas(curves="long")
    assert isinstance(frame, pd.DataFrame)
    for number, points in experiment.curves("loss").items():
        rows = frame[(frame["trial"] == number) & (frame["metric"] == "loss")]
        assert list(zip(rows["step"], rows["value"], strict=True)) == points
    assert set(experiment.to_pandas()["outcome"]) == {"stopped", "succeeded"}


def test_a_function_that_asks_ends_by_itself_and_says_what_it_reached() -> None:
    def asking(x: float) -> float:
        for epoch in range(10):
            luthier.report(step=epoch, loss=9.0)
            if luthier.should_stop():
                return x
        return 0.0

    experiment = luthier.minimize(
        asking, {"x": luthier.uniform(1, 2)}, trials=2, stop_conditions=["loss > 5:3"], **QUIET
    )
    assert [t.outcome for t in experiment.trials] == ["stopped"] * 2
    assert [t.value for t in experiment.trials] == [t.values["x"] for t in experiment.trials]
    assert list(points_of(experiment).values()) == [4, 4]


def run(experiment: luthier.Experiment, *, heeds: bool = True) -> None:
    """The loop that a program would write."""
    while (asked := experiment.ask()) is not None:
        for epoch in range(EPOCHS):
            loss = loss_at(epoch, **asked.values)
            if experiment.report(asked, epoch, loss=loss) and heeds:
                break
        experiment.tell(asked, loss)


@pytest.mark.parametrize("durable", [False, True])
def test_asked_trials_are_told_when_to_end_as_functions_are(durable: bool, tmp_path: Path) -> None:
    search: dict[str, Any] = {"trials": 25, "algorithm": "random", "seed": 0, "early_stopping": "asha"}
    experiment = luthier.Experiment.create(SPACE, store=tmp_path if durable else None, **search)
    run(experiment)
    same = luthier.minimize(train, SPACE, **search, **QUIET)
    assert [(t.outcome, t.reason, t.value) for t in experiment.trials] == [
        (t.outcome, t.reason, t.value) for t in same.trials
    ]
    assert points_of(experiment) == points_of(same) and decided(experiment) == decided(same)
    for number in points_of(experiment):
        ours, theirs = (one._store.trial(one.id, number).result for one in (experiment, same))
        assert ours is not None and theirs is not None and ours.curve == theirs.curve
    experiment.close()


def test_a_program_that_goes_on_all_the_way_has_run_a_whole_trial() -> None:
    search: dict[str, Any] = {"trials": 12, "algorithm": "random", "seed": 0, "early_stopping": "asha"}
    experiment = luthier.Experiment.create(SPACE, **search)
    run(experiment, heeds=False)
    assert any(stops for _, stops, _ in decided(experiment))
    assert [t.outcome for t in experiment.trials] == ["succeeded"] * 12
    assert set(points_of(experiment).values()) == {EPOCHS}


def test_what_was_told_once_is_told_on_also_by_another_experiment(tmp_path: Path) -> None:
    space = {"x": luthier.uniform(0, 1)}
    first = luthier.Experiment.create(space, trials=2, store=tmp_path, stop_conditions=["loss > 5:1"])
    asked, other = first.ask(), first.ask()
    assert asked is not None and other is not None
    assert first.report(asked, 0, loss=9.0) is None
    why = first.report(asked, 1, loss=9.0)
    assert why is not None and "loss > 5" in why
    assert first.report(asked, 1, accuracy=0.1) == why
    assert first.report(other, 0, loss=9.0) is None
    with luthier.Experiment.open(tmp_path) as second:
        assert second.report(other, 1, loss=9.0) == why
        second.stop(asked)
        second.tell(other, 9.0)
    assert [(t.outcome, t.reason, t.value) for t in first.trials] == [("stopped", why, 9.0)] * 2
    assert [number for number, _, _ in decided(first)] == [asked.number, other.number]
    with pytest.raises(ConflictError, match="no longer yours"):
        first.stop(asked, "late", value=1.0)
    first.close()


def test_a_program_stops_a_trial_for_reasons_of_its_own() -> None:
    experiment = luthier.Experiment.create({"x": luthier.uniform(0, 1)}, trials=3)
    one, two, three = (experiment.ask() for _ in range(3))
    assert one is not None and two is not None and three is not None
    with pytest.raises(UsageError, match="trial 1 has reported no loss"):
        experiment.stop(one)
    experiment.report(one, 0, loss=3.0)
    experiment.report(one, 1, loss=2.0)
    experiment.stop(one, "it diverges")
    experiment.stop(two, value=4.0)
    experiment.tell(three, 5.0)
    assert [(t.outcome, t.reason, t.value) for t in experiment.trials] == [
        ("stopped", "it diverges", 2.0),
        ("stopped", "its program stopped it", 4.0),
        ("succeeded", "", 5.0),
    ]
    assert experiment.best.number == 3
    result = experiment._store.trial(experiment.id, 1).result
    assert result is not None and result.curve == ((1.0, 3.0), (2.0, 2.0))


def test_a_trial_that_is_given_back_begins_anew() -> None:
    experiment = luthier.Experiment.create(
        {"x": luthier.uniform(0, 1)}, trials=1, stop_conditions=["loss > 5:1"]
    )
    asked = experiment.ask()
    assert asked is not None
    experiment.report(asked, 0, loss=9.0)
    assert experiment.report(asked, 1, loss=9.0) is not None
    experiment.give_back(asked)
    again = experiment.ask()
    assert again is not None and again.attempt == 2
    assert experiment.report(again, 0, loss=9.0) is None
    experiment.tell(again, 1.0)
    assert experiment.best.value == 1.0


def test_folds_that_a_function_reports_are_averaged_and_compared() -> None:
    def folds(x: float) -> None:
        for fold in range(5):
            luthier.report(step=fold, loss=x + fold)

    experiment = luthier.minimize(
        folds, {"x": luthier.uniform(0, 1)}, trials=12, seed=0, aggregate="avg", **QUIET
    )
    ran = points_of(experiment)
    assert set(ran.values()) > {5} and min(ran.values()) < 3
    assert experiment.best.value == pytest.approx(experiment.best.values["x"] + 2)
    best = min(experiment.trials, key=lambda trial: trial.values["x"])
    assert best.number == experiment.best.number
    with pytest.raises(UsageError, match="aggregate='mean' is none of last, min, max, avg"):
        luthier.minimize(folds, SPACE, aggregate="mean")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"early_stopping": 5}, "early_stopping=5 is not a text; name a rule"),
        ({"early_stopping": True}, "early_stopping=True is not a text; name a rule"),
        ({"stop_conditions": [5]}, "stop_conditions=5 is not a text"),
        ({"target": float("inf")}, "target=inf is not a finite number"),
    ],
)
def test_what_no_rule_can_be_made_of_is_said_in_a_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        luthier.minimize(train, SPACE, trials=2, **QUIET, **given)
