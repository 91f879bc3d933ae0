"""Keeps what a worker runs its own: renews the leases, says that it is there, and heeds when one went to another.

Leases run on the store's clock. A worker that was paused for longer than its lease finds its trials with others: on one
machine its result comes too late and is kept as an event; where the other is another machine, the trial runs there anew,
so it is ended here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from luthier.clock import Clock
from luthier.description import Description
from luthier.drive.alive import Alive
from luthier.drive.ends import Interrupts
from luthier.drive.listener import Listener
from luthier.drive.presence import Presence
from luthier.drive.slots import Slots
from luthier.drive.work import Running
from luthier.run.runner import Runner
from luthier.store import Store
from luthier.trial import AttemptId, Outcome

__all__ = ["LEASE_SECONDS", "Leases"]

LEASE_SECONDS = 60.0
RENEWALS = 4  # in the time of a lease


class Tenant(Protocol):
    """Who holds the leases: the drive of one experiment, as far as it matters here."""

    id: int
    worker: str
    store: Store
    runner: Runner
    listener: Listener
    description: Description
    alive: Alive
    clock: Clock
    slots: Slots
    interrupts: Interrupts
    presence: Presence | None


class Leases:
    """The leases of one worker on the attempts of one experiment."""

    def __init__(self, drive: Tenant, seconds: float) -> None:
        self.seconds = seconds
        self._drive = drive
        self._renewed = drive.clock.elapsed()

    def keep(self, running: Mapping[AttemptId, Running]) -> None:
        """Renews them when it is time, and tells that this worker is there."""
        drive, now = self._drive, self._drive.clock.elapsed()
        if now - self._renewed < self.seconds / RENEWALS:
            return
        self._renewed = now
        if drive.presence is not None:
            drive.presence.say(
                "leaving" if drive.interrupts.drains else "working", drive.id, len(drive.slots)
            )
        for id in drive.store.renew(list(running), drive.worker, self.seconds):
            if not drive.alive.is_shared:
                drive.listener.note(f"{id} is no longer ours; its result will be kept as an event")
            elif running[id].asked not in ("stop", "kill"):
                reason = "its lease ran out and it went to another worker"
                drive.listener.note(f"{id}: {reason}; it is ended here")
                running[id].asked = "stop"
                grace = drive.description.limits.grace_seconds
                drive.runner.stop(id, Outcome.LOST, reason, grace)
