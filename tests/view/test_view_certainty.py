"""How sure the verdict is: computed by hand where it can be, calibrated by simulation where it can't."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan

import numpy as np
import pytest

from luthier.history import History
from luthier.search.gaussian import believed_draws
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
        t._replace(result=Result(Outcome.SUCCEEDED, "", value))
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
    bad = [(10 + i, value) for i, value in enumerate([nan, -inf, -1e300])]
    assert weighed(SPACE, history(*good, *bad)) == weighed(SPACE, history(*good))
    upside = weighed(SPACE, history(*turned(good), *turned(bad), maximize=False))
    assert upside == weighed(SPACE, history(*turned(good), maximize=False))


@pytest.mark.parametrize("best", [inf, 1e300])
@pytest.mark.parametrize("maximize", [True, False])
def test_nothing_is_recommended_over_a_best_value_that_cannot_be_computed_with(
    best: float, maximize: bool
) -> None:
    scores = [(1, 0.5), (1, 0.6), (2, 0.7), (90, best), (3, 0.65), (4, nan), (91, best)]
    sure = weighed(SPACE, history(*(scores if maximize else turned(scores)), maximize=maximize))
    assert sure == Certainty(ranking=sure.ranking, incomparable=4)
    assert set(sure.ranking) == {2, 3, 5}
    said = sentence(sure, 7)
    assert said == "not known: the value of 7.4 can't be compared with any; it may have diverged"


@pytest.mark.parametrize("bad", [-1e300, -inf, nan])
def test_a_model_does_not_see_what_cannot_be_computed_with(bad: float) -> None:
    good = [(x * 40, -((x / 25 - 0.3) ** 2)) for x in range(12)]
    alone = weighed(SPACE, history(*good), believe=believed_draws)
    beside = weighed(SPACE, history(*good, (900, bad)), believe=believed_draws)
    assert alone.recommended and beside == alone


def test_diverged_runs_do_not_pass_for_spread() -> None:
    good = [(x, 0.9 + 0.001 * x) for x in range(8)] + [(0, 0.902), (1, 0.899), (2, 0.904)]
    sure = weighed(SPACE, history(*good, *[(100 + i, -(10.0**i)) for i in range(6)]))
    alone = weighed(SPACE, history(*good))
    assert sure.recommended and alone.recommended
    assert sure.recommended.mean == pytest.approx(alone.recommended.mean, abs=1e-3)
    assert set(sure.ranking) <= set(range(1, 12))


def test_stopped_trials_are_not_compared() -> None:
    whole = history((1, 0.5), (2, 0.6))
    stopped = whole.trials[1]._replace(result=Result(Outcome.STOPPED, "", 0.9))
    assert [each.trial for each in repeats_of(whole._replace(trials=(whole.trials[0], stopped)))] == [1]


def believe(space: Space, history: History) -> tuple[np.ndarray, np.ndarray]:
    """A model that pulls every value halfway to 0.5, and is sure of each to 0.05, of each alone."""
    means = 0.5 + (history.values() - 0.5) / 2
    return means, means + 0.05 * np.random.default_rng(3).standard_normal((8192, len(means)))


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


def as_one(space: Space, history: History) -> tuple[np.ndarray, np.ndarray]:
    """The same, but all rise and fall together."""
    means, _ = believe(space, history)
    return means, means + 0.05 * np.random.default_rng(3).standard_normal((8192, 1))


def test_what_rises_and_falls_together_is_surely_in_order() -> None:
    sure = weighed(SPACE, history(*[(x, x / 10) for x in range(10)]), believe=as_one)
    assert sure.recommended and sure.recommended.trial == 10
    assert (sure.recommended.probability, sure.ties) == (1.0, ())
    assert sure.recommended.high - sure.recommended.low == pytest.approx(2 * 1.96 * 0.05, abs=0.01)


LINE = parse_params(["x=0:1"])


def bowl(places: np.ndarray, noise: float, maximize: bool, seed: int = 0) -> History:
    """Results of -(x - 0.3)², its mirror where less is better, with noise."""
    values = -((places - 0.3) ** 2) + noise * np.random.default_rng(seed).standard_normal(len(places))
    trials = history_of([Configuration({"x": float(x)}) for x in places]).trials
    sign = 1.0 if maximize else -1.0
    ended = tuple(
        t._replace(result=Result(Outcome.SUCCEEDED, "", sign * float(value)))
        for t, value in zip(trials, values, strict=True)
    )
    return History(trials=ended, maximize=maximize)


def converged(seed: int, count: int) -> np.ndarray:
    """Half the places anywhere, half where a search that has found the top looks."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.random(count // 2), 0.3 + 0.003 * rng.standard_normal(count - count // 2)])


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("count", [8, 20])
def test_values_without_noise_that_surely_differ_are_the_verdict(count: int, maximize: bool) -> None:
    places = np.linspace(0.0, 1.0, count) + 0.3 - round(0.3 * (count - 1)) / (count - 1)
    sure = weighed(LINE, bowl(np.clip(places, 0.0, 1.0), 0.0, maximize), believe=believed_draws)
    assert sure.method == "model" and sure.best == sure.recommended and sure.best is not None
    assert sure.best.trial == int(np.abs(places - 0.3).argmin()) + 1
    assert sure.best.probability > 0.95 and sure.ties == ()


def test_equal_values_without_noise_share() -> None:
    record = bowl(np.array([0.0, 0.1, 0.25, 0.35, 0.5, 0.7, 0.9, 1.0]), 0.0, True)
    equal = record.trials[3]._replace(result=record.trials[2].result)
    trials = (*record.trials[:3], equal, *record.trials[4:])
    sure = weighed(LINE, record._replace(trials=trials), believe=believed_draws)
    assert sure.recommended and sure.recommended.probability == pytest.approx(0.5, abs=0.2)
    assert {sure.recommended.trial, *(tie.trial for tie in sure.ties)} == {3, 4}


def test_repeats_that_differ_overrule_a_model_without_noise() -> None:
    record = bowl(converged(1, 20), 0.0, True)
    best = max(record.trials, key=lambda trial: trial.result.value if trial.result else -inf)
    fresh = best._replace(result=Result(Outcome.SUCCEEDED, "", -0.01))
    sure = weighed(LINE, record, [fresh], believed_draws)
    assert sure.method == "repeats" and sure.noise and sure.noise > 0


def test_neighbours_are_believed_to_move_together() -> None:
    """Under noise the draws hold the middle, and two places that all but touch hardly ever differ."""
    places = np.append(np.linspace(0.0, 1.0, 30), 0.3)
    places[-1] = places[9] + 1e-5
    for maximize in (True, False):
        known = believed_draws(LINE, bowl(places, 0.05, maximize), 4000)
        assert known is not None
        middle, drawn = known
        assert drawn.shape == (4000, 31)
        spread = drawn.std(axis=0)
        assert (spread > 0).all()
        assert np.abs(np.median(drawn, axis=0) - middle).max() < 0.1 * spread.max()
        assert (drawn[:, 9] - drawn[:, -1]).std() < 0.02 * spread[9]
        assert abs(np.corrcoef(drawn[:, 0], drawn[:, 29])[0, 1]) < 0.5


def test_draws_of_beliefs_are_the_same_every_time_but_not_for_another_seed() -> None:
    record = bowl(converged(3, 40), 0.1, True)
    one, again, other = (believed_draws(LINE, record, 50, seed) for seed in (0, 0, 1))
    assert one and again and other
    assert one[1].shape == (50, 40)
    assert np.array_equal(one[1], again[1]) and not np.array_equal(one[1], other[1])


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
