"""Bundles are kept once for each content, whole or not at all, whoever is killed and however many are at it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from pathlib import Path

import pytest

from luthier.bundles import (
    contents,
    digest_of,
    known_bundles,
    objects,
    snapshot,
    snapshots,
    sweep,
    tree_of,
    trees,
    working_copy,
)
from luthier.clock import FakeClock, SystemClock
from luthier.errors import NotFound, StoreError
from luthier.testing.faults import fork, wait

DAY = 86400.0


def fill(folder: Path, n: int = 5, size: int = 3000) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(n):
        (folder / f"part-{k}").write_bytes(bytes([k]) * size)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = fill(tmp_path / "data")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("part-0")
    old = SystemClock().now() - DAY
    for path in folder.iterdir():
        os.utime(path, (old, old), follow_symlinks=False)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def inodes(tree: Path) -> set[int]:
    return {path.stat().st_ino for path in tree.rglob("*") if path.is_file()}


def test_a_tree_is_laid_out_read_only_of_what_is_kept_once(data: Path, store: Path) -> None:
    told: list[tuple[int, int]] = []
    bundle, is_new = snapshot(data, "data", store, lambda done, total: told.append((done, total)))
    assert is_new and bundle.digest == digest_of(data, "data").digest
    tree = tree_of(store, bundle.digest)
    assert {p.name: p.read_bytes() for p in tree.iterdir()} == {
        p.name: p.read_bytes() for p in data.iterdir()
    }
    assert os.readlink(tree / "link") == "part-0"
    assert stat.S_IMODE((tree / "run").stat().st_mode) == 0o555
    assert stat.S_IMODE((tree / "part-0").stat().st_mode) == 0o444
    assert stat.S_IMODE(tree.stat().st_mode) == 0o555
    # A second tree with the same files has the very same inodes.
    (data / "one more").write_text("1")
    other, _ = snapshot(data, "data", store)
    assert inodes(tree) < inodes(tree_of(store, other.digest))
    assert len(known_bundles(store)) == 2


def test_nothing_is_copied_for_a_hundred_trials(data: Path, store: Path) -> None:
    bundle, _ = snapshot(data, "data", store)
    before = sorted((str(p), p.lstat().st_ino, p.lstat().st_nlink) for p in store.rglob("*"))
    assert {tree_of(store, bundle.digest) for _ in range(100)} == {store / "bundles/trees" / bundle.digest}
    assert sorted((str(p), p.lstat().st_ino, p.lstat().st_nlink) for p in store.rglob("*")) == before


def test_what_has_not_changed_is_not_read_again(
    data: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.bundles.known.FRESH_NS", -(10**12))  # as if it had lain there for a while
    bundle, _ = snapshot(data, "data", store)
    read: list[int] = []
    really = objects._next
    monkeypatch.setattr(objects, "_next", lambda source, chunk: read.append(source) or really(source, chunk))
    assert snapshot(data, "data", store) == (bundle, False)
    assert digest_of(data, "data", store) == bundle and not read
    os.utime(data / "part-1")  # touched: it is read, and is the same
    assert snapshot(data, "data", store) == (bundle, False) and read
    (data / "part-1").write_bytes(b"x" * 3000)
    assert snapshot(data, "data", store)[1]


def test_what_was_written_just_now_is_not_trusted(data: Path, store: Path) -> None:
    snapshot(data, "data", store)
    known = next((store / "bundles/known").iterdir())
    assert known.read_text() == ""  # its inodes changed a moment ago, whatever the times of its contents say


def test_a_working_copy_may_be_written_and_changes_nothing(data: Path, store: Path, tmp_path: Path) -> None:
    bundle, _ = snapshot(data, "code", store)
    copy = working_copy(store, bundle.digest, tmp_path / "work" / "copy")
    assert digest_of(copy, "code").digest == bundle.digest
    assert os.access(copy / "run", os.X_OK)
    (copy / "part-0").write_text("changed")
    (copy / "new").write_text("new")
    assert working_copy(store, bundle.digest, copy) == copy and (copy / "new").exists()
    assert (tree_of(store, bundle.digest) / "part-0").read_bytes() == bytes([0]) * 3000
    assert os.listdir(tmp_path / "work") == ["copy"]
    with pytest.raises(NotFound, match="no bundle"):
        working_copy(store, "f" * 64, tmp_path / "other")


def test_a_tree_that_was_deleted_is_laid_out_again(data: Path, store: Path) -> None:
    bundle, _ = snapshot(data, "data", store)
    tree = tree_of(store, bundle.digest)
    tree.chmod(0o755)
    shutil.rmtree(tree)
    assert (tree_of(store, bundle.digest) / "part-3").read_bytes() == bytes([3]) * 3000


def test_an_object_that_was_cut_short_is_written_again(data: Path, store: Path) -> None:
    bundle, _ = snapshot(data, "data", store)
    entry = next(e for e in contents(store, bundle.digest).entries if e.path == "part-2")
    spoilt = Path(objects.object_path(str(store / "bundles"), entry.object))
    spoilt.unlink()
    spoilt.write_text("short")
    (data / "extra").write_text("x")
    whole, _ = snapshot(data, "data", store)
    assert (tree_of(store, whole.digest) / "part-2").read_bytes() == bytes([2]) * 3000


MOMENTS = [
    ("lay_out", snapshots),
    ("write_manifest", snapshots),
    ("sync", snapshots),
    ("link_or_copy", trees),
]


@pytest.mark.fault
@pytest.mark.parametrize(("name", "module"), MOMENTS, ids=[name for name, _ in MOMENTS])
def test_a_kill_leaves_nothing_that_counts_as_whole_and_the_next_goes_on(
    name: str, module: object, data: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as killed:
        killed.setattr(module, name, die)
        assert wait(fork(lambda: snapshot(data, "data", store))) == -signal.SIGKILL
    assert known_bundles(store) == []
    with pytest.raises(NotFound):
        tree_of(store, digest_of(data, "data").digest)
    assert len(os.listdir(store / "bundles/tmp")) == 1
    kept = {p: p.stat().st_ino for p in (store / "bundles/objects").rglob("*") if p.is_file()}
    assert len(kept) == 6
    bundle, is_new = snapshot(data, "data", store)
    assert is_new and digest_of(tree_of(store, bundle.digest), "data").digest == bundle.digest
    assert {p: p.stat().st_ino for p in kept} == kept  # what the dead one had kept serves
    assert os.listdir(store / "bundles/tmp") == []


@pytest.mark.fault
def test_several_at_once_make_one(data: Path, store: Path) -> None:
    fill(data / "more", 40, 20_000)
    pids = [fork(lambda: snapshot(data, "data", store)) for _ in range(4)]
    assert [wait(pid) for pid in pids] == [0, 0, 0, 0]
    (known,) = known_bundles(store)
    assert digest_of(tree_of(store, known.bundle.digest), "data").digest == digest_of(data, "data").digest
    assert os.listdir(store / "bundles/tmp") == []


def test_sweeping_deletes_what_nobody_names_and_what_only_that_holds(data: Path, store: Path) -> None:
    snapshot(data, "data", store)
    (data / "part-0").write_text("another")
    other, _ = snapshot(data, "data", store)
    later = FakeClock(SystemClock().now() + DAY)
    assert sweep(store, [], delete=True)[:2] == (0, 0)  # young: somebody may be about to name them
    assert sweep(store, [other.digest], delete=False, clock=later) == (1, 1, 3000)
    assert len(known_bundles(store)) == 2
    assert sweep(store, [other.digest], delete=True, clock=later) == (1, 1, 3000)
    assert [known.bundle.digest for known in known_bundles(store)] == [other.digest]
    assert os.listdir(store / "bundles/trees") == [other.digest]
    assert digest_of(tree_of(store, other.digest), "data").digest == other.digest
    assert sweep(store, [], delete=True, clock=later)[0] == 1
    assert not [p for p in (store / "bundles/objects").rglob("*") if p.is_file()]
    assert sweep(store / "none", [], delete=True) == (0, 0, 0)


def test_a_file_system_without_hard_links_serves_with_copies(
    data: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    bundle, _ = snapshot(data, "data", store)
    assert digest_of(tree_of(store, bundle.digest), "data").digest == bundle.digest
    assert snapshot(data, "data", store) == (bundle, False)


def test_a_store_that_can_not_be_written_is_said(data: Path, store: Path) -> None:
    store.write_text("a file")
    with pytest.raises(StoreError, match="can't be kept in"):
        snapshot(data, "data", store)
