"""Where failures live: planted regions are found and written as they are, chance is not."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.description import Algorithm
from luthier.history import History
from luthier.search import searcher
from luthier.space import Categorical, Condition, Configuration, Float, Integer, Parameter, Space, Value
from luthier.space.grammar import parse_params
from luthier.testing.searcher import history_of
from luthier.trial import Outcome, Result, Trial
from luthier.view.failures import fisher, where_failures_live

SPACE = parse_params(
    ["rate=1e-5:1:log", "batch_size=32,64,128,256,512,1024", "width=8:4096:log:int", "optimizer=sgd,adam,rms"]
)


def drawn(space: Space, n: int, seed: int) -> list[Configuration]:
    made = searcher(Algorithm("random", {"repeats": True})).propose(space, History(), seed, range(1, n + 1))
    return [proposal.configuration for proposal in made]


def tried(
    configurations: list[Configuration],
    fails: Callable[[dict[str, Any]], bool],
    outcome: Outcome = Outcome.FAILED,
) -> list[Trial]:
    """Trials of these configurations; those for which `fails` holds ended with this outcome."""
    return [
        trial._replace(result=Result(outcome, "it broke"))
        if trial.configuration is not None and fails(trial.configuration.values())
        else trial
        for trial in history_of(configurations).trials
    ]


def corner(values: dict[str, Any]) -> bool:
    return values["batch_size"] >= 512 and values["width"] >= 256


def test_a_corner_is_told_with_its_counts() -> None:
    trials = tried(drawn(SPACE, 80, 1), corner)
    inside = sum(corner(t.configuration.values()) for t in trials if t.configuration)
    said = where_failures_live(SPACE, trials)
    assert said is not None
    assert said.startswith("100 % of failures: batch_size ≥ 512 and width ≥ ")
    assert said.endswith(f"(there {inside} of {inside} fail; elsewhere 0 of {80 - inside})")


def test_the_threshold_lies_between_what_failed_and_what_did_not() -> None:
    configurations = drawn(parse_params(["rate=1e-5:1:log", "x=0:1"]), 60, 2)
    said = where_failures_live(
        parse_params(["rate=1e-5:1:log", "x=0:1"]), tried(configurations, lambda v: v["rate"] > 0.01)
    )
    assert said is not None
    rates = [c.values()["rate"] for c in configurations]
    threshold = said.split("rate ≥ ")[1].split(" ")[0]
    assert max(r for r in rates if r <= 0.01) < float(threshold) <= min(r for r in rates if r > 0.01)
    assert len(threshold) <= 6


def test_a_category_and_what_was_written_are_told_as_they_were_written() -> None:
    said = where_failures_live(SPACE, tried(drawn(SPACE, 60, 3), lambda v: v["optimizer"] == "sgd"))
    assert said is not None and "100 % of failures: optimizer = sgd (there" in said
    listed = Space(
        [
            Parameter("size", Categorical(tuple(Value(n, f"{n:04d}") for n in (1, 10, 100, 1000)))),
            Parameter("x", Float(0.0, 1.0)),
        ]
    )
    said = where_failures_live(listed, tried(drawn(listed, 60, 4), lambda v: v["size"] >= 100))
    assert said is not None and "size ≥ 0100 (there" in said


def test_a_band_within_one_parameter_is_told_from_both_sides() -> None:
    space = parse_params(["x=0:1", "y=0:1"])
    said = where_failures_live(space, tried(drawn(space, 100, 5), lambda v: 0.3 < v["x"] < 0.6))
    assert said is not None and "x ≥ 0.3" in said and " and x ≤ 0." in said


def test_a_parameter_that_is_not_active_meets_no_condition() -> None:
    space = Space(
        [
            Parameter("optimizer", Categorical.of(["sgd", "adam"])),
            Parameter("momentum", Float(0.0, 1.0), (Condition("optimizer", "==", ("sgd",)),)),
            Parameter("layers", Integer(1, 9)),
        ]
    )
    trials = tried(drawn(space, 120, 6), lambda v: v.get("momentum", 0) > 0.6)
    inside = sum(t.configuration.values().get("momentum", 0) > 0.6 for t in trials if t.configuration)
    said = where_failures_live(space, trials)
    assert said is not None and f"(there {inside} of {inside} fail; elsewhere 0 of {120 - inside})" in said
    assert "momentum ≥ 0." in said and "optimizer" not in said


def test_failures_without_a_place_are_rarely_given_one() -> None:
    told = 0
    for seed in range(200):
        chance = random.Random(seed)
        n, share = chance.choice([20, 50, 100]), chance.choice([0.1, 0.3, 0.5])
        trials = tried(drawn(SPACE, n, 100 + seed), lambda v: chance.random() < share)  # noqa: B023 - used at once
        told += where_failures_live(SPACE, trials) is not None
    assert told <= 10


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_failures_are_no_pattern(count: int) -> None:
    trials = tried(drawn(SPACE, 500, 7), lambda v: False)
    for i in range(count):
        trials[i] = trials[i]._replace(result=Result(Outcome.FAILED, ""))
    assert where_failures_live(SPACE, trials) is None


def test_when_all_fail_there_is_no_place() -> None:
    assert where_failures_live(SPACE, tried(drawn(SPACE, 50, 8), lambda v: True)) is None
    assert where_failures_live(SPACE, []) is None


@pytest.mark.parametrize("outcome", Outcome)
def test_only_what_the_configuration_may_have_caused_counts(outcome: Outcome) -> None:
    said = where_failures_live(SPACE, tried(drawn(SPACE, 80, 9), corner, outcome))
    assert (said is not None) == outcome.blames_configuration


@given(st.integers(0, 25), st.integers(0, 25), st.integers(0, 25))
def test_fishers_test_is_the_exact_tail(failures: int, others: int, size: int) -> None:
    total = failures + others
    size = min(size, total)
    ways = [math.comb(failures, k) * math.comb(others, size - k) for k in range(min(size, failures) + 1)]
    for inside in range(min(size, failures) + 1):
        exact = Fraction(sum(ways[inside:]), math.comb(total, size))
        assert fisher(inside, size, failures, total) == pytest.approx(float(exact), rel=1e-9)
