"""The code of an experiment on a machine that does not have it.

Whoever began the experiment brings the snapshot of its code to a depot (`depots.py`). Another machine fetches it once, lays
out a copy in the store's folder, and its trials run there. A machine that has the folder under the same path, such as by a
shared file system, runs it in place.
"""

from __future__ import annotations

import os
from pathlib import Path

from luthier.bundles import working_copy
from luthier.bundles.travel import fetch
from luthier.description import Command
from luthier.drive.depots import depot_of
from luthier.drive.provenance import Provenance
from luthier.errors import NotFound, StoreError, UsageError
from luthier.store import ExperimentRecord, Store

__all__ = ["at_home", "relocated"]


def at_home(
    store: Store, folder: Path, record: ExperimentRecord, place: str | None = None
) -> ExperimentRecord:
    """The experiment as it runs on this machine: in place, or in a copy of its code.

    **Raises** UsageError where this machine has neither the folder nor the code; StoreError where it can't be fetched.
    """
    command = record.description.command
    if command is None or os.path.isdir(command.directory):
        return record
    if "data" in record.description.bundles:
        # Its command reads more of the store's folder than the code: the data, and for kaos the job itself.
        raise UsageError(
            f"experiment {record.id} works on bundles of code and data that lie in the store's folder where it was begun "
            f"({command.directory}), which this machine does not have, and data does not travel; run the worker in a folder "
            "that both machines see under the same path"
        )
    known = _newest_code(store, record.id)
    if known is None or known.code is None:
        why = f" ({known.no_code})" if known is not None and known.no_code else ""
        raise UsageError(
            f"experiment {record.id} runs in {command.directory}, which this machine does not have, and its code was not "
            f"kept{why}; mount the folder here, or begin the search with --snapshot"
        )
    digest, root = known.code["digest"], str(known.code["root"]).rstrip("/")
    try:
        fetch(folder, digest, depot_of(store, place))
    except (NotFound, StoreError) as error:
        raise StoreError(
            f"experiment {record.id} runs in {command.directory}, which this machine does not have, and its code can't be "
            f"fetched: {error}"
        ) from error
    copy = working_copy(folder, digest, folder / "code" / digest[:16])
    moved = relocated(command, root, copy)
    return record._replace(description=record.description._replace(command=moved))


def _newest_code(store: Store, experiment: int) -> Provenance | None:
    """What was noted last that has the code; else what was noted last."""
    found = [Provenance.from_text(sheet.text) for sheet in store.sheets(experiment)]
    return next((one for one in reversed(found) if one.code is not None), found[-1] if found else None)


def relocated(command: Command, root: str, copy: Path) -> Command:
    """The command as it runs in a copy of its code: where it stands, and the words that name a file of it by its whole path."""

    def moved(word: str) -> str:
        inside = word.removeprefix(f"{root}/")
        own = copy / inside
        is_own = inside != word and own.exists() and own.resolve().is_relative_to(copy.resolve())
        return str(own) if is_own else word

    words = command.words if command.shell else tuple(map(moved, command.words))
    directory = os.path.normpath(os.path.join(copy, os.path.relpath(command.directory, root)))
    os.makedirs(directory, exist_ok=True)  # an empty folder is no part of a bundle
    return command._replace(words=words, directory=directory)
