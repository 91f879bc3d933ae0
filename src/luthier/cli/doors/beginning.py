"""Begins an experiment for a door, and says what there is to say of an unfinished twin. The doing is `drive/beginning.py`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from luthier.cli.options import Place
from luthier.description import Description
from luthier.drive import beginning
from luthier.drive.beginning import DOOR, door_of, of_door
from luthier.store import ExperimentRecord

__all__ = ["DOOR", "Begun", "begin", "door_of", "of_door", "twin_notice"]


class Begun(NamedTuple):
    """A new experiment, the number of an older unfinished one that is the same, and the process that drives; None where
    a worker elsewhere is to."""

    record: ExperimentRecord
    twin: int | None
    driver: int | None

    def notice(self, place: Place) -> str | None:
        """What to say of the twin."""
        return twin_notice(place, self.twin)


def twin_notice(place: Place, twin: int | None) -> str | None:
    """What to say of an unfinished twin; None where there is none."""
    if twin is None:
        return None
    return (
        f"experiment {twin} is the same and not finished; this is a new one. "
        f"To go on with that: {place.hint(f'resume {twin}')}"
    )


def begin(
    place: Place,
    description: Description,
    *,
    ahead: int = 0,
    variables: Mapping[str, str] | None = None,
    drives: bool = True,
) -> Begun:
    """Writes a new experiment and starts a driver that goes on without this terminal; as `drive.beginning.begin`.

    **Raises** UsageError for what can't run here, before anything is written.
    """
    return Begun(*beginning.begin(place.folder, description, ahead=ahead, variables=variables, drives=drives))
