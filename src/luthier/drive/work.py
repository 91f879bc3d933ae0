"""What a trial is made of, for a loop that does not care: a command here, a Python function in `calls.py`.

A `Work` turns a claim into an order for its runner and into a `Running`, through which the loop reads what the attempt
reports. `Commands` renders the command, prepares the folder and reads the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from luthier import metrics
from luthier.description import Description
from luthier.drive.launching import attempt_key, order_for, words_of
from luthier.drive.watching import Asked, Watched
from luthier.errors import CommandError
from luthier.run.folders import Folders
from luthier.store import Claim, Store
from luthier.trial import AttemptId, Point

__all__ = ["SHORT_SECONDS", "Commands", "Running", "Work"]

SHORT_SECONDS = 0.5  # of trials shorter than this, one is sent ahead for each slot
TINY_SECONDS = 0.05  # of trials shorter than this, what a slot does in `AHEAD_SECONDS`, so that turns are few
AHEAD_SECONDS = 0.2
MOST_AHEAD = 16


class Running(Protocol):
    """An attempt this worker holds. `slot` is where it runs, None for an adopted one; `asked` is what its runner was
    last asked to do with it."""

    claim: Claim
    slot: int | None
    asked: Asked

    @property
    def id(self) -> AttemptId:
        """The fence of every write for this attempt."""

    @property
    def summaries(self) -> Mapping[str, metrics.Summary]:
        """What it has reported so far, by metric."""

    @property
    def place(self) -> str:
        """Its folder."""

    @property
    def errors(self) -> str | None:
        """The file whose last line says why it failed, where its result does not."""

    def collect(self, store: Store, now: float, *, last: bool = False) -> list[Point]:
        """Reads what is new, makes it durable and returns it."""

    def know(self, points: list[Point]) -> None:
        """Tells it which points of this attempt are durable already: it was adopted."""

    def notes(self) -> Sequence[str]:
        """What a person should know of how it reported."""

    def sources(self) -> dict[str, str]:
        """Where each metric was found, in words."""

    def at_once(self, seconds: float) -> tuple[str, ...]:
        """The metrics of several steps whose points all came as the attempt ended, which took so long."""

    def devices(self) -> tuple[str, ...] | None:
        """The GPUs it was started with."""

    @property
    def was_told(self) -> bool:
        """Whether a driver before this one told it to end early."""

    def take_leave(self, reason: str) -> bool:
        """Tells it that it is to end early. False where it does not ask, and has to be ended."""


class Work(Protocol):
    """How attempts of one experiment are made."""

    def note(self, store: Store, claims: Sequence[Claim]) -> None:
        """Records what is about to run, in the transaction that claims it."""

    def running(self, claim: Claim, slot: int | None) -> Running:
        """The attempt of a claim. Starts nothing."""

    def order(self, running: Running, devices: tuple[str, ...] | None) -> Any:
        """What its runner is to be handed. **Raises** LuthierError when it can't even be started."""

    def key(self, id: AttemptId) -> str:
        """The word that marks an attempt's processes."""

    def ahead(self, typical_seconds: float) -> int:
        """How many attempts may wait in each slot while one runs, when they take so long."""


class Commands(NamedTuple):
    """Attempts of a command. `created` is when the experiment began, which its keys are made of."""

    description: Description
    folders: Folders
    created: float

    def note(self, store: Store, claims: Sequence[Claim]) -> None:
        """Records the words each attempt will run."""
        for claim in claims:
            with suppress(CommandError):  # its launch will say why
                store.note_command(claim.id, words_of(self.description, claim))

    def running(self, claim: Claim, slot: int | None) -> Running:
        """The attempt, read from its folder."""
        return Watched(claim, self.folders.attempt(*claim.id), self.description, slot)

    def order(self, running: Running, devices: tuple[str, ...] | None) -> Any:
        """Prepares the folder and says what is to be run in it."""
        claim = running.claim
        folder = self.folders.attempt(*claim.id)
        key, slot = self.key(claim.id), running.slot or 0
        return order_for(self.description, claim, folder, key, slot, devices, self.folders.root)

    def key(self, id: AttemptId) -> str:
        """The word that marks an attempt's processes."""
        return attempt_key(self.folders.root, self.created, id)

    def ahead(self, typical_seconds: float) -> int:
        """None for trials that take a while, for a person may want to stop them."""
        if typical_seconds >= TINY_SECONDS:
            return int(typical_seconds < SHORT_SECONDS)
        return min(MOST_AHEAD, int(AHEAD_SECONDS / max(typical_seconds, 1e-3)))
