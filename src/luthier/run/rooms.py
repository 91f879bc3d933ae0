"""Temporary folders that do not outlive their makers, not even one that was killed.

A room holds a file `owner` that its maker keeps locked; the kernel lets go of the lock when the maker's process is gone,
however it ended. The first room that a process makes sweeps those of the same user that nobody holds any more. A folder
without that file is never touched, whatever its name.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import weakref
from contextlib import suppress

__all__ = ["Room", "sweep"]

PREFIX = "luthier-"
OWNER = "owner"

_swept: set[str] = set()


class Room:
    """A temporary folder of this process, which only its user may enter. `name` is its path."""

    def __init__(self) -> None:
        place = tempfile.gettempdir()
        if place not in _swept:
            _swept.add(place)
            sweep(place)
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)  # 0700
        self.name = self._folder.name
        # It gets its name once it is locked, so that nobody finds it unlocked while its maker lives.
        draft = f"{self.name}/.{OWNER}"
        lock = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._release = weakref.finalize(self, os.close, lock)
        with suppress(
            OSError
        ):  # a file system without locks: then the room has no owner file, and nobody sweeps it
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(draft, f"{self.name}/{OWNER}")

    def cleanup(self) -> None:
        """Removes the folder with all that is in it. May be repeated."""
        self._folder.cleanup()
        self._release()

    def __enter__(self) -> str:
        return self.name

    def __exit__(self, *_: object) -> None:
        self.cleanup()


def sweep(place: str) -> int:
    """Removes the rooms in a folder whose makers are gone, and returns how many; those of other users stay."""
    try:
        names = [name for name in os.listdir(place) if name.startswith(PREFIX)]
    except OSError:
        return 0
    return sum(_remove_left(os.path.join(place, name)) for name in names)


def _remove_left(room: str) -> bool:
    """Removes a room if it is ours and nobody holds it."""
    try:
        facts = os.lstat(room)
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
            return False
        lock = os.open(f"{room}/{OWNER}", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(room, ignore_errors=True)
        return not os.path.lexists(room)
    except OSError:  # it is held
        return False
    finally:
        os.close(lock)
