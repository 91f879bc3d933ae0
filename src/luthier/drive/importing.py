"""Trials that were made elsewhere become an experiment of the store, finished, by the verbs that any trial is made with.

All of it is one transaction: it is there whole or not at all. The store's calendar is turned back for it, so that the
record has the times at which the trials really ran.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from luthier.clock import SystemClock
from luthier.description import Description
from luthier.drive.provenance import Provenance
from luthier.space import Configuration
from luthier.store import ExperimentRecord, Store, open_store
from luthier.trial import Point, Result

__all__ = ["DIGEST", "IMPORTED", "SOURCE", "Brought", "bring", "imported"]

IMPORTED, SOURCE, DIGEST = "imported", "imported-from", "imported-digest"
"""The labels of an experiment that was made elsewhere: of which kind, from where, and what names its content."""
LEASE_SECONDS = 3600.0


class Brought(NamedTuple):
    """One trial that has ended elsewhere. `worker` is who ran it; `notes` are what else is known of it, a sentence each."""

    configuration: Configuration
    result: Result
    points: Sequence[Point] = ()
    worker: str = "imported"
    notes: tuple[str, ...] = ()
    began: float | None = None
    ended: float | None = None


class _Calendar(SystemClock):
    """A clock whose calendar is set by hand; leases are counted in true time."""

    def __init__(self) -> None:
        super().__init__()
        self.time: float | None = None

    def now(self) -> float:
        return super().now() if self.time is None else self.time


def imported(records: Iterable[ExperimentRecord], digest: str) -> ExperimentRecord | None:
    """The newest experiment that has this content already."""
    known = [record for record in records if record.description.labels.get(DIGEST) == digest]
    return max(known, key=lambda record: record.id, default=None)


def bring(
    folder: Path, description: Description, trials: Sequence[Brought], *, fresh: bool = False
) -> tuple[ExperimentRecord, bool]:
    """Writes the experiment, and tells whether it was written now: one with the same label `imported-digest` is found
    again, unless `fresh` is set.

    **Holds** on return all of it is durable.
    """
    calendar = _Calendar()
    store = open_store(folder, calendar)
    try:
        with store.together():
            known = None if fresh else imported(store.experiments(), description.labels[DIGEST])
            if known is not None:
                return known, False
            return _written(store, calendar, description, trials), True
    finally:
        store.close()


def _written(
    store: Store, calendar: _Calendar, description: Description, trials: Sequence[Brought]
) -> ExperimentRecord:
    today, key = calendar.now(), os.urandom(8).hex()
    calendar.time = min((trial.began for trial in trials if trial.began is not None), default=today)
    record, _ = store.open_experiment(description, fresh=True)
    store.enqueue(record.id, [trial.configuration for trial in trials], f"{key}-all")
    for number, trial in enumerate(trials, 1):
        calendar.time = trial.began if trial.began is not None else today
        (claim,) = store.claim(record.id, 1, trial.worker, f"{key}-{number}", LEASE_SECONDS)
        assert claim.id.trial == number, "they are claimed in the order in which they were enqueued"
        if trial.notes:
            store.note_provenance(record.id, trial.worker, Provenance(notices=trial.notes).to_text())
        if trial.points:
            store.report(claim.id, 0, trial.points)
        if trial.ended is not None:
            calendar.time = max(trial.ended, calendar.time)
        store.finish(claim.id, trial.result)
    return store.experiment(record.id)
