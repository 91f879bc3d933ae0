"""The seam between the drive and whatever executes attempts, and the nouns that cross it.

A runner is handed orders and gives back events: an attempt `Started`, an attempt `Ended`. Each order gets exactly one
`Ended`, whatever dies in between, and only when nothing of the attempt is alive any more, so that its slot may be
given away. A runner must not know the store: what an ending means for the trial is decided by its caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from luthier.description import Limits
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["Adoption", "Ended", "Event", "Order", "Runner", "Started"]


class Order(NamedTuple):
    """One attempt to be executed.

    `key` is a word no other attempt ever had (letters, digits, `-`): it marks the attempt's processes. `env` is added
    to the runner's environment. `folder` is the attempt's own, prepared. `slot` is where it runs: attempts of one
    slot follow one another in the order they were given, so the next may be given before the last has ended. `closing`
    are the words that end and remove the container it runs in, if it does: its engine, `rm`, and its name at the end.
    """

    id: AttemptId
    key: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    folder: str
    limits: Limits
    slot: int = 0
    closing: tuple[str, ...] = ()


class Started(NamedTuple):
    """An attempt's program is running. `began` is seconds since 1970."""

    id: AttemptId
    began: float
    pid: int


class Ended(NamedTuple):
    """An attempt is over and none of its processes is alive. `began` is None when it never ran."""

    id: AttemptId
    result: Result
    folder: str
    began: float | None = None
    ended: float | None = None


Event = Started | Ended


class Adoption(StrEnum):
    """What became of an attempt another driver had begun."""

    RUNNING = "running"  # its guardian works: an Ended follows when it is over
    ENDED = "ended"  # it was over before: an Ended follows at once
    LOST = "lost"  # its guardian died with it: an Ended (lost) follows when nothing of it is left
    NEVER_BEGAN = "never began"  # nothing ran and nothing will: no event follows


class Runner(Protocol):
    """Executes attempts. Shown to be right by `luthier.testing.runner.RunnerContract`."""

    def start(self, order: Any) -> None:
        """Hands over an attempt, an `Order` or whatever this runner executes; does not wait for it to begin."""

    def stop(
        self, id: AttemptId, outcome: Outcome, reason: str, grace_seconds: float, *, kill: bool = False
    ) -> None:
        """Asks an attempt to end with this outcome: TERM, and KILL after the grace; with `kill` KILL at once.

        **Holds** may be repeated; unknown and ended attempts are left alone. One that ends by itself first, or
        passes a limit, keeps its own outcome. One not begun yet never begins.
        """

    def withdraw(self, id: AttemptId, reason: str) -> None:
        """Takes an order back if it has not begun: it ends as interrupted. One that has begun goes on.

        **Holds** may be repeated; unknown and ended attempts are left alone.
        """

    def events(self, timeout_seconds: float | None) -> list[Event]:
        """Waits for events and returns them in order; empty after the time-out or when a watched descriptor is
        readable. Each event is returned once."""

    def adopt(self, id: AttemptId, key: str, folder: str) -> Adoption:
        """Takes over an attempt that another driver began and did not see the end of.

        **Holds** after NEVER_BEGAN no guardian will ever run in this folder.
        """

    def watch(self, fd: int) -> None:
        """Makes `events` return early while `fd` is readable."""

    def unwatch(self, fd: int) -> None:
        """Forgets a watched descriptor."""

    def close(self, *, leave_running: bool) -> None:
        """Lets go: attempts go on as their limits say, or with `leave_running=False` are killed and waited for."""
