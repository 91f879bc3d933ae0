"""Spaces at the edge of what can be counted: endless ones of few likely values, and ranges of more values than a float
tells apart; and rows that are forgotten while others are computed."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from luthier.description import Algorithm
from luthier.history import History
from luthier.search import frame as frames
from luthier.search import searcher
from luthier.search.beginning import first, unseen
from luthier.search.frame import COUNTED, Frame
from luthier.space import Condition, Configuration, Float, Integer, Normal, Parameter, Space
from luthier.space.grammar import parse_params
from luthier.testing.searcher import endless_space, history_of

LEARNERS = ("auto", "bayesian", "tpe", "cmaes")
FEW = {
    "normal": parse_params(["x=normal(0,0.3,q=1)"]),
    "integers": parse_params(["x=normal(32,0.1,int)"]),
    "lognormal": parse_params(["x=lognormal(0,0.1,q=0.5)"]),
    "two": parse_params(["x=normal(0,0.1,q=1)", "y=normal(5,0.1,q=2.5)", "k=1:3:int"]),
}
LARGE = 10**20


def learnt(name: str, space: Space, n: int) -> list[Configuration]:
    """The configurations of a search one by one; it goes on where nothing was proposed."""
    made: list[Configuration] = []
    for k in range(1, n + 1):
        history = History(k, history_of(made, by=name).trials, target=n)
        made += [p.configuration for p in searcher(Algorithm(name)).propose(space, history, 2, [k])]
    return made


# ---------------------------------------------------------------------- few likely values


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("space", FEW.values(), ids=FEW)
def test_a_search_goes_on_past_the_likely_values_without_repeats(name: str, space: Space) -> None:
    made = learnt(name, space, 24)
    assert len(set(made)) == len(made) == 24
    for configuration in made:
        space.validate(configuration)


def test_the_rare_values_nearest_to_the_likely_ones_come_first() -> None:
    space = FEW["normal"]
    tried: list[Configuration] = []
    for number in range(1, 22):
        made = unseen(space, 0, number, tried)
        assert made is not None
        tried.append(made)
    assert sorted(c.values()["x"] for c in tried) == pytest.approx(list(range(-10, 11)), abs=1)
    positive = [c.values()["x"] for c in learnt("tpe", FEW["lognormal"], 24)]
    assert min(positive) == 0.0 and max(positive) <= 12.0, "below half a step there is nothing"


def test_a_distribution_that_exists_only_sometimes_is_followed_where_it_does() -> None:
    space = Space(
        [Parameter("k", Integer(1, 2)), Parameter("x", Normal(0, 0.01, 1), (Condition("k", "==", (2,)),))]
    )
    tried: list[Configuration] = []
    for number in range(1, 10):
        made = unseen(space, 0, number, tried)
        assert made is not None and made not in tried
        tried.append(made)
    assert sum("x" not in c for c in tried) == 1


def test_what_exists_because_of_a_rare_value_exists_there() -> None:
    """And what was listed stays as it was written."""
    space = Space(
        [
            Parameter("x", Normal(0, 0.01, 1)),
            Parameter("k", Integer(1, 2), (Condition("x", ">=", (2,)),)),
            *parse_params(["r=1e-6,.50"]).parameters,
        ]
    )
    made = learnt("tpe", space, 14)
    assert len(set(made)) == 14
    for configuration in made:
        space.validate(configuration)
        assert configuration.texts()["r"] in ("1e-6", ".50")
    assert {c["x"].value >= 2 for c in made} == {"k" in c for c in made} == {True, False}


def test_where_all_was_tried_there_is_none() -> None:
    class All:
        def __contains__(self, one: object) -> bool:
            return True

    for space in (endless_space(), FEW["normal"], parse_params(["x=0:1"])):
        assert unseen(space, 0, 1, All()) is None


def test_likely_values_are_those_of_the_sequence() -> None:
    space = endless_space()
    for number in (1, 2, 30):
        assert unseen(space, 3, number, ()) == first(space, 3, number)


@pytest.mark.parametrize(
    ("domain", "value", "steps", "found"),
    [
        (Normal(0, 0.3, 0.1), 0.2, 1, 0.3),
        (Normal(0, 0.3, 0.1), 0.2, -5, -0.3),
        (Normal(0, 3, 2, "int"), 4, 2, 8),
        (Normal(0, 3), 4, 2, None),
        (parse_params(["x=lognormal(0,1,q=0.1)"])["x"].domain, 0.3, -3, 0.0),
        (parse_params(["x=lognormal(0,1,q=0.1)"])["x"].domain, 0.3, -4, None),
    ],
)
def test_what_stands_beside_a_value(domain: Normal, value: float, steps: int, found: float | None) -> None:
    made = domain.beside(value, steps)
    assert (made and made.value) == (found if found is not None else None)
    assert made is None or (domain.contains(made.value) and type(made.value) is type(found))


# ---------------------------------------------------------------------- more values than floats


@pytest.mark.parametrize("name", LEARNERS)
def test_a_range_of_more_values_than_a_float_tells_apart_is_searched(name: str) -> None:
    space = Space(
        [
            Parameter("n", Integer(0, LARGE)),
            Parameter("s", Float(0, 1e25, step=1.0)),
            Parameter("g", Integer(1, 10**300, "log")),
            Parameter("k", Integer(1, 9)),
        ]
    )
    made = learnt(name, space, 20)
    assert len(set(made)) == 20
    for configuration in made:
        space.validate(configuration)


def test_such_a_range_counts_as_endless() -> None:
    domains = [Integer(0, LARGE), Integer(1, COUNTED), Integer(0, COUNTED), Integer(1, 9), Float(0, 1)]
    frame = Frame(Space([Parameter(f"x{j}", domain) for j, domain in enumerate(domains)]))
    assert frame.counts.tolist() == [0, COUNTED, 0, 9, 0]
    assert [table is None for table in frame.tables] == [True, True, True, False, True]
    units = np.array([[0.25, 0.5, 0.75, 0.0, 1.0]])
    row = frame.encode([frame.decode(frame.snap(units)[0])])
    np.testing.assert_allclose(row[0, [0, 1, 2, 4]], units[0, [0, 1, 2, 4]], rtol=1e-12)


# ---------------------------------------------------------------------- rows


def test_rows_may_be_forgotten_while_others_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another thread does between the looking up and the computing is done here in the middle of it."""
    monkeypatch.setattr(frames, "REMEMBERED", 4)
    space = endless_space()
    made = space.decode(np.random.default_rng(1).random((30, 7)))
    plain = [space.encode([c])[0] for c in made]
    encode, frame, depth = Space.encode, Frame(space), 0

    def interrupted(self: Space, configurations: Sequence[Configuration]) -> NDArray[np.float64]:
        nonlocal depth
        if depth < 2:
            depth += 1
            for others in (made[20:], made[:3], made[10:25]):
                np.testing.assert_array_equal(frame.encode(others), [plain[made.index(c)] for c in others])
            depth -= 1
        return encode(self, configurations)

    monkeypatch.setattr(Space, "encode", interrupted)
    for begin in (0, 3, 12, 5):
        frame, depth = Frame(space), 2
        frame.encode(made[begin : begin + 3])  # undisturbed: so many that none is forgotten for the next
        depth = 0
        part = [*made[begin : begin + 9], made[begin]]
        np.testing.assert_array_equal(frame.encode(part), [plain[made.index(c)] for c in part])
