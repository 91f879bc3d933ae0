"""The judge of `bench/quality`: its numbers against ones computed by hand, and the promises its problems make."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.quality import scoring
from bench.quality.problem import Problem, choice, number

POSITIVE = st.floats(0.01, 100.0)


def test_the_trace_keeps_the_last_step_and_is_infinite_before_the_first() -> None:
    found = scoring.trace([(2, 5.0), (4, 3.0)], trials=5, budget=6)
    assert found.tolist() == [np.inf, 5.0, 5.0, 3.0, 3.0, 3.0]
    assert scoring.trace([], 0, 2).tolist() == [np.inf, np.inf]


def test_regret_is_one_at_the_ordinary_level_and_zero_at_the_best() -> None:
    scores = np.array([np.inf, 10.0, 6.0, 2.0, 1.0])
    assert scoring.regrets(scores, 2.0, 6.0).tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert scoring.regrets(np.array([3.0]), 2.0, 6.0).tolist() == [0.25]


def test_a_problem_that_random_search_solves_has_no_gap_to_divide_by() -> None:
    assert scoring.regrets(np.array([2.0, 2.5]), 2.0, 2.0).tolist() == [0.0, 1.0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(-100, 100), POSITIVE, POSITIVE)
def test_regret_does_not_depend_on_the_unit_of_the_loss(
    scores: list[float], best: float, gap: float, scale: float
) -> None:
    plain = scoring.regrets(np.array(scores), best, best + gap)
    scaled = scoring.regrets(np.array(scores) * scale, best * scale, (best + gap) * scale)
    assert scaled == pytest.approx(plain, abs=1e-6)
    assert np.all((plain >= 0) & (plain <= 1))


def test_ranks_share_ties_and_pass_over_who_took_no_part() -> None:
    found = scoring.ranks(np.array([[3.0, 1.0, 1.0], [2.0, np.nan, 1.0]]))
    assert found[0].tolist() == [3.0, 1.5, 1.5]
    assert found[1, [0, 2]].tolist() == [2.0, 1.0]
    assert np.isnan(found[1, 1])


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=6))
def test_ranks_sum_to_the_same_whoever_wins(row: list[float]) -> None:
    assert scoring.ranks(np.array([row])).sum() == pytest.approx(len(row) * (len(row) + 1) / 2)


def test_the_interval_weighs_problems_not_seeds() -> None:
    values, groups = np.array([1.0] * 10 + [3.0]), ["many"] * 10 + ["one"]
    mean, low, high = scoring.interval(values, groups)
    assert mean == 2.0
    assert (low, high) == (1.0, 3.0)


def test_the_growth_is_of_the_whole_and_its_interval_over_problems() -> None:
    mean, low, high = scoring.growth({"a": [(0.2, 0.1)] * 9, "b": [(0.3, 0.3)]})
    assert mean == pytest.approx(0.25)  # (0.2 + 0.3) / (0.1 + 0.3), however many seeds
    assert (low, high) == pytest.approx((0.0, 1.0))
    assert np.isnan(scoring.growth({})).all()


def test_the_interval_narrows_with_more_problems() -> None:
    chance = np.random.default_rng(3)
    widths = []
    for count in (10, 160):
        _, low, high = scoring.interval(chance.normal(size=count), [f"p{i}" for i in range(count)])
        widths.append(high - low)
    assert 2.5 < widths[0] / widths[1] < 7.0  # four times, give or take


def test_a_comparison_counts_problems_and_names_the_losses_the_worst_first() -> None:
    ours = {("a", 1): 0.1, ("a", 2): 0.3, ("b", 1): 0.9, ("c", 1): 0.5, ("d", 1): 0.6}
    theirs = {("a", 1): 0.4, ("a", 2): 0.2, ("b", 1): 0.1, ("c", 1): 0.5, ("d", 1): 0.5, ("e", 1): 0.0}
    found = scoring.compared(ours, theirs)
    assert (found.better, found.equal, found.worse) == (1, 1, 2)
    assert found.lost == ("b", "d")
    assert found.means == pytest.approx(((0.2 + 0.9 + 0.5 + 0.6) / 4, (0.3 + 0.1 + 0.5 + 0.5) / 4))


def test_a_comparison_says_how_many_problems_and_seeds_it_is_of() -> None:
    ours = {(name, seed): 0.0 for name in "ab" for seed in (1, 2, 3)}
    theirs = {("a", 1): 1.0, ("a", 2): 1.0, ("b", 1): 1.0, ("c", 1): 1.0}
    assert scoring.compared(ours, theirs).over() == "2 × 1–2"
    assert scoring.compared(ours, ours).over() == "2 × 3"
    assert scoring.compared(ours, {}).over() == "0 × 0"


def test_a_table_ranks_who_searched_all_that_the_focus_did_of_its_problems() -> None:
    def of(*units: tuple[str, int]) -> dict[tuple[str, int], float]:
        return dict.fromkeys(units, 0.0)

    found = {
        "ours": of(("a", 1), ("a", 2), ("b", 1)),
        "all": of(("a", 1), ("a", 2), ("b", 1), ("c", 1)),
        "fewer seeds": of(("a", 1), ("b", 1)),
        "fewer problems": of(("a", 1), ("a", 2)),
    }
    assert list(scoring.ranked(found, {"a", "b"}, "ours")) == ["ours", "all"]
    assert list(scoring.ranked(found, {"a"}, "ours")) == ["ours", "all", "fewer problems"]
    assert list(scoring.ranked(found, {"b"}, "ours")) == ["ours", "all", "fewer seeds"]
    assert list(scoring.ranked(found, {"a", "b"}, None)) == list(found)


def test_a_comparison_of_nothing_or_of_equals_is_no_evidence() -> None:
    assert scoring.compared({}, {}).p == 1.0
    assert scoring.compared({("a", 1): 1.0, ("b", 1): 2.0}, {("a", 1): 1.0, ("b", 1): 2.0}).p == 1.0


def test_p_is_the_share_of_signs_at_least_as_one_sided() -> None:
    """Six problems, all won by different gaps: two of the 64 ways to sign them are so one-sided."""
    ours = {(f"p{i}", 1): 0.0 for i in range(6)}
    theirs = {(f"p{i}", 1): 1.0 + i for i in range(6)}
    assert scoring.compared(ours, theirs).p == pytest.approx(2 / 64)


def made(name: str, workers: int = 1) -> Problem:
    dims = (choice("kind", "a", "b"), number("x", 0.0, 1.0, when=("kind", ("b",))))

    def noisy(values: object, chance: np.random.Generator) -> float:
        return float(chance.standard_normal())

    return Problem(name, "noisy", dims, lambda values: 0.0, 10, noisy=noisy, workers=workers)


def test_a_problem_and_its_parallel_twin_are_in_one_half_and_meet_the_same_noise() -> None:
    halves = set()
    for i in range(40):
        alone, crowd = made(f"p{i}"), made(f"p{i}@4", workers=4)
        assert alone.half == crowd.half
        assert alone.observe({}, 1, 2) == crowd.observe({}, 1, 2)
        assert alone.seconds(1, 2) == crowd.seconds(1, 2)
        halves.add(alone.half)
    assert halves == {"tune", "held-out"}


def test_noise_differs_by_seed_and_trial() -> None:
    problem = made("p")
    seen = [problem.observe({}, seed, trial) for seed in (1, 2) for trial in (1, 2)]
    assert all(a != b for a, b in permutations(seen, 2))


def test_the_space_has_the_conditions_of_the_dims() -> None:
    space = made("p").space
    assert space.is_active("x", {"kind": "b"})
    assert not space.is_active("x", {"kind": "a"})
