"""The store in one SQLite file: the verbs of `sql_store.py` on `sqlite_connection.py`.

Leases are counted in seconds since boot, which no step of the calendar moves, and are void under another boot: the file
is on the one machine that all its workers run on.
"""

from __future__ import annotations

from pathlib import Path

from luthier.clock import Clock, SystemClock
from luthier.store.sql_store import SqlStore
from luthier.store.sqlite_connection import SqliteConnection

__all__ = ["SqliteStore"]


class SqliteStore(SqlStore):
    """Keeps experiments in `path`. With `read_only`, the verbs that write raise StoreError."""

    def __init__(self, path: Path, clock: Clock | None = None, *, read_only: bool = False) -> None:
        super().__init__(SqliteConnection(path, read_only=read_only), clock or SystemClock())
