"""Where the stores of simulated worlds lie: in memory, in SQLite files, on a PostgreSQL server whose clock is turned by hand."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from luthier.clock import FakeClock
from luthier.store import Store
from luthier.store.memory import MemoryStore
from luthier.store.sqlite import SqliteStore

__all__ = ["PLACES", "Place", "memory"]

Place = Callable[[], tuple[FakeClock, Callable[[], Store]]]
"""Makes an empty store. Gives its clock, and what opens it, once for each worker."""

FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None


def memory() -> tuple[FakeClock, Callable[[], Store]]:
    """One store in memory, which all share."""
    clock = FakeClock()
    store = MemoryStore(clock)
    return clock, lambda: store


@contextmanager
def _memory() -> Iterator[Place]:
    yield memory


@contextmanager
def _sqlite() -> Iterator[Place]:
    """A file for each world, on the fastest disk; everybody has a connection of his own."""
    folder = Path(tempfile.mkdtemp(prefix="luthier-simulated-", dir=FAST))
    empty, file = folder / "empty.db", folder / "store.db"
    SqliteStore(empty, FakeClock()).close()

    def place() -> tuple[FakeClock, Callable[[], Store]]:
        for old in folder.glob("store.db*"):
            old.unlink()
        shutil.copy(empty, file)  # its tables need not be made again
        clock = FakeClock()
        return clock, lambda: SqliteStore(file, clock)

    try:
        yield place
    finally:
        shutil.rmtree(folder)


@contextmanager
def _postgres() -> Iterator[Place]:
    """A database for all worlds, emptied for each; everybody has a session of his own."""
    from luthier.store.postgres import PostgresStore
    from luthier.testing.postgres import running

    def place() -> tuple[FakeClock, Callable[[], Store]]:
        url = running().empty("simulated")
        clock = running().hand("simulated")
        return clock, lambda: PostgresStore(url, clock)

    yield place


PLACES: Mapping[str, Callable[[], AbstractContextManager[Place]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "postgres": _postgres,
}
