"""What trials printed: the last lines, whole files, and following them while they grow.

A `Tail` reads one growing file by whole lines; `Logs` finds the files of an experiment's attempts, and new ones as
the record tells of them. It never reads a file twice and holds no file open between two reads, so that a thousand
running trials need no thousand descriptors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from luthier.run.folders import AttemptFolder, Folders
from luthier.store import Store

__all__ = ["Line", "Logs", "Tail", "last_lines", "tail_of"]

_BLOCK = 1 << 16
_LONGEST = 1 << 20  # a "line" longer than this (a progress bar without newlines) is passed on in parts


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a trial printed, without its newline."""

    experiment: int
    trial: int
    attempt: int
    text: str

    @property
    def name(self) -> str:
        """`144.7`."""
        return f"{self.experiment}.{self.trial}"


@dataclass(slots=True)
class Tail:
    """Reads whole lines from a file that grows."""

    path: str
    offset: int = 0
    _rest: bytes = b""

    def lines(self) -> Iterator[str]:
        """The lines that were completed since the last call; none when the file is not there yet."""
        with _opened(self.path) as file:
            file.seek(self.offset)
            while block := file.read(_BLOCK):
                self.offset += len(block)
                *whole, self._rest = (self._rest + block).split(b"\n")
                yield from map(_text, whole)
                if len(self._rest) > _LONGEST:
                    yield _text(self._rest)
                    self._rest = b""

    def last(self) -> Iterator[str]:
        """What stands after the last newline, once nothing more will come."""
        if self._rest:
            rest, self._rest = self._rest, b""
            yield _text(rest)

    def skip(self, keep: int) -> None:
        """Moves on so that only the last `keep` lines are left to read."""
        self.offset = _start_of_last(self.path, keep)


def _opened(path: str) -> BinaryIO:
    """The file, or an empty one when it is not there yet."""
    try:
        return open(path, "rb")
    except FileNotFoundError:
        return BytesIO()


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")


def _start_of_last(path: str, count: int) -> int:
    """Where the last `count` lines of a file begin, read from its end."""
    with _opened(path) as file:
        end = file.seek(0, os.SEEK_END)
        if count <= 0:
            return end
        position, found = end, 0
        while position > 0:
            start = max(position - _BLOCK, 0)
            file.seek(start)
            block = file.read(position - start)
            for index in range(len(block) - 1, -1, -1):
                if block[index] == 0x0A and start + index != end - 1:
                    found += 1
                    if found == count:
                        return start + index + 1
            position = start
    return 0


def tail_of(path: str, count: int) -> tuple[str, ...]:
    """The last `count` lines of a file; none when it is not there."""
    tail = Tail(path)
    tail.skip(count)
    return (*tail.lines(), *tail.last())


def last_lines(folder: Path, experiment: int, trial: int, attempt: int, count: int) -> tuple[str, ...]:
    """The last lines an attempt printed: of standard error where there are any, else of standard output."""
    files = Folders(folder).attempt(experiment, trial, attempt)
    return tail_of(files.stderr, count) or tail_of(files.stdout, count)


@dataclass(slots=True)
class Logs:
    """The log files of one experiment or one trial, in the order of the attempts.

    `read` may be called again and again: it finds new attempts and new lines.
    """

    store: Store
    folder: Path
    experiment: int
    trial: int | None = None
    attempt: int | None = None
    pick: Callable[[AttemptFolder], str] = lambda files: files.stdout
    keep: int | None = None
    _tails: dict[tuple[int, int], Tail] = field(default_factory=dict)
    _ended: set[tuple[int, int]] = field(default_factory=set)
    _seen: int = -1

    def read(self) -> Iterator[Line]:
        """The lines that came since the last call, trial by trial."""
        revision = self.store.revision()
        if revision != self._seen:
            ended = self._find()
            self._seen = revision
        else:
            ended = set()
        for key, tail in list(self._tails.items()):
            if key in self._ended:
                continue
            yield from self._lines(key, tail.lines())
            if key in ended:
                self._ended.add(key)
                yield from self._lines(key, tail.last())

    def rest(self) -> Iterator[Line]:
        """The unfinished last lines, when nobody will wait for their ends."""
        for key, tail in self._tails.items():
            yield from self._lines(key, tail.last())

    def _lines(self, key: tuple[int, int], texts: Iterator[str]) -> Iterator[Line]:
        for text in texts:
            yield Line(self.experiment, key[0], key[1], text)

    def _find(self) -> set[tuple[int, int]]:
        """Learns of new attempts from the record, and returns those that have ended."""
        folders, ended = Folders(self.folder), set()
        for trial, attempt, has_ended in self._attempts():
            key = (trial, attempt)
            if key not in self._tails:
                tail = Tail(self.pick(folders.attempt(self.experiment, trial, attempt)))
                if self.keep is not None and (self._seen < 0 or has_ended):
                    tail.skip(self.keep)
                self._tails[key] = tail
            if has_ended:
                ended.add(key)
        return ended

    def _attempts(self) -> Iterator[tuple[int, int, bool]]:
        if self.trial is not None:
            attempts = self.store.attempts(self.experiment, self.trial)
            wanted = [a for a in attempts if self.attempt in (None, a.id.attempt)]
            if self.attempt is None and self._seen < 0:
                wanted = wanted[-1:]
            for attempt in wanted:
                if self._seen >= 0 and self._tails and (self.trial, attempt.id.attempt) < min(self._tails):
                    continue
                yield self.trial, attempt.id.attempt, attempt.ended is not None
            return
        for trial in self._changed():
            newest = self.store.trial(self.experiment, trial)
            if newest.attempt:
                for earlier in (key for key in self._tails if key[0] == trial and key[1] < newest.attempt):
                    yield *earlier, True
                yield trial, newest.attempt, newest.state != "running"

    def _changed(self) -> list[int]:
        """The trials with news: all at first, then those the events name."""
        if self._seen < 0:
            return [trial.number for trial in self.store.trials(self.experiment) if trial.attempt]
        events = self.store.events(self._seen, self.experiment)
        return sorted({event.trial for event in events if event.trial is not None})
