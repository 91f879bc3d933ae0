"""How much each parameter matters, against functions whose shares are known, and where nothing can be said."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from figure_scene import MIXED, recorded, units

from luthier.history import History
from luthier.space import Categorical, Condition, Float, Integer, Parameter, Space
from luthier.trial import Outcome
from luthier.view.importance import Importance, importance


def cube(d: int) -> Space:
    return Space([Parameter(f"x{j}", Float(0.0, 1.0)) for j in range(d)])


def found(space: Space, worth: Any, count: int, seed: int = 0, **options: Any) -> Importance:
    store = recorded(space, worth, units(space, count, seed), **options)
    return importance(space, store.history(1))


def ishigami(x: dict[str, Any], _: int) -> float:
    a, b, c = (-math.pi + 2 * math.pi * x[f"x{j}"] for j in range(3))
    return math.sin(a) + 7 * math.sin(b) ** 2 + 0.1 * c**4 * math.sin(a)


def test_the_shares_of_ishigamis_function() -> None:
    """Its indices are known exactly: .314, .442 and 0 alone, .558, .442 and .244 in all."""
    known = {"x0": (0.3139, 0.5576), "x1": (0.4424, 0.4424), "x2": (0.0, 0.2437)}
    said = found(cube(3), ishigami, 300)
    assert {share.parameter for share in said.shares} == set(known)
    assert said.explained is not None and said.explained > 0.9
    for share in said.shares:
        alone, total = known[share.parameter]
        assert share.alone == pytest.approx(alone, abs=0.05)
        assert share.total == pytest.approx(total, abs=0.08)
        assert share.low - 0.02 <= total <= share.high + 0.02


def test_the_range_holds_the_truth_about_as_often_as_it_says() -> None:
    """Over ten samples of forty noisy results; the truth is that of a + 0.5 b, with c doing nothing."""
    inside = []
    for seed in range(10):
        noise = np.random.default_rng(seed).normal(size=41)

        def worth(x: dict[str, Any], number: int, noise: Any = noise) -> float:
            return x["x0"] + 0.5 * x["x1"] + 0.1 * float(noise[number])

        said = found(cube(3), worth, 40, seed)
        truth = {"x0": 0.8, "x1": 0.2, "x2": 0.0}
        inside += [share.low - 0.01 <= truth[share.parameter] <= share.high for share in said.shares]
        assert said.shares[0].parameter == "x0"
    assert len(inside) == 30
    assert sum(inside) >= 26


def test_a_parameter_with_a_condition_matters_where_it_exists() -> None:
    """For kind a the loss is x, for b it is 1 + y / 2: the variances follow by hand."""
    space = Space(
        [
            Parameter("kind", Categorical.of(["a", "b"])),
            Parameter("x", Float(0.0, 1.0), (Condition("kind", "==", ("a",)),)),
            Parameter("y", Float(0.0, 1.0), (Condition("kind", "==", ("b",)),)),
        ]
    )
    said = found(space, lambda v, _: v["x"] if v["kind"] == "a" else 1 + v["y"] / 2, 120)
    shares = {share.parameter: share for share in said.shares}
    within = (1 / 12 + 0.25 / 12) / 2
    whole = within + (0.75 / 2) ** 2
    first = str(said).splitlines()[0]
    assert first.startswith("kind") and " in all (" in first and first.endswith(" alone")
    assert shares["kind"].alone == pytest.approx((0.75 / 2) ** 2 / whole, abs=0.05)
    assert shares["x"].total == pytest.approx((1 / 12) / 2 / whole, abs=0.05)
    assert shares["y"].total == pytest.approx((0.25 / 12) / 2 / whole, abs=0.03)


def test_where_the_values_are_luck_nothing_is_said() -> None:
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=61)
        said = found(cube(4), lambda _, number, noise=noise: float(noise[number]), 60, seed)
        assert said.shares == ()
        assert "nothing can be said" in said.why and said.caption() == said.why


@pytest.mark.parametrize(
    ("space", "worth", "count", "why"),
    [
        (cube(2), lambda x, _: x["x0"], 8, "8 different configurations"),
        (cube(2), lambda x, _: 1.0, 30, "all values are equal"),
        (cube(2), lambda x, _: Outcome.FAILED, 30, "0 different configurations"),
        (cube(2), lambda x, _: math.nan, 30, "0 different configurations"),
        (
            Space([Parameter("a", Integer(1, 3))]),
            lambda x, _: float(x["a"]),
            40,
            "3 different configurations",
        ),
        (Space([Parameter("a", Categorical.of([1]))]), lambda x, _: 2.0, 20, "no parameter varies"),
        (cube(1), lambda x, _: Outcome.KILLED, 0, "0 different configurations"),
    ],
)
def test_why_nothing_can_be_said(space: Space, worth: Any, count: int, why: str) -> None:
    said = found(space, worth, count)
    assert said.shares == ()
    assert said.why.startswith(why)


def test_what_has_no_comparable_value_is_left_out_and_counted() -> None:
    def worth(x: dict[str, Any], number: int) -> Any:
        if number % 10 == 0:
            return Outcome.FAILED
        if number % 10 == 1:
            return Outcome.STOPPED, 99.0
        return math.inf if number % 10 == 2 else x["x0"]

    said = found(cube(2), worth, 100)
    assert (said.trials, said.left_out) == (70, 30)
    assert said.shares[0].parameter == "x0" and said.shares[0].total > 0.95
    assert "30 without a comparable value left out" in said.caption()


def test_one_value_that_diverged_does_not_decide() -> None:
    said = found(cube(2), lambda x, number: 1e40 if number == 7 else x["x0"] + 0.1 * x["x1"], 80)
    assert [share.parameter for share in said.shares] == ["x0", "x1"]
    assert said.shares[0].total > 0.8


def test_the_direction_does_not_matter_and_the_answer_repeats() -> None:
    def down(x: dict[str, Any], _: int) -> float:
        return x["rate"] ** 0.1 + 0.1 * x["layers"]

    first = found(MIXED, down, 60)
    assert first == found(MIXED, down, 60)
    up = found(MIXED, lambda x, n: -down(x, n), 60, direction="maximize")
    assert up.shares == first.shares


def test_no_trials_at_all() -> None:
    assert importance(cube(2), History()).why.startswith("0 different")


def test_many_results_and_many_axes() -> None:
    """Only a part is learned from, and all of it counts."""
    space = cube(20)
    said = found(space, lambda x, _: x["x3"] * 2 + x["x11"] * 1.0, 3000, workers=100)
    assert said.trials == 3000
    shares = {share.parameter: share.total for share in said.shares}
    assert shares["x3"] == pytest.approx(0.8, abs=0.03) and shares["x11"] == pytest.approx(0.2, abs=0.03)
    assert all(share < 0.02 for name, share in shares.items() if name not in ("x3", "x11"))
