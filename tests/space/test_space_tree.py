"""The space as Python programs write it: names, conditions, and the way back to the user's own objects."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import SpaceError
from luthier.space import Configuration, Space
from luthier.space.distributions import choice, integers, lognormal, loguniform, normal, uniform
from luthier.space.tree import Tree


class SGD:
    """An object as an option."""


class Adam:
    """Another."""


def everything() -> dict[str, Any]:
    return {
        "lr": loguniform(1e-5, 1),
        "layers": integers(1, 5),
        "size": integers(8, 512, log=True),
        "optimizer": choice([SGD, Adam]),
        "momentum": uniform(0, 1, when={"optimizer": SGD}),
        "model": choice(
            [
                {"kind": "svm", "C": loguniform(0.1, 10), "weight": uniform(0, 1)},
                {"kind": "tree", "C": uniform(0, 1), "weight": uniform(0, 1), "sub": choice([None, {"depth": integers(1, 3)}])},
            ]
        ),
        "noise": normal(0, 1),
        "decay": lognormal(0, 1, step=0.5),
        "batch": [16, 32, 64],
        "folds": range(2, 11, 2),
        "epochs": 10,
        "data": {"path": "here", "rows": uniform(0, 1)},
        "shape": (3, integers(1, 2)),
    }  # fmt: skip


def drawn(space: Space, units: list[float]) -> Configuration:
    values = iter(units)
    return space.choose(
        lambda p: p.domain.at(0) if p.domain.count() == 1 else p.domain.from_unit(next(values))
    )


def test_parameters_are_named_by_where_they_stand() -> None:
    space = Tree.of(everything()).space
    assert str(space) == (
        "lr: 1e-05 … 1 log\n"
        "layers: 1 … 5 int\n"
        "size: 8 … 512 log int\n"
        "optimizer: SGD, Adam\n"
        "momentum: 0 … 1 when optimizer == SGD\n"
        "model: svm, tree\n"
        "model.svm.C: 0.1 … 10 log when model == svm\n"
        "model.weight: 0 … 1 when model in svm, tree\n"
        "model.tree.C: 0 … 1 when model == tree\n"
        "model.sub: null, depth when model == tree\n"
        "model.sub.depth: 1 … 3 int when model == tree and model.sub == depth\n"
        "noise: normal(0, 1)\n"
        "decay: lognormal(0, 1, q=0.5)\n"
        "batch: 16, 32, 64\n"
        "folds: 2 … 10 step 2 int\n"
        "epochs: 10\n"
        "data.path: here\n"
        "data.rows: 0 … 1\n"
        "shape.0: 3\n"
        "shape.1: 1 … 2 int"
    )


@given(st.lists(st.floats(0, 1), min_size=40, max_size=40))
def test_a_filled_structure_reads_back_as_its_configuration(units: list[float]) -> None:
    tree = Tree.of(everything())
    configuration = drawn(tree.space, units)
    filled = tree.fill(configuration)
    assert tree.read(filled) == configuration
    assert tree.read(configuration.values()) == configuration
    assert filled["optimizer"] in (SGD, Adam) and type(filled["layers"]) is int
    assert ("momentum" in filled) == (filled["optimizer"] is SGD)
    assert set(filled["model"]) == (
        {"kind", "C", "weight"} | ({"sub"} if filled["model"]["kind"] == "tree" else set())
    )
    assert filled["shape"][0] == 3 and filled["data"]["path"] == "here"


def test_options_keep_stable_names() -> None:
    class Small:
        pass

    made = Tree.of({"a": choice([Small(), Small(), lambda x: x, SGD, len, (1, 2), [3], 2.5, None])})
    assert str(made.space["a"].domain) == "Small#0, Small#1, function#2, SGD, len, [1,2], [3], 2.5, null"
    named = Tree.of({"a": choice({"small": Small(), "none": None})})
    assert str(named.space["a"].domain) == "small, none"
    assert named.fill(Configuration({"a": "none"})) == {"a": None}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([{"type": SGD, "momentum": choice([0, 0.9])}, {"type": Adam}], "SGD, Adam"),
        ([{"act": "relu", "type": SGD}, {"act": "relu", "type": Adam}], "SGD, Adam"),
        ([{"make": len, "x": uniform(0, 1)}, {"make": max, "x": uniform(0, 1)}], "len, max"),
        ([{"units": 32, "x": uniform(0, 1)}, {"units": 64, "bias": True}], '"units=32", "units=64, bias=true"'),
        ([{"momentum": uniform(0, 1)}, {"rho": uniform(0, 1)}], "momentum, rho"),
        ([{"type": SGD, "nesterov": True}, {"type": SGD, "nesterov": False}], '"SGD nesterov=true", "SGD nesterov=false"'),
        ([{"type": SGD, "x": uniform(0, 1)}, {"type": SGD, "x": uniform(0, 2)}], "SGD#0, SGD#1"),
        ([{}, {"kind": "svm"}], "#0, svm"),
    ],
)  # fmt: skip
def test_a_dict_is_named_by_what_people_would_call_it(options: list[dict[str, Any]], names: str) -> None:
    tree = Tree.of({"a": choice(options)})
    assert str(tree.space["a"].domain).replace('"', "") == names.replace('"', "")
    for i in range(len(options)):
        configuration = tree.space.choose(
            lambda p, i=i: p.domain.at(i) if p.name == "a" else p.domain.from_unit(0.5)
        )
        if "#1" not in names:  # nothing but the name tells those apart
            assert tree.read(tree.fill(configuration)) == configuration


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: loguniform(5, 1), "loguniform(5, 1): MIN 5 is not below MAX 1"),
        (lambda: integers(1, 5, step=0), "integers(1, 5, step=0): the step 0 is not above 0"),
        (lambda: integers(0, 5, log=True), "integers(0, 5, log=True): "),
        (lambda: normal(0, -1), "normal(0, -1): the deviation -1 is not above 0"),
        (lambda: choice([]), "choice([]): the list of options is empty"),
        (lambda: Tree.of({"m": choice([{"n": range(3, 3)}, 1])}), "space['m']['n']: range(3, 3) is empty"),
    ],
)
def test_a_mistake_is_named_with_its_call_or_its_place(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("made", [uniform, loguniform, integers, normal, lognormal, choice])
def test_a_distribution_that_was_not_called_is_refused(made: Any) -> None:
    for space, place in (
        ({"a": made}, "space['a']"),
        ({"a": {"b": made}, "c": uniform(0, 1)}, "space['a']['b']"),
        ({"a": [made, 1]}, "space['a']"),
    ):
        with pytest.raises(SpaceError) as caught:
            Tree.of(space)
        assert str(caught.value).startswith(
            f"{place}: the function {made.__name__} stands there itself; call it: "
        )


def test_texts_and_spaces_are_spaces_too() -> None:
    tree = Tree.of(["rate=.001:1:log", "cell=gru,lstm"])
    assert tree.fill(Configuration({"rate": 0.1, "cell": "gru"})) == {"rate": 0.1, "cell": "gru"}
    again = Tree.of(tree.space)
    assert again.keys == ("rate", "cell") and again.fill(Configuration({"rate": 0.1, "cell": "gru"})) == {
        "rate": 0.1,
        "cell": "gru",
    }
    assert pickle.loads(pickle.dumps(tree)).space == tree.space


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr": 3.0, "depth": 2}, "parameter 'lr': 3.0 is not in"),
        ({"optimizer": "Adan"}, "is not one of SGD, Adam"),
        ({"nope": 1, "lr": 0.1}, "has no 'nope'"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(given: dict[str, Any], message: str) -> None:
    tree = Tree.of({"lr": uniform(0, 1), "depth": integers(1, 3), "optimizer": choice([SGD, Adam])})
    with pytest.raises(SpaceError, match=message):
        tree.read({"lr": 0.1, "depth": 1, "optimizer": SGD} | given)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: uniform(3, 1), "MIN 3 is not below MAX 1"),
        (lambda: loguniform(0, 1), "log needs a MIN above 0"),
        (lambda: choice([]), "the list of options is empty"),
        (lambda: Tree.of({"a": range(3, 3)}), r"space\['a'\]: range\(3, 3\) is empty"),
        (lambda: Tree.of({"a": choice([1, 1.0])}), r"space\['a'\]: the list holds 1 and 1.0, one value"),
        (
            lambda: Tree.of({"a.b": uniform(0, 1), "a": {"b": uniform(10, 20)}}),
            r"space\['a.b'\] and space\['a'\]\['b'\] are both named 'a.b'",
        ),
        (lambda: Tree.of(uniform(0, 1)), "write a dict from names to distributions"),
    ],
)
def test_what_makes_no_space_is_refused(make: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        make()


def test_lists_and_tuples_keep_their_kind_as_options() -> None:
    tree = Tree.of(
        {
            "a": choice([((3, 3), (5, 5)), [uniform(0, 1), 2], {1, 2}]),
            "b": uniform(0, 1, when={"a": ((3, 3), (5, 5))}),
        }
    )
    assert str(tree.space["a"].domain) == "[[3,3],[5,5]], list#1, set#2"
    assert tree.fill(Configuration({"a": [[3, 3], [5, 5]], "b": 0.5})) == {"a": ((3, 3), (5, 5)), "b": 0.5}
    name = next(n for n in tree.space.names if n.endswith(".0"))
    filled = tree.fill(Configuration({"a": "list#1", name: 0.25, name[:-1] + "1": 2}))
    assert filled == {"a": [0.25, 2]}
    again = Space.from_list(tree.space.to_list())
    assert again == tree.space
