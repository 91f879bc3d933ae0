"""The published contract, run on all stores."""

from luthier.clock import Clock, FakeClock
from luthier.store import Store
from luthier.store.memory import MemoryStore
from luthier.store.postgres import PostgresStore
from luthier.store.sqlite import SqliteStore
from luthier.testing.postgres import running
from luthier.testing.store import StoreContract


class TestMemory(StoreContract):
    def make_store(self, clock: Clock) -> Store:
        return MemoryStore(clock)


class TestSqlite(StoreContract):
    def make_store(self, clock: Clock) -> Store:
        return SqliteStore(self.folder / "store.db", clock)

    reopen = make_store


class TestPostgres(StoreContract):
    boots = False

    def make_clock(self) -> FakeClock:
        self.url = running().empty("contract")
        return running().hand("contract")

    def make_store(self, clock: Clock) -> Store:
        return PostgresStore(self.url, clock)

    reopen = make_store
