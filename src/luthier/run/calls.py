"""What is handed to a runner of functions, one call or many together, what comes back besides `Ended`, and a worker as the
runner (`function.py`) keeps it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from luthier.description import Limits
from luthier.run._links import Link
from luthier.run._worker import NOTE
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["Call", "CallingWorker", "Over", "ReportedPoint", "Together"]

ReportedPoint = tuple[str, float | None, float, float]
"""Metric, step (None: the next one), value, seconds since 1970."""


class Call(NamedTuple):
    """One attempt: the plain values of its configuration, its seed, and the folder for what it prints ("" for none).
    With `eager` the folder is used from the first line, so that it can be followed; else only once it has ended. `devices`
    are the GPUs of its slot, None where it has none of its own."""

    id: AttemptId
    values: Mapping[str, Any]
    seed: int
    folder: str
    eager: bool
    limits: Limits
    slot: int = 0
    devices: tuple[str, ...] | None = None


class Together(NamedTuple):
    """Many calls in one go, in one slot. `what` says which, in plain values that the work understands."""

    id: AttemptId
    what: tuple[Any, ...]
    limits: Limits
    slot: int = 0


class Over(NamedTuple):
    """What became of many calls: the columns the work answered with, or, when its worker died, at which call and how."""

    id: AttemptId
    columns: tuple[Any, ...]
    at: int = 0
    result: Result | None = None


@dataclass
class CallingWorker:
    """A worker as the driver sees it: its process (an attempt of the command runner) and the calls it has."""

    slot: int
    id: AttemptId
    token: str
    note: Path
    folder: Path
    calls: dict[int, Call | Together] = field(default_factory=dict)
    unsent: list[int] = field(default_factory=list)
    link: Link | None = None
    asked: tuple[int, Outcome, str] | None = None
    taken_back: dict[int, Result] = field(default_factory=dict)
    is_heard: bool = False

    def current(self) -> tuple[int, float, int]:
        """The call it is in, since when (monotonic), and which one of many; zeros before the first."""
        try:
            number, since, at = NOTE.unpack(self.note.read_bytes()[: NOTE.size])
            return int(number), float(since), int(at)
        except (OSError, struct.error):  # it has not made the file yet
            return 0, 0.0, 0
