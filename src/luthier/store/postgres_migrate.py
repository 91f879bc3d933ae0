"""Brings a PostgreSQL database to the newest schema, forward only.

Ours is a schema of its own, `luthier`, so a database may hold other programs' tables. Each migration and its number are
committed together under a lock, so many may open a new store at once, and a kill between two migrations leaves one that
the next start goes on with. Reading and writing go on meanwhile, but for what a migration itself locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luthier.errors import NotFound, SchemaError, StoreError
from luthier.store.statements import migrations

__all__ = ["check_schema", "migrate", "schema_version"]

_LOCK = "SELECT pg_advisory_xact_lock(1282765928, 2)"  # "Luth"
_KNOWN = """
SELECT to_regclass('luthier.schema_version') IS NOT NULL,
       EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace('luthier')::oid),
       to_regnamespace('luthier') IS NOT NULL
"""


def schema_version(connection: Any) -> int:
    """Returns the number of the newest migration the database has; 0 for none.

    **Raises** StoreError when another program's tables stand where ours would.
    """
    is_ours, has_tables, _ = connection.execute(_KNOWN).fetchone()
    if is_ours:
        return int(connection.execute("SELECT number FROM luthier.schema_version").fetchone()[0])
    if has_tables:
        raise StoreError(
            "the schema luthier of this database was made by another program and is left as it is; name another database"
        )
    return 0


def migrate(connection: Any, place: str, steps: Sequence[tuple[int, str]] | None = None) -> None:
    """Applies the steps the database does not have yet.

    **Holds** on return it has the newest schema; after a kill or an error, the newest one that was committed.
    **Raises** SchemaError when it is newer than the newest step.
    """
    steps = migrations("postgres") if steps is None else steps
    version = schema_version(connection)
    while version < steps[-1][0]:
        with connection.transaction():
            connection.execute(_LOCK)
            version = schema_version(connection)  # another may have been first
            following = [step for step in steps if step[0] > version]
            if following:
                number, script = following[0]
                if not connection.execute(_KNOWN).fetchone()[2]:
                    connection.execute("CREATE SCHEMA luthier")
                connection.execute(script)
                connection.execute("UPDATE luthier.schema_version SET number = %s", [number])
                version = number
    if version > steps[-1][0]:
        raise SchemaError(
            f"{place} was written by a newer Luthier (schema {version}, this one knows {steps[-1][0]}); "
            "upgrade Luthier to open it"
        )


def check_schema(connection: Any, place: str) -> None:
    """Refuses what can't be read as it is, and changes nothing.

    **Raises** NotFound where there is no store yet; SchemaError for an older or newer one.
    """
    version, newest = schema_version(connection), migrations("postgres")[-1][0]
    if version == 0:
        raise NotFound(f"there is no store at {place}; run a search first, or name one with --store")
    if version != newest:
        age = "a newer" if version > newest else "an older"
        remedy = (
            "upgrade Luthier to open it" if version > newest else "run luthier doctor to bring it up to date"
        )
        raise SchemaError(
            f"{place} was written by {age} Luthier (schema {version}, this one knows {newest}); {remedy}"
        )
