"""The benchmark of early stopping: its tables are whole, its play counts every point, and its figures mean what they say."""

from __future__ import annotations

from math import comb, inf

import numpy as np
import pytest

from bench import early_stopping as bench
from bench.curves.play import play
from bench.curves.players import Luthier
from bench.curves.tables import CONFIGURATIONS, EPOCHS, FOLDS, crossing
from luthier.stopping.registry import stopping_rule


def test_the_tables_are_whole() -> None:
    found = bench.named()
    assert len(found) == 10 * (4 + 2) + 2
    for _, table in found.values():
        assert table.losses.shape == (CONFIGURATIONS, FOLDS if table.aggregate == "avg" else EPOCHS)
        assert len({c.key for c in table.listed}) == CONFIGURATIONS
        assert np.isfinite(table.losses).mean() > 0.8 and table.range > 0


def test_curves_that_cross_do() -> None:
    for table in crossing():
        early, late = table.losses[:, 3], table.finals
        best = np.argsort(late)[:10]
        assert np.median(np.argsort(np.argsort(early))[best]) > CONFIGURATIONS / 4


def test_every_point_is_counted_and_a_rule_sees_each() -> None:
    (table, _) = crossing()
    whole = play(table, Luthier(table, 1, None, "random"), 12)
    assert whole.spent == 12 * EPOCHS and len(whole.course) == 12 and not whole.stopped
    player = Luthier(table, 1, stopping_rule("asha"), "random")
    short = play(table, player, 12)
    assert short.stopped and short.spent == EPOCHS * len(short.course) + sum(short.stopped.values())
    assert len(short.course) + len(short.stopped) == 12
    assert all(player.curves[trial].count == points for trial, points in short.stopped.items())


def test_a_search_that_learns_is_given_what_stopped_trials_reached() -> None:
    (table, _) = crossing()
    player = Luthier(table, 1, stopping_rule("asha"), "auto", target=14)
    played = play(table, player, 14)
    stopped = [player.trials[trial].result for trial in played.stopped]
    assert stopped and all(r is not None and r.curve[-1][0] < EPOCHS for r in stopped)


@pytest.mark.parametrize("course", [[(100, 0.5), (250, 0.3)], [(100, 0.3)], [(40, 0.309)], []])
def test_the_figures_of_a_search(course: list[tuple[int, float]]) -> None:
    (table, _) = crossing()
    full = {"spent": 1000, "course": [(100, 0.5), (400, 0.3)]}
    made = bench.judged({"spent": 500, "course": course}, full, table)
    slack = bench.CLOSE * table.range
    close = [spent for spent, loss in course if loss <= 0.3 + slack]
    assert made.spent == 0.5
    assert made.reached == (close[0] / 1000 if close else inf)
    assert made.worse == (not close)
    assert made.other == (not course or course[-1][1] > 0.3)


def test_so_many_poor_tables_are_weighed_against_chance() -> None:
    """Computed independently: the rate of all, then the tables' own chance to be over 1 of 20, then how many are."""

    def tables(worse: list[int]) -> list[list[bench.Judged]]:
        return [[bench.Judged(1.0, 1.0, at < count, False) for at in range(20)] for count in worse]

    spread = tables([1] * 14 + [0] * 23 + [2, 2, 2, 2, 2])  # 24 of 840
    rate = 24 / 840
    single = 1 - sum(comb(20, k) * rate**k * (1 - rate) ** (20 - k) for k in (0, 1))
    many = 1 - sum(comb(42, k) * single**k * (1 - single) ** (42 - k) for k in range(5))
    assert bench.chance_of(spread) == pytest.approx(many) and many > 0.3
    assert bench.chance_of(tables([12, 12] + [0] * 40)) > 0.9, (
        "two tables that are poor are a rate, not a spread"
    )
    assert bench.chance_of(tables([2] * 12 + [0] * 30)) < 0.01
