"""The files of an attempt that runs on another machine: what goes there with it, what comes back while it runs and after.

While it runs, what is read as it grows comes in pieces: its output, what it reported, its event files. Once it is over, so
do its outputs and its checkpoint, up to `MOST_BYTES`; what is larger stays behind, and that is said. Nothing here knows
Ray: both ends are functions of a folder and of what the other end has already.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from luthier.run import _layout
from luthier.run.runner import Order

__all__ = [
    "ATTEMPT",
    "MOST_BYTES",
    "Chunk",
    "News",
    "changes",
    "clear_away",
    "move_in",
    "moved",
    "offsets",
    "take_in",
    "to_take_along",
]

MOST_BYTES = 256 * 2**20
PIECE_BYTES = 2**20
TOGETHER_BYTES = 4 * 2**20
"""How much travels in one answer at most."""

GROWING = (_layout.STDOUT, _layout.STDERR, _layout.METRIC_LINES, _layout.ASKS)
AT_THE_END = (_layout.METRICS,)
EVENTS = "tfevents"  # part of the names of TensorBoard's files
TRIAL = "trial"  # an attempt's own folder there is trial/attempt, beside trial/checkpoint
ATTEMPT = f"{TRIAL}/attempt"

Chunk = tuple[str, int, bytes]
"""A piece of a file: its path in the trial's folder as seen from the attempt's, where it begins, what it holds."""


class News(NamedTuple):
    """What a driver learns of an attempt: its phase, when it began and as which process, how it ended, new pieces of its
    files, whether there are more, what could not be brought, and what a call has reported anew."""

    phase: int
    began: float | None
    pid: int
    end: tuple[Any, ...] | None
    chunks: Sequence[Chunk]
    more: bool
    left: str
    points: Sequence[tuple[str, float | None, float, float]] = ()


# ------------------------------------------------------------------ on its way there


def to_take_along(folder: str) -> list[Chunk]:
    """What an attempt needs of its driver's folder: the configuration, and the checkpoint of the attempts before it.

    **Raises** ValueError for a checkpoint too large to travel.
    """
    trial = os.path.dirname(folder)
    names = [_layout.CONFIGURATION, *_below(trial, _layout.CHECKPOINT)]
    size = sum(_size(f"{trial}/{name}") or 0 for name in names)
    if size > MOST_BYTES:
        raise ValueError(
            f"its checkpoint of {size >> 20} MB is larger than the {MOST_BYTES >> 20} MB that travel"
        )
    found: list[Chunk] = []
    for name in names:
        try:
            with open(f"{trial}/{name}", "rb") as file:
                found.append((f"../{name}", 0, file.read()))
        except OSError:
            continue  # there is no such file
    return found


def moved(order: Order, place: str, code_root: str, root: str) -> Order:
    """The order as it runs in `place` on another machine: every mention of the trial's folder and of the code's is made
    one of those there."""
    trial, folder = os.path.dirname(order.folder), f"{place}/{ATTEMPT}"
    pairs = [(order.folder, folder), (trial, f"{place}/{TRIAL}")]
    if code_root:
        pairs.append((code_root, root))

    def said(text: str) -> str:
        for old, new in pairs:
            text = _replaced(text, old, new)
        return text

    return order._replace(
        argv=tuple(map(said, order.argv)),
        env={name: said(text) for name, text in order.env.items()},
        cwd=said(order.cwd),
        folder=folder,
    )


def _replaced(text: str, old: str, new: str) -> str:
    """Puts one folder for another, where it is a whole path or the beginning of one."""
    parts = text.split(old)
    made = parts[0]
    for part in parts[1:]:
        is_whole = not part or not (part[0].isalnum() or part[0] in "._-")
        made += (new if is_whole else old) + part
    return made


def move_in(folder: str, files: Sequence[Chunk]) -> None:
    """Makes an attempt's folder on its machine, with what it took along."""
    os.makedirs(f"{folder}/{_layout.OUTPUTS}", mode=0o700, exist_ok=True)
    os.makedirs(f"{os.path.dirname(folder)}/{_layout.CHECKPOINT}", exist_ok=True)
    take_in(folder, files)


def clear_away(place: str) -> None:
    """Removes what an attempt had on its machine, once its end was taken."""
    shutil.rmtree(place, ignore_errors=True)


# ------------------------------------------------------------------ on its way back


def offsets(folder: str) -> dict[str, int]:
    """How much a driver has of the files that grow: what the one before it was brought."""
    found = {name: _size(f"{folder}/{name}") for name in GROWING}
    return {name: size for name, size in found.items() if size is not None}


def changes(folder: str, known: Mapping[str, int], *, is_over: bool) -> tuple[list[Chunk], bool, str]:
    """New pieces of an attempt's files, whether there are more, and what is too large to be brought."""
    names = [*GROWING, *(name for name in _below(folder, _layout.OUTPUTS) if EVENTS in name)]
    left = ""
    if is_over:
        last = [*_below(folder, _layout.OUTPUTS), *_below(folder, f"../{_layout.CHECKPOINT}")]
        size = sum(_size(f"{folder}/{name}") or 0 for name in last)
        if size > MOST_BYTES:
            host = os.uname().nodename
            left = f"its outputs and checkpoint, {size >> 20} MB, are more than the {MOST_BYTES >> 20} MB that are brought from {host}"
            last = []
        names += [*AT_THE_END, *last]
    found: list[Chunk] = []
    room = TOGETHER_BYTES
    for chunk in _pieces(folder, dict.fromkeys(names), known):
        if room <= 0:
            return found, True, left
        found.append(chunk)
        room -= len(chunk[2])
    return found, False, left


def _pieces(folder: str, names: Mapping[str, None], known: Mapping[str, int]) -> Iterator[Chunk]:
    for name in names:
        size = _size(f"{folder}/{name}")
        at = known.get(name)
        if size is None or (at is not None and at >= size):
            continue
        at = at or 0
        try:
            with open(f"{folder}/{name}", "rb") as file:
                file.seek(at)
                while piece := file.read(PIECE_BYTES):
                    yield name, at, piece
                    at += len(piece)
                if not size:
                    yield name, 0, b""
        except OSError:
            continue  # it has just gone, or is none of ours to read


def take_in(folder: str, chunks: Sequence[Chunk]) -> None:
    """Writes pieces into an attempt's folder. **Raises** ValueError for a path that leads out of the trial's."""
    for name, at, content in chunks:
        path = _inside(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (0 if at else os.O_TRUNC)
        fd = os.open(path, flags, 0o600 if name.endswith(_layout.CONFIGURATION) else 0o644)
        try:
            rest = memoryview(content)
            while rest:
                written = os.pwrite(fd, rest, at)
                at, rest = at + written, rest[written:]
        finally:
            os.close(fd)


def _inside(folder: str, name: str) -> str:
    trial = os.path.dirname(folder)
    path = os.path.normpath(f"{folder}/{name}")
    within = (f"{folder}/", f"{trial}/{_layout.CHECKPOINT}/")
    if not path.startswith(within) and path != f"{trial}/{_layout.CONFIGURATION}":
        raise ValueError(f"{name} leads out of the folder of its trial")
    return path


def _below(folder: str, start: str) -> list[str]:
    """The files below a folder, as paths from it."""
    found: list[str] = []
    for place, _, names in os.walk(f"{folder}/{start}"):
        found += [os.path.relpath(f"{place}/{name}", folder) for name in names]
    return sorted(name for name in found if os.path.isfile(f"{folder}/{name}"))


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None
