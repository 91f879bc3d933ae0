"""Follows one growing file and hands out the whole lines it has gained.

It keeps a byte position and the beginning of a line whose end has not been written yet; how the writer and
the reader happen to be cut into pieces changes nothing of the lines. Bytes that are no UTF-8 become
replacement characters, a carriage return overwrites what stood before it on the line, as on a terminal, and a
very long line is cut. What the lines mean is not known here: see `lines.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

__all__ = ["LINE_LENGTH", "Follower", "visible"]

LINE_LENGTH = 65_536
"""Characters of a line that are looked at; the rest of a longer one is passed over."""

_CHUNK = 1 << 18
_CARRY = 4 * LINE_LENGTH + 4  # bytes that hold more than LINE_LENGTH characters, whatever they are
_CUT = "…"  # stands where a line was cut, so that half a number is not taken for a whole one


class Follower:
    """Reads the file at `path` from `position` on, as it grows. The file need not exist yet.

    **Cost** one `stat` where nothing has changed; otherwise the file is opened and closed again, since a
    driver may follow hundreds. Memory is bounded by the chunk and the line length.
    """

    __slots__ = ("_carry", "_torn", "path", "position")

    def __init__(self, path: str, position: int = 0) -> None:
        self.path = path
        self.position = position
        self._carry = b""
        self._torn = False  # after a skip: the rest of the line landed in is not a line

    def waiting(self) -> int:
        """Bytes not read yet. A file that shrank was written anew, and is read from its beginning."""
        try:
            size = os.stat(self.path).st_size
        except (OSError, ValueError):
            return 0
        if size < self.position:
            self.position, self._carry, self._torn = 0, b"", False
        return size - self.position

    def lines(self, budget_bytes: int) -> Iterator[str]:
        """Gives the lines completed by the next `budget_bytes` bytes, without their ends."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError):
            return
        try:
            while budget_bytes > 0:
                chunk = os.pread(file, min(_CHUNK, budget_bytes), self.position)
                if not chunk:
                    return
                self.position += len(chunk)
                budget_bytes -= len(chunk)
                yield from self._split(chunk)
        except OSError:
            return  # a pipe, a folder, a failing disk: what was read stands
        finally:
            os.close(file)

    def rest(self) -> str | None:
        """Gives the last line although nothing ended it, and forgets it; None where there is none."""
        carry, self._carry = self._carry, b""
        return _line(carry.decode("utf-8", "replace")) if carry and not self._torn else None

    def skip_to(self, position: int) -> None:
        """Goes on at `position`, from the next line that begins there."""
        self.position, self._carry, self._torn = position, b"", True

    def _split(self, chunk: bytes) -> list[str]:
        end = chunk.rfind(b"\n")
        if end < 0:
            self._carry = _compact(self._carry + chunk)
            return []
        lines = (self._carry + chunk[:end]).decode("utf-8", "replace").split("\n")
        self._carry = _compact(chunk[end + 1 :])
        if self._torn:
            self._torn = False
            del lines[0]
        return [_line(line) if len(line) > LINE_LENGTH or "\r" in line else line for line in lines]


def visible(line: str) -> str:
    """What a terminal would still show of `line`: the text after the last carriage return that has any."""
    if "\r" not in line:
        return line
    for segment in reversed(line.split("\r")):
        if segment.strip(" \t"):
            return segment
    return ""


def _line(line: str) -> str:
    line = visible(line)
    return line if len(line) <= LINE_LENGTH else line[:LINE_LENGTH] + _CUT


def _compact(carry: bytes) -> bytes:
    """Shortens an unfinished line without changing what it will be read as."""
    if len(carry) <= _CARRY:
        return carry
    before, _, last = carry.rpartition(b"\r")
    if last.strip(b" \t"):
        return last[:_CARRY]
    shown = next((s for s in reversed(before.split(b"\r")) if s.strip(b" \t")), b"")
    return shown[:_CARRY] + b"\r" + last[:_CARRY]
