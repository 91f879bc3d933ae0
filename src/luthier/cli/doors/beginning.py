"""Begins an experiment for a door: always a new one, driven in the background.

A door never begins twice as one: each of its commands starts an experiment of its own, as its page does, and an
unfinished twin is named with the line that would have gone on with it.
"""

from __future__ import annotations

from typing import NamedTuple

from luthier.cli.options import Place
from luthier.description import Description
from luthier.store import ExperimentRecord, Store

__all__ = ["Begun", "begin", "door_of", "of_door"]

DOOR = "door"
"""The label that says by which door an experiment came."""


class Begun(NamedTuple):
    """A new experiment, the number of an older unfinished one that is the same, and the process that drives."""

    record: ExperimentRecord
    twin: int | None
    driver: int

    def notice(self, place: Place) -> str | None:
        """What to say of the twin."""
        if self.twin is None:
            return None
        return (
            f"experiment {self.twin} is the same and not finished; this is a new one. "
            f"To go on with that: {place.hint(f'resume {self.twin}')}"
        )


def begin(place: Place, description: Description) -> Begun:
    """Writes a new experiment and starts a driver that goes on without this terminal.

    **Raises** UsageError for what can't run here, before anything is written.
    """
    from luthier.cli.background import run_in_background
    from luthier.drive.session import parallel_slots
    from luthier.run.render import check_command

    assert description.command is not None, "a door brings a command"
    check_command(description.command, description.placeholders)
    if description.environment is not None:
        from luthier.run.templates import check_environment

        check_environment(description.environment, description.placeholders)
    parallel_slots(description.limits)
    with place.change(create=True) as store:
        twin = _unfinished_twin(store, description)
        record, _ = store.open_experiment(description, fresh=True)
    return Begun(record, twin, run_in_background(place.folder, record.id))


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
