"""Predicted against observed, and numbers written no more precisely than they are known."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.space import Configuration
from luthier.testing.searcher import history_of
from luthier.trial import Outcome, Result, Trial
from luthier.view.predictions import calibration, predicted
from luthier.view.rounding import chance, rounded


def expected(number: int, mean: float | None, deviation: float | None, result: Result | None) -> Trial:
    (trial,) = history_of([Configuration({"x": number})]).trials
    assert trial.proposal
    why = trial.proposal._replace(mean=mean, deviation=deviation)
    return trial._replace(number=number, proposal=why, result=result)


def reached(value: float | None, outcome: Outcome = Outcome.SUCCEEDED) -> Result:
    return Result(outcome, "", value)


def test_only_trials_with_a_prediction_and_a_value_are_compared() -> None:
    trials = [
        expected(1, 1.0, 0.5, reached(2.0)),
        expected(2, None, None, reached(2.0)),
        expected(3, 1.0, None, reached(2.0)),
        expected(4, 1.0, 0.5, reached(2.0, Outcome.STOPPED)),
        expected(5, 1.0, 0.5, reached(None, Outcome.FAILED)),
        expected(6, 1.0, 0.5, reached(nan)),
        expected(7, 1.0, 0.5, None),
        expected(8, 1.0, 0.0, reached(1.0)),
        expected(9, 1.0, 0.0, reached(0.5)),
    ]
    assert [(row.trial, row.z) for row in predicted(trials)] == [(1, 2.0), (8, 0.0), (9, -inf)]


def test_the_band_is_counted() -> None:
    trials = [expected(n, 0.0, 1.0, reached(1.9 if n <= 42 else 2.0)) for n in range(1, 46)]
    assert calibration(predicted(trials)) == "of 45 predictions 93 % fell inside their 95 % band"
    assert calibration(predicted(trials[:1])) == "the one prediction fell inside its 95 % band"
    assert calibration(predicted(trials[-1:])) == "the one prediction fell outside its 95 % band"
    assert calibration([]) is None


ROUNDED = [
    (0.94213, 0.0061, "0.9421"),
    (0.94, 0.0061, "0.9400"),
    (12345.678, 250.0, "12350"),
    (-3.14159, 0.1, "-3.14"),
    (1e-8, 3e-10, "1e-08"),
    (1.2345e300, 1e290, "1.2345e+300"),
    (0.123456789, 0.0, "0.123457"),
    (2.0, inf, "2"),
    (inf, 1.0, "inf"),
]


@pytest.mark.parametrize(("value", "spread", "text"), ROUNDED)
def test_two_digits_of_the_spread_are_kept(value: float, spread: float, text: str) -> None:
    assert rounded(value, spread) == text


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e6))
def test_rounding_moves_a_value_by_less_than_a_twentieth_of_its_spread(value: float, spread: float) -> None:
    assert abs(float(rounded(value, spread)) - value) <= 0.051 * spread + 1e-15 * abs(value)


def test_a_simulated_chance_is_never_certain() -> None:
    assert [chance(p) for p in (0.0, 0.004, 0.614, 0.99, 0.996, 1.0)] == [
        "under 0.01",
        "under 0.01",
        "0.61",
        "0.99",
        "over 0.99",
        "over 0.99",
    ]
