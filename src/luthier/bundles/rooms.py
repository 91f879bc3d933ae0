"""The bundles' own folder: its locks, its unfinished files, and how it is brought to the disk.

Whoever adds or reads holds the lock shared; who deletes holds it alone. Each process has a folder for what is unfinished,
locked while it lives, so that the next one can tell what a dead one left.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from luthier.errors import StoreError

__all__ = ["adding", "bundles_folder", "deleting", "sync"]


def bundles_folder(folder: Path) -> str:
    """Where bundles are kept in a store's folder."""
    return f"{os.path.abspath(folder)}/bundles"


@contextmanager
def adding(folder: Path) -> Iterator[tuple[str, str]]:
    """Gives the bundles' folder and one for unfinished files, while nobody deletes.

    **Raises** StoreError where the disk refuses.
    """
    root = bundles_folder(folder)
    try:
        if not os.path.isdir(root):
            _make(Path(folder), root)
        with _locked(root, fcntl.LOCK_SH):
            _clear(root)
            tmp, held = _own_folder(root)
            try:
                yield root, tmp
            finally:
                remove(tmp)
                os.close(held)
    except OSError as error:
        raise StoreError(
            f"bundles can't be kept in {root}: {error.strerror or error}; free some space, or name another store "
            "with --store FOLDER"
        ) from error


@contextmanager
def deleting(folder: Path) -> Iterator[str]:
    """Gives the bundles' folder while nobody else is at it."""
    root = bundles_folder(folder)
    with _locked(root, fcntl.LOCK_EX):
        yield root


def _make(folder: Path, root: str) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
    os.makedirs(root, mode=0o700, exist_ok=True)


@contextmanager
def _locked(root: str, how: int) -> Iterator[None]:
    lock = os.open(f"{root}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, how)
        yield
    finally:
        os.close(lock)


def _own_folder(root: str) -> tuple[str, int]:
    """A folder for this process, and the descriptor that holds its lock. Until it is locked another process may take it for
    a dead one's and remove it: then there is another one."""
    while True:
        tmp = f"{root}/tmp/{secrets.token_hex(8)}"
        os.makedirs(tmp)
        try:
            held = os.open(tmp, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        fcntl.flock(held, fcntl.LOCK_EX)
        if os.path.isdir(tmp):  # from now on nobody removes it
            return tmp, held
        os.close(held)


def _clear(root: str) -> None:
    """Removes what dead processes left unfinished."""
    try:
        names = os.listdir(f"{root}/tmp")
    except FileNotFoundError:
        return
    for name in names:
        path = f"{root}/tmp/{name}"
        try:
            held = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # another one removed it
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(path)
        except BlockingIOError:
            pass
        finally:
            os.close(held)


def remove(path: str) -> None:
    """Removes a folder whose own folders can't be written."""
    for folder, _, _ in os.walk(path):
        try:
            os.chmod(folder, 0o700)
        except OSError:
            pass
    shutil.rmtree(path, ignore_errors=True)


def sync(root: str) -> None:
    """Waits until everything written to this file system is on the disk."""
    import ctypes

    descriptor = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None or syncfs(descriptor):
            os.sync()
    finally:
        os.close(descriptor)
