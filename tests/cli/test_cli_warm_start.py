"""`--warm-start`: which trials of an earlier experiment meet a new space, as what, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import svm_search

from luthier.cli.options import Place
from luthier.cli.warm_start import meeting, observe
from luthier.description import Objective
from luthier.errors import SpaceError, UsageError
from luthier.space import Configuration
from luthier.space.grammar import parse_params
from luthier.store import Verdict, open_store
from luthier.trial import Outcome, Result

ACCURACY = Objective("accuracy")
SAME = parse_params(["C=1,10", "gamma=0.001:1:log"])


def test_trials_that_ended_with_a_value_are_taken_over(place: Path) -> None:
    found = observe(Place(place), [1], SAME, ACCURACY)
    assert found.told() == ("warm start: 3 trials of experiment 1 meet this space",)
    assert [(o.source, o.value, o.configuration.values()) for o in found.observations] == [
        ("1.1", 0.912345678, {"C": 1, "gamma": 0.01}),
        ("1.2", 0.95, {"C": 1, "gamma": 0.1}),
        ("1.3", 0.95, {"C": 10, "gamma": 0.01}),
    ]
    assert all(SAME.contains(o.configuration) for o in found.observations)


def test_what_lies_outside_or_is_missing_is_left_out_and_counted(place: Path) -> None:
    narrow = observe(Place(place), [1], parse_params(["C=1:5", "gamma=0.001:1:log"]), ACCURACY)
    assert [o.source for o in narrow.observations] == ["1.1", "1.2"]
    assert narrow.said == (
        "warm start: 2 trials of experiment 1 meet this space (1 left out: C is outside in 1)",
    )
    one = observe(Place(place), [1], parse_params(["C=10"]), ACCURACY)
    assert [o.configuration.values() for o in one.observations] == [{"C": 10}], "gamma is ignored"
    assert one.said == (
        "warm start: 1 trial of experiment 1 meets this space (2 left out: C is outside in 2)",
    )


def test_an_experiment_of_which_nothing_meets_is_a_problem_only_when_it_is_told(place: Path) -> None:
    none = observe(Place(place), [1], parse_params(["C=1:5", "momentum=0:1"]), ACCURACY)
    assert none.observations == ()
    with pytest.raises(
        UsageError, match=r"no trial of experiment 1 meets .*momentum is missing in 2, C is outside in 1"
    ):
        none.told()


def test_values_that_are_no_finite_number_are_left_out(place: Path, run) -> None:
    for value in ("nan", "inf"):
        run("retry", "1.4")
        trial = json.loads(run("ask", "1", "-n", "1").out)["trials"][0]["id"]
        run("tell", trial, "--value", value)
        found = observe(Place(place), [1], SAME, ACCURACY)
        assert len(found.observations) == 3
        assert "(1 left out: the value is no finite number in 1)" in found.said[0]


def test_another_metric_warns_and_keeps_better_better(place: Path) -> None:
    up = observe(Place(place), [1], SAME, Objective("score"))
    down = observe(Place(place), [1], SAME, Objective("loss", "min", "minimize"))
    assert [o.value for o in up.observations] == [0.912345678, 0.95, 0.95]
    assert [o.value for o in down.observations] == [-0.912345678, -0.95, -0.95]
    assert up.said[0] == (
        "warning: experiment 1 was to maximize accuracy, and this one is to maximize score; its values are taken as they are"
    )
    assert "maximize accuracy, and this one is to minimize loss (min)" in down.said[0]
    assert "turned round" in down.said[0]


def test_the_same_metric_is_the_same_quantity_whichever_way_it_is_to_go(place: Path) -> None:
    down = observe(Place(place), [1], SAME, Objective("accuracy", direction="minimize"))
    assert [o.value for o in down.observations] == [0.912345678, 0.95, 0.95]
    assert len(down.said) == 1


def test_experiments_that_are_not_there_or_have_no_values_are_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--warm-start 7: there is no experiment 7 in .*: luthier list"):
        observe(Place(place), [1, 7], SAME, ACCURACY).told()
    with pytest.raises(UsageError, match="--warm-start 1: there is no store in"):
        observe(Place(tmp_path / "elsewhere"), [1], SAME, ACCURACY)
    store = open_store(place)
    empty, _ = store.open_experiment(svm_search.description(name="empty"), fresh=True)
    store.close()
    with pytest.raises(UsageError, match=f"no trial of experiment {empty.id} has ended with a value"):
        observe(Place(place), [empty.id], SAME, ACCURACY).told()


def test_several_experiments_are_put_together(place: Path) -> None:
    store = open_store(place)
    second, _ = store.open_experiment(svm_search.description(name="again"), fresh=True)
    (number,) = store.enqueue(second.id, [svm_search.SPACE.at(3)], "n")
    (claim,) = store.claim(second.id, 1, "w", "c")
    assert store.finish(claim.id, Result(Outcome.SUCCEEDED, "", 0.7)) is Verdict.ACCEPTED
    store.close()
    found = observe(Place(place), [1, 2], SAME, ACCURACY)
    assert [o.source for o in found.observations] == ["1.1", "1.2", "1.3", f"2.{number}"]
    assert len(found.said) == 2


def test_a_parameter_with_one_value_need_not_be_known() -> None:
    space = parse_params(["C=1:10", "epochs=5"])
    assert meeting(Configuration({"C": 2.0}), space).values() == {"C": 2.0, "epochs": 5}
    with pytest.raises(SpaceError, match="^epochs is outside$"):
        meeting(Configuration({"C": 2.0, "epochs": 6}), space)
