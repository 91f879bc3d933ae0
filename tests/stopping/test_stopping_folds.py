"""Folds: a poor configuration ends after one or two of them, and a good one never."""

from __future__ import annotations

from random import Random

import pytest

from luthier.curves import Curves
from luthier.stopping import stopping_rule
from luthier.testing.stopper import play, stopped
from luthier.trial import Outcome


def table(levels: list[float], noise: float = 0.01, seed: int = 0, folds: int = 5) -> list[list[float]]:
    """Losses by fold: some folds are harder for everybody."""
    chance = Random(seed)
    hard = [chance.gauss(0.0, 0.2) for _ in range(folds)]
    return [[level + h + chance.gauss(0.0, noise) for h in hard] for level in levels]


def test_a_poor_one_is_stopped_after_one_fold_and_a_close_one_later() -> None:
    rows = table([0.30, 0.31, 0.32, 0.33, 0.34, 0.60, 0.301, 0.20])
    _, said = play(stopping_rule("folds"), rows, parallel=1, aggregate="avg")
    ended = stopped(said)
    assert ended[6] == 1
    assert 7 not in ended or ended[7] > 1
    assert 8 not in ended
    reason = next(d.reason for n, _, d in said if n == 6)
    assert "on average over 1 of 5 folds, where the best trial has" in reason
    assert "all folds together would make it better with a chance of" in reason


def test_before_five_are_complete_it_takes_two_folds() -> None:
    _, said = play(stopping_rule("folds"), table([0.3, 0.9, 0.9]), parallel=1, aggregate="avg")
    assert stopped(said) == {2: 2, 3: 2}


def test_folds_are_paired_by_their_step_whatever_their_order() -> None:
    rows = table([0.3, 0.31, 0.32, 0.33, 0.34], noise=0.001)
    curves = Curves("avg", "minimize")
    for number, row in enumerate(rows, 1):
        for fold, loss in enumerate(row):
            curves.add(number, fold, loss)
        curves.end(number, Outcome.SUCCEEDED)
    hardest = max(range(5), key=lambda fold: rows[0][fold])
    curves.add(6, hardest, rows[0][hardest] - 0.01)  # better, though its fold is the hardest
    assert stopping_rule("folds").decide(curves, 6) is None
    easiest = min(range(5), key=lambda fold: rows[0][fold])
    curves.add(7, easiest, rows[0][easiest] + 0.5)
    decision = stopping_rule("folds").decide(curves, 7)
    assert decision is not None and decision.stop


def test_the_last_fold_decides_nothing_and_the_number_may_be_told() -> None:
    rows = [[0.1] * 5, [0.0, 0.0, 0.0, 0.0, 5.0]]
    ended = [
        stopped(play(stopping_rule("folds", {"folds": folds}), rows, parallel=1, aggregate="avg")[1])
        for folds in (5, 6)
    ]
    assert ended == [{}, {2: 5}]


def test_a_fold_that_is_no_number_ends_the_trial() -> None:
    rows = [*table([0.3, 0.31, 0.32, 0.33, 0.34]), [float("nan")] * 5]
    _, said = play(stopping_rule("folds"), rows, parallel=1, aggregate="avg")
    assert stopped(said)[6] == 1


@pytest.mark.parametrize("seed", range(3))
def test_half_of_the_folds_are_saved_and_the_winner_stays(seed: int) -> None:
    chance = Random(seed)
    levels = [0.2 + chance.random() for _ in range(60)]
    rows = table(levels, noise=0.05, seed=seed)
    curves, _ = play(stopping_rule("folds"), rows, parallel=1, aggregate="avg")
    assert sum(curves[n].count for n in curves) < 0.5 * 60 * 5
    assert curves.best is not None
    assert curves.best[1] == min(range(1, 61), key=lambda n: sum(rows[n - 1]))
