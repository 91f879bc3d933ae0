"""The code of an experiment on a machine that does not have it.

Whoever began the experiment brings the snapshot of its code to a depot: the store itself where it is small, else a shared
folder or an object store that was named (`--bundles`). Another machine fetches it once, lays out a copy beside
the store's folder, and its trials run there. A machine that has the folder under the same path, such as
by a shared file system, runs it in place.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from luthier.bundles import contents, working_copy
from luthier.bundles.depots import Depot, depot_at
from luthier.bundles.travel import fetch, send
from luthier.description import Command
from luthier.drive.provenance import Provenance
from luthier.errors import LuthierError, NotFound, StoreError, UsageError
from luthier.store import ExperimentRecord, Store

__all__ = ["BUNDLES", "MOST_BYTES", "StoreDepot", "at_home", "bring", "relocated"]

BUNDLES = "LUTHIER_BUNDLES"
"""The variable that names the depot, where it is not the store."""
MOST_BYTES = 50 * 2**20
"""A larger bundle is not kept in the store."""


class StoreDepot:
    """The store of the experiments, for bundles that are small."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __repr__(self) -> str:
        return "the store"

    def has(self, name: str) -> bool:
        """Whether it is there."""
        return self._store.has_blob(name)

    def put(self, name: str, path: Path) -> None:
        """Writes it into the record."""
        self._store.keep_blob(name, path.read_bytes())

    def get(self, name: str, into: Path) -> None:
        """Reads it from the record."""
        content = self._store.blob(name)
        if content is None:
            raise NotFound(f"the store has no {name}; the machine that began the search brings it there")
        into.write_bytes(content)


def _depot(store: Store, place: str | None) -> Depot:
    place = place or os.environ.get(BUNDLES)
    return depot_at(place) if place else StoreDepot(store)


def bring(store: Store, folder: Path, known: Provenance, place: str | None = None) -> str:
    """Brings the code that was kept where other machines find it; returns what a person should know."""
    if known.code is None:
        return f"other machines can't run it, for its code was not kept: {known.no_code}"
    depot, digest = _depot(store, place), known.code["digest"]
    large = contents(folder, digest).size_bytes
    if isinstance(depot, StoreDepot) and large > MOST_BYTES:
        return (
            f"its code ({large / 2**20:.0f} MB) is too large for the store, so other machines can't run it; name a shared "
            f"folder or an object store for it: --bundles DIR, or {BUNDLES}"
        )
    try:
        send(folder, digest, depot)
    except LuthierError as error:
        return f"its code could not be brought to {depot!r}, where other machines would look for it: {error}"
    return ""


def at_home(
    store: Store, folder: Path, record: ExperimentRecord, place: str | None = None
) -> ExperimentRecord:
    """The experiment as it runs on this machine: in place, or in a copy of its code.

    **Raises** UsageError where this machine has neither the folder nor the code; StoreError where it can't be fetched.
    """
    command = record.description.command
    if command is None or os.path.isdir(command.directory):
        return record
    known = _newest_code(store, record.id)
    if known is None or known.code is None:
        why = f" ({known.no_code})" if known is not None and known.no_code else ""
        raise UsageError(
            f"experiment {record.id} runs in {command.directory}, which this machine does not have, and its code was not "
            f"kept{why}; mount the folder here, or begin the search with --snapshot"
        )
    digest, root = known.code["digest"], str(known.code["root"]).rstrip("/")
    try:
        fetch(folder, digest, _depot(store, place))
    except (NotFound, StoreError) as error:
        raise StoreError(
            f"experiment {record.id} runs in {command.directory}, which this machine does not have, and its code can't be "
            f"fetched: {error}"
        ) from error
    copy = working_copy(folder, digest, folder / "code" / digest[:16])
    moved = relocated(command, root, copy)
    return replace(record, description=replace(record.description, command=moved))


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
    return replace(command, words=words, directory=directory)
