"""Spaces: counts and numbers against brute force, conditions, the unit cube, and what users hand in."""

import itertools
import math
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.errors import SpaceError
from luthier.space import (
    Categorical,
    Condition,
    Configuration,
    Constant,
    Domain,
    Float,
    Integer,
    Normal,
    Ordinal,
    Parameter,
    Space,
    Value,
)
from luthier.space.cube import MANY


def optimizer_space() -> Space:
    return Space(
        [
            Parameter("optimizer", Categorical.of(["sgd", "adam"])),
            Parameter("layers", Integer(1, 4)),
            Parameter("momentum", Float(0.1, 0.3, step=0.1), (Condition("optimizer", "==", ("sgd",)),)),
            Parameter("width", Ordinal.of(["s", "m", "l"]), (Condition("layers", ">=", (3,)),)),
            Parameter("gate", Constant.of([True]), (Condition("width", ">", ("s",)),)),
        ]
    )


@st.composite
def finite_domains(draw: st.DrawFn) -> Domain:
    match draw(st.integers(0, 4)):
        case 0:
            return Integer(1, draw(st.integers(2, 5)), draw(st.sampled_from(["linear", "log"])))
        case 1:
            return Float(0.5, draw(st.sampled_from([1.0, 1.5, 2.0])), step=0.5)
        case 2:
            return Categorical.of(
                draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True))
            )
        case 3:
            return Ordinal.of(draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)))
        case _:
            return Categorical.of(
                draw(st.lists(st.sampled_from([1, 3, 2.5]), min_size=1, max_size=3, unique=True))
            )


@st.composite
def conditional_spaces(draw: st.DrawFn) -> Space:
    """Up to five finite parameters with conditions on any earlier ones."""
    parameters: list[Parameter] = []
    for name in "vwxyz"[: draw(st.integers(1, 5))]:
        when = []
        for parent in draw(st.lists(st.sampled_from(parameters), max_size=2)) if parameters else []:
            domain = parent.domain
            words = (
                isinstance(domain, Categorical) and not isinstance(domain, Ordinal) and not domain.is_numeric
            )
            operator = draw(
                st.sampled_from(["==", "!=", "in"] if words else ["==", "!=", "in", "<", "<=", ">", ">="])
            )
            count = draw(st.integers(1, 2)) if operator == "in" else 1
            values = tuple(
                domain.at(draw(st.integers(0, (domain.count() or 1) - 1))).value for _ in range(count)
            )
            when.append(Condition(parent.name, operator, values))
        parameters.append(Parameter(name, draw(finite_domains()), tuple(when)))
    return Space(parameters)


COMPARE: dict[str, Any] = {
    "==": lambda a, b: a == b[0],
    "!=": lambda a, b: a != b[0],
    "in": lambda a, b: a in b,
    "<": lambda a, b: a < b[0],
    "<=": lambda a, b: a <= b[0],
    ">": lambda a, b: a > b[0],
    ">=": lambda a, b: a >= b[0],
}


def brute_force(space: Space) -> list[Configuration]:
    """All configurations in declared order, by making the whole product and leaving out what is inactive."""
    listed = [[p.domain.at(i) for i in range(p.domain.count() or 0)] for p in space.parameters]
    found: dict[Configuration, None] = {}
    for values in itertools.product(*listed):
        chosen = dict(zip(space.names, values, strict=True))
        kept: dict[str, Value] = {}
        for p in space.parameters:
            if all(c.parent in kept and _holds(space, c, kept[c.parent].value) for c in p.when):
                kept[p.name] = chosen[p.name]
        found.setdefault(Configuration.of(kept.items()))
    return list(found)


def _holds(space: Space, condition: Condition, value: Any) -> bool:
    domain = space[condition.parent].domain
    if isinstance(domain, Ordinal) and condition.operator[0] in "<>":
        order = [c.value for c in domain.choices]
        return bool(COMPARE[condition.operator](order.index(value), [order.index(condition.values[0])]))
    return bool(COMPARE[condition.operator](value, condition.values))


@settings(max_examples=300, deadline=None)
@given(conditional_spaces())
def test_counts_and_numbers_equal_brute_force(space: Space) -> None:
    every = brute_force(space)
    assert space.count() == len(every)
    assert [space.at(i) for i in range(len(every))] == every
    assert [space.index_of(c) for c in every] == list(range(len(every)))


RANGES = (
    Float(1e-4, 1.0, "log"),
    Float(0.5, 1.0, "reverse_log"),
    Float(-3.0, 7.0),
    Float(-1e300, 1e300),
    Float(0.0, 1.0, step=0.1),
    Integer(1, 1000, "log"),
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=3 * MANY))
def test_many_are_encoded_as_each_by_itself_to_the_last_bit(units: list[float]) -> None:
    space = Space(
        [
            Parameter("kind", Categorical.of(["a", "b"])),
            *(Parameter(f"x{j}", domain) for j, domain in enumerate(RANGES)),
            Parameter("then", RANGES[0], (Condition("kind", "==", ("a",)),)),
        ]
    )
    made = [space.from_unit(dict.fromkeys(space.dimensions, u)) for u in [0.0, 1.0, *units]]
    expected = [
        [space[name].domain.to_unit(c[name].value) if name in c else math.nan for name in space.dimensions]
        for c in made
    ]
    assert space.encode(made).tobytes() == np.array(expected).tobytes()


@settings(max_examples=100, deadline=None)
@given(conditional_spaces(), st.data())
def test_the_cube_is_undone_exactly(space: Space, data: st.DataObject) -> None:
    count = space.finite_count()
    made = [space.at(data.draw(st.integers(0, count - 1))) for _ in range(4)]
    X = space.encode(made)
    assert X.shape == (4, len(space.dimensions))
    assert space.decode(X) == made
    for row, configuration in zip(X.tolist(), made, strict=True):
        for u, name in zip(row, space.dimensions, strict=True):
            assert math.isnan(u) is (name not in configuration)
            assert not u < 0
            assert not u > 1


@settings(max_examples=100, deadline=None)
@given(conditional_spaces())
def test_a_space_survives_json_and_pickle(space: Space) -> None:
    for again in (Space.from_list(space.to_list()), pickle.loads(pickle.dumps(space))):
        assert again == space
        assert hash(again) == hash(space)
        assert again.to_list() == space.to_list()


@settings(max_examples=100, deadline=None)
@given(conditional_spaces(), st.data())
def test_what_is_printed_can_be_handed_in(space: Space, data: st.DataObject) -> None:
    configuration = space.at(data.draw(st.integers(0, space.finite_count() - 1)))
    space.validate(configuration)
    assert space.configuration(configuration.texts()) == configuration
    assert space.configuration(configuration.values()) == configuration


def test_huge_spaces_are_counted_and_numbered_at_once() -> None:
    space = Space(
        [
            Parameter("n", Integer(1, 10**30)),
            Parameter("deep", Integer(0, 10**9), (Condition("n", ">", (10**29,)),)),
            Parameter("x", Float(0, 1, step=1e-6)),
        ]
    )
    deep = 10**30 - 10**29
    assert space.count() == (10**29 + deep * (10**9 + 1)) * (10**6 + 1)
    for index in (0, 10**35, 12345678901234567890, space.finite_count() - 1):
        assert space.index_of(space.at(index)) == index


def test_many_switches_are_counted_by_their_branches() -> None:
    switches = [Parameter(f"s{i}", Categorical.of(["on", "off"])) for i in range(60)]
    children = [Parameter(f"c{i}", Integer(1, 5), (Condition(f"s{i}", "==", ("on",)),)) for i in range(60)]
    space = Space([*switches, *children])
    assert space.count() == 6**60
    assert space.index_of(space.at(6**59 + 7)) == 6**59 + 7


def test_an_unreachable_range_is_not_endless() -> None:
    parent = Parameter("a", Categorical.of(["x", "y"]))
    child = Parameter("b", Integer(1, 3), (Condition("a", "==", ("x",)),))
    never = (Condition("a", "==", ("y",)), Condition("b", ">", (2,)))
    assert Space([parent, child, Parameter("c", Float(0, 1), never)]).count() == 4
    assert Space([parent, child, Parameter("c", Float(0, 1), never[1:])]).count() is None


def test_the_first_parameter_is_slowest() -> None:
    space = Space([Parameter("a", Integer(1, 2)), Parameter("b", Categorical.of("xyz"))])
    assert [str(space.at(i)) for i in range(4)] == ["a=1, b=x", "a=1, b=y", "a=1, b=z", "a=2, b=x"]
    with pytest.raises(IndexError):
        space.at(6)


def test_nothing_to_search_is_one_configuration() -> None:
    assert Space().count() == 1
    assert Space().at(0) == Configuration()


def test_conditions_decide_what_exists() -> None:
    space = optimizer_space()
    assert space.dimensions == ("optimizer", "layers", "momentum", "width")
    made = space.configuration({"optimizer": "sgd", "layers": "3", "momentum": ".1", "width": "m"})
    assert made.texts() == {"optimizer": "sgd", "layers": "3", "momentum": ".1", "width": "m", "gate": "true"}
    assert "gate" not in space.configuration({"optimizer": "adam", "layers": 3, "width": "s"})
    assert str(space).splitlines()[2] == "momentum: 0.1 … 0.3 step 0.1 when optimizer == sgd"


def test_from_unit_ignores_what_is_inactive() -> None:
    space = optimizer_space()
    made = space.from_unit({"optimizer": 0.9, "layers": 0.1, "momentum": float("nan"), "width": 0.5})
    assert made.values() == {"optimizer": "adam", "layers": 1}


HANDED_IN: list[tuple[dict[str, Any], str]] = [
    (
        {"optimzer": "sgd"},
        (
            "there is no parameter 'optimzer' (did you mean optimizer?); "
            "the parameters are optimizer, layers, momentum, width, gate"
        ),
    ),
    ({"optimizer": "adam"}, "parameter 'layers' has no value; give it one of 1 … 4 int"),
    (
        {"optimizer": "adm", "layers": 1},
        "parameter 'optimizer': adm is not one of sgd, adam (did you mean adam?)",
    ),
    (
        {"optimizer": "adam", "layers": 1, "momentum": 0.1},
        "parameter 'momentum' exists only when optimizer == sgd; leave it out",
    ),
    ({"optimizer": "adam", "layers": "9"}, "parameter 'layers': 9 is not in 1 … 4 int"),
]


@pytest.mark.parametrize(("given_", "sentence"), HANDED_IN)
def test_what_may_not_be_handed_in(given_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpaceError) as refused:
        optimizer_space().configuration(given_)
    assert str(refused.value) == sentence


def test_what_is_not_in_the_space() -> None:
    space = optimizer_space()
    assert space.contains(Configuration({"optimizer": "adam", "layers": 1}))
    assert not space.contains(Configuration({"optimizer": "adam", "layers": 1.0}))
    assert not space.contains(Configuration({"optimizer": "adam", "layers": "1"}))
    assert not space.contains(Configuration({"optimizer": "adam", "layers": 3, "width": "l"}))
    assert not space.contains(Configuration({"layers": 1}))


a, b = Parameter("a", Integer(1, 9)), Parameter("b", Categorical.of(["x", "y"]))


def on(parent: str, operator: str, *values: Any) -> Parameter:
    return Parameter("c", Integer(1, 2), (Condition(parent, operator, values),))


NO_SPACE: list[tuple[list[Parameter], str]] = [
    ([a, b, a], "parameter 'a' is declared twice; give each parameter once"),
    (
        [Parameter("", Integer(1, 2))],
        "a parameter has an empty name; write NAME=VALUE,… with a name before the =",
    ),
    (
        [on("c", "==", 1)],
        "parameter 'c' exists only when itself has a value; name another parameter in 'when'",
    ),
    ([on("a", "==", 1), a], "parameter 'c' depends on 'a', which is declared later; declare 'a' first"),
    (
        [b, on("q", "==", 1)],
        "parameter 'c' depends on 'q', which is no parameter; name one that is declared before",
    ),
    ([a, on("a", "==", 12)], "parameter 'c' exists when a == 12, but 12 is not in 1 … 9 int"),
    ([b, on("b", "in", "x", "z")], "parameter 'c' exists when b in x, z, but z is not one of x, y"),
    (
        [b, on("b", ">", "x")],
        (
            "parameter 'c' exists when b > x, but b > x does not compare numbers; "
            "write == or !=, or declare b as ordered"
        ),
    ),
]


@pytest.mark.parametrize(("parameters", "sentence"), NO_SPACE, ids=[s for _, s in NO_SPACE])
def test_what_is_no_space(parameters: list[Parameter], sentence: str) -> None:
    with pytest.raises(SpaceError) as refused:
        Space(parameters)
    assert str(refused.value) == sentence
    assert str(pickle.loads(pickle.dumps(refused.value))) == sentence


def test_a_grid_of_a_range_says_what_to_write() -> None:
    with pytest.raises(SpaceError) as refused:
        Space([a, Parameter("rate", Float(0.001, 1, "log"))]).finite_count()
    assert str(refused.value) == (
        "param 'rate' is the range 0.001 … 1 log without a step, whose values can't be listed; "
        "list them as rate=VALUE,VALUE or add a step, as in rate=MIN:MAX:step=STEP"
    )
    with pytest.raises(SpaceError) as refused:
        Space([Parameter("noise", Normal(0, 1, 0.5))]).at(0)
    assert str(refused.value) == (
        "param 'noise' is normal(0, 1, q=0.5), whose values can't be listed; list them as noise=VALUE,VALUE"
    )


def test_points_that_do_not_fit_the_cube() -> None:
    import numpy as np

    with pytest.raises(SpaceError, match=r"points of shape \(2, 3\) are not rows of 1 dimensions"):
        Space([a]).decode(np.zeros((2, 3)))


def test_importing_the_space_loads_no_numpy_and_reads_no_clock() -> None:
    unwanted = "numpy", "random", "subprocess", "sqlite3", "logging", "decimal", "statistics"
    code = f"import sys, luthier.space.grammar; print([m for m in {unwanted} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.strip() == "[]"
