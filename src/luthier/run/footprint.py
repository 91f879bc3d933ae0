"""What the processes of one attempt have open: how files are found that a program writes beside those of other trials.

The tree is found through the guardian that the attempt's folder names, so it works for an attempt that another driver
began. Only Linux tells what a process has open; elsewhere nothing is found here. What the files mean is not known.
"""

from __future__ import annotations

import json
import os

from luthier.run import _layout, _tree
from luthier.run.adopted import is_guarded

__all__ = ["Footprint"]

MOST_FOLDERS = 8


class Footprint:
    """The traces of one attempt. `pids` are the processes that were seen so far, `folders` where they worked."""

    def __init__(self, folder: str) -> None:
        self.pids: set[int] = set()
        self.folders: dict[str, None] = {}
        self._folder = folder
        self._guardian: tuple[int, int, str] | None = None

    def began(self) -> float | None:
        """When the attempt began, in seconds since 1970, as its folder tells; None where it has not."""
        try:
            return os.stat(f"{self._folder}/{_layout.GUARDIAN}").st_mtime
        except OSError:
            return None

    def open_files(self, mark: str) -> list[str]:
        """The files the attempt has open for writing whose names have `mark` in them.

        **Holds** none is another attempt's: the lock on its folder is looked at after its processes were, and as long
        as it is held the guardian guards no other.
        **Cost** some microseconds for each open file of its processes.
        """
        guardian = self._named() if _tree.LINUX else None
        if guardian is None or _tree.started(guardian[0]) != guardian[1] or _tree.boot_id() != guardian[2]:
            return []
        pids = _tree.descendants(guardian[0])
        found = [path for pid in pids for path in _written(pid, mark)]
        folders = [_link(f"/proc/{pid}/cwd") for pid in pids]
        if not is_guarded(self._folder):
            return []
        self.pids.update(pids)
        for folder in folders:
            if folder and len(self.folders) < MOST_FOLDERS:
                self.folders[folder] = None
        return list(dict.fromkeys(found))

    def look_back(self) -> None:
        """Learns the process its program was from how the attempt ended; a short one may never have been seen."""
        try:
            with open(f"{self._folder}/{_layout.OUTCOME}", encoding="utf-8") as file:
                pid = json.load(file).get("pid")
        except (OSError, ValueError, AttributeError):
            return
        if isinstance(pid, int) and pid > 0:
            self.pids.add(pid)

    def _named(self) -> tuple[int, int, str] | None:
        """The guardian's pid, start and boot; None until it is written down."""
        if self._guardian is None:
            try:
                with open(f"{self._folder}/{_layout.GUARDIAN}", encoding="utf-8") as file:
                    named = json.load(file)
                self._guardian = (named["pid"], named["started"], named["boot_id"])
            except (OSError, ValueError, KeyError, TypeError):
                return None
        return self._guardian


def _written(pid: int, mark: str) -> list[str]:
    """The files with `mark` in their names that a process has open for writing."""
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return []  # gone meanwhile, or another user's
    found = []
    for number in numbers:
        path = _link(f"/proc/{pid}/fd/{number}")
        if mark in os.path.basename(path) and path.startswith("/") and _is_written(pid, number):
            found.append(path)
    return found


def _is_written(pid: int, number: str) -> bool:
    try:
        with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as file:
            flags = next(line.split()[1] for line in file if line.startswith("flags:"))
    except (OSError, StopIteration):
        return False
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
