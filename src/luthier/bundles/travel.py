"""Brings bundles to a depot and from there to another machine: what is missing only, and checked on arrival.

A bundle's manifest goes last, so that one that is there is whole. What arrives is hashed before it counts as kept, so a
spoiled depot can't bring wrong code to a trial.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from luthier.bundles.depots import Depot
from luthier.bundles.manifest import Entry, Manifest
from luthier.bundles.objects import intact, mark, object_path
from luthier.bundles.rooms import adding, bundles_folder
from luthier.bundles.trees import contents, is_whole, write_manifest
from luthier.errors import StoreError

__all__ = ["fetch", "send"]

Progress = Callable[[int, int], None]


def send(folder: Path, digest: str, depot: Depot, progress: Progress | None = None) -> int:
    """Brings a bundle to a depot; returns how many bytes had to be sent.

    **Raises** NotFound where it is not kept here; StoreError where the depot can't be reached.
    """
    if depot.has(f"manifests/{digest}"):
        return 0
    root, manifest = bundles_folder(folder), contents(folder, digest)
    sent = done = 0
    for entry in _objects(manifest):
        name = f"objects/{entry.object[:2]}/{entry.object[2:]}"
        if not depot.has(name):
            depot.put(name, Path(object_path(root, entry.object)))
            sent += entry.size_bytes
        done += entry.size_bytes
        if progress is not None:
            progress(done, manifest.size_bytes)
    depot.put(f"manifests/{digest}", Path(f"{root}/manifests/{digest}"))
    return sent


def fetch(folder: Path, digest: str, depot: Depot, progress: Progress | None = None) -> int:
    """Brings a bundle from a depot, unless it is kept here; returns how many bytes had to be fetched.

    **Raises** NotFound where the depot has none; StoreError where what arrives is not what was named.
    """
    if is_whole(bundles_folder(folder), digest):
        return 0
    fetched = done = 0
    with adding(folder) as (root, tmp):
        depot.get(f"manifests/{digest}", Path(f"{tmp}/came"))
        text = Path(f"{tmp}/came").read_text(encoding="ascii", errors="replace")
        manifest, says = Manifest.from_json(text, f"{depot!r}/manifests/{digest}")
        if manifest.digest() != digest:
            raise _spoiled(depot, f"manifests/{digest}")
        for entry in _objects(manifest):
            if not intact(object_path(root, entry.object), entry.content, entry.size_bytes):
                _fetch_object(root, tmp, entry, depot)
                fetched += entry.size_bytes
            done += entry.size_bytes
            if progress is not None:
                progress(done, manifest.size_bytes)
        write_manifest(root, tmp, manifest, manifest.bundle(says["kind"], says["name"]))
    return fetched


def _fetch_object(root: str, tmp: str, entry: Entry, depot: Depot) -> None:
    name, place, came = (
        f"objects/{entry.object[:2]}/{entry.object[2:]}",
        object_path(root, entry.object),
        f"{tmp}/object",
    )
    depot.get(name, Path(came))
    with open(came, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != entry.content:
            raise _spoiled(depot, name)
        os.fdatasync(file.fileno())
    os.chmod(came, 0o555 if entry.what == "x" else 0o444)
    mark(came, entry.content)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.replace(came, place)


def _objects(manifest: Manifest) -> list[Entry]:
    """One entry for each object of a tree."""
    return list({entry.object: entry for entry in manifest.entries if not entry.is_link}.values())


def _spoiled(depot: Depot, name: str) -> StoreError:
    return StoreError(
        f"{depot!r} has something else under {name} than its name says; delete it there, and start the search once more "
        "where it was begun"
    )
