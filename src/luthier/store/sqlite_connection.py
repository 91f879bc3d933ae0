"""One SQLite file, opened as Luthier needs it: WAL, `synchronous=FULL`, and a fair queue for its writers.

SQLite's own busy handler polls and starves: with eight writers a claim once waited 18.6 s. So writers queue on an
exclusive `flock` of a side file before `BEGIN IMMEDIATE`; the kernel wakes them in turn and "database is locked"
does not occur. A commit returns after the disk has confirmed it. One connection may be shared by threads; it must
not be carried across a fork.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any, Self

from luthier.errors import NotFound, SchemaError, StoreError
from luthier.store.location import filesystem_type, refuse_network
from luthier.store.migrate import migrate, schema_version
from luthier.store.rows import stored_number
from luthier.store.statements import migrations, statements

__all__ = ["SqliteConnection"]

_BUG = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
WAL_BYTES = 64 * 2**20


class SqliteConnection:
    """The statements of the store on one file.

    **Raises** StoreError when the file can't be opened, is on a network file system or is not ours.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.name = str(path)
        self._sql = statements("sqlite")
        self._guard = RLock()
        self._process = os.getpid()
        self._lock: int | None = None
        self._db: sqlite3.Connection | None = None
        self._commits = 0
        self._is_spoilt = False
        try:
            if read_only:
                self._open_for_reading()
            else:
                self._open_for_writing()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreError(
                f"the store {path} could not be opened: {error}; check that it is Luthier's own file, that its "
                "folder can be written and that the disk has space, or name another with --store FOLDER"
            ) from error
        except BaseException:
            self.close()
            raise

    def _open_for_writing(self) -> None:
        folder = self.path.parent
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / ".gitignore").write_text("*\n", encoding="ascii")
        refuse_network(self.path, filesystem_type(folder))
        self._lock = os.open(f"{self.path}-writers", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # The queue also keeps two processes from turning a new file to WAL at once, which SQLite answers with "locked".
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            self._db = db = sqlite3.connect(
                self.path, isolation_level=None, timeout=30.0, check_same_thread=False, cached_statements=256
            )
            for pragma in ("synchronous = FULL", "fullfsync = ON", "foreign_keys = ON"):
                db.execute(f"PRAGMA {pragma}")
            db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
            steps = migrations("sqlite")
            if schema_version(db) != steps[-1][0]:
                db.execute("PRAGMA journal_mode = WAL")
                migrate(db, steps, str(self.path))
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _open_for_reading(self) -> None:
        if not self.path.is_file():
            raise NotFound(f"there is no store at {self.path}; run a search first, or name one with --store")
        try:
            version = self._connect_to_read("mode=ro")
        except sqlite3.OperationalError:
            # A folder that can't be written has no place for the shared index of the WAL. With no WAL there is nothing
            # it could tell, and the file can be read as it is.
            wal = Path(f"{self.path}-wal")
            if wal.exists() and wal.stat().st_size > 0:
                raise
            version = self._connect_to_read("mode=ro&immutable=1")
        newest = migrations("sqlite")[-1][0]
        if version == 0:
            raise NotFound(
                f"the store at {self.path} is empty; run a search first, or name another with --store"
            )
        if version != newest:
            age = "a newer" if version > newest else "an older"
            remedy = (
                "upgrade Luthier to open it"
                if version > newest
                else "run luthier doctor to bring it up to date"
            )
            raise SchemaError(
                f"{self.path} was written by {age} Luthier (schema {version}, this one knows {newest}); {remedy}"
            )

    def _connect_to_read(self, how: str) -> int:
        if self._db is not None:
            self._db.close()
        self._db = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{how}",
            uri=True,
            isolation_level=None,
            timeout=30.0,
            check_same_thread=False,
            cached_statements=256,
        )
        return schema_version(self._db)

    number = staticmethod(stored_number)

    @property
    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            raise StoreError(f"the store {self.path} is closed; this is a bug in Luthier")
        return self._db

    def _run(self, name: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
        try:
            return self._open.execute(self._sql[name], values)
        except _BUG:
            raise
        except sqlite3.Error as error:
            raise self._failed("read or written", error) from error

    def one(self, name: str, /, **values: Any) -> Any:
        """Runs a named statement and returns its first row, or None."""
        with self._guard:
            return self._fetch(self._run(name, values), 1)

    def all(self, name: str, /, **values: Any) -> list[Any]:
        """Runs a named statement and returns all its rows."""
        with self._guard:
            rows: list[Any] = self._fetch(self._run(name, values), -1)
            return rows

    def _fetch(self, cursor: sqlite3.Cursor, n: int) -> Any:
        try:
            return cursor.fetchone() if n == 1 else cursor.fetchall()
        except sqlite3.Error as error:
            raise self._failed("read", error) from error

    def data_version(self) -> int:
        """A number that is another one when any other connection, of this process or not, has committed since the last call."""
        with self._guard:
            try:
                return int(self._open.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise self._failed("read", error) from error

    def do(self, name: str, /, **values: Any) -> int:
        """Runs a named statement and returns how many rows it changed."""
        return self._run(name, values).rowcount

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """Runs a named statement once a row and returns how many rows it changed."""
        try:
            return self._open.executemany(self._sql[name], rows).rowcount
        except _BUG:
            raise
        except sqlite3.Error as error:
            raise self._failed("written", error) from error

    def each(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Runs a named statement once a row and returns all rows it found."""
        with self._guard:
            return [found for row in rows for found in self._fetch(self._run(name, row), -1)]

    def send(self, name: str, /, **values: Any) -> None:
        """Runs a named statement whose answer nobody asks for."""
        self._run(name, values)

    def send_many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs such a statement once a row."""
        self.many(name, rows)

    def insert(self, name: str, /, **values: Any) -> int:
        """Runs a named INSERT and returns its row's number."""
        return self._run(name, values).lastrowid or 0

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open now."""
        return self._open.in_transaction

    @contextmanager
    def transaction(self, *, narrow: bool = False) -> Iterator[None]:
        """Runs its body as one durable transaction, alone among the writers, `narrow` or not; inside another one, as a part
        of it.

        **Holds** on return (of the outermost) it is on disk; when the body raises, nothing of it is. A part that raises
        after it has written spoils the whole, also where its error is caught: half a verb is never kept.
        **Raises** StoreError when the disk is full or fails.
        """
        with self._guard:
            db = self._open
            if db.in_transaction:
                before = db.total_changes
                try:
                    yield
                except BaseException:
                    self._is_spoilt |= db.total_changes != before
                    raise
                return
            lock = self._may_write()
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._is_still_there(lock)
                self._is_spoilt = False
                with self._unit(db, "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"):
                    yield
                    if self._is_spoilt:
                        raise StoreError(
                            f"a part of a change to the store {self.path} failed after it had written, so all of it was "
                            "undone; this is a bug in Luthier"
                        )
                self._commits += 1
                if self._commits % 256 == 0:
                    self._shorten_wal(db)
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)

    @contextmanager
    def _unit(self, db: sqlite3.Connection, begin: str, end: str, undo: str) -> Iterator[None]:
        """All of its body or nothing."""
        self._control(db, begin)
        try:
            yield
            self._control(db, end)
        except BaseException:
            if db.in_transaction:  # where the disk is full, SQLite may have undone all of it already
                self._control(db, undo)
            raise

    def _control(self, db: sqlite3.Connection, statement: str) -> None:
        try:
            db.execute(statement)
        except sqlite3.Error as error:
            raise self._failed("written", error) from error

    def _may_write(self) -> int:
        if self._lock is None:
            raise StoreError(f"the store {self.path} was opened to be read; this is a bug in Luthier")
        if os.getpid() != self._process:
            raise StoreError(f"the store {self.path} was opened before a fork; each process opens its own")
        return self._lock

    def _is_still_there(self, lock: int) -> None:
        """**Raises** StoreError when the files were deleted: the system would take what is written and forget it."""
        if os.fstat(lock).st_nlink == 0:
            raise StoreError(
                f"the store {self.path} was deleted while it was in use, so nothing more can be recorded there; "
                "the same command begins anew"
            )

    def _shorten_wal(self, db: sqlite3.Connection) -> None:
        """Begins the WAL anew where readers that never pause have kept SQLite from doing so by itself."""
        with suppress(FileNotFoundError, sqlite3.Error):
            if os.stat(f"{self.path}-wal").st_size > WAL_BYTES:
                db.execute("PRAGMA busy_timeout = 200")
                try:
                    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    db.execute("PRAGMA busy_timeout = 30000")

    @contextmanager
    def snapshot(self) -> Iterator[bool]:
        """Runs several reads on one state of the record. Gives whether they see an open transaction's own changes."""
        with self._guard:
            db = self._open
            if db.in_transaction:
                yield True
                return
            with self._unit(db, "BEGIN", "COMMIT", "ROLLBACK"):
                yield False

    def _failed(self, what: str, error: Exception) -> StoreError:
        return StoreError(
            f"the store {self.path} could not be {what}: {error}; nothing acknowledged is lost, "
            "free some space or mend the disk and run the same command again"
        )

    def close(self) -> None:
        """Closes the file; may be repeated."""
        with self._guard:
            if self._db is not None:
                self._db.close()
                self._db = None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
