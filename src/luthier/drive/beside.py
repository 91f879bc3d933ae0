"""Brings what a bundle left out beside a working copy of it, from the project as it is now.

A program that runs again may write where it wrote before: into `results.csv`, over `model.bin`. So it gets copies of its
own, the small files first, up to `COPY_BYTES` in all. What is larger, a folder of very many files, and a virtual
environment are linked; nobody can be kept from writing through a link to his own files, so these are named.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

__all__ = ["bring_rest"]

COPY_BYTES = 100_000_000
COPY_FILES = 10_000
NEVER_BROUGHT = frozenset({".git", ".luthier", "__pycache__"})
ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")


class _File(NamedTuple):
    size_bytes: int
    path: str


class _Rest(NamedTuple):
    """What was left out, by path within the project: files, folders to be made, and what is linked as it is."""

    files: list[_File]
    folders: list[str]
    linked: list[str]

    def is_many(self, before: tuple[int, int, int]) -> bool:
        return len(self.files) - before[0] > COPY_FILES

    def counts(self) -> tuple[int, int, int]:
        return len(self.files), len(self.folders), len(self.linked)

    def forget(self, before: tuple[int, int, int]) -> None:
        """Takes back what was found since."""
        for found, count in zip((self.files, self.folders, self.linked), before, strict=True):
            del found[count:]  # type: ignore[attr-defined]


def bring_rest(root: str, copy: Path, never: Collection[Path]) -> list[str]:
    """Brings what is in `root` and not in `copy`, but for the folders `never`; the paths that had to be linked."""
    rest = _Rest([], [], [])
    _look(root, "", copy, {os.path.realpath(path) for path in never}, rest)
    for path in rest.folders:
        os.makedirs(copy / path, exist_ok=True)
    room, linked = COPY_BYTES, list(rest.linked)
    for file in sorted(rest.files):
        if file.size_bytes > room or not _copied(f"{root}/{file.path}", copy / file.path):
            linked.append(file.path)
        else:
            room -= file.size_bytes
    for path in linked:
        os.symlink(os.path.realpath(f"{root}/{path}"), copy / path)
    return sorted(linked)


def _look(root: str, folder: str, copy: Path, never: Collection[str], rest: _Rest) -> None:
    """Finds what was left out of one folder and those in it. What is neither file nor folder is not brought."""
    try:
        with os.scandir(os.path.join(root, folder)) as listing:
            entries = list(listing)
    except PermissionError:
        return
    for entry in entries:
        path = os.path.join(folder, entry.name)
        if entry.name in NEVER_BROUGHT or (entry.is_dir() and os.path.realpath(entry.path) in never):
            continue
        is_there = os.path.lexists(copy / path)
        if entry.is_dir(follow_symlinks=False):
            if not (copy / path).is_symlink():
                _look_into(root, path, copy, never, rest, is_there=is_there)
        elif not is_there and entry.is_file():
            rest.files.append(_File(entry.stat().st_size, path))
        elif not is_there and entry.is_dir():
            rest.linked.append(path)


def _look_into(
    root: str, path: str, copy: Path, never: Collection[str], rest: _Rest, *, is_there: bool
) -> None:
    """Finds what was left out of a folder; one that was left out whole may be linked whole."""
    if not is_there and any(os.path.exists(f"{root}/{path}/{name}") for name in ENVIRONMENTS):
        rest.linked.append(path)
        return
    before = rest.counts()
    if not is_there:
        rest.folders.append(path)
    _look(root, path, copy, never, rest)
    if not is_there and rest.is_many(before):
        rest.forget(before)
        rest.linked.append(path)


def _copied(source: str, target: Path) -> bool:
    try:
        shutil.copy2(source, target)
    except OSError:
        target.unlink(missing_ok=True)
        return False
    return True
