"""Curves: what the objective was on its way, whatever the steps and values are."""

from __future__ import annotations

import itertools
import tracemalloc
from math import inf, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.curves import PARTS, POINTS, SETTLED, Curve, Curves, Rung, Standing
from luthier.description import Aggregate, Direction
from luthier.metrics.aggregate import Summary
from luthier.trial import Outcome, Point

AGGREGATES: tuple[Aggregate, ...] = ("last", "min", "max", "avg")
numbers = st.floats(-100, 100, width=32) | st.sampled_from([nan, inf, -inf])
steps = st.integers(-3, 40).map(float) | st.floats(0, 50, width=32)


def same(a: float | None, b: float | None) -> bool:
    """Equal, where NaN equals NaN, and sums may be rounded otherwise."""
    if a is None or b is None:
        return a is b
    return (isnan(a) and isnan(b)) or a == pytest.approx(b, abs=1e-9)


@given(
    st.lists(st.tuples(steps, numbers), min_size=1, max_size=60),
    st.sampled_from(AGGREGATES),
    st.sampled_from(["maximize", "minimize"]),
)
def test_the_running_value_is_the_objective_of_the_points_so_far(
    points: list[tuple[float, float]], how: Aggregate, direction: Direction
) -> None:
    curve, summary = Curve(how, direction), Summary()
    for step, value in points:
        curve.append(step, value)
        summary = summary.fold(Point("m", step, value, 0.0))
        assert same(curve.sign * curve.loss, summary.value(how))
    assert list(curve.resources) == sorted(set(curve.resources))
    assert curve.count == len(points)


def test_epochs_from_nought_and_from_one_have_the_same_resources() -> None:
    nought, one = Curve(), Curve()
    for epoch in range(5):
        nought.append(epoch, 0.1)
        one.append(epoch + 1, 0.1)
    assert list(nought.resources) == list(one.resources) == [1, 2, 3, 4, 5]
    assert (nought.step(), one.step()) == (4, 5)
    assert (nought.step(3.5), one.step(3.5)) == (2, 3)


def test_a_value_is_that_of_the_last_point_not_beyond() -> None:
    curve = Curve("last", "minimize")
    for step, value in [(100, 3.0), (200, 2.0), (200, 1.5), (300, 1.0)]:
        curve.append(step, value)
    assert [curve.at(r) for r in (50, 100, 150, 250, 300, 301)] == [None, 3.0, 3.0, 1.5, 1.0, None]
    assert curve.resource == 300
    assert Curve().at(1) is None


def test_maximized_values_are_turned_and_shown_as_they_were() -> None:
    curves = Curves("max", "maximize")
    for epoch, accuracy in enumerate([0.5, 0.75, 0.625]):
        curves.add(1, epoch, accuracy)
    assert curves[1].loss == -0.75
    assert curves.shown(curves[1].loss) == "0.75"
    assert curves.shown(0.0) == "0"


@pytest.mark.parametrize("spacing", [1, 7, 0.25])
def test_a_long_curve_is_thinned_but_rungs_stay_exact(spacing: float) -> None:
    curves = Curves("last", "minimize")
    asked = [spacing * 3**power for power in range(9)]
    for resource in asked:
        curves.rung(resource)
    for at in range(1, 20_001):
        curves.add(1, at * spacing, 1.0 / at)
    assert len(curves[1].resources) <= POINTS
    assert curves[1].resource == 20_000 * spacing
    for resource in asked:
        assert curves.rung(resource).known[1] == 1.0 / round(resource / spacing)
    middle = curves[1].at(10_000 * spacing)
    assert middle == pytest.approx(1e-4, rel=0.05)


def test_ended_trials_keep_little_each_and_are_still_compared() -> None:
    """1,000 trials of 1,000 falling points fit in memory: some 10 kB each, the two newest aside."""

    def played(numbers: range) -> None:
        for number in numbers:
            for at in range(1, 1001):
                curves.add(number, at, number + 1.0 / at)
            curves.end(number, Outcome.SUCCEEDED if number % 2 else Outcome.STOPPED)

    curves = Curves("last", "minimize")
    tracemalloc.start()
    try:
        played(range(1, 4))
        before, _ = tracemalloc.get_traced_memory()
        played(range(4, 24))
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20 * 10_000
    for number in range(1, 24):
        assert curves[number].resource == 1000
        assert curves[number].loss == number + 1.0 / 1000
        assert curves[number].at(800) == pytest.approx(number + 1.0 / 800, abs=1e-5)


@pytest.mark.parametrize("count", [300, 511, 700, 1000])
def test_a_curve_that_was_made_small_goes_on_as_before(count: int) -> None:
    curve = Curve("last", "minimize")
    for at in range(1, count + 1):
        curve.append(at, 1.0 / at)
    curve.settle()
    assert len(curve.resources) == len(curve.losses) == len(curve.means) <= SETTLED
    assert (curve.resource, curve.loss) == (count, 1.0 / count)
    for at in range(count + 1, count + 101):
        curve.append(at, 1.0 / at)
    assert (curve.resource, curve.loss, curve.records[-1][0]) == (
        count + 100,
        1.0 / (count + 100),
        count + 100,
    )
    gaps = [b - a for a, b in itertools.pairwise(curve.resources)]
    assert set(gaps[:-1]) == {gaps[0]}, "the points that are kept are evenly spaced, but for the last"


def test_who_goes_on_at_once_keeps_every_record() -> None:
    curves = Curves("last", "minimize")
    for number in (1, 2):
        for at in range(1, 11):
            curves.add(number, at, 1.0 / at)
        curves.end(number, Outcome.SUCCEEDED)
        if number == 1:
            curves.begin(number, onward=True)
    curves.add(3, 1, 0.5)
    curves.end(3, Outcome.SUCCEEDED)
    assert len(curves[1].records) == 10
    assert [record[0] for record in curves[2].records] == [10]


def test_single_values_are_kept_by_step_while_they_are_few() -> None:
    curve = Curve("avg", "minimize")
    for fold, value in [(2, 0.3), (0, 0.1), (1, 0.2)]:
        curve.append(fold, value)
    assert curve.parts == {2: 0.3, 0: 0.1, 1: 0.2}
    assert curve.loss == pytest.approx(0.2)
    for step in range(PARTS + 1):
        curve.append(step, 1.0)
    assert curve.parts is None


# --- rungs -----------------------------------------------------------------------------------------------------------


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[str, int, float, float]]:
    kind = st.sampled_from(["add"] * 8 + ["begin", "onward", "succeeded", "stopped", "failed"])
    return draw(st.lists(st.tuples(kind, st.integers(1, 4), steps, numbers), max_size=60))


@given(happenings(), st.sampled_from(AGGREGATES), st.lists(st.integers(0, 60), min_size=3, max_size=3))
def test_a_rung_is_the_same_whenever_it_was_asked_for(
    happened: list[tuple[str, int, float, float]], how: Aggregate, when: list[int]
) -> None:
    curves = Curves(how, "minimize")
    places = (1.0, 4.0, 16.0)
    for at, (kind, number, step, value) in enumerate(happened):
        for place, asked in zip(places, when, strict=True):
            if asked == at:
                curves.rung(place)
        match kind:
            case "add":
                curves.add(number, step, value)
            case "begin" | "onward":
                curves.begin(number, onward=kind == "onward")
            case _:
                curves.end(number, Outcome(kind))
    for place in places:
        expected = Rung(place)
        for number in curves:
            loss = curves[number].at(place)
            if loss is not None and curves[number].standing is not Standing.FAILED:
                expected.put(number, loss)
        assert curves.rung(place).entries == expected.entries
    complete = [n for n in curves if curves[n].standing is Standing.COMPLETE]
    assert sorted(curves.complete) == complete or set(curves.complete) == set(complete)
    assert curves.furthest == max((curves[n].resource for n in complete), default=None)


def test_ranks_put_nan_last_and_the_earlier_of_equals_first() -> None:
    rung = Rung(1.0)
    for number, loss in [(4, nan), (3, 0.5), (1, 0.5), (2, -inf)]:
        rung.put(number, loss)
    assert [rung.rank(n) for n in (2, 1, 3, 4, 5)] == [1, 2, 3, 4, None]
    rung.put(2, 0.7)
    rung.drop(4)
    rung.drop(4)
    assert rung.entries == [(0.5, 1), (0.5, 3), (0.7, 2)]


def test_what_failed_is_compared_with_nobody() -> None:
    curves = Curves("last", "minimize")
    for number, outcome in enumerate(Outcome, 1):
        curves.add(number, 1, 0.1 * number)
        curves.end(number, outcome)
    assert sorted(n for _, n in curves.rung(1.0).entries) == [1, 3]  # succeeded, stopped
    assert list(curves.complete) == [1]
    assert curves.averages(1.0).entries == [(0.1, 1)]


def test_a_new_attempt_begins_again_or_goes_on() -> None:
    curves = Curves("last", "minimize")
    curves.rung(2.0)
    for epoch in (1, 2, 3):
        curves.add(1, epoch, 1.0)
    curves.end(1, Outcome.LOST)
    assert curves[1].standing is Standing.FAILED
    curves.begin(1, onward=True)
    assert curves.rung(2.0).entries == [(1.0, 1)]
    assert curves.add(1, 4, 0.5).resource == 4
    curves.begin(1)
    assert curves.rung(2.0).entries == []
    assert curves[1].count == 0
    assert curves.get(2) is None


def test_who_never_reported_leaves_nothing() -> None:
    curves = Curves()
    curves.begin(1)
    curves.end(1, Outcome.SUCCEEDED)
    curves.end(2, Outcome.SUCCEEDED)
    assert curves.furthest is None
    assert curves.best is None
    assert not curves.complete


def test_the_best_is_the_least_final_loss_of_the_complete() -> None:
    curves = Curves("last", "minimize")
    for number, loss in [(1, nan), (2, 0.5), (3, 0.5), (4, 0.1)]:
        curves.add(number, 1, loss)
        curves.end(number, Outcome.STOPPED if number == 4 else Outcome.SUCCEEDED)
    assert curves.best == (0.5, 2)
    assert curves.noted("count", lambda: len(curves.complete)) == 3
    curves.add(3, 2, 0.25)  # a straggler
    assert curves.best == (0.25, 3)


# --- the outline -----------------------------------------------------------------------------------------------------


def test_the_outline_has_the_last_powers_of_four_and_the_end() -> None:
    curve = Curve("last", "maximize")
    assert curve.outline() == ()
    for epoch in range(50):
        curve.append(epoch, epoch / 100)
    assert curve.outline() == ((1, 0.0), (4, 0.03), (16, 0.15), (50, 0.49))
    assert [place for place, _ in curve.outline(3)] == [4, 16, 50]
    for epoch in range(50, 64):
        curve.append(epoch, 0.5)
    assert [place for place, _ in curve.outline()] == [1, 4, 16, 64]
