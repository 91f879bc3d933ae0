"""A large, finished experiment in seconds: for benches and for tests of pages over a hundred thousand trials.

It goes round the verbs of the store and writes rows as they would have left them, in one transaction of plain SQL.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from luthier.clock import FakeClock
from luthier.description import Algorithm, Description, Objective
from luthier.space import Categorical, Float, Integer, Parameter, Space
from luthier.store import Store
from luthier.store.sqlite import SqliteStore

__all__ = ["describe", "fill", "fill_server"]


def describe(trials: int) -> Description:
    """The experiment that is filled."""
    space = Space(
        [
            Parameter("rate", Float(0.0, 1.0)),
            Parameter("layers", Integer(1, 8)),
            Parameter("optimizer", Categorical.of(["sgd", "adam"])),
        ]
    )
    objective = Objective("loss", direction="minimize")
    return Description("/filled", space, Algorithm("random"), objective=objective, trials=trials)


def _begun(store: Store, trials: int, points: int) -> dict[str, Any]:
    """A fresh experiment, as what the statements have to know of it."""
    record, _ = store.open_experiment(describe(trials), fresh=True)
    return {
        "experiment": record.id,
        "trials": trials,
        "points": points,
        "time": record.created,
        "revision": store.revision(),
    }


def fill(path: Path, trials: int, points: int = 10) -> int:
    """Adds an experiment of `trials` finished trials with `points` points each to the store file at `path`, which
    is made where there is none. Returns the experiment's number.

    **Holds** counters, summaries, events and revisions are as if the verbs had written them.
    **Cost** about 3 s for 100,000 trials with 10 points each.
    """
    store = SqliteStore(path, FakeClock())
    values = _begun(store, trials, points)
    store.close()
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    db = sqlite3.connect(path, isolation_level=None)
    # A fresh file may be lost; and a million values come in no order, so their index should fit.
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -400000")
    db.execute("BEGIN IMMEDIATE")
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement, values)
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    db.close()
    return int(values["experiment"])


def fill_server(url: str, trials: int, points: int = 10) -> int:
    """As `fill`, in the database of a `postgresql://` URL."""
    from luthier.store.postgres import PostgresStore

    store = PostgresStore(url)
    values = _begun(store, trials, points)
    script = Path(__file__).with_name("fill_postgres.sql").read_text(encoding="utf-8")
    with store.connection.new_session() as session:
        with session.transaction():
            for statement in script.split(";\n"):
                if statement.strip():
                    session.execute(statement, values)
        session.execute("VACUUM ANALYZE")
    store.close()
    return int(values["experiment"])
