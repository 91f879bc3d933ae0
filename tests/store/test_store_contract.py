"""The published contract, run on both stores."""

from luthier.clock import Clock
from luthier.store import Store
from luthier.store.memory import MemoryStore
from luthier.store.sqlite import SqliteStore
from luthier.testing.store import StoreContract


class TestMemory(StoreContract):
    def make_store(self, clock: Clock) -> Store:
        return MemoryStore(clock)


class TestSqlite(StoreContract):
    def make_store(self, clock: Clock) -> Store:
        return SqliteStore(self.folder / "store.db", clock)

    reopen = make_store
