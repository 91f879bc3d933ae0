"""How often a worker looks at the record when nothing has happened to it: the more there are, the less often each.

Ten thousand workers that each look five times a second would ask a server for nothing else. What happens to the worker itself, an
end or a signal, is never put off; it only hears later what others did and what a person wants.
"""

from __future__ import annotations

from luthier.clock import Clock
from luthier.drive.ends import Interrupts
from luthier.store import ExperimentRecord
from luthier.store.crew import MOST_RESERVED

__all__ = ["BEAT_SECONDS", "Glances"]

BEAT_SECONDS = 0.2
"""How often, at least, a worker wakes and reads what its trials report; and how often it looks, while there are few."""
CROWD = 100
"""With more workers than this they look as often together as so many."""
MOST_SECONDS = 10.0
"""How long at most a worker does not look."""
PATIENCE_SECONDS = 1.0
"""How long others may take to write trials whose numbers they have."""
MEMORY = 0.9
"""What is left of a crowd from one look to the next. When trials run out, fewer run and as many look."""


class Glances:
    """When one worker looks at the record of its experiment."""

    def __init__(self, clock: Clock, interrupts: Interrupts) -> None:
        self._clock = clock
        self._interrupts = interrupts
        self._looked = float("-inf")
        self._pressed = (0, 0, False)
        self._crowd = 0.0
        self._trials, self._changed = -1, 0.0
        # Numbers whose takers did not write them: who died over it, until the leases have run out.
        self._left = 0

    def are_due(self, record: ExperimentRecord, mine: int) -> bool:
        """Whether to look now, and takes it that this is done. `record` is as it was last seen, `mine` how many of the attempts
        that ran then are this worker's; others are taken to run as many each."""
        now, asked = self._clock.elapsed(), self._interrupts
        pressed = (asked.count, asked.signals, asked.drains)
        if pressed == self._pressed and now - self._looked < self._seconds():
            return False
        self._looked, self._pressed = now, pressed
        self._crowd = max(record.running / max(1, mine), MEMORY * self._crowd)
        return True

    def others_write(self, record: ExperimentRecord) -> bool:
        """Whether so many others are writing trials just now that this worker may leave it to them. When thousands begin at
        once, each would else queue to be told that no more numbers are handed out."""
        self._left = min(self._left, record.reserved)
        now = self._clock.elapsed()
        if record.trials != self._trials:
            self._trials, self._changed = record.trials, now
        if record.reserved < self._left + MOST_RESERVED:
            return False
        if now - self._changed < PATIENCE_SECONDS:
            return True
        self._left = record.reserved
        return False

    def at_once(self) -> None:
        """Has it look with the next beat: it could begin something, or something has ended."""
        self._looked = float("-inf")

    def _seconds(self) -> float:
        return min(MOST_SECONDS, BEAT_SECONDS * self._crowd / CROWD) if self._crowd > CROWD else 0.0
