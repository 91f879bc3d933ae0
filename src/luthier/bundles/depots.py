"""Where bundles wait for other machines: a shared folder, or an object store such as S3.

A depot keeps named blobs that never change, for their names are digests. `travel.py` brings bundles there and back. The
store of experiments can be one too (`drive/elsewhere.py`); this room does not know it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from luthier.errors import LuthierError, NotFound, StoreError, UsageError

__all__ = ["Depot", "FolderDepot", "ObjectDepot", "depot_at"]


class Depot(Protocol):
    """**Holds** a blob is there whole or not at all; `put` may be repeated. **Raises** StoreError where it can't be reached."""

    def has(self, name: str) -> bool:
        """Whether there is a blob of this name."""

    def put(self, name: str, path: Path) -> None:
        """Keeps the content of a file under a name."""

    def get(self, name: str, into: Path) -> None:
        """Writes a blob to a new file. **Raises** NotFound where there is none."""


class FolderDepot:
    """A folder that all machines see."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return str(self._folder)

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return (self._folder / name).is_file()

    def put(self, name: str, path: Path) -> None:
        """Copies a file; it appears under its name when it is whole."""
        place = self._folder / name
        spare = place.parent / f".{secrets.token_hex(8)}"
        with _told(self):
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                with open(path, "rb") as source, open(spare, "xb") as copy:
                    _copy(source.read, copy.write)
                    copy.flush()
                    os.fsync(copy.fileno())
                os.replace(spare, place)
            finally:
                with suppress(FileNotFoundError):
                    spare.unlink()

    def get(self, name: str, into: Path) -> None:
        """Copies a file out."""
        with _told(self, name), open(self._folder / name, "rb") as source, open(into, "xb") as copy:
            _copy(source.read, copy.write)


class ObjectDepot:
    """An object store: `s3://bucket/prefix`, `gs://…`, `az://…`. Who may use it is told by the usual environment variables."""

    def __init__(self, url: str) -> None:
        try:
            import obstore
            from obstore.store import from_url
        except ImportError as error:
            raise UsageError(
                f"--bundles {url} needs obstore, which is not installed; type: pip install 'luthier[s3]'"
            ) from error
        self._url, self._objects = url, obstore
        try:
            self._store: Any = from_url(url)
        except Exception as error:
            raise UsageError(f"--bundles {url}: {_first_line(error)}") from error

    def __repr__(self) -> str:
        return self._url

    def has(self, name: str) -> bool:
        """Whether there is an object of this name."""
        with suppress(NotFound), _told(self, name):
            self._objects.head(self._store, name)
            return True
        return False

    def put(self, name: str, path: Path) -> None:
        """Uploads a file, a large one in parts."""
        with _told(self):
            self._objects.put(self._store, name, path)

    def get(self, name: str, into: Path) -> None:
        """Downloads an object."""
        with _told(self, name):
            stream: Iterator[Any] = iter(self._objects.get(self._store, name).stream())
            with open(into, "xb") as copy:
                for chunk in stream:
                    copy.write(chunk)


def depot_at(place: str) -> Depot:
    """The depot a person named: a folder, or the URL of an object store. **Raises** UsageError where that can't be."""
    return (
        ObjectDepot(place.rstrip("/")) if "://" in place else FolderDepot(Path(place).expanduser().absolute())
    )


def _copy(read: Callable[[int], bytes], write: Callable[[bytes], int]) -> None:
    while chunk := read(2**20):
        write(chunk)


@contextmanager
def _told(depot: Depot, name: str = "") -> Iterator[None]:
    """Says in the house's words what a library or the disk says."""
    try:
        yield
    except LuthierError:
        raise
    except FileNotFoundError as error:
        if name:
            raise NotFound(
                f"{depot!r} has no {name}; the machine that began the search brings it there"
            ) from error
        raise StoreError(f"bundles can't be kept in {depot!r}: {_first_line(error)}") from error
    except Exception as error:  # obstore's are no kind of OSError
        raise StoreError(
            f"{depot!r} can't be reached: {_first_line(error)}; look at the address and at what signs in there"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
