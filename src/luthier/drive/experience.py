"""What the trials that ended here tell of those to come: how long one takes, and whether the command works at all.

It is this worker's own and is not kept: whoever goes on makes it anew. What follows from it is decided in `loop.py`.
"""

from __future__ import annotations

from luthier.clock import Clock
from luthier.drive.listener import Ended
from luthier.drive.work import SHORT_SECONDS
from luthier.store import ExperimentRecord
from luthier.trial import Outcome

__all__ = ["Experience"]

DOUBT_SECONDS = 10.0  # how long the others wait for the verdict of the first ones
ALL_FAILED = 3
FEW = 8  # trials tell how long the others will take


class Experience:
    """Of one worker with one experiment, which `record` is as it began."""

    def __init__(self, record: ExperimentRecord, clock: Clock) -> None:
        self.ended = 0
        self.typical_seconds = SHORT_SECONDS
        self._clock = clock
        self._told = clock.elapsed()
        self._failed_in_a_row = 0
        self._begins = not record.finished  # only then can its first trials all fail

    def learn(self, ended: Ended) -> None:
        """Takes in how an attempt ended."""
        result = ended.result
        self._told = self._clock.elapsed()
        if result.outcome is Outcome.SUCCEEDED:
            self._failed_in_a_row = 0
        elif result.outcome.blames_configuration and not ended.again:
            self._failed_in_a_row += 1
        if result.seconds is not None:
            share = 0.3 if self.ended else 1.0
            self.typical_seconds += share * (result.seconds - self.typical_seconds)
            self.ended += 1

    def all_failed(self, record: ExperimentRecord) -> bool:
        """Whether the first trials have all failed, so that the command is probably wrong."""
        enough = min(ALL_FAILED, record.target or ALL_FAILED)
        return self._begins and self._failed_in_a_row >= enough and not record.succeeded

    def may_begin(self, record: ExperimentRecord, running: int) -> int | None:
        """How many trials more may begin while the command is still in doubt, for none has ended yet or all have failed: as
        many as it takes to be sure that it can't work. None without doubt. Nobody waits for a long trial."""
        in_doubt = self._begins and self.ended <= self._failed_in_a_row and not record.succeeded
        if not in_doubt or self._clock.elapsed() - self._told >= DOUBT_SECONDS:
            return None
        return max(0, ALL_FAILED - self._failed_in_a_row - running)

    def are_shorter(self, seconds: float) -> bool:
        """Whether trials are known to take less than so many seconds."""
        return self.ended >= FEW and self.typical_seconds < seconds
