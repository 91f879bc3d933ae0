"""How sure the verdict is: computed by hand where it can be, calibrated by simulation where it can't."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from luthier.history import History
from luthier.space import Configuration, Space
from luthier.space.grammar import parse_params
from luthier.testing.searcher import history_of
from luthier.trial import Outcome, Result, Trial
from luthier.view import posterior
from luthier.view.certainty import Certainty, sentence, weighed
from luthier.view.repeats import repeats_of

SPACE = parse_params(["x=0:1000:linear:int"])


def history(*scores: tuple[int, float], maximize: bool = True) -> History:
    """Trials that reached these values at these values of x, numbered from 1."""
    trials = history_of([Configuration({"x": x}) for x, _ in scores]).trials
    ended = tuple(
        replace(t, result=Result(Outcome.SUCCEEDED, "", value))
        for t, (_, value) in zip(trials, scores, strict=True)
    )
    return History(trials=ended, maximize=maximize)


def turned(scores: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    return [(x, -value) for x, value in scores]


REPEATED = [(1, 0.90), (1, 0.92), (1, 0.94), (2, 0.95), (3, 0.80), (3, 0.84), (4, 0.7)]


def test_one_run_of_each_tells_nothing() -> None:
    sure = weighed(SPACE, history((1, 0.5), (2, 0.9), (3, 0.7)))
    assert sure == Certainty(ranking=(2, 3, 1))
    assert sentence(sure, 7) is None
    assert weighed(SPACE, history()).ranking == ()


def test_repeats_are_pooled_into_the_noise() -> None:
    sure = weighed(SPACE, history(*REPEATED))
    assert sure.method == "repeats" and sure.noise is not None
    assert sure.noise**2 == pytest.approx((2 * 0.02**2 + 1 * (0.02**2 + 0.02**2)) / 3)


def test_the_verdict_is_the_same_when_less_is_better() -> None:
    more = weighed(SPACE, history(*REPEATED))
    less = weighed(SPACE, history(*turned(REPEATED), maximize=False))
    assert more.ranking == less.ranking
    assert more.recommended and less.recommended
    assert less.recommended.mean == pytest.approx(-more.recommended.mean, abs=0.003)
    assert less.recommended.low == pytest.approx(-more.recommended.high, abs=0.02)
    assert less.recommended.probability == pytest.approx(more.recommended.probability, abs=0.03)


def test_two_configurations_are_weighed_by_students_t() -> None:
    runs = [[1.0, 1.2, 1.1], [0.9, 1.0, 0.8]]  # variance 0.01, four degrees of freedom
    draws = posterior.from_repeats(runs, True)
    low, high = np.quantile(draws.values[:, 0], [0.025, 0.975])
    half = 2.776445 * 0.1 / 3**0.5  # t of four degrees of freedom, from tables
    assert (low, high) == pytest.approx((1.1 - half, 1.1 + half), abs=0.02)
    assert (draws.values.argmax(axis=1) == 0).mean() == pytest.approx(1 - 0.035241, abs=0.01)  # t = 2.449


def test_what_was_repeated_is_believed_and_what_was_lucky_once_is_not() -> None:
    often = [(1, 0.9 + d) for d in (-0.06, -0.03, 0.0, 0.0, 0.03, 0.06)]
    once = [(x, value) for x, value in zip(range(2, 12), np.linspace(0.7, 0.88, 10), strict=True)]
    sure = weighed(SPACE, history(*often, *once, (50, 0.97)))
    assert sure.best and sure.recommended
    assert sure.best.trial == 17 and sure.best.value == 0.97
    assert sure.best.mean < 0.97 - 0.01
    repeated = next(each for each in (sure.recommended, *sure.ties) if each.trial == 6)
    assert repeated.runs == 6 and repeated.mean == pytest.approx(0.9, abs=0.01)
    assert sum(tie.probability for tie in (*sure.ties, sure.recommended)) <= 1 + 1e-9


def test_when_another_than_the_luckiest_is_recommended_one_sentence_says_both() -> None:
    often = [(1, 0.9 + d) for d in (-0.08, -0.04, 0.0, 0.0, 0.04, 0.08)]
    once = [(x, 0.8 + 0.01 * (x % 5)) for x in range(2, 30)]
    sure = weighed(SPACE, history(*often, *once, (50, 0.985)))
    assert sure.best and sure.recommended
    assert (sure.best.trial, sure.recommended.trial) == (35, 6)
    said = sentence(sure, 144)
    assert said is not None
    assert (
        said.startswith("144.35 had the luckiest run (0.98") and "but 144.6 is the better choice: 0.8" in said
    )
    assert "best with probability 0." in said and "; ties: 144.35 (" in said
    assert sure.leaders(1) == (6,)
    assert 35 in sure.leaders(2) and len(sure.leaders(3)) == 3


def test_without_luck_the_best_is_certain_and_equals_share() -> None:
    sure = weighed(SPACE, history((1, 0.1), (1, 0.1), (1, 0.1), (2, 0.9), (3, 0.9), (4, 0.1)))
    assert sure.noise == 0 and sure.recommended and sure.recommended.probability == 0.5
    assert [tie.trial for tie in sure.ties] == [5]
    assert sentence(sure, 1) == "equal configurations gave equal values, so there is no luck in them"


def test_fresh_runs_count_for_their_configuration_alone() -> None:
    fresh = history((2, 0.85), (2, 0.86), (9, 5.0)).trials
    sure = weighed(SPACE, history((1, 0.8), (2, 0.9)), fresh)
    assert sure.recommended and sure.recommended.runs == 3
    assert sure.recommended.mean == pytest.approx(0.87)
    assert set(sure.ranking) == {1, 2}


def test_what_cannot_be_computed_with_is_left_out() -> None:
    good = [(1, 0.5), (1, 0.6), (2, 0.7), (2, 0.72), (3, 0.65)]
    bad = [(10 + i, value) for i, value in enumerate([nan, inf, -inf, 1e300, -1e300])]
    assert weighed(SPACE, history(*good, *bad)) == weighed(SPACE, history(*good))


def test_diverged_runs_do_not_pass_for_spread() -> None:
    good = [(x, 0.9 + 0.001 * x) for x in range(8)] + [(0, 0.902), (1, 0.899), (2, 0.904)]
    sure = weighed(SPACE, history(*good, *[(100 + i, -(10.0**i)) for i in range(6)]))
    alone = weighed(SPACE, history(*good))
    assert sure.recommended and alone.recommended
    assert sure.recommended.mean == pytest.approx(alone.recommended.mean, abs=1e-3)
    assert set(sure.ranking) <= set(range(1, 12))


def test_stopped_trials_are_not_compared() -> None:
    whole = history((1, 0.5), (2, 0.6))
    stopped = replace(whole.trials[1], result=Result(Outcome.STOPPED, "", 0.9))
    assert [each.trial for each in repeats_of(replace(whole, trials=(whole.trials[0], stopped)))] == [1]


def believe(space: Space, history: History) -> tuple[np.ndarray, np.ndarray]:
    """A model that pulls every value halfway to 0.5, and is sure to 0.05."""
    return 0.5 + (history.values() - 0.5) / 2, np.full(len(history.scored), 0.05)


def test_a_model_is_asked_where_there_are_no_repeats() -> None:
    sure = weighed(SPACE, history(*[(x, x / 10) for x in range(10)]), believe=believe)
    assert sure.method == "model" and sure.noise is None and sure.recommended
    assert sure.recommended.trial == 10 and sure.recommended.mean == pytest.approx(0.7)
    assert sure.recommended.high == pytest.approx(0.7 + 1.96 * 0.05, abs=0.006)
    # The chance to exceed the next, 0.05 lower, is that of a normal beyond -0.05 / (0.05 √2): 0.760.
    assert 0.5 < sure.recommended.probability < 0.76
    assert [tie.trial for tie in sure.ties] == [9, 8]
    few = weighed(SPACE, history(*[(x, x / 10) for x in range(4)]), believe=believe)
    assert few.method == "none"


def test_a_model_and_its_mirror_agree() -> None:
    scores = [(x, (x * 7 % 10) / 10) for x in range(10)]
    more = weighed(SPACE, history(*scores), believe=believe)
    less = weighed(SPACE, history(*turned(scores), maximize=False), believe=believe)
    assert more.ranking == less.ranking


def test_repeats_are_believed_before_a_model() -> None:
    scores = [(x // 2, x / 10) for x in range(10)]
    assert weighed(SPACE, history(*scores), believe=believe).method == "repeats"


def test_many_configurations_keep_the_luckiest_among_the_drawn() -> None:
    scores = [(0, 2.0), *[(0, 0.0)] * 3, *[(x, 1.0 + x / 1e4) for x in range(1, 400)]]
    sure = weighed(SPACE, history(*scores))
    assert sure.best and sure.best.trial == 1
    assert len(sure.ranking) == posterior.MOST


@pytest.mark.parametrize(("spread", "noise"), [(1.0, 0.3), (0.5, 0.5)])
def test_intervals_and_probabilities_are_honest(spread: float, noise: float) -> None:
    """Over simulated searches whose leaders were rerun: the 95 % interval of the recommended one holds its true value,
    the probability of being best comes true, and the luckiest is not better than the recommended one on average."""
    rng = np.random.default_rng(5)
    covered, promised, kept, gain = 0, 0.0, 0, 0.0
    searches = 120
    for _ in range(searches):
        true = rng.normal(0.0, spread, 15)
        found = true + rng.normal(0.0, noise, 15)
        order = np.argsort(-found)
        true, found = true[order], found[order]
        runs = [
            [v, *rng.normal(t, noise, 4 if i < 3 else 0)]
            for i, (t, v) in enumerate(zip(true, found, strict=True))
        ]
        draws = posterior.from_repeats(runs, True)
        first = draws.places[0]
        low, high = np.quantile(draws.values[:, 0], [0.025, 0.975])
        covered += low <= true[first] <= high
        promised += (draws.values.argmax(axis=1) == 0).mean()
        kept += true[first] == true.max()
        gain += true[first] - true[0]
    assert covered >= 0.88 * searches
    assert abs(promised - kept) < 0.12 * searches
    assert gain > 0


def as_trials(values: Sequence[float]) -> tuple[Trial, ...]:
    return history(*[(1, value) for value in values]).trials


def test_a_verdict_is_the_same_every_time() -> None:
    assert weighed(SPACE, history(*REPEATED), as_trials([0.91])) == weighed(
        SPACE, history(*REPEATED), as_trials([0.91])
    )
