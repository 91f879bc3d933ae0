"""RiseML's ids: `144` a set or a single experiment, `144.3` one of a set, `paul.144.3.train` with all there may be.

A user's name in front and a job's after it (`train`, `build`) are understood; there is one user and one job here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from luthier.cli.options import Place
from luthier.drive.beginning import door_of, of_door
from luthier.errors import NotFound, UsageError
from luthier.store import ExperimentRecord, Store

__all__ = ["LABEL", "Named", "is_set", "named", "of_riseml", "one"]

LABEL = "riseml"
"""The door's label, and what the labels of its own begin with."""

CANONICAL = re.compile(
    r"(?:[A-Za-z][\w-]*)?\.?(\d+)(?:\.(\d+))?(?:\.(train|build|tensorboard|worker|ps|master)(?:\.\d+)?)?"
)


class Named(NamedTuple):
    """What an id names: an experiment of the record, and one of its trials or all."""

    record: ExperimentRecord
    trial: int | None

    @property
    def id(self) -> str:
        """As RiseML writes it."""
        return str(self.record.id) if self.trial is None else f"{self.record.id}.{self.trial}"


def is_set(record: ExperimentRecord) -> bool:
    """Whether it has parameters; else it is a single experiment, whose one trial has its number."""
    return len(record.description.space) > 0


def of_riseml(store: Store) -> list[ExperimentRecord]:
    """The experiments that came by this door, the oldest first."""
    return of_door(store, LABEL)


def one(store: Store, text: str) -> Named:
    """What an id names. **Raises** UsageError for what is none, NotFound."""
    found = CANONICAL.fullmatch(text)
    if found is None or len(text) > 200:
        raise UsageError(f"{text!r} is no id; write one like 144 or 144.3")
    record = store.experiment(int(found[1][:18]))
    if door_of(record) != LABEL:
        raise NotFound(f"experiment {record.id} was not begun by riseml; see: luthier show {record.id}")
    trial = int(found[2][:18]) if found[2] else None
    if trial is not None:
        if not is_set(record) and trial == 1:
            return Named(record, None)
        if record.target is not None and not 0 < trial <= record.target:
            raise NotFound(
                f"there is no experiment {text}; {record.id} has {record.id}.1 to {record.id}.{record.target}"
            )
    return Named(record, trial)


def named(place: Place, store: Store, text: str | None, project: str | None = None) -> Named:
    """What an id names; without one, the experiment that was started last, of this project where it has any."""
    if text is not None:
        return one(store, text)
    records = of_riseml(store)
    mine = [record for record in records if record.description.labels.get("project") == project]
    if not (chosen := mine or records):
        raise NotFound(f"there is no experiment yet; begin with: {place.hint('riseml train')}")
    return Named(chosen[-1], None)
