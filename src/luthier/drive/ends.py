"""How a drive comes to its end: why, what is told of it, and the person who asks for it."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from luthier.run.runner import Runner
from luthier.store import ExperimentRecord

__all__ = ["Ending", "Interrupts", "Why", "is_planned", "nothing_left"]


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
    DRAINED = "drained"  # somebody wants this worker to leave: what runs has ended, nothing was begun
    ENOUGH = "enough"  # this worker has begun as many attempts as it was to
    SET_ASIDE = "set aside"  # trials fail here that go well elsewhere: this machine is to blame
    HANDED_OVER = "handed over"  # its trials are too short for this loop: `sprint.py` goes on
    ALL_FAILED = "all failed"  # the first trials all failed: the command is probably wrong


class Ending(NamedTuple):
    """How a drive ended, the experiment as it stood then, and the sentence that says more, where there is one. `failed` is how
    many trials failed where that ended it."""

    why: Why
    record: ExperimentRecord
    reason: str = ""
    failed: int = 0


@dataclass(eq=False, repr=False)
class Interrupts:
    """How often the person pressed Ctrl-C; a signal handler counts it up and writes to `fd`, which the runner watches
    and which does not block. With `drains`, somebody wants nothing new to begin, and what runs to end by itself."""

    count: int = 0
    fd: int | None = None
    by: str = "Ctrl-C"
    drains: bool = False
    signals: int = 0
    _seen: int = 0
    _runner: Runner | None = None

    def wait(self, seconds: float) -> bool:
        """Waits so long at most for somebody to press; returns whether somebody has."""
        if not self.count:
            select.select([] if self.fd is None else [self.fd], [], [], seconds)
        return self.look() > 0

    def watched_by(self, runner: Runner | None) -> None:
        """Has a runner wake up at each press, in the place of the one before; None: nobody does any more."""
        if self.fd is not None:
            if self._runner is not None:
                self._runner.unwatch(self.fd)
            if runner is not None:
                runner.watch(self.fd)
        self._runner = runner

    def look(self) -> int:
        """Returns the count, and sees to it that each signal wakes the drive once only."""
        if self.signals > self._seen and self.fd is not None:
            self._seen = self.signals
            with suppress(BlockingIOError):
                os.read(self.fd, 64)
        return self.count


def is_planned(record: ExperimentRecord) -> bool:
    """Whether all trials there will be are written."""
    return record.target is not None and record.trials >= record.target and not record.reserved


def nothing_left(record: ExperimentRecord) -> Why | None:
    """Why no trial can start any more where this worker runs none; None while others are at it, or the next turn may."""
    if record.is_met:
        return Why.MET
    if record.queued or record.reserved or record.running or record.waiting:
        return None
    return Why.EXHAUSTED if is_planned(record) else None
