"""What a worker tells others of itself through the store, so that `luthier workers` can show it.

A search that is over within its first beat tells nothing: it would only wait for the disk. Losing the store's server is
no reason to end, so a word that can't be left is left with the next beat.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from luthier.clock import Clock
from luthier.errors import StoreUnavailable
from luthier.store import Store, WorkerRecord

__all__ = ["Presence"]


class Presence:
    """The word of one worker."""

    def __init__(self, store: Store, worker: str, clock: Clock, tags: Sequence[str] = ()) -> None:
        self._store = store
        self._worker, self._began, self._tags = worker, clock.now(), tuple(tags)
        self._said: WorkerRecord | None = None

    def say(self, state: str, experiment: int | None = None, slots: int = 0, note: str = "") -> None:
        """Tells what it is at; again after a while, that it still is."""
        first = self._said or self._introduction()
        said = first._replace(state=state, experiment=experiment, slots=slots, note=note)
        try:
            self._store.announce(said)
        except StoreUnavailable:
            return
        self._said = said

    def leave(self, state: str = "left", note: str = "") -> None:
        """Tells that it has left, if it has ever told anything."""
        if self._said is not None and self._said.state not in ("left", "set aside"):
            self.say(state, self._said.experiment, note=note)

    def _introduction(self) -> WorkerRecord:
        from luthier.drive.surroundings import machine  # few searches last until their worker is asked for

        here = machine()
        return WorkerRecord(
            self._worker,
            here["host"],
            os.getpid(),
            self._began,
            cpus=here["cpus"],
            gpus=len(here["gpus"]),
            memory_bytes=here["memory_bytes"],
            tags=self._tags,
        )
