"""Digests of files as they were last seen, so that a folder that has not changed is not read again.

One file a folder, appended to while it is read: what a killed process had found out, the next one knows. A file counts
as unchanged while its size, both of its times and its inode are the same; one that was written within the last seconds
before it was read is not remembered, because it may change again without its times telling.
"""

from __future__ import annotations

import hashlib
import json
import os
from threading import Lock
from types import TracebackType
from typing import IO, Any

from luthier.clock import Clock, SystemClock

__all__ = ["Known"]

FRESH_NS = 2 * 10**9
FLUSH = 64


class Known:
    """What is known of one folder, as a context manager."""

    def __init__(self, folder: str | None, source: str, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._digests: dict[str, tuple[list[int], str]] = {}
        self._file: IO[str] | None = None
        self._added = 0
        self._path = ""
        self._guard = Lock()
        if folder is not None:
            word = hashlib.sha256(os.fsencode(source)).hexdigest()[:32]
            self._path = f"{folder}/known/{word}"

    def __enter__(self) -> Known:
        if self._path:
            try:
                with open(self._path, encoding="ascii") as file:
                    self._read(file)
            except (OSError, ValueError):
                self._digests.clear()
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            self._file = open(self._path, "a", encoding="ascii")
        return self

    def _read(self, file: IO[str]) -> None:
        for line in file:
            if not line.endswith("\n"):
                break  # its writer was killed
            try:
                path, seen, digest = json.loads(line)
            except ValueError:
                continue
            self._digests[path] = (seen, digest)
            self._added += 1
        self._added -= len(self._digests)

    def digest(self, path: str, status: os.stat_result) -> str | None:
        """The digest of a file that looks as it did; None where it must be read."""
        known = self._digests.get(path)
        return known[1] if known is not None and known[0] == _seen(status) else None

    def has_seen(self, path: str) -> bool:
        """Whether a file of this name was read before, however it looked."""
        return path in self._digests

    def note(self, path: str, status: os.stat_result, digest: str) -> None:
        """Remembers a digest. `status` is from before the file was read."""
        now = int(self._clock.now() * 1e9)
        if self._file is None or max(status.st_mtime_ns, status.st_ctime_ns) > now - FRESH_NS:
            return
        with self._guard:
            self._digests[path] = (_seen(status), digest)
            self._file.write(_line(path, _seen(status), digest))
            self._added += 1
            if self._added % FLUSH == 0 or status.st_size > 2**24:
                self._file.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        self._file.close()
        if self._added > len(self._digests) + FLUSH:  # most of it was said more than once
            fresh = f"{self._path}.{os.getpid()}"
            with open(fresh, "w", encoding="ascii") as file:
                file.writelines(_line(path, *known) for path, known in self._digests.items())
            os.replace(fresh, self._path)


def _seen(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _line(path: str, seen: Any, digest: str) -> str:
    return json.dumps([path, seen, digest], separators=(",", ":")) + "\n"
