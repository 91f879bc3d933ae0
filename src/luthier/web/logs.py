"""What an attempt printed, by ranges of bytes, opened so that no name and no link leads out of the folder of trials.

Nothing of a path comes from a client: numbers are looked up in the record, and the file is reached from the root folder
step by step, each of which refuses links. A log of a gigabyte costs what is asked of it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from luthier.run.folders import Folders

__all__ = ["MOST_BYTES", "Part", "log_part", "outputs_of"]

MOST_BYTES = 1 << 16
_MOST_FILES = 200
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Part(NamedTuple):
    """Some bytes of a log: from `begin` to `end` of `size`. `text` has them as text, whole characters only."""

    text: str
    begin: int
    end: int
    size: int


def log_part(
    folder: Path,
    experiment: int,
    number: int,
    attempt: int,
    stream: str,
    begin: int | None,
    most: int = MOST_BYTES,
) -> Part:
    """A part of what an attempt printed, from a byte on; the end of it where `begin` is None. Empty where there is no file."""
    files = Folders(folder).attempt(experiment, number, attempt)
    path = files.stderr if stream == "stderr" else files.stdout
    fd = _opened(folder, path)
    if fd is None:
        return Part("", 0, 0, 0)
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            return Part("", 0, 0, 0)
        size, most = about.st_size, min(max(most, 1), MOST_BYTES)
        begin = max(0, size - most) if begin is None else min(max(begin, 0), size)
        raw = os.pread(fd, most, begin)
    finally:
        os.close(fd)
    begin, raw = _whole(begin, raw, is_end=begin + len(raw) >= size)
    return Part(raw.decode("utf-8", "replace"), begin, begin + len(raw), size)


def _whole(begin: int, raw: bytes, *, is_end: bool) -> tuple[int, bytes]:
    """The bytes without a character that is cut at either end: its rest comes with the next part. At the end of the file too,
    for it may still be written."""
    skipped = 0
    while begin and skipped < min(3, len(raw)) and raw[skipped] & 0xC0 == 0x80:
        skipped += 1
    raw = raw[skipped:]
    for back in range(1, min(4, len(raw) + 1)):
        byte = raw[-back]
        if byte & 0xC0 == 0x80:
            continue
        needs = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        if needs > back and len(raw) > back:
            raw = raw[:-back]
        break
    return begin + skipped, raw


def _opened(folder: Path, path: str) -> int | None:
    """A file below the folder of trials, reached without following a link; None where it is not there."""
    parts = Path(path).relative_to(folder.absolute()).parts
    try:
        here = os.open(
            folder / parts[0], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        )  # the root may be a link of the user's
    except OSError:
        return None
    try:
        for name in parts[1:-1]:
            inner = os.open(name, _FOLDER, dir_fd=here)
            os.close(here)
            here = inner
        return os.open(parts[-1], _FILE, dir_fd=here)
    except OSError:
        return None
    finally:
        os.close(here)


def outputs_of(folder: Path, experiment: int, number: int, attempt: int) -> list[tuple[str, int]]:
    """The files an attempt left, with their sizes; links are named, not followed."""
    root = Folders(folder).attempt(experiment, number, attempt).outputs
    found: list[tuple[str, int]] = []
    for place, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(place, name)
            try:
                size = os.lstat(path).st_size
            except OSError:
                continue
            found.append((os.path.relpath(path, root), size))
            if len(found) >= _MOST_FILES:
                return found
    return found
