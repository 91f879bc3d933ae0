"""Files of people in a hurry or of ill will: every one is read, or refused with its place and a clear sentence."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves helpers to us
import job_files
from job_files import FULL, KAOS, RISEML, STAGED, mutated, replaced, trees

from luthier.cli.doors.kaos.hyperparams import space_of
from luthier.cli.doors.riseml.config import read_job as read_riseml
from luthier.errors import UsageError
from luthier.job.checking import check_description
from luthier.job.document import parse_document
from luthier.job.native import native_yaml
from luthier.job.reading import job_of
from luthier.job.trying import completed

PLACED = re.compile(r"f\.(yaml|json|yml):\d+:\d+: \S")
FEW, MANY = 400, 10_000
TREES = [parse_document("f.yaml", text).root.plain() for text in (FULL, STAGED)]


def survives(name: str, text: str) -> bool:
    """Reads a text as a file; tells whether it was good. Anything but a clear error fails the test."""
    try:
        job = job_of(parse_document(name, text), "/project", Path("/tmp"))
        check_description(job.description, job.at)
        for part, values in job.tries:
            with job.at(*part.path):
                completed(values, job.description.space)
    except UsageError as error:
        assert PLACED.match(str(error)), error
        assert "Traceback" not in str(error) and len(str(error)) < 2000, error
        return False
    native_yaml(job.description)
    return True


def survives_door(file: Path, text: str, read: Callable[[Path], object]) -> bool:
    """The same for the file of a door, as the door reads it."""
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read(file)
    except UsageError as error:
        told = str(error).removeprefix(f"{file.parent}/")
        assert PLACED.match(told), error
        assert len(told) < 2000, error
        return False
    return True


def survives_riseml(folder: Path, text: str) -> bool:
    return survives_door(folder / "f.yml", text, lambda file: read_riseml(str(file)))


def spoiled(seed: int) -> str:
    return mutated((FULL, STAGED)[seed % 2], seed, 1 + seed % 4)


def test_spoiled_files_are_read_or_refused() -> None:
    good = sum(survives("f.yaml", spoiled(seed)) for seed in range(FEW))
    assert 0 < good < FEW / 2, "both are met"


def test_spoiled_files_of_riseml_are_read_or_refused(tmp_path: Path) -> None:
    good = sum(survives_riseml(tmp_path, mutated(RISEML, seed, 1 + seed % 4)) for seed in range(FEW))
    assert 0 < good < FEW / 2, "both are met"


def test_spoiled_files_of_kaos_are_read_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    good = sum(survives_door(file, mutated(KAOS, seed, 1 + seed % 4), space_of) for seed in range(FEW))
    assert 0 < good < FEW / 2, "both are met"


@pytest.mark.parametrize("number", ["9" * 22, "9" * 400, "1e308", "-1e308", "1e999", "0x1f", ".5", "~"])
def test_numbers_of_riseml_that_nothing_has_are_refused(tmp_path: Path, number: str) -> None:
    for name in ("concurrency: ", "resources: {mem: ", "resources: {cpus: ", "resources: {gpus: "):
        text = f"project: p\ntrain:\n  run: x\n  {name}{number}" + "}" * name.count("{")
        is_good = survives_riseml(tmp_path, text)
        assert not is_good or number == ".5", text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('a: 1\ncommand: "a\x00b"\n', "f.yaml:2:12: "),
        ("a: 1\r\nb: \x07\n", "f.yaml:2:4: "),
        ('{"NaN": "a",\n "b": NaN}', "f.json:2:7: "),
    ],
)
def test_what_no_file_may_hold_is_placed(text: str, place: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_document(place.split(":")[0], text)
    assert str(caught.value).startswith(place)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_ten_thousand_spoiled_files_are_read_or_refused() -> None:
    for seed in range(FEW, FEW + MANY):
        survives("f.yaml", spoiled(seed))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_ten_thousand_spoiled_files_of_riseml_are_read_or_refused(tmp_path: Path) -> None:
    for seed in range(FEW, FEW + MANY):
        survives_riseml(tmp_path, mutated(RISEML, seed, 1 + seed % 4))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_ten_thousand_spoiled_files_of_json_are_read_or_refused() -> None:
    texts = [json.dumps(unvalued(tree), indent=1) for tree in TREES]
    good = sum(
        survives("f.json", mutated(texts[seed % 2], seed, 1 + seed % 4)) for seed in range(FEW, FEW + MANY)
    )
    assert 0 < good < MANY / 2, "both are met"


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_ten_thousand_spoiled_files_of_kaos_are_read_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    for seed in range(FEW, FEW + MANY):
        survives_door(file, mutated(KAOS, seed, 1 + seed % 4), space_of)


def unvalued(tree: object) -> object:
    """A tree of a document as JSON has it."""
    if isinstance(tree, dict):
        return {key: unvalued(each) for key, each in tree.items()}
    return [unvalued(each) for each in tree] if isinstance(tree, list) else getattr(tree, "value", tree)


@given(which=st.sampled_from(TREES), seed=st.integers(0, 2**30), by=trees)
def test_files_of_json_with_another_part_are_read_or_refused(which: object, seed: int, by: object) -> None:
    survives("f.json", job_files.as_json(replaced(unvalued(which), seed, by)))


@given(trees)
def test_any_tree_is_read_or_refused(tree: object) -> None:
    survives("f.json", json.dumps(tree))


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    survives("f.yaml", text)
