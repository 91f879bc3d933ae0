"""What the drive tells whoever watches it: plain lines, a live view, a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from luthier.store import Claim, ExperimentRecord
from luthier.trial import AttemptId, Point, Result, Trial

__all__ = ["Ended", "Listener"]


class Ended(NamedTuple):
    """One attempt that ended: its final result, whether the trial runs again, what it reported and where. `waits` names
    the stage it finished, where its trial is not finished by that: `epochs=9`, `fold 2`. `at_once` names the metrics of several
    steps that all came as it ended."""

    claim: Claim
    result: Result
    again: bool
    metrics: dict[str, float]
    sources: dict[str, str]
    folder: str
    waits: str = ""
    at_once: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether its trial is finished."""
        return not self.again and not self.waits


class Listener:
    """Hears everything and does nothing; subclass it and override what is wanted."""

    def opened(self, record: ExperimentRecord, adopted: int) -> None:
        """The drive begins; `adopted` trials were found running."""

    def began(self, claim: Claim) -> None:
        """An attempt was started."""

    def reported(self, id: AttemptId, points: Sequence[Point]) -> None:
        """Points of an attempt became durable."""

    def ended(self, ended: Ended) -> None:
        """An attempt ended and its result is durable."""

    def passed_over(self, trial: Trial, stage: str) -> None:
        """A trial that had finished a `stage` and waited, `epochs=9`, will not go on: others are better. It is finished."""

    def improved(self, number: int, value: float) -> None:
        """A trial reached this, where trials end by the thousand and are not told one by one."""

    def beat(self, record: ExperimentRecord) -> None:
        """Some time passed; called several times a second."""

    def note(self, text: str) -> None:
        """Something a person should know happened."""

    def close(self) -> None:
        """The drive is over."""
