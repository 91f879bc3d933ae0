"""Who works at a store, and how they are: what they tell of themselves, beside what the record tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.store import Store, Tally, WorkerRecord

__all__ = ["SILENT_SECONDS", "WorkerRow", "worker_rows"]

SILENT_SECONDS = 45.0
"""A worker tells that it is there every 15 seconds; after three times it is called silent."""


@dataclass(frozen=True)
class WorkerRow:
    """One worker: `health` is its state in a word; `seen_seconds` is how long ago it last told anything, None where it
    never did; `running`, `succeeded` and `failed` count attempts of all experiments it has been at."""

    name: str
    host: str
    pid: int
    health: str
    note: str
    experiments: tuple[int, ...]
    began: float
    seen_seconds: float | None
    slots: int
    running: int
    succeeded: int
    failed: int
    cpus: int
    gpus: int
    memory_bytes: int | None
    tags: tuple[str, ...]

    @property
    def is_there(self) -> bool:
        """Whether it may still work."""
        return self.health not in ("left", "set aside", "silent")


def worker_rows(store: Store, now: float) -> list[WorkerRow]:
    """All workers of the last week that the store knows, those that are there first, the newest first among them."""
    tallies: dict[str, dict[int, Tally]] = {}
    for record in store.experiments():
        for worker, tally in store.tallies(record.id).items():
            tallies.setdefault(worker, {})[record.id] = tally
    rows = [_row(worker, tallies.get(worker.name, {}), now) for worker in store.workers()]
    return sorted(rows, key=lambda row: (not row.is_there, -row.began, row.name))


def _row(worker: WorkerRecord, tallies: dict[int, Tally], now: float) -> WorkerRow:
    seen = max(0.0, now - worker.seen)
    over = worker.state in ("left", "set aside")
    at = {worker.experiment} if worker.experiment is not None else set()
    return WorkerRow(
        name=worker.name,
        host=worker.host,
        pid=worker.pid,
        health=worker.state if over or seen <= SILENT_SECONDS else "silent",
        note=worker.note,
        experiments=tuple(sorted(at | set(tallies))),
        began=worker.began,
        seen_seconds=seen,
        slots=worker.slots,
        running=sum(tally.running for tally in tallies.values()),
        succeeded=sum(tally.succeeded for tally in tallies.values()),
        failed=sum(tally.failed for tally in tallies.values()),
        cpus=worker.cpus,
        gpus=worker.gpus,
        memory_bytes=worker.memory_bytes,
        tags=worker.tags,
    )
