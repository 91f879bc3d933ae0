"""Whether it is this worker that its trials fail on: a full disk, a broken GPU, a missing library.

One broken machine that fails within a second can eat a search for which all others need hours. So a worker whose trials
fail in a row looks at how those of the others went. Where failures are rare elsewhere, it is to blame and sets itself
aside; where nobody can tell yet, it waits for the others; where they are common, or nobody else works, it goes on.
"""

from __future__ import annotations

from luthier.store import ExperimentRecord, Store
from luthier.trial import AttemptId, Outcome

__all__ = ["Doubts"]

IN_A_ROW = 5
UNLIKELY = 0.001
"""So unlikely must it be that the trials failed for the reason for which others fail."""
LOOK_SECONDS = 1.0


class Doubts:
    """What one worker knows of itself."""

    def __init__(self, store: Store, experiment: int, worker: str) -> None:
        self._store = store
        self._experiment = experiment
        self._worker = worker
        self.reason = ""
        self._failed: list[AttemptId] = []
        self._last = ""
        self._looked = float("-inf")
        self._waits = False

    @property
    def failed(self) -> list[AttemptId]:
        """The attempts that failed here since the last one that did not."""
        return list(self._failed)

    def hear(self, id: AttemptId, outcome: Outcome, reason: str) -> None:
        """Takes note of how an attempt of this worker ended."""
        if outcome is Outcome.FAILED:
            self._failed.append(id)
            self._last = reason
        elif outcome.is_final:
            self._failed.clear()
        self._looked = float("-inf")

    def look(self, record: ExperimentRecord, running_here: int, now: float) -> bool:
        """Whether this worker is to be set aside, `reason` says why then. Asks the store only where there is a doubt, and not
        too often while it waits."""
        if len(self._failed) < IN_A_ROW:
            self._waits = False
        if self.reason or len(self._failed) < IN_A_ROW or now - self._looked < LOOK_SECONDS:
            return bool(self.reason)
        self._looked = now
        tallies = self._store.tallies(self._experiment)
        others = [tally for worker, tally in tallies.items() if worker != self._worker]
        good, bad = sum(tally.succeeded for tally in others), sum(tally.failed for tally in others)
        chance = (bad + 1) / (good + bad + 2)  # of a failure elsewhere: Laplace's rule of succession
        if chance ** len(self._failed) < UNLIKELY:
            self.reason = (
                f"{len(self._failed)} trials in a row failed here, but elsewhere {good} of {good + bad} went well; "
                f"the last one: {self._last}"
            )
            return True
        # With so few to compare with, those that run elsewhere may tell.
        self._waits = record.running > running_here and good + bad < 2 * IN_A_ROW
        return False

    def give_back(self) -> None:
        """Queues what failed here for another worker, unless another has had it since."""
        for id in self._failed:
            trial = self._store.trial(id.experiment, id.trial)
            if (
                trial.attempt == id.attempt
                and trial.result is not None
                and trial.result.outcome is Outcome.FAILED
            ):
                self._store.retry(id.experiment, id.trial)

    @property
    def waits(self) -> bool:
        """Whether nothing more is to begin here before it is known."""
        return self._waits
