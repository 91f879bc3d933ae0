"""The summary a notebook shows: what stands in it, that nothing in it is markup, and that it keeps to itself."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from figure_scene import MIXED, aimed, recorded, units

from luthier.space import Categorical, Float, Parameter, Space
from luthier.store import Store
from luthier.trial import Outcome
from luthier.view.summary import summary


def shown(store: Store) -> tuple[ET.Element, str]:
    """The piece as a tree, for it is XML as well, and its words."""
    root = ET.fromstring(summary(store, store.experiment(1)))
    style = root.find("style")
    assert style is not None
    root.remove(style)
    return root, " ".join("".join(root.itertext()).split())


def test_progress_the_best_and_the_leaders() -> None:
    def worth(_: dict[str, Any], number: int) -> Any:
        return {2: Outcome.FAILED, 9: None}.get(number, float(number))

    root, words = shown(recorded(MIXED, worth, units(MIXED, 9), name="my search"))
    assert "Experiment 1: my search" in words
    assert "minimize loss, by random" in words
    assert "8 of 10 trials finished, 1 without success, 1 running" in words
    assert "1 best loss, trial 1" in words
    rows = root.findall(".//tbody/tr")
    assert [row.find("td").text for row in rows] == ["1", "3", "4", "5", "6"]  # type: ignore[union-attr]
    bar = root.find(".//div[@class='bar']/i")
    assert bar is not None and bar.get("style") == "width:80.0%"
    (svg,) = root.iter("{http://www.w3.org/2000/svg}svg")
    assert len(re.findall("M", svg[1].get("d", ""))) == 7


def test_several_objectives_have_a_front() -> None:
    _, words = shown(aimed(("minimize", "minimize")))
    assert "minimize loss, minimize speed with memory <= 7, by random" in words
    assert "4 trials on the front of all objectives" in words


@pytest.mark.parametrize(
    ("worth", "count", "why"),
    [
        (lambda _, n: None, 3, "No trial has succeeded with a value yet."),
        (lambda _, n: Outcome.FAILED, 3, "No trial has succeeded with a value yet."),
        (lambda _, n: math.nan, 3, "No trial has succeeded with a value yet."),
        (lambda _, n: 1.0, 0, "No trial has succeeded with a value yet."),
    ],
)
def test_without_a_best_it_says_so(worth: Any, count: int, why: str) -> None:
    root, words = shown(recorded(MIXED, worth, units(MIXED, count)))
    assert why in words and not list(root.iter("svg"))


def test_without_an_objective_it_says_so() -> None:
    _, words = shown(recorded(MIXED, lambda _, n: Outcome.SUCCEEDED, units(MIXED, 3), metric=None))
    assert "no objective, by random" in words and "has no objective, so" in words


def test_names_and_values_are_words_and_not_markup() -> None:
    space = Space(
        [
            Parameter("<script>a</script>", Categorical.of(["<img src=x>", "\x00&"])),
            Parameter("x", Float(0.0, 1.0)),
        ]
    )
    store = recorded(space, lambda _, n: float(n), units(space, 5), name="</style><b>", metric="<i>")
    made = summary(store, store.experiment(1))
    assert not re.search("<script|<img|<b>bold|<i>[^<]", made)
    _, words = shown(store)
    assert "<script>a</script>" in words and "<i>" in words


def test_its_style_touches_nothing_else_and_it_loads_nothing() -> None:
    store = recorded(MIXED, lambda _, n: float(n), units(MIXED, 300))
    made = summary(store, store.experiment(1))
    style = re.search("<style>(.*?)</style>", made, re.S)
    assert style
    rules = re.sub(r"@media\([^)]*\)\{", "", style[1])
    for selectors in re.findall(r"([^{}]+)\{[^{}]*\}", rules):
        assert all(".luthier" in one for one in selectors.replace("}", "").split(",")), selectors
    assert "<script" not in made and "url(" not in made and "src=" not in made
    assert len(made) < 16_000


def test_extreme_values_are_drawn() -> None:
    for worth in (lambda _, n: (-1.0) ** n * 1.7e308, lambda _, n: n * 5e-324, lambda _, n: 4.0):
        root, _ = shown(recorded(MIXED, worth, units(MIXED, 6)))
        (svg,) = root.iter("{http://www.w3.org/2000/svg}svg")
        for number in re.findall(r"-?\d+\.?\d*", "".join(part.get("d", "") for part in svg)):
            assert 0 <= float(number) <= 260
