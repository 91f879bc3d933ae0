"""A person's own conditions: what they stop, when, and the errors of those that can't be read."""

from __future__ import annotations

import pytest

from luthier.errors import UsageError
from luthier.stopping import Conditions
from luthier.trial import Point


def first_stop(conditions: list[str], points: list[tuple[str, float, float]]) -> tuple[float, str] | None:
    """The step of the first point at which the trial ends, and why."""
    rule, newest = Conditions.of(conditions), dict[str, Point]()
    for metric, step, value in points:
        point = Point(metric, step, value, 0.0)
        newest[metric] = point
        decision = rule.decide(point, newest)
        if decision is not None:
            assert decision.stop
            assert decision.resource == step
            return step, decision.reason
    return None


def test_it_stops_at_the_first_index_from_three_with_a_value_above_five() -> None:
    points = [("val_loss", step, value) for step, value in enumerate([9.0, 9.0, 9.0, 5.0, 5.1, 9.0])]
    found = first_stop(["val_loss > 5:3"], points)
    assert found == (4, "val_loss is 5.1 at step 4: the stop condition 'val_loss > 5:3' holds")
    assert first_stop(["val_loss > 5"], points) == (
        0,
        "val_loss is 9 at step 0: the stop condition 'val_loss > 5' holds",
    )
    assert first_stop(["val_loss > 9"], points) is None


@pytest.mark.parametrize(
    ("condition", "stops"),
    [
        ("m<1", []),
        ("m <= 1", [1]),
        ("m>= 2", [2, 3]),
        ("m > -1e3", [1, 2, 3]),
        ("m>2", [3]),
        ("m < inf", [1, 2, 3]),
    ],
)
def test_the_four_comparisons(condition: str, stops: list[float]) -> None:
    assert [v for v in (1.0, 2.0, 3.0) if first_stop([condition], [("m", 0, v)])] == stops


def test_parts_joined_must_hold_together() -> None:
    points = [("a", 0, 9.0), ("b", 0, 9.0), ("a", 1, 1.0), ("b", 1, 1.0), ("a", 2, 9.0)]
    found = first_stop(["a > 5 && b < 5"], points)
    assert found == (2, "a is 9 at step 2 and b is 1 at step 1: the stop condition 'a > 5 && b < 5' holds")
    assert first_stop(["a > 5:3 && b < 5"], points) is None


def test_any_of_several_is_enough_and_nan_never() -> None:
    points = [("a", 0, float("nan")), ("c", 0, 9.0), ("b", 0, 1.0)]
    found = first_stop(["a > 5", "a < 5", "b <= 1"], points)
    assert found is not None and "b is 1 at step 0" in found[1]


def test_a_metric_of_keras_is_meant_with_its_prefix_or_without() -> None:
    assert first_stop(["keras/val_acc < .2"], [("val_acc", 3, 0.1)])
    assert first_stop(["val_acc < .2"], [("keras/val_acc", 3, 0.1)])
    assert not first_stop(["acc < .2"], [("val_acc", 3, 0.1)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("val_loss", "Condition 'val_loss' formatted incorrectly"),
        ("val_loss == 5", "Condition 'val_loss == 5' formatted incorrectly"),
        ("val_loss = 5", "formatted incorrectly"),
        ("val_loss =< 5", "formatted incorrectly"),
        ("val_loss <> 5", "formatted incorrectly"),
        ("> 5", "formatted incorrectly"),
        ("a >", "formatted incorrectly"),
        ("a > 5 &&", "formatted incorrectly"),
        ("a > 5 & b > 3", "Condition must be an integer or float"),
        ("", "formatted incorrectly"),
        ("a > five", "Condition must be an integer or float, not 'five'"),
        ("a > nan", "Condition must be an integer or float"),
        ("a > :3", "Condition must be an integer or float"),
        ("a > 5:x", "Minimum steps must be integer, not 'x'"),
        ("a > 5:", "Minimum steps must be integer, not ''"),
        ("a > 5:2.5", "Minimum steps must be integer"),
        ("a > 5:3:4", "Minimum steps must be integer"),
    ],
)
def test_what_can_not_be_read_is_said(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        Conditions.of([text])
    assert message in str(raised.value)
    assert "write METRIC OP VALUE[:MIN_INDEX]" in str(raised.value)


def test_a_sixth_is_refused() -> None:
    assert len(Conditions.of(["a > 1"] * 5).conditions) == 5
    with pytest.raises(UsageError, match="Maximum of 5 stop_condition arguments allowed"):
        Conditions.of(["a > 1"] * 6)


def test_it_tells_its_metrics_and_what_it_will_do() -> None:
    rule = Conditions.of(["val/loss > 5:3", "my acc < .1 && val/loss > 1"])
    assert rule.metrics == ("val/loss", "my acc")
    assert rule.explain() == "a trial is stopped as soon as val/loss > 5:3, or my acc < .1 && val/loss > 1"
    assert not Conditions()
    assert Conditions().explain()
