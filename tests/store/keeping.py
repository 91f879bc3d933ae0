"""Places in which a store outlives its process, so that one test serves every kind of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from luthier.clock import Clock, FakeClock
from luthier.store import Store
from luthier.store.postgres import PostgresStore
from luthier.store.sqlite import SqliteStore
from luthier.testing.postgres import running


class Keeper(Protocol):
    """An empty store's place. Called, it opens the store once more."""

    kind: str

    def clock(self) -> FakeClock:
        """Stops time there before the first opening, and gives what moves it."""

    def __call__(self, clock: Clock | None = None, *, read_only: bool = False) -> Store: ...


class SqliteKeeper:
    kind = "sqlite"

    def __init__(self, folder: Path, name: str = "store") -> None:
        self.path = folder / f"{name}.db"

    def clock(self) -> FakeClock:
        return FakeClock()

    def __call__(self, clock: Clock | None = None, *, read_only: bool = False) -> Store:
        return SqliteStore(self.path, clock, read_only=read_only)


class PostgresKeeper:
    """The database `moving`, until its clock is asked for: then one whose clock stands still."""

    kind = "postgres"

    def __init__(self, folder: Path, name: str = "still") -> None:
        self.name, self.url = name, running().empty("moving")

    def clock(self) -> FakeClock:
        self.url = running().empty(self.name)
        return running().hand(self.name)

    def __call__(self, clock: Clock | None = None, *, read_only: bool = False) -> Store:
        return PostgresStore(self.url, clock, read_only=read_only, patience_seconds=60.0)


KEEPERS: dict[str, Callable[..., Keeper]] = {"sqlite": SqliteKeeper, "postgres": PostgresKeeper}
