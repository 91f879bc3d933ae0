"""What is handed to a runner of functions, one call or many together, what comes back besides `Ended`, and a worker as the
runner (`function.py`) keeps it."""

from __future__ import annotations

import json
import marshal
import os
import secrets
import struct
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from luthier.description import Limits
from luthier.run._links import Link
from luthier.run._worker import NOTE
from luthier.run.runner import Order
from luthier.trial import AttemptId, Outcome, Result

__all__ = [
    "DOOR",
    "GRACE_SECONDS",
    "LATER",
    "WORK",
    "Call",
    "CallingWorker",
    "Heed",
    "Heeding",
    "Over",
    "Program",
    "ReportedPoint",
    "Together",
    "furnish",
]

BOOT = (
    "import json,os,sys; sys.path[:],sys.argv[:]=json.load(open(os.environ.pop('LUTHIER_PATH'))); "
    "from luthier.run._worker import main; main()"
)
GRACE_SECONDS = 2.0
DOOR, WORK, PROGRAM = "door", "work", "program.json"
"""What is in the runner's folder: the socket workers connect to, the pickled work, and what they need to know of the
program that made it, which may be longer than a variable can be."""

ReportedPoint = tuple[str, float | None, float, float]
"""Metric, step (None: the next one), value, seconds since 1970."""

Heed = Callable[[AttemptId], str | None]
"""Who is told at once that a call has reported, while it waits for the answer: why it is to end, or None."""
LATER = "later"
"""What one says who can't answer at once, and calls `answer` of the runner when he can."""


@runtime_checkable
class Heeding(Protocol):
    """A runner whose calls wait for an answer when they report, once `heed` is set."""

    heed: Heed | None


class Program(NamedTuple):
    """What workers have to know of the program that made the work: where it finds modules, its words, where it runs."""

    path: tuple[str, ...]
    words: tuple[str, ...]
    folder: str

    @classmethod
    def own(cls) -> Program:
        """This process."""
        return cls(tuple(sys.path), tuple(sys.argv), os.getcwd())


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

    def order(self, first: Call | Together, room: Path, cwd: str) -> Order:
        """What its process is: a program that connects to the door in `room` and runs in `cwd`. Its `first` call says what
        it may take."""
        limits = first.limits
        hello = (f"{room}/{DOOR}", self.token, str(self.note), limits.memory_bytes)
        env = {
            "LUTHIER_CALLS": marshal.dumps(hello).hex(),
            "LUTHIER_PATH": str(room / PROGRAM),
        }
        devices = first.devices if isinstance(first, Call) else None
        if devices is not None:
            env["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
        # A call's own limits are kept by the runner; the guardian keeps those of the whole process.
        own = limits._replace(timeout_seconds=None, idle_timeout_seconds=None, on_driver_loss="stop")
        own = own._replace(grace_seconds=min(limits.grace_seconds, GRACE_SECONDS))
        argv = (sys.executable, "-c", BOOT)
        return Order(self.id, secrets.token_hex(12), argv, env, cwd, str(self.folder), own, self.slot)

    def timed(self) -> tuple[int, float] | None:
        """The call it is in and how many seconds that has left, where it has a time limit."""
        if self.asked is not None or not any(c.limits.timeout_seconds for c in self.calls.values()):
            return None
        number, since, _ = self.current()
        call = self.calls.get(number)
        if call is None or call.limits.timeout_seconds is None:
            return None
        return number, since + call.limits.timeout_seconds - time.monotonic()

    def blamed(self, result: Result, number: int, since: float) -> Result:
        """How the call ended that a worker was in when it died."""
        seconds = time.monotonic() - since
        if self.asked is not None:
            asked, outcome, reason = self.asked
            if asked != number:  # the one it was meant for has ended by itself a moment before
                outcome, reason = Outcome.INTERRUPTED, "its worker was ended for the call before it"
            return result._replace(outcome=outcome, reason=reason, seconds=seconds)
        if result.outcome is Outcome.SUCCEEDED or result.exit_code is not None:
            ended = f"the function ended its process with exit code {result.exit_code or 0}"
            return result._replace(outcome=Outcome.FAILED, reason=ended, seconds=seconds)
        return result._replace(seconds=seconds)


def furnish(room: Path, payload: bytes, program: Program) -> None:
    """Puts into the runner's folder what every worker reads."""
    (room / WORK).write_bytes(payload)
    (room / PROGRAM).write_text(json.dumps([program.path, program.words]), encoding="utf-8")
