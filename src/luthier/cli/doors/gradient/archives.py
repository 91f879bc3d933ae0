"""Takes an archive apart: zip and tar files, whose names are not to be trusted.

Nothing is written outside of the folder, through a link that the archive brought, or that is no file, folder or link. What
is larger than the disk is refused before anything is written.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from luthier.cli.output import size
from luthier.errors import UsageError

__all__ = ["extract"]

MOST_MEMBERS = 500_000


class _Member(NamedTuple):
    """One entry: a folder where `opened` is None, a link where `target` is not."""

    name: str
    size_bytes: int
    is_executable: bool
    target: str | None
    opened: Callable[[], IO[bytes]] | None


def extract(path: Path, into: Path, is_left_out: Callable[[str], bool]) -> None:
    """Lays the archive out in a folder, without what is left out.

    **Raises** UsageError for what is no archive, is damaged, or would write elsewhere.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                _lay_out(path, list(_of_zip(path, archive)), into, is_left_out)
        elif tarfile.is_tarfile(path):
            with tarfile.open(path) as tape:
                _lay_out(path, list(_of_tar(path, tape)), into, is_left_out)
        else:
            raise UsageError(f"{path} is no archive; give a .zip or .tar.gz file, or the folder itself")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError) as error:
        raise UsageError(f"{path} can't be taken apart: {error}") from error
    except OSError as error:
        raise UsageError(f"{path} can't be taken apart: {error.strerror or error}") from error


def _of_zip(path: Path, archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if info.is_dir():
            yield _Member(info.filename, 0, False, None, None)
        elif stat.S_ISLNK(mode):
            if info.file_size > 4096:
                raise UsageError(f"{path}: the link {info.filename} is longer than a path can be")
            yield _Member(info.filename, 0, False, os.fsdecode(archive.read(info)), None)
        else:
            yield _Member(
                info.filename,
                info.file_size,
                bool(mode & 0o100),
                None,
                lambda info=info: archive.open(info),  # type: ignore[misc]
            )


def _of_tar(path: Path, tape: tarfile.TarFile) -> Iterator[_Member]:
    for info in tape:
        if info.isdir():
            yield _Member(info.name, 0, False, None, None)
        elif info.issym():
            yield _Member(info.name, 0, False, info.linkname, None)
        elif info.isfile() or info.islnk():
            # A hard link is read as the file it names, which is in the archive itself.
            yield _Member(
                info.name,
                info.size,
                bool(info.mode & 0o100),
                None,
                lambda info=info: _opened(path, tape, info),  # type: ignore[misc]
            )
        else:
            raise UsageError(f"{path}: {info.name} is no file, folder or link; it is not taken out")


def _opened(path: Path, tape: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    try:
        file = tape.extractfile(info)
    except KeyError:
        file = None
    if file is None:
        raise UsageError(f"{path}: {info.name} is a link to {info.linkname}, which the archive has not")
    return file


def _lay_out(path: Path, members: list[_Member], into: Path, is_left_out: Callable[[str], bool]) -> None:
    if len(members) > MOST_MEMBERS:
        raise UsageError(f"{path} has {len(members)} entries; {MOST_MEMBERS} are the most")
    needed, free = sum(member.size_bytes for member in members), shutil.disk_usage(into).free
    if needed > free:
        raise UsageError(f"{path} holds {size(needed)}, and {into} has room for {size(free)}")
    links = []
    for member in members:
        place = _place(path, member.name, into)
        if place is None or is_left_out(os.path.relpath(place, into)):
            continue
        if member.target is not None:
            links.append((member.name, place, member.target))
        elif member.opened is None:
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            with member.opened() as source, open(place, "wb") as file:
                shutil.copyfileobj(source, file)
            place.chmod(0o755 if member.is_executable else 0o644)
    for name, place, target in links:  # last, so that nothing is ever written through one
        _link(path, name, place, target)
    for name, place, target in links:  # once all are there: a link may go by way of another
        if not f"{os.path.realpath(place)}/".startswith(f"{os.path.realpath(into)}/"):
            raise UsageError(f"{path}: the link {name!r} leads out of the workspace, to {target}")


def _place(path: Path, name: str, into: Path) -> Path | None:
    """Where an entry goes; None for the folder itself."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or "\0" in name or (pure.parts and ":" in pure.parts[0][:2]):
        raise UsageError(f"{path}: the entry {name!r} leads out of the workspace; nothing is taken out of it")
    return into.joinpath(*pure.parts) if pure.parts else None


def _link(path: Path, name: str, place: Path, target: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(place):
        raise UsageError(f"{path} has {name!r} twice")
    if os.path.realpath(place.parent) != os.path.join(
        os.path.realpath(place.parent.parent), place.parent.name
    ):
        raise UsageError(f"{path}: the entry {name!r} goes by way of a link; nothing is taken out of it")
    place.symlink_to(target)
