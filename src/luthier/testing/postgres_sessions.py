"""Sessions that outlive the store which opened them, for tests that open hundreds of stores and harm none.

    with lent_sessions():
        PostgresStore(url).close()      # the session stays, and is the next store's

A new session costs 10 ms, and its first statements as much again, because the server plans them and reads its catalogue
anew. What a store does with its session stays as it is; one that was lost, or left within a transaction, is not lent again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from luthier.store import postgres_connection

__all__ = ["lent_sessions"]


class _Lent:
    """A session until its borrower closes it."""

    def __init__(self, session: Any, shelf: list[Any]) -> None:
        self._session, self._shelf, self._is_back = session, shelf, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    @property
    def closed(self) -> bool:
        return self._is_back or bool(self._session.closed)

    def close(self) -> None:
        if self._is_back:
            return
        self._is_back = True
        if not self._session.closed and self._session.info.transaction_status.name == "IDLE":
            self._shelf.append(self._session)
        else:
            self._session.close()


@contextmanager
def lent_sessions() -> Iterator[None]:
    """Has the stores of this process lend one another their sessions, for as long as the body lasts."""
    opened_by = vars(postgres_connection)
    original, shelves = opened_by["open_session"], dict[tuple[str, bool], list[Any]]()

    def borrowed(address: dict[str, Any], name: str, read_only: bool) -> Any:
        shelf = shelves.setdefault((repr(sorted(address.items())), read_only), [])
        while shelf:
            session = shelf.pop()
            if not session.closed:
                return _Lent(session, shelf)
        return _Lent(original(address, name, read_only), shelf)

    opened_by["open_session"] = borrowed
    try:
        yield
    finally:
        opened_by["open_session"] = original
        for shelf in shelves.values():
            for session in shelf:
                session.close()
