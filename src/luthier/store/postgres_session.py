"""One session with a PostgreSQL server, with the settings that the store's promises rest on."""

from __future__ import annotations

from typing import Any

from luthier.errors import StoreError
from luthier.store.postgres_address import psycopg

__all__ = ["open_session"]

# A client that is paused within a transaction holds what others wait for, so the server ends it. `remote_apply` and the like,
# which promise more than `on`, stay as they are.
_SETTINGS = """
SET search_path = luthier;
SET idle_in_transaction_session_timeout = '10s';
SET jit = off;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""


def open_session(address: dict[str, Any], name: str, read_only: bool) -> Any:
    """Connects; with `read_only`, to a session in which every write fails.

    **Raises** the library's errors; StoreError for a database that can't hold every text.
    """
    session = psycopg().connect(**address, autocommit=True, prepare_threshold=2, client_encoding="utf8")
    try:
        session.execute(_SETTINGS)
        if read_only:
            session.execute("SET default_transaction_read_only = on")
        if session.execute("SHOW server_encoding").fetchone()[0] != "UTF8":
            raise StoreError(
                f"the database {name} can't hold every text (its encoding is not UTF8); "
                "make one with: createdb --encoding=UTF8 --template=template0"
            )
    except BaseException:
        session.close()
        raise
    return session
