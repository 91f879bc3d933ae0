"""Keeps the content of files under its SHA-256: read once, hashed and copied in the same pass.

What is written has the digest of the very bytes that were written, so a file that changes meanwhile can't spoil an
object; that it changed is noticed and the file is read again. An object appears by a link from a finished file, whole or
not at all. That nobody wrote into it since is told by its time (`intact`). Hashing and copying let go of the interpreter's lock, so a few threads share the files.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from luthier.bundles.known import Known
from luthier.bundles.manifest import Entry
from luthier.bundles.survey import Found
from luthier.errors import UsageError

__all__ = ["Keeper", "Stopped", "intact", "link_or_copy"]

CHUNK_BYTES = 2**20
CLONE_BYTES = 2**20
TRIES = 3
NO_LINKS = (errno.EMLINK, errno.EPERM, errno.ENOTSUP, errno.EXDEV)
_FICLONE = 0x40049409
"""ioctl_ficlone(2): the copy shares the blocks of the original, where the file system can do that."""


class Stopped(Exception):
    """Says that whoever asked for it wants it no longer."""


class _Read(NamedTuple):
    """What was read of a file: its digest and how many bytes."""

    digest: str
    size_bytes: int


class Keeper:
    """Finds the digest of files and, with a `folder`, keeps their content there. `tmp` is this process's own folder for
    unfinished files. `heard` is told how many bytes are done; its answer False ends it."""

    def __init__(self, folder: str | None, tmp: str, known: Known, heard: Callable[[int], bool]) -> None:
        self._folder = folder
        self._tmp = tmp
        self._known = known
        self._heard = heard
        self._words = itertools.count()
        self._clones = True
        self.copied = 0

    def keep(self, found: Found) -> Entry:
        """Keeps one file and says what it is. **Raises** UsageError for one that changes while it is read, or can't be."""
        status = found.status
        for _ in range(TRIES):
            digest = self._known.digest(found.source, status)
            if digest is not None and self._is_kept(digest, found):
                self._tell(status.st_size)
                return self._entry(found, digest, status.st_size)
            descriptor = self._open(found)
            try:
                status = os.fstat(descriptor)
                read = self._read(descriptor, found._replace(status=status))
                now = os.fstat(descriptor)
            finally:
                os.close(descriptor)
            if _same(status, now) and read.size_bytes == status.st_size:
                self._known.note(found.source, status, read.digest)
                return self._entry(found, read.digest, read.size_bytes)
            status = now
        raise UsageError(f"{found.source} changes while it is read; wait until it is written, and try again")

    def _open(self, found: Found) -> int:
        try:
            # A pipe that took the file's place would make us wait for its writer.
            descriptor = os.open(found.source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise UsageError(
                f"{found.source} could not be read: {error.strerror}; make it readable, or name it in .luthierignore"
            ) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UsageError(f"{found.source} is no file any more; try again")
        return descriptor

    def _entry(self, found: Found, digest: str, size: int) -> Entry:
        return Entry(found.path, "x" if found.is_executable else "f", digest, size)

    def _read(self, source: int, found: Found) -> _Read:
        """Hashes what is open; copies it in the same pass, unless it is likely to be kept already."""
        size = found.status.st_size
        if self._folder is None:
            return self._pass(source, None, size)
        if self._known.has_seen(found.source):
            read = self._pass(source, None, size)
            if self._is_kept(read.digest, found, read.size_bytes):
                return read
            os.lseek(source, 0, os.SEEK_SET)
            self._tell(-read.size_bytes)
        path = f"{self._tmp}/{next(self._words)}"
        copy = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if found.status.st_size >= CLONE_BYTES and self._clone(source, copy):
                read = self._pass(copy, None, size)
            else:
                read = self._pass(source, copy, size)
            os.fchmod(copy, 0o555 if found.is_executable else 0o444)
            if read.size_bytes >= CHUNK_BYTES:
                os.fdatasync(copy)  # the small ones are synced together
            mark(path, read.digest)
            self._publish(path, self._path(read.digest, found), read)
            self.copied += 1
        finally:
            os.close(copy)
            with suppress(FileNotFoundError):
                os.unlink(path)
        return read

    def _clone(self, source: int, copy: int) -> bool:
        if self._clones:
            try:
                fcntl.ioctl(copy, _FICLONE, source)
                return True
            except OSError:
                self._clones = False
        return False

    def _pass(self, source: int, copy: int | None, expected: int) -> _Read:
        """Reads to the end, or until there is more than was expected: what grows has no end."""
        sha, size = hashlib.sha256(), 0
        chunk = memoryview(bytearray(CHUNK_BYTES))
        while size <= expected and (n := _next(source, chunk)):
            sha.update(chunk[:n])
            if copy is not None:
                rest = chunk[:n]
                while rest:
                    rest = rest[os.write(copy, rest) :]
            size += n
            self._tell(n)
        return _Read(sha.hexdigest(), size)

    def _tell(self, n: int) -> None:
        if not self._heard(n):
            raise Stopped

    def _path(self, digest: str, found: Found) -> str:
        name = f"{digest}.x" if found.is_executable else digest
        return object_path(self._folder or "", name)

    def _is_kept(self, digest: str, found: Found, size: int | None = None) -> bool:
        """Whether its content is there, whole: after a power cut a file may be too short, and root may write anywhere."""
        if self._folder is None:
            return True
        return intact(self._path(digest, found), digest, found.status.st_size if size is None else size)

    def _publish(self, path: str, place: str, read: _Read) -> None:
        """Gives a finished file its name. Where two did the same, the first stays; one that is not whole is replaced."""
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.link(path, place)
        except FileExistsError:
            if not intact(place, read.digest, read.size_bytes):
                spare = f"{path}.again"
                os.link(path, spare)
                os.replace(spare, place)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            os.replace(path, place)  # it can have one name only, then


def _next(source: int, chunk: memoryview) -> int:
    try:
        return os.readv(source, [chunk])
    except OSError as error:
        raise UsageError(
            f"a file could not be read: {error.strerror}; examine its disk, or name it in .luthierignore"
        ) from error


def object_path(folder: str, name: str) -> str:
    """Where an object lies."""
    return f"{folder}/objects/{name[:2]}/{name[2:]}"


def mark(path: str, digest: str) -> None:
    """Writes into a file's time, below the second, what its content is. Whoever changes the content changes the time."""
    seconds = int(os.stat(path).st_mtime)
    os.utime(path, ns=(seconds * 10**9, seconds * 10**9 + _fraction(digest)))


def _fraction(digest: str) -> int:
    """Whole microseconds, which more file systems keep than nanoseconds."""
    return int(digest[:12], 16) % 10**6 * 1000


def intact(path: str, digest: str, size: int) -> bool:
    """Whether a kept file has the content it was kept for. It is read only where its time does not say so."""
    try:
        status = os.stat(path, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            return False
        if status.st_mtime_ns % 10**9 == _fraction(digest):
            return True
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                return False
    except OSError:
        return False
    with suppress(OSError):  # a copy, or one that an older Luthier kept
        mark(path, digest)
    return True


def link_or_copy(source: str, target: str) -> None:
    """Makes a second name of an object; a copy where it has as many names as the file system allows."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        import shutil

        shutil.copy(source, target)


def _same(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )
