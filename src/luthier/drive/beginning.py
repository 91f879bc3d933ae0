"""Begins an experiment in the background for a door, or for the Python face of one: always a new one.

A door never begins twice as one: each of its commands starts an experiment of its own, as its page does, and an
unfinished twin is named. `cli/doors/twins.py` has the words for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from luthier.description import DOOR, NEEDS, Description
from luthier.drive.containing import settled
from luthier.store import ExperimentRecord, Store

__all__ = ["Begun", "begin", "check", "door_of", "of_door", "placed"]


class Begun(NamedTuple):
    """A new experiment, the number of an older unfinished one that is the same, and the process that drives; None where
    a worker elsewhere is to."""

    record: ExperimentRecord
    twin: int | None
    driver: int | None


def check(description: Description) -> None:
    """Makes sure that an experiment can run here. **Raises** UsageError in one of its kinds for what can't."""
    from luthier.drive.session import parallel_slots
    from luthier.run.render import check_command

    assert description.command is not None, "a door brings a command"
    check_command(description.command, description.placeholders)
    if description.environment is not None:
        from luthier.run.templates import check_environment

        check_environment(description.environment, description.placeholders)
    parallel_slots(description.limits)


def placed(
    description: Description, folder: Path, machine: str | None
) -> tuple[Description, bool, str | None]:
    """Where an experiment that was asked for with a machine type is to run: with the label that keeps it to workers of
    that tag, whether a driver here is to run it, and what to say of it.

    A tag is required only where workers have any; else it is a word that is kept with the experiment.
    """
    from luthier.drive.alive import Alive

    if machine is None:
        return description, True, None
    tags = Alive(folder).tags()
    if not tags:
        kept = f"machine type {machine} is kept with it; no worker advertises a machine type, so it runs on this machine"
        return description, True, kept
    made = description._replace(labels={**description.labels, NEEDS: machine})
    if machine in tags:
        return made, False, f"it runs on the workers tagged {machine}"
    others = ", ".join(sorted(tags))
    return (
        made,
        False,
        f"it waits for a worker tagged {machine} (there are {others}): luthier worker --tag {machine}",
    )


def begin(
    folder: Path,
    description: Description,
    *,
    ahead: int = 0,
    variables: Mapping[str, str] | None = None,
    drives: bool = True,
) -> Begun:
    """Writes a new experiment, its first `ahead` trials with it, and starts a driver that goes on without this process.

    `variables` go to the driver and are stored nowhere. **Raises** UsageError for what can't run here, before anything is
    written.
    """
    from luthier.drive.background import run_in_background
    from luthier.store import open_store

    check(description)
    description, _ = settled(description)
    store = open_store(folder)
    try:
        twin = _unfinished_twin(store, description)
        record, _ = store.open_experiment(description, fresh=True)
        if ahead:
            _write_ahead(store, folder, record, ahead)
            record = store.experiment(record.id)
    finally:
        store.close()
    return Begun(record, twin, run_in_background(folder, record.id, variables) if drives else None)


def _write_ahead(store: Store, folder: Path, record: ExperimentRecord, ahead: int) -> None:
    """Proposes the first trials, so that they have numbers before anything runs."""
    from luthier.clock import SystemClock
    from luthier.drive.alive import Alive
    from luthier.drive.planning import top_up

    worker, hold = Alive(folder).work()
    try:
        description = record.description._replace(seed=record.seed)
        top_up(store, record.id, description, ahead, worker, SystemClock())
    finally:
        hold.release()


def _unfinished_twin(store: Store, description: Description) -> int | None:
    """The newest experiment that is the same search and has trials left."""
    identity = description.identity()
    twins = [r.id for r in store.experiments() if not r.is_met and r.description.identity() == identity]
    return max(twins, default=None)


def door_of(record: ExperimentRecord) -> str | None:
    """The door an experiment came by; None for a native one."""
    return record.description.labels.get(DOOR)


def of_door(store: Store, door: str) -> list[ExperimentRecord]:
    """The experiments that came by a door, the oldest first."""
    return sorted((r for r in store.experiments() if door_of(r) == door), key=lambda record: record.id)
