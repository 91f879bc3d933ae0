"""The frames of an event file: records that carry their length and two checksums, read while the file grows.

A record that is not whole yet is left for later, however it was cut; one whose checksum is wrong is passed over with a
note, and reading goes on at the next that is right. What is inside is `events.py`; `framed` makes a record, for what
writes event files (`view/tensorboard`). Standard library only.

**Source** TensorFlow's record format: uint64 length, masked CRC-32C of the length, data, masked CRC-32C of the data,
little endian. The checksum is Castagnoli's (G. Castagnoli, S. Bräuer, M. Herrmann, 1993), reflected, polynomial
0x82F63B78.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Record", "RecordFile", "framed"]

LARGEST_BYTES = 256 << 10
"""A record beyond this holds pictures or a graph: it is passed over unread."""

_CHUNK = LARGEST_BYTES + 4096
_HEADER = struct.Struct("<QI")
_FRAME = _HEADER.size + 4


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _table()


def _masked_crc(data: bytes, table: tuple[int, ...] = _TABLE) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed(data: bytes) -> bytes:
    """One record that holds `data`."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked_crc(length)) + data + struct.pack("<I", _masked_crc(data))


class Record(NamedTuple):
    """The content of one record, with the checksum it came with."""

    data: bytes
    crc: int

    def is_whole(self) -> bool:
        """Whether the checksum is right. **Cost** 60 nanoseconds a byte."""
        return _masked_crc(self.data) == self.crc


class RecordFile:
    """Reads the records of the file at `path`, in order, each once. `damaged` counts the places that were passed over.

    **Cost** one `stat` where nothing has changed; otherwise the file is opened and closed again.
    """

    __slots__ = ("_lost", "_size", "damaged", "path", "position")

    def __init__(self, path: str) -> None:
        self.path = path
        self.position = 0
        self.damaged = 0
        self._lost = False  # amid damage: the next record is still to be found
        self._size = 0

    def waiting(self) -> int:
        """Bytes not read yet. A file that shrank was written anew, and is read from its beginning."""
        try:
            self._size = os.stat(self.path).st_size
        except (OSError, ValueError):
            return 0
        if self._size < self.position:
            self.position, self._lost = 0, False
        return self._size - self.position

    def records(self, budget_bytes: int) -> Iterator[Record]:
        """Gives the whole records of about the next `budget_bytes` bytes. Call `waiting` first.

        **Holds** `position` is behind the record that was given last, so that `again` can go back to it.
        """
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError):
            return
        try:
            end = self.position + budget_bytes
            while self.position < end:
                before = self.position
                chunk = os.pread(file, _CHUNK, before)
                yield from self._cut(chunk)
                if self.position <= before:
                    return  # what is left is not whole yet
        except OSError:
            return  # a pipe, a folder, a failing disk: what was read stands
        finally:
            os.close(file)

    def again(self, record: Record) -> bool:
        """Goes back to a record whose checksum is wrong, if it is the last in the file: it may still be changing."""
        if self.position < self._size:
            return False
        self.position -= len(record.data) + _FRAME
        return True

    def _cut(self, chunk: bytes) -> Iterator[Record]:
        """Gives the records that are whole in `chunk`, which begins at `position`."""
        at, begin = 0, self.position
        while len(chunk) - at >= _HEADER.size:
            length, crc = _HEADER.unpack_from(chunk, at)
            if self._lost or _masked_crc(chunk[at : at + 8]) != crc:
                found = self._next(chunk, at)
                self.position = begin + found
                if found == at or self._lost:
                    return
                at = found
                continue
            whole = at + _FRAME + length
            if length > LARGEST_BYTES:
                if begin + whole <= self._size:
                    self.position = begin + whole
                return
            if whole > len(chunk):
                return
            data = chunk[at + _HEADER.size : whole - 4]
            self.position = begin + whole
            yield Record(data, int.from_bytes(chunk[whole - 4 : whole], "little"))
            if self.position != begin + whole:
                return  # the reader went back
            at = whole

    def _next(self, chunk: bytes, at: int) -> int:
        """Where reading goes on after damage at `at`: at the next length with its checksum, or at the chunk's end."""
        if not self._lost:
            if not chunk[at:].strip(b"\0") and len(chunk) < _CHUNK:
                return at  # nothing but zeros to the end: some file systems show those before the data
            self.damaged += 1
            self._lost = True
            at += 1
        place = chunk.find(b"\0\0\0\0", at + 4)  # the upper half of any length that can be
        while 0 <= place <= len(chunk) - 8:
            begin = place - 4
            _, crc = _HEADER.unpack_from(chunk, begin)
            if begin >= at and _masked_crc(chunk[begin : begin + 8]) == crc:
                self._lost = False
                return begin
            place = chunk.find(b"\0\0\0\0", place + 1)
        return max(at, len(chunk) - _HEADER.size + 1)
