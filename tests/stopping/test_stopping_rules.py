"""Each rule does what it says, and says what it did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.curves import Curve, Curves
from luthier.errors import UsageError
from luthier.stopping import RULES, stopping_rule
from luthier.stopping.checkpoints import checkpoint, reached_checkpoint
from luthier.stopping.extrapolation import guess
from luthier.stopping.hyperband import Hyperband
from luthier.stopping.rungs import reached
from luthier.testing.stopper import learning, play, stopped
from luthier.trial import Outcome


def flat(*levels: float, points: int = 20) -> list[list[float]]:
    """Curves without any slope."""
    return [[level] * points for level in levels]


# --- rungs -----------------------------------------------------------------------------------------------------------


def test_asha_stops_at_one_four_and_sixteen() -> None:
    curves, said = play(stopping_rule("asha"), learning(60, 60))
    assert set(stopped(said).values()) <= {1, 4, 16}
    assert {points for _, points, _ in said} == {1, 4, 16}
    assert {4, 16} <= set(stopped(said).values())
    assert all(curves[number].resource == 60 for number in curves.complete)
    assert curves.complete


def test_asha_says_rank_and_who_goes_on() -> None:
    levels = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.31]
    _, said = play(stopping_rule("asha", {"eta": 3, "min_resource": 4}), flat(*levels), parallel=1)
    reasons = {number: decision.reason for number, points, decision in said if points == 4}
    assert reasons[9] == "0.31 at step 3 is rank 4 of 9; the best 3 go on"
    assert reasons[2] == "0.2 at step 3: 2 came so far; nothing is stopped before 3 have"
    assert reasons[3] == "0.3 at step 3 is rank 3 of 3; the best one goes on"
    assert stopped(said) == dict.fromkeys((3, 4, 5, 6, 7, 8, 9), 4)


def test_a_rung_at_or_beyond_the_end_decides_nothing() -> None:
    losses = flat(*[0.1 * k for k in range(1, 12)], points=16)
    _, said = play(stopping_rule("asha", {"max_resource": 4}), losses, parallel=1)
    assert set(stopped(said).values()) == {1}
    _, said = play(stopping_rule("asha", {"min_resource": 16}), losses, parallel=1)
    assert not said[1:]  # the first trial is complete there, so that this is the end


def test_what_differs_by_noise_only_goes_on() -> None:
    jagged = [0.5 + 0.1 * (-1) ** t for t in range(20)]
    close, far = [value + 0.03 for value in jagged], [value + 2.0 for value in jagged]
    _, said = play(stopping_rule("asha", {"min_resource": 4}), [jagged, far, far, close, far], parallel=5)
    assert stopped(said) == {5: 4}
    (reason,) = [d.reason for n, points, d in said if (n, points) == (4, 4)]
    assert reason == "0.43 at step 3 is rank 2 of 4; the best one goes on, and what differs by noise only"


@pytest.mark.parametrize("first_step", [0, 1])
def test_steps_from_nought_and_from_one_are_stopped_at_the_same_point(first_step: float) -> None:
    _, said = play(stopping_rule("asha"), learning(30), first_step=first_step)
    assert stopped(said) == stopped(play(stopping_rule("asha"), learning(30))[1])


def test_steps_far_apart_pass_several_rungs_at_once() -> None:
    curves, said = play(stopping_rule("asha"), learning(40), first_step=100, spacing=100)
    assert stopped(said)
    assert {d.resource for _, _, d in said} <= {4.0**k for k in range(3, 7)}
    assert all(d.resource <= curves[n].resource for n, _, d in said)


@given(
    st.lists(st.floats(0.01, 1e6), min_size=1, max_size=20),
    st.floats(0.1, 10),
    st.sampled_from([2.0, 3.0, 4.0, 1.5]),
)
def test_a_rung_is_reached_once_and_never_before_its_time(
    steps: list[float], first: float, eta: float
) -> None:
    curve, seen = Curve("last", "minimize"), []
    for step in sorted(steps):
        curve.append(step, 1.0)
        place = reached(curve, first, eta, None)
        if place is not None:
            assert curve.before < place <= curve.resource < place * eta * (1 + 1e-9)
            seen.append(place)
    assert seen == sorted(set(seen))


def test_hyperbands_brackets_have_their_shares_and_judge_later() -> None:
    rule = Hyperband()
    brackets = [rule.bracket(number) for number in range(1, 1001)]
    shares = [brackets.count(b) / 1000 for b in range(3)]
    assert shares == pytest.approx([9 / 17, 5 / 17, 3 / 17], abs=0.01)
    _, said = play(rule, learning(120, 27))
    first = {b: min(points for n, points, d in said if rule.bracket(n) == b) for b in range(3)}
    assert first == {0: 1, 1: 3, 2: 9}
    assert all(d.reason.endswith(f"(bracket {rule.bracket(n) + 1})") for n, _, d in said)


# --- the median rule and patience ------------------------------------------------------------------------------------


def test_the_median_rule_compares_with_the_averages_of_complete_trials() -> None:
    rows = [*flat(1.0, 2.0, 3.0, 4.0, 5.0), [9.0, 9.0, 3.5, 2.0] + [0.0] * 16, [9.0, 2.9] + [9.0] * 18]
    _, said = play(stopping_rule("median"), rows, parallel=1)
    assert stopped(said) == {6: 2}
    (reason,) = [d.reason for _, _, d in said]
    assert (
        reason == "the best value up to step 1, 9, is worse than the median over 5 complete trials of their "
        "averages up to there, 3"
    )
    _, said = play(stopping_rule("median", {"grace": 3}), rows[:6], parallel=1)
    assert stopped(said) == {}
    _, said = play(stopping_rule("median", {"min_trials": 6}), rows[:6], parallel=1)
    assert stopped(said) == {}


def test_patience_waits_for_so_many_points_without_a_better_one() -> None:
    rows = [[5.0, 4.0, 4.0, 3.9, 3.95, 3.9, 3.8, 3.0, 3.0, 3.0]]
    assert stopped(play(stopping_rule("patience", {"points": 3}), rows)[1]) == {}
    _, said = play(stopping_rule("patience", {"points": 2}), rows)
    assert stopped(said) == {1: 6}
    assert said[-1][2].reason == "3.9 of step 3 was not improved in 2 points"
    _, said = play(stopping_rule("patience", {"points": 4, "min_delta": 0.15}), rows)
    assert stopped(said) == {1: 6}
    assert "4 of step 1 was not improved by more than 0.15 in 4 points" in said[-1][2].reason
    nothing = [[float("nan")] * 9]
    _, said = play(stopping_rule("patience", {"points": 5}), nothing)
    assert stopped(said) == {1: 5}
    assert said[-1][2].reason == "there was no number in 5 points"


# --- extrapolation and auto ------------------------------------------------------------------------------------------


def test_a_power_law_is_guessed_well() -> None:
    curves = Curves("last", "minimize")
    for number in range(1, 6):
        for t in range(1, 51):
            curves.add(number, t, 0.1 * number + 2.0 * t**-0.5)
        curves.end(number, Outcome.SUCCEEDED)
    for t in range(1, 9):
        curves.add(6, t, 0.3 + 2.0 * t**-0.5)
        thought = guess(curves, 6, 50.0)
        assert (thought is None) is (t < 4)
    assert thought is not None
    assert thought.mean == pytest.approx(0.3 + 2.0 * 50**-0.5, abs=0.05)
    assert thought.chance_below(0.2) < 0.1
    assert thought.chance_below(1.0) > 0.9
    assert thought.chance_below(thought.mean) == pytest.approx(0.5)


@pytest.mark.parametrize("rule", ["curve", "auto"])
def test_the_hopeless_are_stopped_and_the_late_are_not(rule: str) -> None:
    good = learning(12, 50, seed=5)
    hopeless = [3.0 + 1.0 * t**-0.5 for t in range(1, 51)]
    late = [4.0 - 0.079 * t for t in range(1, 51)]  # behind all of them for long, and the best in the end
    _, said = play(stopping_rule(rule), [*good, hopeless, late], parallel=1)
    assert stopped(said).get(13, 50) <= 12
    assert 14 not in stopped(said)
    assert "better" in next(d.reason for n, _, d in said if n == 13)


def test_auto_spends_less_and_keeps_the_best() -> None:
    losses = learning(80, 50, seed=8)
    curves, said = play(stopping_rule("auto"), losses)
    spent = sum(curve.count for curve in (curves[n] for n in curves))
    assert spent < 0.5 * 80 * 50
    assert curves.best is not None
    assert curves.best[0] == min(row[-1] for row in losses)
    assert all(d.stop for _, _, d in said)


def test_auto_is_silent_until_a_trial_is_complete() -> None:
    _, said = play(stopping_rule("auto"), learning(30, 40), parallel=30)
    assert said == []


def test_auto_compares_folds_where_the_objective_is_an_average() -> None:
    losses = [[0.1 * k + 0.01 * (fold % 3) for fold in range(5)] for k in range(1, 12)]
    _, said = play(stopping_rule("auto"), losses, parallel=1, aggregate="avg")
    assert {d.rule for _, _, d in said} == {"folds"}


@given(st.floats(1e-12, 1e12))
def test_checkpoints_are_close_below(resource: float) -> None:
    place = checkpoint(resource)
    assert place <= resource * (1 + 1e-8)
    assert place > resource * 0.9
    assert checkpoint(place) == place
    if resource <= 20 and resource >= 10:
        assert place == pytest.approx(int(resource))


def test_every_whole_step_up_to_twenty_is_a_checkpoint() -> None:
    curve, seen = Curve(), []
    for step in range(1, 101):
        curve.append(step, 0.0)
        if (place := reached_checkpoint(curve)) is not None:
            seen.append(place)
    assert seen == [*range(1, 20), *range(20, 50, 2), *range(50, 101, 5)]


# --- the registry ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_every_rule_of_the_registry_can_be_made(name: str) -> None:
    assert stopping_rule(name).name == name
    assert stopping_rule(name).explain()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("ahsa", {}, "there is no stopping rule 'ahsa' (did you mean asha?); write one of auto, asha, "),
        (
            "asha",
            {"etta": 3},
            "the stopping rule asha has no setting 'etta' (did you mean eta?); it takes eta, ",
        ),
        ("none", {"eta": 3}, "the stopping rule none has no setting 'eta'; it takes no settings"),
        (
            "asha",
            {"eta": 1},
            "the setting eta of the stopping rule asha is 1; write a number above 1, such as 4",
        ),
        (
            "median",
            {"grace": -1},
            "the setting grace of the stopping rule median is -1; write a number from 0",
        ),
        ("median", {"grace": True}, "grace of the stopping rule median is True"),
        ("median", {"min_trials": 2.5}, "write a whole number from 1, such as 5"),
        ("patience", {"points": 0}, "write a whole number from 1, such as 10"),
        ("folds", {"folds": 1}, "write a whole number from 2, such as 5"),
        ("curve", {"chance": 0.5}, "write a number above 0 and below 0.5, such as 0.05"),
        ("hyperband", {"brackets": 11}, "write a whole number from 1 to 10, such as 3"),
        ("asha", {"eta": "3"}, "the setting eta of the stopping rule asha is '3'"),
        ("asha", {"max_resource": float("inf")}, "the setting max_resource of the stopping rule asha is inf"),
        ("asha", {"min_resource": 9, "max_resource": 9}, "the first has to be the smaller one"),
    ],
)
def test_a_wrong_name_or_setting_is_said(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        stopping_rule(name, settings)
    assert message in str(raised.value)
