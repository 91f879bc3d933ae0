"""What the store knows of those who work at it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FORGOTTEN_SECONDS", "MOST_RESERVED", "Tally", "WorkerRecord"]

MOST_RESERVED = 1000
"""While so many numbers are taken and not written yet, no further ones are handed out: all calls that reserve read what is."""

FORGOTTEN_SECONDS = 7 * 86400.0
"""Who has been silent for so long is not told of any more."""


class WorkerRecord(NamedTuple):
    """What a worker tells of itself. `seen` is when it last did, by the store's clock. `state` is `working`, `idle`, `leaving`,
    `set aside` or `left`, and `note` says why where that needs saying. It is at `experiment`, with so many `slots`."""

    name: str
    host: str
    pid: int
    began: float
    seen: float = 0.0
    state: str = "idle"
    note: str = ""
    experiment: int | None = None
    slots: int = 0
    cpus: int = 0
    gpus: int = 0
    memory_bytes: int | None = None
    tags: tuple[str, ...] = ()


class Tally(NamedTuple):
    """How many attempts a worker began that went well, that failed by the fault of what ran, and that run."""

    succeeded: int
    failed: int
    running: int
