"""docs/json.md is a promise: every field any command prints is documented under its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"
CASES = [
    ("list", ["list"]),
    ("show", ["show", "1"]),
    ("show", ["show", "1", "--failed"]),
    ("show", ["show", "1", "--sort", "loss:min", "--ascending", "--page-size", "1"]),
    ("trial", ["show", "1.2"]),
    ("trial", ["show", "1.4"]),
    ("best", ["best", "1"]),
    ("metrics", ["metrics", "1"]),
    ("points", ["metrics", "1.2", "loss"]),
    ("export", ["export", "1", "-o", "trials.csv"]),
    ("replay", ["replay", "1"]),
    ("explain", ["explain", "1"]),
    ("explain-trial", ["explain", "1.2"]),
    ("pause", ["pause", "1"]),
    ("stop", ["stop", "1", "1.1"]),
    ("kill", ["kill", "1", "1.1"]),
    ("retry", ["retry", "1", "--failed"]),
    ("enqueue", ["enqueue", "1", "C=1", "gamma=0.1"]),
    ("rm", ["rm", "1", "-y"]),
    ("gc", ["gc", "1", "--keep-outputs", "best:1"]),
    ("doctor", ["doctor"]),
    ("template", ["template", "list"]),
    ("template-get", ["template", "get", "digits"]),
    ("workers", ["workers", "--all"]),
    ("copied", ["store", "copy", ".luthier", "copy"]),
]


def documented(schema: str) -> set[str]:
    """The fields listed under one schema."""
    text = DOCUMENT.read_text(encoding="utf-8")
    section = re.search(rf"^## luthier\.{schema}/1\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert section, f"docs/json.md has no section for {schema}"
    return set(re.findall(r"^\| `([^`]+)` \|", section[1], re.M))


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Every field of a document, lists as `name[]`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from fields(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from fields(item, f"{path}[]")
        if not value:
            yield f"{path}[]"
    else:
        yield path


def undocumented(document: dict[str, Any], schema: str) -> set[str]:
    """The fields a document has and the page has not. An empty list stands for whatever it may hold."""
    known = documented(schema)
    missing = set()
    for path in fields({k: v for k, v in document.items() if k != "schema"}):
        is_map = any(path.startswith(name.removesuffix("*")) for name in known if name.endswith(".*"))
        is_list = path.endswith("[]") and any(name.startswith(path) for name in known)
        if path not in known and not is_map and not is_list:
            missing.add(path)
    return missing


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("schema", "words"), CASES)
def test_every_field_is_documented(schema, words, run) -> None:
    said = run(*words, "--json")
    document = json.loads(said.out)
    assert said.code == 0
    assert document["schema"] == f"luthier.{schema}/1"
    assert not undocumented(document, schema)


def test_every_field_of_ask_and_tell_is_documented(place, run) -> None:
    run("enqueue", "1", "C=1", "gamma=0.1")
    asked = json.loads(run("ask", "1", "--json").out)
    assert not undocumented(asked, "ask")
    told = json.loads(run("tell", asked["trials"][0]["id"], "--value", "1", "--json").out)
    assert not undocumented(told, "tell")


@pytest.mark.usefixtures("place")
def test_documented_fields_exist(run) -> None:
    """The other way round, where the example has every part: nothing is documented that is never printed.
    What only repeated trials tell is looked at in test_cli_confirming.py."""
    for schema, words in (("list", ["list"]), ("metrics", ["metrics", "1"]), ("best", ["best", "1"])):
        printed = {
            re.sub(r"\.(values|texts|metrics)\.[^.\[]+$", r".\1.*", p)
            for p in fields(json.loads(run(*words, "--json").out))
        }
        # What only repeated trials, several objectives, a look at the test set or more trials tell.
        some = ("certainty.", "front.", "looks[]", "prospect")
        of_some = {name for name in documented(schema) if name.startswith(some)}
        assert documented(schema) - printed - of_some <= {"objective", "ties", "message", "certainty"}, schema


def test_the_test_sees_a_missing_field() -> None:
    assert undocumented({"schema": "x", "experiments": [{"id": 1, "surprise": 2}]}, "list") == {
        "experiments[].surprise"
    }


@pytest.mark.usefixtures("place")
def test_numbers_are_whole_and_what_json_lacks_are_words(run, place) -> None:
    shown = json.loads(run("show", "1.1", "--json").out)
    assert shown["trial"]["value"] == 0.912345678
    run("enqueue", "1", "C=1", "gamma=0.1")
    trial = json.loads(run("ask", "1").out)["trials"][0]["id"]
    run("tell", trial, "--metric", "accuracy=nan", "--metric", "loss=inf")
    metrics = json.loads(run("show", trial, "--json").out)["trial"]["metrics"]
    assert metrics == {"accuracy": "nan", "loss": "inf"}
