"""Brings an SQLite file to the newest schema, forward only.

Each migration and its number are committed together under the writers' lock, so a kill between two of them leaves a
store that the next start goes on with. A new file, where nothing can be half done, gets all of them at once: each commit
is a wait for the disk. A file from a newer Luthier is refused unread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from luthier.errors import SchemaError, StoreError

__all__ = ["migrate", "schema_version"]

_OURS = 0x4C757468  # "Luth", set by the first migration


def schema_version(connection: sqlite3.Connection) -> int:
    """Returns the number of the newest migration the file has; 0 for an empty one.

    **Raises** StoreError when it is the database of another program.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if (version or tables) and connection.execute("PRAGMA application_id").fetchone()[0] != _OURS:
        raise StoreError(
            "this database was written by another program and is left as it is; name another with --store FOLDER"
        )
    return version


def migrate(connection: sqlite3.Connection, steps: Sequence[tuple[int, str]], place: str) -> None:
    """Applies the `steps` the file does not have yet. The caller holds the writers' lock.

    **Holds** on return the file has the newest schema; after a kill or an error, the newest one that was committed.
    **Raises** SchemaError when the file is newer than the newest step.
    """
    version, newest = schema_version(connection), steps[-1][0]
    if version > newest:
        raise SchemaError(
            f"{place} was written by a newer Luthier (schema {version}, this one knows {newest}); "
            "upgrade Luthier to open it"
        )
    # user_version is part of the file's header and is committed or rolled back with the transaction.
    due = [f"{script}\nPRAGMA user_version = {int(n)};" for n, script in steps if n > version]
    for script in due if version else ["\n".join(due)]:
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nCOMMIT;")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
