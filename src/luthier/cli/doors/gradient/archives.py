"""Takes an archive apart: zip and tar files, whose names are not to be trusted.

Nothing is written outside of the folder, through a link that the archive brought, or that is no file, folder or link. What
is larger than the disk, or has an entry that leads elsewhere, is refused before anything is written.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from luthier.cli.output import size
from luthier.errors import UsageError

__all__ = ["extract"]

MOST_MEMBERS = 500_000
MOST_HOPS = 40
"""So many links one path may go by way of, as Linux has it."""
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
)
"""What the libraries raise, each for its own kind of archive, where one is not whole."""

Parts = tuple[str, ...]


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
                members = list(_of_tar(path, tape))
                _read_to_its_end(tape)
                _lay_out(path, members, into, is_left_out)
        else:
            raise UsageError(
                f"{path} is no archive, or a damaged one; give a .zip or .tar.gz file, or the folder itself"
            )
    except DAMAGE as error:
        raise UsageError(f"{path} can't be taken apart, it is damaged: {error}") from error
    except RuntimeError as error:  # it wants a password, or was packed in a way that Python does not know
        raise UsageError(f"{path} can't be taken apart: {error}") from error
    except OSError as error:
        why = error.strerror or f"it is damaged: {error}"  # gzip's and bzip2's own have no number
        raise UsageError(f"{path} can't be taken apart: {why}") from error


def _read_to_its_end(tape: tarfile.TarFile) -> None:
    """Reads what is left of the stream: only at its end is it compared with its check sum. A list of entries that breaks
    off in the middle looks to tarfile as one that has ended.

    **Raises** what the kind of compression raises, ReadError where entries are missing.
    """
    file = tape.fileobj
    assert file is not None
    file.seek(tape.offset)
    if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise tarfile.ReadError(f"no entry begins at byte {tape.offset}")
    while file.read(1 << 20):
        pass


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
    placed = [(_place(path, member.name, into), member) for member in members]
    kept = [
        (place, member)
        for place, member in placed
        if place is not None and not is_left_out(os.path.relpath(place, into))
    ]
    links = [(place, member.target, member.name) for place, member in kept if member.target is not None]
    _check(path, [(place.relative_to(into).parts, member) for place, member in kept])
    for place, member in kept:
        is_folder = member.target is None and member.opened is None
        _folder(path, place if is_folder else place.parent, into)
        if member.opened is None:
            continue
        with member.opened() as source, open(place, "wb") as file:
            shutil.copyfileobj(source, file)
        place.chmod(0o755 if member.is_executable else 0o644)
    for place, target, _ in links:  # last, so that nothing is ever written through one
        place.symlink_to(target)
    for place, target, name in links:  # where capitals don't count, names meet that `_check` takes for two
        if not f"{os.path.realpath(place)}/".startswith(f"{os.path.realpath(into)}/"):
            raise _outside(path, name, target)


def _check(path: Path, entries: list[tuple[Parts, _Member]]) -> None:
    """Looks at all links before anything is written. **Raises** UsageError for one that leads out, that another entry goes
    by way of, or whose place is taken."""
    links = {parts: member.target for parts, member in entries if member.target is not None}
    seen: set[Parts] = set()
    for parts, member in entries:
        if any(parts[:length] in links for length in range(1, len(parts))):
            raise _through(path, member.name)
        if parts in links and parts in seen:
            raise UsageError(f"{path} has {member.name!r} twice")
        seen.add(parts)
        if member.target is not None and _leads_out(parts, links):
            raise _outside(path, member.name, member.target)


def _leads_out(link: Parts, links: Mapping[Parts, str]) -> bool:
    """Whether a link leads out of the folder, or in circles. It may go by way of others."""
    at: list[str] = []
    left, hops = list(reversed(link)), 0
    while left:
        part = left.pop()
        if part == "..":
            if not at:
                return True
            at.pop()
        elif part not in ("", "."):
            at.append(part)
            target = links.get(tuple(at))
            if target is not None:
                hops += 1
                if hops > MOST_HOPS or target.startswith("/"):
                    return True
                at.pop()
                left += reversed(target.split("/"))
    return False


def _folder(path: Path, place: Path, into: Path) -> None:
    """Makes a folder, each of those it is in before it. **Raises** UsageError where one of them is a link."""
    at = into
    for part in place.relative_to(into).parts:
        at /= part
        if at.is_symlink():
            raise _through(path, str(place.relative_to(into)))
        at.mkdir(exist_ok=True)


def _through(path: Path, name: str) -> UsageError:
    return UsageError(f"{path}: the entry {name!r} goes by way of a link; nothing is taken out of it")


def _outside(path: Path, name: str, target: str) -> UsageError:
    return UsageError(f"{path}: the link {name!r} leads out of the workspace, to {target}")


def _place(path: Path, name: str, into: Path) -> Path | None:
    """Where an entry goes; None for the folder itself."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or "\0" in name or (pure.parts and ":" in pure.parts[0][:2]):
        raise UsageError(f"{path}: the entry {name!r} leads out of the workspace; nothing is taken out of it")
    return into.joinpath(*pure.parts) if pure.parts else None
