"""One session with a PostgreSQL server, opened as Luthier needs it and opened again when it is lost.

A transaction that adds an event holds the writers' lock from its first statement to its commit, so that revisions follow
the order of commits, as on SQLite. A `narrow` one takes only the rows of a worker's own attempts; when it finds that it
has an event to add after all, it is undone and the verb comes again with the lock. `patiently` repeats what a lost
connection or a deadlock broke off: every verb may be repeated. A commit whose answer was lost is looked up by its number
on the server. Threads may share one connection, processes may not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from random import uniform
from threading import RLock
from typing import Any, TypeVar

from luthier.clock import Clock, SystemClock
from luthier.errors import StoreError, StoreUnavailable
from luthier.store.postgres_address import address, masked, psycopg
from luthier.store.postgres_migrate import check_schema, migrate
from luthier.store.postgres_session import open_session
from luthier.store.postgres_values import columns, read, written
from luthier.store.server_clock import ServerClock
from luthier.store.statements import statements

__all__ = ["PostgresConnection"]

T = TypeVar("T")

_LOCK = "SELECT pg_advisory_xact_lock(1282765928, 1), pg_current_xact_id()::text"
_NOTHING = "SELECT 1"
_NEW_EPOCH = "INSERT INTO epoch SELECT gen_random_uuid()::text WHERE NOT EXISTS (SELECT 1 FROM epoch)"
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_LOST = (
    "08",
    "57P",
    "25P03",
    "53300",
)  # the connection, the server's end, a pause within a transaction, no room
# What a server says of a visitor it will never let in; it has no number for us there, and waiting would not help.
_HOPELESS = ("authentication failed", "does not exist", "no password supplied", "pg_hba.conf")
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 5.0
_MONOTONIC = SystemClock()


class _Again(StoreUnavailable):
    """Another transaction was in the way; the verb is to be repeated."""


class _Wider(Exception):
    """A narrow transaction has an event to add; the verb is to be repeated with the writers' lock."""


class PostgresConnection:
    """The statements of the store on one database.

    **Raises** StoreUnavailable when the server can't be reached for `patience_seconds`; StoreError when the database can't
    be used as a store; with `read_only`, NotFound where there is none.
    """

    def __init__(self, url: str, clock: Clock, *, read_only: bool = False, patience_seconds: float) -> None:
        self._library = psycopg()
        self._address = address(url)
        self.name = masked(self._address)
        self.clock = ServerClock(clock)
        self._local = clock
        self._sql = statements("postgres")
        self._read_only = read_only
        self._patience = patience_seconds
        self._guard = RLock()
        self._process = os.getpid()
        self._session: Any = None
        self._depth = 0  # of transactions within one another
        self._queue: list[tuple[str, Mapping[str, Any] | None]] = []  # to be sent with the next statement
        self._locked: Any = None  # the answer to _LOCK
        self._epoch = ""  # of the server, when the session was opened
        self._opened = 0  # sessions, after the first
        self._narrow = False
        self._widely = False
        self._asking = False
        self.patiently(self._open)

    # ------------------------------------------------------------------ sessions

    def _open(self) -> None:
        try:
            self._session = session = self.new_session()
            (check_schema if self._read_only else migrate)(session, self.name)
            self._measure(session)
        except self._library.Error as error:
            raise self._failed(error, "opened") from error
        except BaseException:
            self._drop()
            raise

    def new_session(self) -> Any:
        """One more session with the same server."""
        return open_session(self._address, self.name, self._read_only)

    def _measure(self, session: Any) -> None:
        asked = self._local.elapsed()
        self.clock.measured(asked, session.execute("SELECT server_seconds()").fetchone()[0])
        if not self._read_only:
            session.execute(_NEW_EPOCH)
            self._epoch = session.execute("SELECT min(id) FROM epoch").fetchone()[0]

    def _live(self) -> Any:
        """The session; a new one where it was lost, but never within a transaction."""
        if os.getpid() != self._process:
            raise StoreError(f"the store {self.name} was opened before a fork; each process opens its own")
        if self._session is None or self._session.closed:
            if self._depth:
                raise self._unavailable("the connection was lost")
            try:
                self._session = session = self.new_session()
                self._measure(session)
                self._opened += 1
            except self._library.Error as error:
                raise self._failed(error, "opened") from error
        return self._session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(self._library.Error):
                session.close()

    # ------------------------------------------------------------------ statements

    def number(self, value: float | None) -> Any:
        """What a column that may hold any number takes: PostgreSQL knows NaN and the infinities."""
        return None if value is None else float(value)

    def one(self, name: str, /, **values: Any) -> Any:
        """Runs a named statement and returns its first row, or None."""
        with self._guard:
            row = self._run(name, written(values)).fetchone()
            return None if row is None else read(row)

    def all(self, name: str, /, **values: Any) -> list[Any]:
        """Runs a named statement and returns all its rows."""
        with self._guard:
            return [read(row) for row in self._run(name, written(values)).fetchall()]

    def do(self, name: str, /, **values: Any) -> int:
        """Runs a named statement and returns how many rows it changed."""
        return int(self._run(name, written(values)).rowcount)

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """Runs a named statement once, with a list of every value, and returns how many rows it changed."""
        return int(self._run(name, columns(rows)).rowcount) if rows else 0

    def each(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Runs a named statement once, with a list of every value, and returns all rows it found."""
        with self._guard:
            return [read(row) for row in self._run(name, columns(rows)).fetchall()] if rows else []

    def send(self, name: str, /, **values: Any) -> None:
        """Sends a named statement with the next one: nobody waits for its answer alone."""
        self._queue.append((self._sql[name], written(values)))

    def send_many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Sends a named statement, with a list of every value, with the next one."""
        if rows:
            self._queue.append((self._sql[name], columns(rows)))

    def insert(self, name: str, /, **values: Any) -> int:
        """Runs a named INSERT of an event and returns its number."""
        if self._narrow:
            raise _Wider
        return int(self.one(name, **values)[0])

    def _run(self, name: str, values: Mapping[str, Any]) -> Any:
        return self._execute(self._sql[name], values)

    def _execute(self, statement: str, values: Mapping[str, Any] | None = None) -> Any:
        session, queue, self._queue = self._live(), self._queue, []
        try:
            if not queue:
                return session.execute(statement, values)
            with session.pipeline():
                cursors = [session.execute(*each) for each in (*queue, (statement, values))]
        except self._library.Error as error:
            raise self._failed(error, "read or written") from error
        self._locked = next(
            (c for c, each in zip(cursors, queue, strict=False) if each[0] is _LOCK), self._locked
        )
        return cursors[-1]

    # ------------------------------------------------------------------ transactions

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open now."""
        return self._depth > 0

    @contextmanager
    def transaction(self, *, narrow: bool = False) -> Iterator[None]:
        """Runs its body as one durable transaction, under the writers' lock unless it is `narrow`; inside another one, as
        a part of it.

        **Holds** on return (of the outermost) it is committed; when the body raises, nothing of it is.
        **Raises** StoreUnavailable when the connection is lost within it, StoreError when the server's disk fails.
        """
        with self._guard:
            if self._depth:
                with self._part():
                    yield
                return
            if self._read_only:
                raise StoreError(f"the store {self.name} was opened to be read; this is a bug in Luthier")
            narrow = narrow and not self._widely
            lazily = self._asking
            self.patiently(lambda: self._begin(narrow, lazily))
            self._depth, self._narrow = 1, narrow
            try:
                yield
                self._commit()
            except BaseException:
                self._undo("ROLLBACK")
                raise
            finally:
                self._depth, self._narrow = 0, False

    def _begin(self, narrow: bool, lazily: bool) -> None:
        """Begins; `lazily` with the first statement, where a verb that finds the connection lost comes again as a whole.
        With the lock comes the transaction's number, by which its end can be looked up."""
        self._live()
        self._locked = None
        self._queue = [("BEGIN", None)] if narrow else [("BEGIN", None), (_LOCK, None)]
        if not lazily:
            self._execute(_NOTHING)

    def _commit(self) -> None:
        epoch = self._epoch
        try:
            said = self._execute("COMMIT").statusmessage
        except _Again:
            raise
        except StoreUnavailable:
            if self._locked is not None and self._was_committed(str(self._locked.fetchone()[1]), epoch):
                return
            raise
        if said != "COMMIT":
            raise StoreError(
                f"the store {self.name} undid what was written ({said}); this is a bug in Luthier"
            )

    def _was_committed(self, number: str, epoch: str) -> bool:
        """Asks a new session how a transaction ended whose answer to COMMIT was lost. After a crash nobody knows: another may
        have its number."""

        def ask() -> str | None:
            try:
                session = self._live()
                if self._epoch != epoch:
                    return None
                status = session.execute("SELECT pg_xact_status(%s::text::xid8)", [number]).fetchone()[0]
            except self._library.DataError:
                return None  # the server never heard of it
            except self._library.Error as error:
                raise self._failed(error, "asked") from error
            if status == "in progress":
                raise self._unavailable("it still works on what was written last")
            return str(status)

        self._depth = 0
        return self._repeat(ask) == "committed"

    @contextmanager
    def _part(self) -> Iterator[None]:
        """All of its body or nothing, within a transaction."""
        self._execute("SAVEPOINT verb")
        self._depth += 1
        try:
            yield
            self._queue.append(("RELEASE verb", None))
        except BaseException:
            self._undo("ROLLBACK TO verb; RELEASE verb")
            raise
        finally:
            self._depth -= 1

    def _undo(self, how: str) -> None:
        self._queue = []
        if self._session is not None and self._depth:
            try:
                self._session.execute(how, prepare=False)
            except self._library.Error:
                self._drop()

    @contextmanager
    def snapshot(self) -> Iterator[bool]:
        """Runs several reads on one state of the record. Gives whether they see an open transaction's own changes."""
        with self._guard:
            if self._depth:
                yield True
                return
            self._execute(_SNAPSHOT)
            self._depth = 1
            try:
                yield False
                self._execute("COMMIT")
            except BaseException:
                self._undo("ROLLBACK")
                raise
            finally:
                self._depth = 0

    # ------------------------------------------------------------------ what fails

    def patiently(self, verb: Callable[[], T]) -> T:
        """Runs a verb, again and again while the server can't be reached, for as long as the store is patient. A part of
        a transaction is not repeated alone."""
        with self._guard:
            if self._depth or self._asking:
                return verb()
            self._asking = True
            try:
                return self._repeat(verb)
            finally:
                self._asking = self._widely = False

    def _repeat(self, verb: Callable[[], T]) -> T:
        begun, pause, opened = _MONOTONIC.elapsed(), _SHORTEST_PAUSE_SECONDS, self._opened
        while True:
            try:
                return verb()
            except _Wider:
                self._widely = True
            except StoreUnavailable:
                left = self._patience - (_MONOTONIC.elapsed() - begun)
                if left <= 0:
                    raise
                if self._opened > opened:  # the server is there again
                    pause, opened = _SHORTEST_PAUSE_SECONDS, self._opened
                time.sleep(min(left, uniform(0.5, 1.0) * pause))  # no two workers come back at once
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _failed(self, error: Any, what: str) -> Exception:
        """What an error of the library means. One that is a defect of ours stays as it is."""
        errors, state = self._library.errors, error.sqlstate or ""
        if isinstance(error, (errors.DeadlockDetected, errors.SerializationFailure)):
            return _Again(
                f"{self.name}: {self._told(error)}; nothing was written, run the same command again"
            )
        is_gone = self._session is None or self._session.closed
        told = self._told(error)
        if not state and isinstance(error, self._library.OperationalError):
            is_gone = True  # the library's own, not the server's: the session is of no more use
        if (is_gone or state.startswith(_LOST)) and not any(words in told for words in _HOPELESS):
            self._drop()
            return self._unavailable(told)
        ours = (self._library.IntegrityError, self._library.ProgrammingError, self._library.DataError)
        if what != "opened" and isinstance(error, (*ours, self._library.InterfaceError)):
            return error  # type: ignore[no-any-return]
        self._drop()
        return StoreError(
            f"the store {self.name} could not be {what}: {told}; nothing acknowledged is lost, "
            "mend what the server says and run the same command again"
        )

    def _unavailable(self, why: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"the store {self.name} can't be reached: {why}; nothing acknowledged is lost, "
            "see that the server runs and run the same command again"
        )

    def _told(self, error: Any) -> str:
        """The library's words on one line, without the password should they ever hold it."""
        text, secret = " ".join(str(error).split()), str(self._address.get("password") or "")
        return text.replace(secret, "***") if secret else text

    def close(self) -> None:
        """Ends the session; may be repeated."""
        with self._guard:
            self._drop()
