"""Root may write into what is read-only: a bundle that was written into is noticed, said, and whole again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from luthier.bundles import digest_of, rooms, snapshot, tree_of
from luthier.errors import StoreError
from luthier.testing.faults import fork, wait

PARTS = {"a": b"first", "b": b"second"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, content in PARTS.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (10**9, 10**9))
    return folder


def write_into(path: Path, content: bytes) -> None:
    """What root does to a read-only file; its size stays."""
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.write(content)
    path.chmod(0o444)


def test_a_tree_that_was_written_into_is_whole_after_the_next_snapshot(data: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    bundle, _ = snapshot(data, "data", store)
    write_into(tree_of(store, bundle.digest) / "a", b"FIRST")
    again, _ = snapshot(data, "data", store)
    assert any("a program has changed the bundle" in notice and ": a." in notice for notice in again.notices)
    tree = tree_of(store, bundle.digest)
    assert (tree / "a").read_bytes() == PARTS["a"] and digest_of(tree, "data").digest == bundle.digest
    assert snapshot(data, "data", store)[0].notices == bundle.notices, "it is said once"


def test_a_spoiled_tree_whose_content_is_kept_nowhere_else_is_refused_by_name(
    data: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    bundle, _ = snapshot(data, "data", store)
    write_into(tree_of(store, bundle.digest) / "b", b"SECOND")
    with pytest.raises(StoreError, match=r"\(b\), was written into; make the bundle again"):
        tree_of(store, bundle.digest)
    snapshot(data, "data", store)
    assert (tree_of(store, bundle.digest) / "b").read_bytes() == PARTS["b"]


def test_a_file_put_in_the_place_of_another_is_noticed_and_the_tree_laid_out_anew(
    data: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    bundle, _ = snapshot(data, "data", store)
    tree = tree_of(store, bundle.digest)
    tree.chmod(0o755)
    (tree / "a").unlink()
    (tree / "a").write_bytes(b"other")
    with pytest.warns(UserWarning, match="a program has changed the bundle"):
        tree = tree_of(store, bundle.digest)
    assert (tree / "a").read_bytes() == PARTS["a"]


def test_what_was_only_touched_is_read_once_and_good(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    bundle, _ = snapshot(data, "data", store)
    tree = tree_of(store, bundle.digest)
    os.utime(tree / "a", (10**9, 10**9))
    assert tree_of(store, bundle.digest) == tree and (tree / "a").read_bytes() == PARTS["a"]
    monkeypatch.setattr("hashlib.file_digest", None)  # it is not read a second time
    assert tree_of(store, bundle.digest) == tree


def test_a_folder_that_another_process_clears_before_it_is_locked_is_made_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, made = tmp_path / "store", os.makedirs

    def cleared(path: str, *more: object, **options: object) -> None:
        made(path, *more, **options)  # type: ignore[arg-type]
        if "/tmp/" in path.removeprefix(str(store)):
            monkeypatch.setattr(os, "makedirs", made)
            rooms._clear(f"{store}/bundles")

    monkeypatch.setattr(os, "makedirs", cleared)
    bundle, _ = snapshot(data, "data", store)
    assert digest_of(tree_of(store, bundle.digest), "data").digest == bundle.digest


@pytest.mark.fault
def test_many_snapshots_at_once_never_fail(data: Path, tmp_path: Path) -> None:
    def many() -> None:
        for _ in range(40):
            snapshot(data, "data", tmp_path / "store")

    assert [wait(pid) for pid in [fork(many) for _ in range(6)]] == [0] * 6
