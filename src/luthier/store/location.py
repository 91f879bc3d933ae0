"""Where a store lives: the project's `.luthier/` folder, and which disks are refused. `address.py` has those on a server.

SQLite's locks and shared memory are not dependable on network file systems, and a search that silently loses a
commit is worse than one that does not start. So such a place is refused with its reason.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from luthier.errors import StoreError, UsageError
from luthier.store.address import address_of, folder_name, is_address, remember

__all__ = ["FOLDER", "filesystem_type", "find_folder", "is_store", "refuse_network", "store_folder"]

FOLDER = ".luthier"
ALLOW = "LUTHIER_ALLOW_NETWORK_STORE"
_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "lustre",
    "gpfs",
    "fuse",
    "afs",
    "ceph",
    "9p",
    "beegfs",
    "glusterfs",
    "panfs",
)
_LOCAL_FUSE = ("fuseblk", "fuse.overlayfs", "fuse-overlayfs")


def find_folder(start: Path, name: str = "store.db") -> Path | None:
    """Returns the nearest `.luthier/` at or above `start` that has this file or folder, as git finds `.git`, or None."""
    for place in (start, *start.parents):
        if (place / FOLDER / name).exists():
            return place / FOLDER
    return None


def is_store(folder: Path) -> bool:
    """Whether a folder has a store, or stands for one on a server."""
    return (folder / "store.db").is_file() or address_of(folder) is not None


def store_folder(text: str | None, start: Path) -> Path:
    """Returns the folder a store is in: the one `text` names, else the nearest, else a new one in `start`.

    `text` may be a folder, `sqlite:///PATH`, a path ending in `store.db`, or the `postgresql://` URL of a store on a
    server, which has a folder of its own in the project's. Nothing is created.
    **Raises** UsageError for a kind of store this version does not know.
    """
    if not text:
        return find_folder(start) or start / FOLDER
    if is_address(text):
        name = folder_name(text)
        folder = (find_folder(start, name) or find_folder(start) or start / FOLDER) / name
        remember(folder, text)
        return folder
    if text.startswith(("mongo://", "mongodb://", "mysql://")):
        kind = text.partition(":")[0]
        raise UsageError(
            f"--store: Luthier has no {kind} store; give a folder, such as --store runs, or a PostgreSQL database: "
            "--store postgresql://USER@HOST/DATABASE"
        )
    path = Path(text.removeprefix("sqlite://")).expanduser()
    return path.parent if path.name == "store.db" else path


def filesystem_type(path: Path) -> str | None:
    """Returns the type of the file system `path` is on (`ext4`, `nfs4`, `fuse.sshfs`), or None where unknown.

    **Source** proc(5), /proc/self/mountinfo: the type stands after the separator `-`.
    """
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return None
    real = os.path.realpath(path)
    best, kind = "", None
    for line in lines:
        before, _, after = line.partition(b" - ")
        # Blanks and backslashes stand there as three octal digits.
        name = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), before.split()[4])
        mount = os.fsdecode(name)
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, os.fsdecode(after.split()[0])
    return kind


def refuse_network(path: Path, kind: str | None) -> None:
    """Raises StoreError when `kind` is a network file system, unless the user has taken the risk."""
    if kind is None or kind in _LOCAL_FUSE or not kind.startswith(_NETWORK) or os.environ.get(ALLOW) == "1":
        return
    raise StoreError(
        f"{path} is on a network file system ({kind}), where SQLite can lose commits; "
        f"put the store on a local disk with --store FOLDER, or set {ALLOW}=1 to take the risk"
    )
