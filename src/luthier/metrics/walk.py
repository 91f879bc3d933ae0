"""Looks through folders again and again for files of a kind, and lists a folder anew only when it has changed.

It knows nothing of what it finds. Every look is bounded: in depth, in folders, in entries of a folder. Links to folders
are not followed.
"""

from __future__ import annotations

import os

__all__ = ["Walk"]

DEPTH = 8
FOLDERS = 300
ENTRIES = 5000
NEWEST = (
    64  # of a shared folder's folders, those that changed last: a thousand old runs are not looked through
)
SETTLED_SECONDS = (
    2.0  # a folder that changed so lately may have changed again within the same tick of its clock
)


class Walk:
    """The files below a folder that have `mark` in their names. `is_shared`: others work there too."""

    def __init__(self, mark: str, *, is_shared: bool = False) -> None:
        self._mark = mark
        self._shared = is_shared
        self._known: dict[str, tuple[int, list[str], list[str]]] = {}  # time of change, folders, files found

    def look(self, root: str, now: float) -> list[str]:
        """The files that are there now. **Cost** one `stat` a folder, and a listing of each that has changed."""
        found: list[str] = []
        level = [root]
        looked = 0
        for _ in range(DEPTH):
            below: list[str] = []
            for folder in level:
                looked += 1
                folders, files = self.listed(folder, now)
                found += files
                below += folders
            level = below[: FOLDERS - looked]
            if not level:
                break
        return found

    def listed(self, folder: str, now: float) -> tuple[list[str], list[str]]:
        """The folders and the files of the kind right in a folder."""
        try:
            changed = os.stat(folder).st_mtime_ns
        except OSError:
            self._known.pop(folder, None)
            return [], []
        known = self._known.get(folder)
        if known is None or known[0] != changed:
            folders, files = self._list(folder)
            is_settled = abs(now - changed / 1e9) > SETTLED_SECONDS
            known = (changed if is_settled else -1, folders, files)
            self._known[folder] = known
        if self._shared and len(known[1]) > NEWEST:
            return sorted(known[1], key=_changed, reverse=True)[:NEWEST], known[2]
        return known[1], known[2]

    def _list(self, folder: str) -> tuple[list[str], list[str]]:
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for count, entry in enumerate(entries):
                    if count >= ENTRIES:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif self._mark in entry.name:
                        files.append(entry.path)
        except OSError:
            pass  # removed meanwhile, or not ours to read
        return folders, files


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
