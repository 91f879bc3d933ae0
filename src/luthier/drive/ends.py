"""How a drive comes to its end: why, what is told of it, and the person who asks for it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from luthier.store import ExperimentRecord

__all__ = ["Ending", "Interrupts", "Why"]


class Why(StrEnum):
    """Why a drive came to its end."""

    MET = "met"  # as many trials are finished as were asked for
    EXHAUSTED = "exhausted"  # nothing is left to try
    PAUSED = "paused"
    STOPPED = "stopped"
    KILLED = "killed"
    INTERRUPTED = "interrupted"  # Ctrl-C
    TARGET = "target reached"  # a trial is as good as was asked for
    NO_PROGRESS = "no progress"  # so many trials in a row were no better
    TIME = "time is up"
    HANDED_OVER = "handed over"  # its trials are too short for this loop: `sprint.py` goes on
    ALL_FAILED = "all failed"  # the first trials all failed: the command is probably wrong


class Ending(NamedTuple):
    """How a drive ended, the experiment as it stood then, and the sentence that says more, where there is one."""

    why: Why
    record: ExperimentRecord
    reason: str = ""


@dataclass(eq=False, repr=False)
class Interrupts:
    """How often the person pressed Ctrl-C; a signal handler counts it up and writes to `fd`, which the runner watches
    and which does not block."""

    count: int = 0
    fd: int | None = None
    by: str = "Ctrl-C"
    _seen: int = 0

    def look(self) -> int:
        """Returns the count, and sees to it that each Ctrl-C wakes the drive once only."""
        if self.count > self._seen and self.fd is not None:
            self._seen = self.count
            with suppress(BlockingIOError):
                os.read(self.fd, 64)
        return self.count
