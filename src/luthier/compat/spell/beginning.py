"""Begins a search or a run: finds its code, keeps a snapshot of it, writes the first runs and starts the driver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from luthier.compat.spell.asking import described
from luthier.compat.spell.code import code_of
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.surroundings import with_packages
from luthier.compat.spell.wanted import Wanted
from luthier.description import WITHOUT
from luthier.drive import beginning
from luthier.store import ExperimentRecord, Store, open_store
from luthier.trial import Trial

__all__ = ["Begun", "begin"]

MOST = 100_000
"""Runs that are created at once."""

UP_TO_DATE = "Everything up-to-date"


class Begun(NamedTuple):
    """A search that was begun, its first runs, and the number of an unfinished one that is the same."""

    record: ExperimentRecord
    first: list[Trial]
    twin: int | None


def begin(
    wanted: Wanted,
    folder: Path,
    tell: Callable[[str], None],
    notice: Callable[[str], None] = lambda line: None,
) -> Begun:
    """Begins what is wanted and returns once a driver is at it. `tell` is given the line about the code, `notice` what a
    person should know.

    **Raises** UsageError in one of its kinds for what can't run; then nothing of it is in the record.
    """
    made, notices, secrets = described(wanted, folder, Path.cwd())
    for line in notices:
        notice(line)
    count = made.target() or 1
    if count > MOST and wanted.kind != "bayesian":
        raise SpellError(
            f"that would create {count:,} runs at once, and {MOST:,} are the most; "
            f"luthier {wanted.kind} creates them as they are needed"
        )
    beginning.check(made)
    made, drives, where = beginning.placed(made, folder, wanted.machine_type)
    if where is not None:
        notice(f"notice: {where}")
    if (wanted.pip or wanted.pip_req) and wanted.docker_image is None:
        notice("Installing packages for these runs, as far as they are not there yet")
        made = with_packages(wanted, made, folder)
    code = code_of(wanted, made, folder)
    for line in code.notices:
        notice(line)
    tell(code.line or UP_TO_DATE)
    ahead = min(count, wanted.parallel_runs or 1) if wanted.kind == "bayesian" else count
    begun = beginning.begin(folder, code.description, ahead=ahead, variables=secrets, drives=drives)
    if why := begun.record.description.labels.get(WITHOUT):
        notice(f"notice: {why}")
    store = open_store(folder, read_only=True)
    try:
        return Begun(begun.record, first_runs(store, begun.record.id, ahead), begun.twin)
    finally:
        store.close()


def first_runs(store: Store, search: int, count: int) -> list[Trial]:
    """The runs a search begins with, as many as were written before its driver started."""
    return store.trials(search, limit=count)
