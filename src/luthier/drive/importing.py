"""Trials that were made elsewhere become an experiment of the store, finished, by the verbs that any trial is made with.

All of it is one transaction: it is there whole or not at all. The store's calendar is turned back for it, so that the
record has the times at which the trials really ran.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from luthier.clock import SetClock
from luthier.description import IMPORTED_DIGEST, Description
from luthier.drive.provenance import Provenance
from luthier.space import Configuration
from luthier.store import ExperimentRecord, Store, open_store
from luthier.trial import Point, Result

__all__ = ["Brought", "bring", "imported"]

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


def imported(records: Iterable[ExperimentRecord], digest: str) -> ExperimentRecord | None:
    """The newest experiment that has this content already."""
    known = [record for record in records if record.description.labels.get(IMPORTED_DIGEST) == digest]
    return max(known, key=lambda record: record.id, default=None)


def bring(
    folder: Path, description: Description, trials: Sequence[Brought], *, fresh: bool = False
) -> tuple[ExperimentRecord, bool]:
    """Writes the experiment, and tells whether it was written now: one with the same label `imported-digest` is found
    again, unless `fresh` is set.

    **Holds** on return all of it is durable.
    """
    calendar = SetClock()
    store = open_store(folder, calendar)
    try:
        with store.together():
            known = None if fresh else imported(store.experiments(), description.labels[IMPORTED_DIGEST])
            if known is not None:
                return known, False
            return _written(store, calendar, description, trials), True
    finally:
        store.close()


def _written(
    store: Store, calendar: SetClock, description: Description, trials: Sequence[Brought]
) -> ExperimentRecord:
    today, key = calendar.now(), os.urandom(8).hex()
    calendar.set_to = min((trial.began for trial in trials if trial.began is not None), default=today)
    record, _ = store.open_experiment(description, fresh=True)
    store.enqueue(record.id, [trial.configuration for trial in trials], f"{key}-all")
    for number, trial in enumerate(trials, 1):
        calendar.set_to = trial.began if trial.began is not None else today
        (claim,) = store.claim(record.id, 1, trial.worker, f"{key}-{number}", LEASE_SECONDS)
        assert claim.id.trial == number, "they are claimed in the order in which they were enqueued"
        if trial.notes:
            store.note_provenance(record.id, trial.worker, Provenance(notices=trial.notes).to_text())
        if trial.points:
            store.report(claim.id, 0, trial.points)
        if trial.ended is not None:
            calendar.set_to = max(trial.ended, calendar.set_to)
        store.finish(claim.id, trial.result)
    return store.experiment(record.id)
