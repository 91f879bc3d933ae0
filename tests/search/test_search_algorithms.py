"""Grid, random and Sobol: the pages' examples, frequencies, and independence of who asks."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from luthier.description import Algorithm
from luthier.errors import SpaceError, UsageError
from luthier.history import History
from luthier.search import ALGORITHMS, LEARNING, searcher
from luthier.search.distinct import Distinct
from luthier.search.random import drawn
from luthier.search.sobol import DIMENSIONS, directions, point
from luthier.space import Categorical, Condition, Configuration, Float, Integer, Parameter, Space
from luthier.space.grammar import parse_params


def propose(
    name: str, space: Space, ordinals: Sequence[int], seed: int = 0, **settings: Any
) -> list[Configuration]:
    made = searcher(Algorithm(name, settings)).propose(space, History(), seed, ordinals)
    return [proposal.configuration for proposal in made]


def test_the_grid_of_spell_s_page() -> None:
    space = parse_params(["rate=0.001,0.01,0.1,1", "layers=2,3,5,10"])
    rows = [tuple(c.texts().values()) for c in propose("grid", space, range(1, 20))]
    assert rows == [
        ("0.001", "2"),
        ("0.001", "3"),
        ("0.001", "5"),
        ("0.001", "10"),
        ("0.01", "2"),
        ("0.01", "3"),
        ("0.01", "5"),
        ("0.01", "10"),
        ("0.1", "2"),
        ("0.1", "3"),
        ("0.1", "5"),
        ("0.1", "10"),
        ("1", "2"),
        ("1", "3"),
        ("1", "5"),
        ("1", "10"),
    ]


def test_the_random_search_of_spell_s_page() -> None:
    space = parse_params(["rate=.001:1.0:log", "layers=2:100:linear:int", "cell=gru,lstm,rnn"])
    rows = propose("random", space, range(1, 11))
    assert len(rows) == 10
    for row in rows:
        values = row.values()
        assert 0.001 <= values["rate"] <= 1.0
        assert type(values["layers"]) is int
        assert 2 <= values["layers"] <= 100
        assert values["cell"] in ("gru", "lstm", "rnn")


@pytest.mark.parametrize("name", ["random", "sobol"])
@pytest.mark.parametrize(
    ("scaling", "middle"), [("log", 0.0316228), ("reverse_log", 0.9693772), ("linear", 0.5005)]
)
def test_half_of_the_draws_are_below_the_middle(name: str, scaling: str, middle: float) -> None:
    space = parse_params([f"rate=.001:1.0:{scaling}"])
    rates = [c.values()["rate"] for c in propose(name, space, range(1, 4097))]
    assert all(0.001 <= rate <= 1.0 for rate in rates)
    tolerance = 0.0 if name == "sobol" else 0.025  # three standard errors
    assert sum(rate < middle for rate in rates) / 4096 == pytest.approx(0.5, abs=tolerance + 3e-4)


def test_choices_and_integers_are_equally_likely() -> None:
    space = parse_params(["cell=gru,lstm,rnn", "n=1:4:int", "x=0:1"])
    made = [c.values() for c in propose("random", space, range(1, 3001))]
    assert all(900 < n < 1100 for n in Counter(v["cell"] for v in made).values())
    assert all(660 < n < 840 for n in Counter(v["n"] for v in made).values())


def test_random_repeats_only_when_asked() -> None:
    space = parse_params(["a=1,2,3", "b=x,y"])
    assert (
        len(set(propose("random", space, range(1, 100)))) == len(propose("random", space, range(1, 100))) == 6
    )
    again = propose("random", space, range(1, 101), repeats=True)
    assert len(again) == 100
    assert again == [drawn(space, 0, n) for n in range(1, 101)]


def test_sixteen_of_ninety_six_are_distinct() -> None:
    space = parse_params(["a=1:8:int", "b=1:12:int"])
    for name in ("random", "sobol"):
        assert len(set(propose(name, space, range(1, 17)))) == 16


def test_a_space_of_any_size_is_drawn_from_without_repeats() -> None:
    space = Space([Parameter("n", Integer(1, 10**40)), Parameter("m", Integer(1, 10**40))])
    assert len(set(propose("random", space, range(1, 200)))) == 199
    assert propose("random", space, [10**30]) == propose("random", space, [10**30])


def conditional() -> Space:
    return Space(
        [
            Parameter("opt", Categorical.of(["sgd", "adam"])),
            Parameter("n", Integer(1, 50, "log")),
            Parameter("m", Integer(1, 9), (Condition("opt", "==", ("sgd",)),)),
        ]
    )


def test_branches_are_drawn_as_their_parents_say_not_by_their_size() -> None:
    """Ninety per cent of the configurations have sgd; half of the draws do."""
    made = propose("random", conditional(), range(1, 61), seed=4)
    assert 15 <= sum(c.values()["opt"] == "adam" for c in made) <= 45


@pytest.mark.parametrize("name", ["random", "sobol"])
def test_uneven_spaces_are_exhausted(name: str) -> None:
    made = propose(name, conditional(), range(1, 1000))
    assert len(made) == len(set(made)) == 500


def test_what_was_forgotten_is_computed_again() -> None:
    space = conditional()
    first, second = (Distinct(space, 1, lambda n: drawn(space, 1, n)) for _ in range(2))
    whole = [first.at(n) for n in range(1, 502)]
    assert [second.at(n) for n in (500, 3, 77, 501)] == [whole[n - 1] for n in (500, 3, 77, 501)]
    assert whole[-1] is None


def test_a_draw_that_never_changes_still_exhausts() -> None:
    space = parse_params(["a=1:40:int"])
    stuck = Distinct(space, 1, lambda n: space.at(7))
    assert len({stuck.at(n) for n in range(1, 41)}) == 40


def test_a_new_parameter_leaves_the_draws_of_the_others() -> None:
    small = parse_params(["rate=0:1", "n=1:9:int"])
    large = parse_params(["first=0:1", "rate=0:1", "n=1:9:int"])
    for one, other in zip(
        propose("random", small, range(1, 9)), propose("random", large, range(1, 9)), strict=True
    ):
        assert one.values().items() <= other.values().items()


def test_the_table_gives_the_points_of_scipy() -> None:
    """Scipy's own Sobol engine stands in Gray code order; unscrambled, its points must be ours."""
    d, n = 200, 256
    expected = qmc.Sobol(d, scramble=False, bits=32).random(n)
    for k in range(n):
        gray = k ^ (k >> 1)
        for j in range(d):
            digits = 0
            for bit, direction in enumerate(directions(j)[:9]):
                digits ^= direction if gray >> bit & 1 else 0
            assert digits / 2**32 == expected[k, j]


@pytest.mark.parametrize("dimension", [0, 1, 2, 17, 1023])
@pytest.mark.parametrize("seed", [0, 1])
def test_one_point_stands_in_every_interval(dimension: int, seed: int) -> None:
    for m in (1, 4, 8):
        bins = {int(point(seed, dimension, k) * 2**m) for k in range(2**m)}
        assert len(bins) == 2**m
        later = {int(point(seed, dimension, k) * 2**m) for k in range(3 * 2**m, 4 * 2**m)}
        assert len(later) == 2**m


@pytest.mark.parametrize("seed", [0, 5])
def test_the_first_two_dimensions_are_a_net(seed: int) -> None:
    """A (0, m, 2)-net: every box of area 2^-m, whatever its shape, holds exactly one of the first 2^m points."""
    m = 8
    points = [(point(seed, 0, k), point(seed, 1, k)) for k in range(2**m)]
    for a in range(m + 1):
        assert len({(int(x * 2**a), int(y * 2 ** (m - a))) for x, y in points}) == 2**m


def test_scrambled_points_are_unbiased_and_even() -> None:
    X = np.array([[point(s, j, k) for j in range(6)] for s in range(3) for k in range(256)])
    assert abs(X.mean(axis=0) - 0.5).max() < 1e-3
    assert qmc.discrepancy(X[:256]) < qmc.discrepancy(np.random.default_rng(0).random((256, 6))) / 3
    first = np.array([point(s, 3, 0) for s in range(2000)])
    assert abs(np.histogram(first, bins=4, range=(0, 1))[0] - 500).max() < 80


def test_sobol_covers_a_small_grid_evenly() -> None:
    space = parse_params(["a=1,2,3,4", "b=1,2,3,4"])
    made = propose("sobol", space, range(1, 5))
    assert len({c.values()["a"] for c in made}) == len({c.values()["b"] for c in made}) == 4


def test_sobol_says_where_it_ends() -> None:
    space = Space([Parameter(f"p{i}", Float(0, 1)) for i in range(DIMENSIONS + 1)])
    with pytest.raises(SpaceError) as refused:
        propose("sobol", space, [1])
    assert str(refused.value) == (
        "the space has 1025 parameters that vary and Sobol's sequence at most 1024; use random instead"
    )
    assert len(propose("sobol", Space(space.parameters[:DIMENSIONS]), [1])[0]) == DIMENSIONS
    with pytest.raises(SpaceError, match="has at most 4294967296 points here; use random instead"):
        propose("sobol", parse_params(["a=0:1"]), [2**32 + 1])


def test_a_grid_of_a_range_is_refused() -> None:
    with pytest.raises(
        SpaceError, match=r"^param 'rate' is the range 0\.001 … 1 log without a step, whose values can't"
    ):
        propose("grid", parse_params(["rate=.001:1:log", "a=1,2"]), [1])
    assert len(propose("grid", parse_params(["n=1:9:int", "x=0:1:step=.25"]), range(1, 99))) == 45


REFUSED = [
    (
        Algorithm("rndom"),
        "there is no algorithm 'rndom' (did you mean random?); "
        "write one of grid, random, sobol, auto, bayesian, tpe, cmaes",
    ),
    (Algorithm("grid", {"repeats": True}), "grid has no setting 'repeats'; it takes no settings"),
    (
        Algorithm("random", {"repeat": True}),
        "random has no setting 'repeat' (did you mean repeats?); it takes repeats, sequence",
    ),
    (
        Algorithm("random", {"sequence": "sobl"}),
        "there is no sequence 'sobl' (did you mean sobol?); write random or sobol",
    ),
    (Algorithm("random", {"repeats": "yes"}), "the setting repeats of random is 'yes'; write true or false"),
    (
        Algorithm("bayesian", {"acquisition": "eii"}),
        "there is no acquisition 'eii' (did you mean ei?); write ucb or ei",
    ),
    *(
        (
            Algorithm("bayesian", {"kappa": kappa}),
            f"the setting kappa of bayesian is {kappa!r}; write a number above 0, such as 2",
        )
        for kappa in (0, -1.5, True, "2", math.inf, math.nan)
    ),
    *(
        (Algorithm(name, {setting: value}), f"the setting {setting} of {name} is {value!r}; write {words}")
        for name, setting, values, words in (
            ("tpe", "startup", (0, 7.0, True, "7", None), "a whole number from 1, such as 7"),
            (
                "tpe",
                "share",
                (0, 0.51, True, "0.1", math.nan),
                "a number above 0 and at most 0.5, such as 0.1",
            ),
            ("tpe", "candidates", (0, 10_001, 2.5), "a whole number from 1 to 10000, such as 64"),
            ("tpe", "repeats", (1, "yes", None), "true or false"),
            (
                "cmaes",
                "sigma",
                (0, -0.1, 1.01, math.inf, math.nan),
                "a number above 0 and at most 1, such as 0.25",
            ),
            ("cmaes", "population", (0, 1, 10_001, 8.5), "a whole number from 2 to 10000, such as 10"),
        )
        for value in values
    ),
    (Algorithm("cmaes", {"repeats": True}), "cmaes has no setting 'repeats'; it takes population, sigma"),
    (
        Algorithm("tpe", {"start": 3}),
        "tpe has no setting 'start' (did you mean startup?); it takes candidates, repeats, share, startup, warm_start",
    ),
]


@pytest.mark.parametrize(("algorithm", "sentence"), REFUSED, ids=[s for _, s in REFUSED])
def test_what_is_refused(algorithm: Algorithm, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        searcher(algorithm)
    assert str(refused.value) == sentence


def test_every_algorithm_is_found() -> None:
    for name in ALGORITHMS:
        found = searcher(Algorithm(name))
        assert found.name == name and found.looks_back == (name in LEARNING)
    assert searcher(Algorithm("random", {"sequence": "sobol"})) == searcher(Algorithm("sobol"))


def test_settings_reach_their_searcher() -> None:
    for name, settings in (
        ("tpe", {"startup": 1, "share": 0.5, "candidates": 10_000, "repeats": True}),
        ("cmaes", {"sigma": 1, "population": 2}),
        ("bayesian", {"acquisition": "ei", "kappa": 0.5, "repeats": True}),
    ):
        found, plain = searcher(Algorithm(name, settings)), searcher(Algorithm(name))
        for setting, value in settings.items():
            assert getattr(found, setting) == value != getattr(plain, setting)


def test_a_searcher_is_not_told_which_experiments_its_observations_are_from() -> None:
    settings = {"acquisition": "ucb", "kappa": 3.0, "repeats": True}
    told = searcher(Algorithm("bayesian", {**settings, "warm_start": [1, 2]}))
    assert told == searcher(Algorithm("bayesian", settings)) != searcher(Algorithm("bayesian"))
