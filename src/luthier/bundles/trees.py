"""Lays trees out: read-only, of hard links to objects, once for everybody; or as a copy that may be written.

A tree is laid out in a folder of its own process and moved to its place whole, before its manifest is written. Where it
went missing, it is made again from the manifest.
"""

from __future__ import annotations

import os
import secrets
import shutil
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from luthier.bundles.manifest import Bundle, Entry, Manifest
from luthier.bundles.objects import intact, link_or_copy, object_path
from luthier.bundles.rooms import adding, bundles_folder, deleting, remove
from luthier.clock import Clock, SystemClock
from luthier.errors import NotFound, StoreError

__all__ = [
    "KnownBundle",
    "Swept",
    "contents",
    "is_whole",
    "known_bundles",
    "lay_out",
    "said_of",
    "sweep",
    "tree_of",
    "working_copy",
    "write_manifest",
]

YOUNG_SECONDS = 3600.0
"""A bundle may be older than the experiment that is about to name it, but not by more than this."""


class KnownBundle(NamedTuple):
    """A bundle that is kept, and when it was last made."""

    bundle: Bundle
    time: float


class Swept(NamedTuple):
    """What was deleted, or would be."""

    bundles: int
    objects: int
    freed_bytes: int


# ------------------------------------------------------------------ manifests


def is_whole(root: str, digest: str) -> bool:
    """Whether a tree is kept, all of it."""
    return os.path.isfile(f"{root}/manifests/{digest}")


def write_manifest(root: str, tmp: str, manifest: Manifest, bundle: Bundle) -> None:
    """Makes a bundle count as kept; one that does is only dated anew."""
    place = f"{root}/manifests/{bundle.digest}"
    try:
        os.utime(place)
        return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(place), exist_ok=True)
    path = f"{tmp}/manifest"
    with open(path, "w", encoding="ascii") as file:
        file.write(manifest.to_json(bundle.kind, bundle.name))
        file.flush()
        os.fsync(file.fileno())
    os.replace(path, place)
    _sync_folder(os.path.dirname(place))


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def contents(folder: Path, digest: str) -> Manifest:
    """The entries of a bundle. **Raises** NotFound where it is not kept."""
    return _manifest(bundles_folder(folder), digest)[0]


def _manifest(root: str, digest: str) -> tuple[Manifest, dict[str, Any]]:
    path = f"{root}/manifests/{digest}"
    try:
        with open(path, encoding="ascii") as file:
            return Manifest.from_json(file.read(), path)
    except OSError as error:
        raise NotFound(
            f"there is no bundle {digest[:12]} in {root}; see those there are with: luthier bundle list"
        ) from error


def known_bundles(folder: Path) -> list[KnownBundle]:
    """All bundles that are kept, the newest first."""
    root = bundles_folder(folder)
    known = []
    try:
        names = os.listdir(f"{root}/manifests")
    except OSError:
        return []
    for name in names:
        try:
            time = os.stat(f"{root}/manifests/{name}").st_mtime
            _, says = _manifest(root, name)
        except (OSError, NotFound):  # it has just been deleted
            continue
        known.append(
            KnownBundle(Bundle(says["kind"], name, says["files"], says["size_bytes"], says["name"]), time)
        )
    return sorted(known, key=lambda one: (-one.time, one.bundle.digest))


# ------------------------------------------------------------------ trees


def lay_out(root: str, tmp: str, manifest: Manifest, digest: str) -> tuple[str, ...]:
    """Lays a tree out, unless it is, as it was kept; the paths in it that somebody wrote into, where it had to be anew.

    **Raises** StoreError where one of its objects is missing.
    """
    place = f"{root}/trees/{digest}"
    spoiled = _spoiled(place, manifest) if os.path.isdir(place) else None
    if spoiled == ():
        return ()
    made = f"{tmp}/{digest}"
    os.mkdir(made)
    for entry in manifest.entries:
        _put(root, entry, _ready(made, entry), digest)
    for path, _, _ in os.walk(made, topdown=False):
        if path != made:
            os.chmod(path, 0o555)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if spoiled:
        # Programs may be running in it: they keep what they have until the next sweep.
        with suppress(FileNotFoundError):
            os.rename(place, f"{place}.spoiled-{secrets.token_hex(4)}")
    try:
        os.rename(made, place)
    except OSError:
        if not os.path.isdir(place):
            raise
        return spoiled or ()  # another process was faster
    os.chmod(place, 0o555)
    return spoiled or ()


def _spoiled(place: str, manifest: Manifest) -> tuple[str, ...]:
    """The paths of a tree that have not what was kept: root may write what is read-only."""
    return tuple(e.path for e in manifest.entries if not _is_as_kept(f"{place}/{e.path}", e))


def _is_as_kept(path: str, entry: Entry) -> bool:
    if not entry.is_link:
        return intact(path, entry.content, entry.size_bytes)
    try:
        return os.readlink(path) == entry.content
    except OSError:
        return False


def _put(root: str, entry: Entry, target: str, digest: str) -> None:
    """Lays one entry out. An object that somebody wrote into is put away, so that the next snapshot keeps it anew."""
    if entry.is_link:
        os.symlink(entry.content, target)
        return
    source, what = object_path(root, entry.object), "is missing"
    if os.path.exists(source) and not intact(source, entry.content, entry.size_bytes):
        os.unlink(source)
        what = "was written into"
    try:
        link_or_copy(source, target)
    except FileNotFoundError as error:
        raise StoreError(
            f"{source}, a part of the bundle {digest[:12]} ({entry.path}), {what}; make the bundle again from its folder"
        ) from error
    intact(target, entry.content, entry.size_bytes)  # marks what had to be copied


def _ready(folder: str, entry: Entry) -> str:
    """Where an entry goes; the folders it lies in are made."""
    target = f"{folder}/{entry.path}"
    parent = os.path.dirname(target)
    if not os.path.isdir(parent):
        os.makedirs(parent)
    return target


def tree_of(folder: Path, digest: str) -> Path:
    """The tree of a bundle, which nobody may write: hard links to what is kept, the same ones for every trial. Where somebody
    did (root may), that is said with a warning, and it is laid out anew.

    **Raises** NotFound where there is no such bundle; StoreError where what was written into is kept nowhere else.
    """
    root = bundles_folder(folder)
    place = f"{root}/trees/{digest}"
    manifest, _ = _manifest(root, digest)
    if not os.path.isdir(place) or _spoiled(place, manifest):
        with adding(folder) as (root, tmp):
            if spoiled := lay_out(root, tmp, manifest, digest):
                warnings.warn(said_of(spoiled, digest), stacklevel=2)
    return Path(place)


def said_of(spoiled: tuple[str, ...], digest: str) -> str:
    """What a person should know of a tree that was written into."""
    named = ", ".join(spoiled[:5]) + (f" and {len(spoiled) - 5} more" if len(spoiled) > 5 else "")
    return (
        f"a program has changed the bundle {digest[:12]}, which is read-only: {named}. It is as it was again; trials that "
        "ran meanwhile may have used the changed files"
    )


def working_copy(folder: Path, digest: str, into: Path) -> Path:
    """A copy of a bundle that may be written, at `into`; one that is there already is left as it is.

    **Holds** it is there whole or not at all.
    **Raises** NotFound where there is no such bundle; StoreError where the disk refuses.
    """
    into = Path(os.path.abspath(into))
    if into.is_dir():
        return into
    source = tree_of(folder, digest)
    made = f"{into.parent}/.{into.name}.{os.getpid()}"
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        remove(made)
        os.mkdir(made)
        for entry in contents(folder, digest).entries:
            target = _ready(made, entry)
            if entry.is_link:
                os.symlink(entry.content, target)
                continue
            shutil.copyfile(source / entry.path, target)
            if entry.what == "x":
                os.chmod(target, os.stat(target).st_mode | ((os.stat(target).st_mode & 0o444) >> 2))
        try:
            os.rename(made, into)
        except OSError:
            if not into.is_dir():
                raise
            remove(made)  # another process was faster
    except OSError as error:
        remove(made)
        raise StoreError(
            f"{into} could not be written: {error.strerror}; free some space, or name another place"
        ) from error
    return into


# ------------------------------------------------------------------ deleting


def sweep(folder: Path, named: Iterable[str], *, delete: bool, clock: Clock | None = None) -> Swept:
    """Deletes bundles that nobody names, and what only they hold. Those made within the last hour stay: an experiment may
    be about to name them; so does, as long, what an unfinished snapshot has kept, for the next one to go on with."""
    if not os.path.isdir(bundles_folder(folder)):
        return Swept(0, 0, 0)
    keep, young = set(named), (clock or SystemClock()).now() - YOUNG_SECONDS
    with deleting(folder) as root:
        known = known_bundles(folder)
        going = [one.bundle.digest for one in known if one.bundle.digest not in keep and one.time < young]
        staying = [one.bundle.digest for one in known if one.bundle.digest not in going]
        lost = _objects(root, going) - (stays := _objects(root, staying))
        if delete:
            for digest in going:
                os.unlink(f"{root}/manifests/{digest}")
            for name in _names(f"{root}/trees"):
                if not is_whole(root, name):
                    remove(f"{root}/trees/{name}")
        objects, freed = _sweep_objects(root, stays, lost, young, delete=delete)
    return Swept(len(going), objects, freed)


def _objects(root: str, digests: Iterable[str]) -> set[str]:
    """The names of the objects that bundles are made of."""
    return {e.object for digest in digests for e in _manifest(root, digest)[0].entries if not e.is_link}


def _sweep_objects(
    root: str, stays: set[str], lost: set[str], young: float, *, delete: bool
) -> tuple[int, int]:
    objects = freed = 0
    for shelf in _names(f"{root}/objects"):
        for rest in _names(f"{root}/objects/{shelf}"):
            path = object_path(root, shelf + rest)
            status = os.stat(path)
            if shelf + rest in stays or (shelf + rest not in lost and status.st_mtime > young):
                continue
            objects, freed = objects + 1, freed + status.st_size
            if delete:
                os.unlink(path)
    return objects, freed


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []
