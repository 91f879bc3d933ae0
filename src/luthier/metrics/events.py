"""Reads the scalars of TensorBoard's event files, as TensorFlow, PyTorch, Keras, JAX and others write them.

Neither TensorFlow nor protobuf is needed: of each event only the time, the step, the tag and the number are read, by
the field numbers of `event.proto`, `summary.proto` and `tensor.proto`. A number stands in `simple_value`, or, since
TensorFlow 2, in a tensor of one element. Pictures, histograms, texts and graphs are passed over. Frames and damage are
`tfrecord.py`; which files belong to a trial is `event_files.py`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from luthier.metrics.tfrecord import Record, RecordFile

__all__ = ["EventFile", "Scalar", "scalars_of"]

CHECKED_BYTES = 4096  # a larger record is checked only where it holds a number: histograms are many and long
_TAG_LENGTH = 200
_DOUBLE, _FLOAT = struct.Struct("<d"), struct.Struct("<f")
# By the number of a tensor's type: how its bytes are read, and the field that may hold its values instead.
_TYPES = {
    1: ("<f", 5),
    2: ("<d", 6),
    3: ("<i", 7),
    4: ("<B", 7),
    5: ("<h", 7),
    6: ("<b", 7),
    9: ("<q", 10),
    10: ("<?", 11),
    14: ("bfloat16", 13),
    17: ("<H", 7),
    19: ("<e", 13),
    22: ("<I", 16),
    23: ("<Q", 17),
}


class Scalar(NamedTuple):
    """One number of an event file: `time` is seconds since 1970."""

    tag: str
    value: float
    step: int
    time: float


class EventFile:
    """The scalars of one growing file. Not whole records are waited for, wrong ones are passed over and counted."""

    __slots__ = ("_records",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._records = RecordFile(os.fspath(path))

    @property
    def path(self) -> str:
        """Where it is."""
        return self._records.path

    @property
    def position(self) -> int:
        """How far it has been read, in bytes."""
        return self._records.position

    @property
    def damaged(self) -> int:
        """How many places of it could not be read."""
        return self._records.damaged

    def waiting(self) -> int:
        """Bytes not read yet."""
        return self._records.waiting()

    def scalars(self, budget_bytes: int, *, last: bool = False) -> Iterator[Scalar]:
        """Gives what the next `budget_bytes` bytes hold. With `last` nothing writes to it any more.

        **Cost** about ten microseconds a scalar.
        """
        if self._records.waiting() <= 0:
            return
        for record in self._records.records(budget_bytes):
            found = _read(record)
            if found is not None:
                yield from found
            elif last or not self._records.again(record):
                self._records.damaged += 1


def _read(record: Record) -> list[Scalar] | None:
    """The scalars of a record, None where its checksum is wrong."""
    try:
        found = scalars_of(record.data)
    except (ValueError, IndexError, struct.error):
        return [] if record.is_whole() else None  # a whole one that can't be read is of another kind
    if (found or len(record.data) <= CHECKED_BYTES) and not record.is_whole():
        return None
    return found


def scalars_of(event: bytes) -> list[Scalar]:
    """The scalars of one encoded `Event`. **Raises** ValueError, IndexError or struct.error where it is none."""
    time, step = 0.0, 0
    summaries = []
    for field, kind, value in _fields(event):
        if field == 1 and kind == 1:
            time = _DOUBLE.unpack(value)[0]
        elif field == 2 and kind == 0:
            step = _signed(value)
        elif field == 5 and kind == 2:
            summaries.append(value)
    found = []
    for summary in summaries:
        for field, kind, value in _fields(summary):
            if field == 1 and kind == 2 and (named := _named_number(value)) is not None:
                found.append(Scalar(*named, step, time))
    return found


def _named_number(value: bytes) -> tuple[str, float] | None:
    """The tag and the number of one `Summary.Value`, None where it holds something else."""
    tag, number, tensor, plugin = b"", None, None, b""
    for field, kind, content in _fields(value):
        if field == 1 and kind == 2:
            tag = content
        elif field == 2 and kind == 5:
            number = _FLOAT.unpack(content)[0]
        elif field == 8 and kind == 2:
            tensor = content
        elif field == 9 and kind == 2:
            plugin = _plugin(content)
    if number is None and tensor is not None and plugin in (b"", b"scalars"):
        number = _one_number(tensor)
    name = tag.decode("utf-8", "replace")
    if number is None or not name or len(name) > _TAG_LENGTH or not name.isprintable():
        return None
    return name, number


def _plugin(metadata: bytes) -> bytes:
    """The name of the plugin that a `SummaryMetadata` is for."""
    for field, kind, content in _fields(metadata):
        if field == 1 and kind == 2:
            return next((name for place, sort, name in _fields(content) if (place, sort) == (1, 2)), b"")
    return b""


def _one_number(tensor: bytes) -> float | None:
    """The number of a `TensorProto` of one element, None for every other."""
    dtype, elements, content = 0, 1, b""
    lists: dict[int, tuple[int, bytes | int]] = {}
    for field, kind, value in _fields(tensor):
        if field == 1 and kind == 0:
            dtype = value
        elif field == 2 and kind == 2:
            elements = _elements(value)
        elif field == 4 and kind == 2:
            content = value
        else:
            lists[field] = (kind, value)
    if elements != 1 or dtype not in _TYPES:
        return None
    form, place = _TYPES[dtype]
    if content:
        return _unpacked(form, content)
    kind, value = lists.get(place, (2, b""))
    if value == b"":
        return 0.0  # TensorFlow leaves zeros out
    if form in ("<f", "<d"):
        assert isinstance(value, bytes)
        return float(struct.unpack_from(form, value)[0])
    count = next(_varints(value)) if isinstance(value, bytes) else value
    if place == 13:
        return _unpacked(form, count.to_bytes(2, "little"))
    return float(count if form in ("<Q", "<I", "<?") else _signed(count))


def _unpacked(form: str, content: bytes) -> float:
    if form == "bfloat16":
        return float(_FLOAT.unpack(b"\0\0" + content)[0])
    return float(struct.unpack(form, content)[0])


def _elements(shape: bytes) -> int:
    """How many elements a tensor of this `TensorShapeProto` has."""
    count = 1
    for field, kind, dimension in _fields(shape):
        if field == 2 and kind == 2:
            count *= next((_signed(size) for at, sort, size in _fields(dimension) if (at, sort) == (1, 0)), 0)
    return count


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _varints(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        number, at = _varint(data, at)
        yield number


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than ten bytes")


# A field's content is a number (0), eight bytes (1), any bytes (2) or four bytes (5): which, the kind tells.
def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """The fields of a protobuf message: number, kind and content."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            number, at = _varint(data, at)
            yield key >> 3, kind, number
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"kind {kind} is in no event")
        if at + size > end:
            raise ValueError("a field reaches beyond its message")
        yield key >> 3, kind, data[at : at + size]
        at += size
