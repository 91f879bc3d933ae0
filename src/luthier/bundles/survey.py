"""Walks a folder and says what a bundle of it would hold, without reading a file's content.

Links that stay inside are kept as links; those that lead outside are followed, with a notice, because a snapshot that
points to what may change is none. Sockets, pipes and devices are refused.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import NamedTuple

from luthier.bundles.ignoring import Ignoring, is_made_anew, is_secret
from luthier.bundles.manifest import Entry, Kind
from luthier.errors import UsageError

__all__ = ["SMALL", "Found", "LeftOut", "Most", "Survey", "TooLarge", "survey"]


class Most(NamedTuple):
    """How much may be kept without being asked for. A single file above `file_bytes` is left out, with a notice; so is one
    that was written since `began`, seconds since 1970: programs that run meanwhile write it."""

    files: int
    size_bytes: int
    file_bytes: int
    began: float | None = None


SMALL = Most(1000, 20 * 10**6, 10**6)
"""What a search keeps of its folder by itself."""


class TooLarge(UsageError):
    """Says that a folder has more than may be kept without being asked for."""


class Found(NamedTuple):
    """A file to be kept: where it belongs, where it is, and how it was."""

    path: str
    source: str
    status: os.stat_result

    @property
    def is_executable(self) -> bool:
        """Whether its owner may run it."""
        return bool(self.status.st_mode & stat.S_IXUSR)


class LeftOut(NamedTuple):
    """A file that is too large to be kept without being asked for."""

    path: str
    size_bytes: int
    mtime_ns: int


@dataclass(eq=False, repr=False)
class Survey:
    """What a bundle would hold: files and links, and what a person should know."""

    source: str
    kind: Kind
    name: str
    files: list[Found] = field(default_factory=list)
    links: list[Entry] = field(default_factory=list)
    large: list[LeftOut] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    size_bytes: int = 0

    def notices(self) -> tuple[str, ...]:
        """What a person should know, in a few lines."""
        said = [
            (
                "left out, because keys or passwords may be in them (! in .luthierignore takes them)",
                self.secrets,
            ),
            ("left out, because they were written while trials ran", self.written),
            ("left out, because they are large", [one.path for one in self.large]),
            ("links that lead outside, taken as what they lead to", self.followed),
            ("links that lead nowhere, left out", self.broken),
        ]
        return tuple(f"{what}: {_few(names)}" for what, names in said if names)


def _few(names: list[str], most: int = 5) -> str:
    shown = ", ".join(sorted(names)[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def survey(source: str | os.PathLike[str], kind: Kind, most: Most | None = None) -> Survey:
    """Lists what a bundle of a folder, or of a single file, would hold.

    **Raises** UsageError for what is not there, can't be read or is no file, folder or link; TooLarge as soon as there is
    more than `most`.
    """
    if kind not in ("code", "data"):
        raise UsageError(f"{kind!r} is no kind of bundle; choose code or data")
    root = os.path.realpath(source)
    found = Survey(root, kind, os.path.basename(os.path.abspath(source)) or "root")
    try:
        status = os.stat(root)
        if stat.S_ISDIR(status.st_mode):
            _Walk(found, most).folder(root, "", Ignoring.above(root, kind), ())
        else:
            _Walk(found, most).file(root, os.path.basename(root), status)
    except FileNotFoundError as error:
        raise UsageError(f"{error.filename or source} is not there; name a folder that is") from error
    except OSError as error:
        raise UsageError(
            f"{error.filename or source} could not be read: {error.strerror}; make it readable, or name it in "
            ".luthierignore"
        ) from error
    return found


class _Walk:
    """One walk through a folder."""

    def __init__(self, found: Survey, most: Most | None) -> None:
        self._found = found
        self._most = most

    def folder(self, folder: str, inside: str, above: Ignoring, way: tuple[tuple[int, int], ...]) -> None:
        """Lists a folder whose place in the bundle is `inside`; `way` are the folders it lies in, lest a link leads back."""
        status = os.stat(folder)
        here = (status.st_dev, status.st_ino)
        if here in way:
            raise UsageError(
                f"the link {inside} leads back to a folder it lies in; remove it, or name it in .luthierignore"
            )
        ignoring = above.within(folder)
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
        for entry in entries:
            path = f"{inside}/{entry.name}" if inside else entry.name
            if not self._is_left_out(entry, path, ignoring):
                self._take(entry, path, ignoring, (*way, here))

    def _is_left_out(self, entry: os.DirEntry[str], path: str, ignoring: Ignoring) -> bool:
        is_folder = entry.is_dir(follow_symlinks=False)
        asks = ignoring.asks_for(entry.path, is_folder=is_folder)
        if is_made_anew(entry.path, entry.name, self._found.kind, is_folder=is_folder) and not asks:
            return True
        if ignoring.leaves_out(entry.path, is_folder=is_folder):
            return True
        if is_secret(entry.name) and not asks:
            self._found.secrets.append(path)
            return True
        return False

    def _take(
        self, entry: os.DirEntry[str], path: str, ignoring: Ignoring, way: tuple[tuple[int, int], ...]
    ) -> None:
        if entry.is_symlink():
            self._link(entry, path, ignoring, way)
        elif entry.is_dir():
            self.folder(entry.path, path, ignoring, way)
        else:
            self.file(entry.path, path, entry.stat())

    def file(self, source: str, path: str, status: os.stat_result) -> None:
        """Takes a file, or refuses what is none."""
        found, most = self._found, self._most
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(
                f"{source} is {_what(status.st_mode)}, which no bundle can hold; remove it, or name it in .luthierignore"
            )
        if most is not None and status.st_size > most.file_bytes:
            found.large.append(LeftOut(path, status.st_size, status.st_mtime_ns))
            return
        if most is not None and most.began is not None and status.st_mtime > most.began:
            found.written.append(path)
            return
        found.files.append(Found(path, source, status))
        found.size_bytes += status.st_size
        if most is not None and len(found.files) > most.files:
            raise TooLarge(f"{found.source} has more than {most.files:,} files")
        if most is not None and found.size_bytes > most.size_bytes:
            raise TooLarge(f"{found.source} has more than {most.size_bytes / 1e6:g} MB")

    def _link(
        self, entry: os.DirEntry[str], path: str, ignoring: Ignoring, way: tuple[tuple[int, int], ...]
    ) -> None:
        """Keeps a link that stays inside, as a relative one; takes what another leads to."""
        found, target = self._found, os.readlink(entry.path)
        real = os.path.realpath(entry.path)
        if _is_inside(real, found.source):
            if os.path.isabs(target) or not _is_inside(entry.path, found.source):
                within = os.path.relpath(real, found.source)
                target = os.path.relpath(within, os.path.dirname(path) or ".")
            if os.path.normpath(os.path.join(os.path.dirname(path), target)).split("/")[0] != "..":
                found.links.append(Entry(path, "l", target))
                return
        try:
            status = os.stat(real)
        except OSError:
            found.broken.append(path)
            return
        if is_secret(os.path.basename(real)) and not ignoring.asks_for(entry.path, is_folder=False):
            found.secrets.append(path)
            return
        found.followed.append(f"{path} -> {target}")
        if stat.S_ISDIR(status.st_mode):
            self.folder(real, path, Ignoring(found.kind), way)
        else:
            self.file(real, path, status)


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _what(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device"
