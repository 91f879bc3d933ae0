"""What the verbs of `sql_store.py` need of a database: named statements, transactions and snapshots.

One connection a dialect (`sqlite_connection.py`, `postgres_connection.py`) keeps this, with a folder of statements of
the same names in `sql/`. What dialects see differently stands in those statements and here, never in a verb.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

__all__ = ["SqlConnection"]


class SqlConnection(Protocol):
    """Runs the named statements of one dialect. One connection may be shared by threads, not by processes."""

    @property
    def name(self) -> str:
        """The database as errors call it; never with a password."""

    def number(self, value: float | None) -> Any:
        """What a column that may hold any number takes for `value`."""

    def one(self, name: str, /, **values: Any) -> Any:
        """Runs a named statement and returns its first row, or None."""

    def all(self, name: str, /, **values: Any) -> list[Any]:
        """Runs a named statement and returns all its rows."""

    def do(self, name: str, /, **values: Any) -> int:
        """Runs a named statement and returns how many rows it changed."""

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """Runs a named statement for every row of values and returns how many rows it changed."""

    def each(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Runs a named statement for every row of values and returns all rows it found."""

    def send(self, name: str, /, **values: Any) -> None:
        """Runs a named statement in its turn. Nobody asks for its answer, so it may travel with the next one."""

    def send_many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """As `send`, for every row of values."""

    def insert(self, name: str, /, **values: Any) -> int:
        """Runs a named INSERT and returns its row's number."""

    def transaction(self, *, narrow: bool = False) -> AbstractContextManager[None]:
        """Runs its body as one durable transaction; inside another one, as a part of it. A `narrow` one changes only what
        a worker's own attempts hold, and need not queue behind the others."""

    def snapshot(self) -> AbstractContextManager[bool]:
        """Runs several reads on one state of the record. Gives whether they see an open transaction's own changes."""

    def close(self) -> None:
        """Closes the database; may be repeated."""
