"""Workers, and contents that travel with the record, in memory: see `contract.Store`."""

from __future__ import annotations

from collections import Counter

from luthier.clock import Clock
from luthier.store.crew import FORGOTTEN_SECONDS, Tally, WorkerRecord
from luthier.store.memory_running import MemoryRunning, verb

__all__ = ["MemoryCrew"]


class MemoryCrew(MemoryRunning):
    """What workers tell of themselves."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._workers: dict[str, WorkerRecord] = {}
        self._blobs: dict[str, bytes] = {}

    @verb
    def announce(self, worker: WorkerRecord) -> None:
        """Records what a worker says of itself."""
        now = self.clock.now()
        self._workers[worker.name] = worker._replace(seen=now)
        self._workers = {n: w for n, w in self._workers.items() if w.seen >= now - FORGOTTEN_SECONDS}

    @verb
    def workers(self) -> list[WorkerRecord]:
        """Who works here, or did."""
        return sorted(self._workers.values(), key=lambda worker: (-worker.seen, worker.name))

    @verb
    def tallies(self, experiment: int) -> dict[str, Tally]:
        """How the attempts of each worker went."""
        found: dict[str, Counter[str]] = {}
        for trial in self.trials(experiment):
            for attempt in self.attempts(experiment, trial.number):
                counts, outcome = (
                    found.setdefault(attempt.worker, Counter()),
                    attempt.result and attempt.result.outcome,
                )
                counts["running"] += outcome is None
                counts["succeeded"] += outcome == "succeeded"
                counts["failed"] += bool(outcome and outcome.blames_configuration)
        return {worker: Tally(n["succeeded"], n["failed"], n["running"]) for worker, n in found.items()}

    @verb
    def keep_blob(self, name: str, content: bytes) -> None:
        """Keeps a content under a name."""
        self._blobs.setdefault(name, content)

    @verb
    def has_blob(self, name: str) -> bool:
        """Whether there is one."""
        return name in self._blobs

    @verb
    def blob(self, name: str) -> bytes | None:
        """What is kept under a name."""
        return self._blobs.get(name)
