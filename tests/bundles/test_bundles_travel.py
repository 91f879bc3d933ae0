"""Bundles that go to another machine, by way of a shared folder and of an object store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from luthier.bundles import contents, snapshot, tree_of
from luthier.bundles.depots import Depot, depot_at
from luthier.bundles.travel import fetch, send
from luthier.errors import NotFound, StoreError, UsageError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "lib").mkdir(parents=True)
    (folder / "train.py").write_text("print('loss: 1')\n")
    (folder / "lib" / "twin.py").write_text("print('loss: 1')\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("train.py")
    (folder / "large.bin").write_bytes(os.urandom(3_000_000))
    return folder


@pytest.fixture(params=["folder", "objects"])
def depot(request: pytest.FixtureRequest, tmp_path: Path) -> Depot:
    place = tmp_path / "depot"
    place.mkdir()
    return depot_at(str(place) if request.param == "folder" else place.as_uri())


def files(folder: Path) -> dict[str, tuple[bytes, bool]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), os.access(path, os.X_OK))
        for path in folder.rglob("*")
        if path.is_file()
    }


def total(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def test_a_bundle_arrives_as_it_was_and_nothing_goes_twice(
    project: Path, depot: Depot, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    bundle, _ = snapshot(str(project), "code", here)
    told: list[tuple[int, int]] = []
    assert send(here, bundle.digest, depot, lambda done, of: told.append((done, of))) == 3_000_000 + 17 + 10
    assert told[-1] == (3_000_027, 3_000_044)  # two files have one content
    assert send(here, bundle.digest, depot) == 0
    assert fetch(there, bundle.digest, depot) == 3_000_027 and fetch(there, bundle.digest, depot) == 0
    assert contents(there, bundle.digest) == contents(here, bundle.digest)
    assert files(tree_of(there, bundle.digest)) == files(project)
    (project / "train.py").write_text("print('loss: 2')\n")
    other, _ = snapshot(str(project), "code", here)
    assert send(here, other.digest, depot) == 17 and fetch(there, other.digest, depot) == 17


def test_one_that_is_not_there_is_said_and_leaves_nothing(
    project: Path, depot: Depot, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="brings it there"):
        fetch(tmp_path / "there", "a" * 64, depot)
    bundle, _ = snapshot(str(project), "code", tmp_path / "here")
    send(tmp_path / "here", bundle.digest, depot)
    for path in (tmp_path / "depot" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(NotFound, match="has no objects/"):
        fetch(tmp_path / "there", bundle.digest, depot)
    with pytest.raises(NotFound):
        contents(tmp_path / "there", bundle.digest)


@pytest.mark.parametrize("what", ["objects", "manifests"])
def test_what_was_spoiled_on_the_way_is_refused(
    project: Path, depot: Depot, tmp_path: Path, what: str
) -> None:
    bundle, _ = snapshot(str(project), "code", tmp_path / "here")
    send(tmp_path / "here", bundle.digest, depot)
    place = max(
        (tmp_path / "depot" / what).rglob("*"), key=lambda path: path.is_file() and path.stat().st_size
    )
    place.chmod(0o644)
    place.write_bytes(
        place.read_bytes().replace(b"train.py", b"other.py") if what == "manifests" else b"other"
    )
    with pytest.raises(StoreError, match="something else under"):
        fetch(tmp_path / "there", bundle.digest, depot)
    with pytest.raises(NotFound):
        contents(tmp_path / "there", bundle.digest)


def test_a_place_that_can_not_be_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--bundles nowhere://x"):
        depot_at("nowhere://x")
    (tmp_path / "file").write_text("")
    (tmp_path / "some").write_text("x")
    with pytest.raises(StoreError, match="bundles can't be kept|can't be reached"):
        depot_at(str(tmp_path / "file")).put("objects/ab/c", tmp_path / "some")
