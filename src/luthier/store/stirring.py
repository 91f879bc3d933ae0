"""Whether anything was committed to a record, points of running trials among it, which make no revision.

A view that follows a search asks often, so asking is cheap: SQLite counts the commits of others in a page that every
reader has mapped (`PRAGMA data_version`, microseconds). A server is asked for its revision, and says by itself when it has
a new one (`Store.wait`); what running trials report there is looked for at each beat.
"""

from __future__ import annotations

from collections.abc import Callable

from luthier.store.contract import Store
from luthier.store.sql_store import SqlStore
from luthier.store.sqlite_connection import SqliteConnection

__all__ = ["stirring_of"]


def stirring_of(store: Store) -> Callable[[], int] | None:
    """A function whose answer is another one once somebody else has committed anything; None where only waiting tells."""
    database = store.database if isinstance(store, SqlStore) else None
    return database.data_version if isinstance(database, SqliteConnection) else None
