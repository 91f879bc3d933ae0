"""The JSON Schema that editors use: valid itself, and of one mind with the reader about keys and examples."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves helpers to us
from job_files import FULL, STAGED

from luthier.errors import UsageError
from luthier.job.document import parse_document
from luthier.job.keys import BUDGET, CONSTRAINT, FOLDS, GOAL, KEYS, LIMITS, METRICS, OBJECTIVE, RESOURCES
from luthier.job.native import native_yaml
from luthier.job.reading import job_of
from luthier.job.schema import DIALECT, schema

jsonschema = pytest.importorskip("jsonschema")
ROOT = Path(__file__).parents[2]
EXAMPLES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").rglob("*.yaml"))]
DOCUMENTED = re.findall(
    r"```yaml\n(.*?)```", (ROOT / "docs" / "yaml.md").read_text(encoding="utf-8"), re.DOTALL
)
WHOLE = [text for text in [*EXAMPLES, *DOCUMENTED] if re.search(r"^command:", text, re.MULTILINE)]
BASE = {"command": "train", "parameters": {"rate": [1, 2]}}


def unvalued(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: unvalued(each) for key, each in tree.items()}
    return [unvalued(each) for each in tree] if isinstance(tree, list) else tree.value


def plain(text: str) -> Any:
    """A file as an editor sees it."""
    return unvalued(parse_document("f.yaml", text).root.plain())


def is_valid(tree: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema()).is_valid(tree))


def read(text: str) -> Any:
    return job_of(parse_document("f.yaml", text), "/project", Path("/tmp")).description


def is_read(tree: Any) -> bool:
    try:
        read(json.dumps(tree))
    except UsageError:
        return False
    return True


def test_the_schema_is_one() -> None:
    assert schema()["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(schema())


def test_examples_are_there() -> None:
    assert len(EXAMPLES) >= 2 and len(DOCUMENTED) >= 3


@pytest.mark.parametrize("text", [FULL, STAGED, *WHOLE])
def test_examples_are_valid_and_are_read_and_so_are_their_native_forms(text: str) -> None:
    jsonschema.validate(plain(text), schema())
    description = read(text)
    jsonschema.validate(plain(native_yaml(description)), schema())


SECTIONS: dict[tuple[str, ...], tuple[Any, Any]] = {
    (): (BASE, KEYS),
    ("objective",): ({"minimize": "loss"}, OBJECTIVE),
    ("constraints",): ({"metric": "m", "max": 3}, CONSTRAINT),
    ("algorithm",): ({"name": "tpe"}, {"name", "candidates", "repeats", "share", "startup"}),
    ("early_stopping",): ({"rule": "asha"}, {"rule", "eta", "min_resource", "max_resource"}),
    ("budget",): ({"name": "epochs", "min": 1, "max": 9}, BUDGET),
    ("folds",): ({"count": 3}, FOLDS),
    ("goal",): ({"no_progress": 3}, GOAL),
    ("resources",): ({"cpus": 1}, RESOURCES),
    ("limits",): ({"retry": 1}, LIMITS),
    ("metrics",): ({"tensorboard": "runs"}, METRICS),
    ("parameters", "rate"): (
        {"min": 1, "max": 2},
        {"min", "max", "step", "q", "scaling", "scale", "log", "type", "when"},
    ),
}


@pytest.mark.parametrize("path", SECTIONS, ids=lambda path: ".".join(path) or "top")
def test_an_unknown_key_is_refused_by_both(path: tuple[str, ...]) -> None:
    good, known = SECTIONS[path]

    def whole(section: Any) -> Any:
        match path:
            case ():
                return section
            case (key,):
                return {**BASE, key: section}
            case _:
                return {**BASE, "parameters": {"rate": section}}

    assert is_valid(whole(good)) and is_read(whole(good))
    for key in ["nonsense", *(f"{key}s" for key in known), *(key.upper() for key in known)]:
        if key not in known:
            spoiled = whole({**good, key: 1})
            assert not is_valid(spoiled), key
            assert not is_read(spoiled), key


WRONG: list[dict[str, Any]] = [
    {"trials": 0},
    {"trials": "many"},
    {"algorithm": "bayesan"},
    {"algorithm": {"name": "tpe", "kappa": 2}},
    {"objective": "loss"},
    {"objective": {"minimize": "loss", "aggregate": "mean"}},
    {"constraints": ["memory < 4"]},
    {"early_stopping": "ash"},
    {"stop_conditions": ["a > 1"] * 6},
    {"limits": {"on_driver_loss": "maybe"}},
    {"resources": {"gpus": -1}},
    {"snapshot": "some"},
    {"parameters": {}},
    {"parameters": {"rate": []}},
    {"parameters": {"rate": 3}},
    {"parameters": {"rate": {"distribution": "nromal"}}},
    {"environment": {"A": ["x"]}},
    {"command": []},
    {"as_args": "yes"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_the_schema_refuses_the_reader_refuses_too(wrong: dict[str, Any]) -> None:
    assert not is_valid({**BASE, **wrong}) and not is_read({**BASE, **wrong})


def test_only_what_every_file_needs_is_needed() -> None:
    assert is_valid(BASE) and is_read(BASE)
    assert not is_valid({"command": "x"}) and not is_read({"command": "x"})
