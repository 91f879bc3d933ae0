"""The code of an experiment on its way to another machine: packed once, laid out once a machine, under its digest."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import tarfile
import tempfile
from typing import NamedTuple

__all__ = ["Code", "lay_out", "pack"]


class Code(NamedTuple):
    """A folder of code: the digest of what it holds, where it lies on the driver's machine, and itself as a tar file."""

    digest: str
    root: str
    content: bytes


def pack(digest: str, root: str, tree: str) -> Code:
    """Packs the `tree` that is kept of the code in `root`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        tar.add(tree, arcname=".", filter=_writable)
    return Code(digest, root, packed.getvalue())


def _writable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Kept trees are read-only; a working copy may be written."""
    member.mode |= 0o700 if member.isdir() else 0o600
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def lay_out(code: Code) -> str:
    """Lays code out on this machine, unless that was done before, and returns where. Whoever comes meanwhile waits.

    **Raises** OSError where the disk refuses.
    """
    home = f"{tempfile.gettempdir()}/luthier-code-{os.geteuid()}"
    os.makedirs(home, mode=0o700, exist_ok=True)
    if os.lstat(home).st_uid != os.geteuid() or os.path.islink(home):
        raise PermissionError(f"{home} belongs to somebody else")
    place = f"{home}/{code.digest[:32]}"
    lock = os.open(f"{place}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(place):
            draft = f"{place}.new"
            shutil.rmtree(draft, ignore_errors=True)
            os.mkdir(draft, 0o700)
            with tarfile.open(fileobj=io.BytesIO(code.content), mode="r:gz") as tar:
                tar.extraction_filter = getattr(tarfile, "tar_filter", None)  # early 3.11 has none
                tar.extractall(draft)
            os.rename(draft, place)
    finally:
        os.close(lock)
    return place
