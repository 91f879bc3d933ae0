"""What is durable: experiments, trials, attempts and what they reported, behind a dozen verbs.

Begin with `contract.py`, the promises and the nouns. `sqlite.py`, `postgres.py` and `memory.py` keep them; the first two
share the verbs of `sql_store.py`, and each has its statements and migrations in `sql/` and a connection that opens the
database as it must be opened. The store knows no algorithm, no process
and no terminal: `drive/` calls it, `view/` reads it.
"""

from __future__ import annotations

from pathlib import Path

from luthier.clock import Clock
from luthier.store.address import address_of, keep_address
from luthier.store.contract import (
    Claim,
    Event,
    ExperimentRecord,
    Held,
    Reservation,
    Sheet,
    Sort,
    Spent,
    Store,
    SummaryRow,
    Verdict,
    Wish,
)
from luthier.store.crew import Tally, WorkerRecord
from luthier.store.location import store_folder

__all__ = [
    "Claim",
    "Event",
    "ExperimentRecord",
    "Held",
    "Reservation",
    "Sheet",
    "Sort",
    "Spent",
    "Store",
    "SummaryRow",
    "Tally",
    "Verdict",
    "Wish",
    "WorkerRecord",
    "open_store",
    "store_folder",
]


def open_store(folder: Path, clock: Clock | None = None, *, read_only: bool = False) -> Store:
    """Opens the store in `folder`, or on the server it stands for, and makes one where there is none unless it is only to
    be read.

    **Raises** NotFound when there is nothing to read; StoreError when the place can't keep a store.
    """
    if (url := address_of(folder)) is not None:
        from luthier.store.postgres import PostgresStore

        if not read_only:
            keep_address(folder, url)
        return PostgresStore(url, clock, read_only=read_only)
    from luthier.store.sqlite import SqliteStore

    return SqliteStore(folder / "store.db", clock, read_only=read_only)
