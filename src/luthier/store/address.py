"""Where a store on a server is: its URL, and the folder on this machine that stands for it.

Everything a search writes beside its record (trial folders, locks, bundles, logs) stays on a disk, so a store on a server
has a folder too, and the whole program goes on naming stores by folders. The folder holds the URL without its password,
which is written nowhere: it comes with the URL a person typed, from `LUTHIER_STORE`, or from where libpq finds
one (`PGPASSWORD`, `~/.pgpass`).
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from luthier.digest import sha256
from luthier.errors import StoreError, UsageError

__all__ = ["address_of", "folder_name", "is_address", "keep_address", "remember", "without_password"]

VARIABLE = "LUTHIER_STORE"
_FILE = "store.url"
_SCHEMES = ("postgresql", "postgres")
_typed: dict[Path, str] = {}  # the URLs this process was given, by folder, whole


def is_address(text: str) -> bool:
    """Whether a text names a store on a server."""
    return text.startswith(tuple(f"{scheme}://" for scheme in _SCHEMES))


def without_password(url: str) -> str:
    """The URL as it may be shown and written.

    **Raises** UsageError where it can't be read, without quoting it.
    """
    try:
        parts = urlsplit(url)
        user, at, host = parts.netloc.rpartition("@")
        query = [
            (k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if "password" not in k.lower()
        ]
        _ = parts.port
    except ValueError as error:
        raise UsageError(
            "--store: this is no address of a PostgreSQL database; write postgresql://USER@HOST:PORT/DATABASE"
        ) from error
    return urlunsplit(("postgresql", user.partition(":")[0] + at + host, parts.path, urlencode(query), ""))


def folder_name(url: str) -> str:
    """The name of the folder that stands for a server's store: readable, and another for every other address."""
    shown = without_password(url)
    parts = urlsplit(shown)
    host = parts.netloc.rpartition("@")[2] or "local"
    words = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{parts.path.strip('/') or 'postgres'}-at-{host}").strip("-.")
    return f"{words[:60]}-{sha256(shown.encode()).hexdigest()[:8]}"


def remember(folder: Path, url: str) -> None:
    """Has `folder` stand for a store for as long as this process lives."""
    _typed[folder.absolute()] = url


def address_of(folder: Path) -> str | None:
    """The URL a folder stands for, with its password where that is known; None where the store is a file in it."""
    folder = folder.absolute()
    url = _typed.get(folder) or _written(folder)
    inherited = os.environ.get(VARIABLE, "")
    if url is not None and is_address(inherited) and url == without_password(inherited):
        return inherited
    return url


def _written(folder: Path) -> str | None:
    """The URL that the file of a folder has, without a password."""
    try:
        return (folder / _FILE).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(
            f"{folder / _FILE} can't be read: {error.strerror}; mend that, or remove it"
        ) from error


def keep_address(folder: Path, url: str) -> None:
    """Writes the URL into its folder, without the password, so that later commands find the store by the folder."""
    path, text = folder / _FILE, without_password(url) + "\n"
    with suppress(OSError):
        if path.read_text(encoding="utf-8") == text:
            return
    if not folder.parent.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder.parent / ".gitignore").write_text("*\n", encoding="ascii")
    folder.mkdir(exist_ok=True, mode=0o700)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
