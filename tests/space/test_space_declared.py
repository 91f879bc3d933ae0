"""Declarations from a parsed tree."""

from typing import Any

import pytest

from luthier.space import Categorical, Constant, Float, Integer, LogNormal, Normal, Ordinal, Value
from luthier.space.declared import DeclarationError, declare, declare_parameter

READ: list[tuple[Any, object]] = [
    ([3, 4, 5], Categorical.of([3, 4, 5])),
    ([True, None, "x"], Categorical.of([True, None, "x"])),
    ([Value(1e-6, "1e-6"), Value("007")], Categorical((Value(1e-6, "1e-6"), Value("007")))),
    (["poly"], Constant.of(["poly"])),
    ([[100], [50, Value(50, "050")]], Categorical.of([[100], [50, 50]])),
    ({"value": "poly"}, Constant.of(["poly"])),
    ({"values": ["s", "l"], "ordered": True}, Ordinal.of(["s", "l"])),
    ({"choices": [1, 2]}, Categorical.of([1, 2])),
    ({"min": 0, "max": 1}, Float(0, 1)),
    ({"min": Value(0.1, ".1"), "max": 1, "log": Value(True)}, Float(0.1, 1, "log")),
    ({"min": 1, "max": 9, "scale": "reverse_log", "type": "int"}, Integer(1, 9, "reverse_log")),
    ({"min": 3, "max": 5, "step": 1}, Integer(3, 5, step=1)),
    ({"low": 0.1, "high": 0.3, "q": 0.1}, Float(0.1, 0.3, step=0.1)),
    ({"range": {"min": 3, "max": 5, "step": 1}}, Integer(3, 5, step=1)),
    ({"range": {"min": 0.1, "max": 0.3, "step": 0.1}}, Float(0.1, 0.3, step=0.1)),
    ({"distribution": "normal", "mean": 0, "deviation": 1}, Normal(0, 1)),
    ({"distribution": "lognormal", "mu": 0, "sigma": 1, "q": 0.5}, LogNormal(0, 1, 0.5)),
    ({"distribution": "loguniform", "min": 0.1, "max": 1}, Float(0.1, 1, "log")),
    ({"distribution": "uniform", "min": 0, "max": 1}, Float(0, 1)),
    ({"distribution": "int", "min": 1, "max": 9, "log": True}, Integer(1, 9, "log")),
    (".001:1.0:log", Float(0.001, 1, "log")),
    ("normal(0,1)", Normal(0, 1)),
]


@pytest.mark.parametrize(("spec", "domain"), READ, ids=[str(s) for s, _ in READ])
def test_what_is_read(spec: Any, domain: object) -> None:
    made = declare_parameter("x", spec).domain
    assert made == domain
    assert type(made) is type(domain)


@pytest.mark.parametrize(
    ("when", "shown"),
    [
        ({"opt": "sgd"}, "opt == sgd"),
        ({"opt": ["sgd", "adam"]}, "opt in sgd, adam"),
        ({"opt": "sgd", "layers": ">= 3"}, "opt == sgd and layers >= 3"),
        ("layers >= 3", "layers >= 3"),
        ("layers>3 and opt != sgd", "layers > 3 and opt != sgd"),
        ("opt in sgd, adam", "opt in sgd, adam"),
        ("opt in [sgd,adam]", "opt in sgd, adam"),
        (["layers < 9", {"opt": "adam"}], "layers < 9 and opt == adam"),
        ("size >= m", "size >= m"),
        ("flag == true", "flag == true"),
        ({"flag": True}, "flag == true"),
    ],
)
def test_when(when: Any, shown: str) -> None:
    space = declare(
        {
            "opt": ["sgd", "adam"],
            "layers": {"min": 1, "max": 9, "type": "int"},
            "size": {"values": ["s", "m", "l"], "ordered": True},
            "flag": [True, False],
            "x": {"min": 0, "max": 1, "when": when},
        }
    )
    assert " and ".join(map(str, space["x"].when)) == shown
    assert all(not isinstance(v, Value) for c in space["x"].when for v in c.values)


RANGE_KEYS = "min, low, max, high, step, q, scaling, scale, log, type"
REFUSED: list[tuple[Any, tuple[str | int, ...], str]] = [
    ("poly", (), 'poly is no list; write ["poly"] to try it, or {value: poly} to hold it fixed'),
    (3, (), "3 is no list; write [3] to try it, or {value: 3} to hold it fixed"),
    (None, (), "null is no list; write [null] to try it, or {value: null} to hold it fixed"),
    ([], (), "the list of values is empty; list at least one value"),
    ([1, 1], (), "the list holds 1 twice; list every value once"),
    ({}, (), "it declares no values; write a list, or min and max, or values, or distribution"),
    (
        {"min": 1, "max": 2, "stp": 1},
        ("stp",),
        f"key 'stp' is unknown here (did you mean step?); write one of {RANGE_KEYS}, when",
    ),
    (
        {"range": {"min": 1, "mx": 2}},
        ("range", "mx"),
        f"key 'mx' is unknown here (did you mean max?); write one of {RANGE_KEYS}",
    ),
    ({"min": 1}, ("min",), "max is missing; write both min and max"),
    ({"min": "x", "max": 1}, ("min",), "min is x, not a number; write a decimal number"),
    ({"min": 0, "max": True}, ("max",), "max is true, not a number; write a decimal number"),
    ({"min": 0, "low": 0, "max": 1}, ("min",), "min and low mean the same; write one of them"),
    ({"min": 5, "max": 3}, ("min",), "MIN 5 is not below MAX 3; write the smaller number first"),
    (
        {"min": 0, "max": 3, "log": True},
        ("min",),
        "log needs a MIN above 0, not 0; raise MIN or write linear",
    ),
    ({"min": 1, "max": 3, "log": "yes"}, ("min",), "log is yes; write true or false"),
    (
        {"min": 1, "max": 3, "scale": "lgo"},
        ("min",),
        "scaling 'lgo' is unknown; write linear, log, reverse_log (did you mean log?)",
    ),
    (
        {"min": 1, "max": 3, "type": "flaot"},
        ("min",),
        "type 'flaot' is unknown; write int or float (did you mean float?)",
    ),
    ({"values": "poly"}, ("values",), 'values is not a list; write values: ["poly"]'),
    ({"range": {"min": "x", "max": 1}}, ("range", "min"), "min is x, not a number; write a decimal number"),
    ({"range": 3}, ("range",), "a range is written {min: MIN, max: MAX, step: STEP}"),
    ({"distribution": "normal", "min": 0, "max": 1}, ("distribution",), "normal takes mean and deviation"),
    (
        {"distribution": "normal", "mean": 0},
        ("distribution",),
        "normal takes two numbers, mean and deviation, and got 1",
    ),
    ({"values": [1], "when": "a"}, ("when",), "'when: a' is no comparison; write one such as layers >= 3"),
    ({"values": [1], "when": 3}, ("when",), "'when' can't be 3; write a comparison such as layers >= 3"),
    ({"values": [1], "when": {"a": []}}, ("when",), "'when' lists no value of a; list at least one"),
    ({"values": [1], "when": "a >="}, ("when",), "'when: a >= ' lacks a side; write one such as layers >= 3"),
]


@pytest.mark.parametrize(("spec", "path", "sentence"), REFUSED, ids=[str(s) for s, _, _ in REFUSED])
def test_what_is_refused(spec: Any, path: tuple[str | int, ...], sentence: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        declare({"x": spec})
    assert str(refused.value) == f"parameter 'x': {sentence}"
    assert refused.value.path == ("x", *path)


def test_a_wrong_condition_names_its_place() -> None:
    with pytest.raises(DeclarationError) as refused:
        declare({"o": ["sgd", "adam"], "m": {"min": 0, "max": 1, "when": {"o": "sdg"}}})
    assert str(refused.value) == (
        "parameter 'm' exists when o == sdg, but sdg is not one of sgd, adam (did you mean sgd?)"
    )
    assert refused.value.path == ("m", "when")
