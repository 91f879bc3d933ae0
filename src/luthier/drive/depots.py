"""Where the code of experiments waits for machines that do not have it: in the store where it is small, else in a shared
folder or an object store that was named (`--bundles`). `elsewhere.py` fetches it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.bundles import contents
from luthier.bundles.depots import Depot, depot_at
from luthier.bundles.travel import send
from luthier.errors import LuthierError, NotFound
from luthier.store import Store

__all__ = ["BUNDLES", "MOST_BYTES", "StoreDepot", "bring", "depot_of"]

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


def depot_of(store: Store, place: str | None) -> Depot:
    """The depot that was named, here or in the environment; else the store. **Raises** UsageError where that can't be."""
    place = place or os.environ.get(BUNDLES)
    return depot_at(place) if place else StoreDepot(store)


def bring(store: Store, folder: Path, code: Mapping[str, Any], place: str | None = None) -> str:
    """Brings the code that was kept where other machines find it; returns what a person should know."""
    depot, digest = depot_of(store, place), code["digest"]
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
