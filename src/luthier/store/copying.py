"""Copies experiments whole from one store to another, of whatever dialects, and compares what arrived.

An empty store takes them under the numbers they had. In one that has experiments the numbers of experiments, trials and
revisions are moved on by what that store has handed out, in one step for all that are copied, so that their order and
what a proposal saw stay what they were. All of it is one transaction of the store that takes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from math import isnan
from typing import Any, NamedTuple

from luthier.errors import ConflictError, StoreError
from luthier.store.rows import number_of
from luthier.store.sql_connection import SqlConnection
from luthier.store.sql_store import SqlStore

__all__ = ["Copied", "copy_experiments"]

PAGE = 200
"""So many trials, or so many times ten events, travel at once."""

Row = tuple[Any, ...]
Told = Callable[[int, int], None]

_TABLES: Mapping[str, tuple[str, ...]] = {
    "experiments": (
        "id", "identity", "project", "name", "seed", "target", "wish", "created", "changed", "revision", "numbers",
        "proposed", "trials", "reserved", "queued", "running", "waiting", "finished", "succeeded",
    ),
    "descriptions": ("experiment", "text"),
    "heard": ("nonce", "experiment", "first", "n"),
    "metrics": ("experiment", "name"),
    "trials": (
        "id", "experiment", "number", "state", "priority", "ordinal", "seed", "configuration", "proposal", "attempt",
        "stage", "outcome", "reason", "value", "exit_code", "signal", "seconds", "cpu_seconds", "peak_bytes", "aims",
        "created", "began", "ended", "revision",
    ),
    "attempts": (
        "trial", "number", "stage", "worker", "began", "ended", "command", "points", "refused", "outcome", "reason",
        "value", "exit_code", "signal", "seconds", "cpu_seconds", "peak_bytes", "aims",
    ),
    "points": ("trial", "attempt", "number", "metric", "step", "value", "time"),
    "summaries": (
        "metric", "trial", "attempt", "count", "last", "last_step", "minimum", "maximum", "total", "numbers",
    ),
    "events": ("revision", "time", "experiment", "trial", "attempt", "kind", "detail"),
    "provenance": ("digest", "text"),
    "ran_with": ("experiment", "worker", "since", "provenance"),
}  # fmt: skip
"""The columns of each table as its statements `copy_…` and `put_…` name them, in the order in which rows are written."""

_ANY_NUMBER = (
    "value",
    "last",
    "minimum",
    "maximum",
    "total",
)  # may be NaN, which dialects keep in their own way


class Copied(NamedTuple):
    """One experiment that was copied: its number before and after, and how many rows of each table it has."""

    source: int
    target: int
    rows: Mapping[str, int]


class _Shift(NamedTuple):
    """By how much the numbers of experiments, trials and revisions are moved on."""

    experiment: int
    trial: int
    revision: int


def copy_experiments(
    source: SqlStore, target: SqlStore, experiments: Sequence[int], told: Told | None = None
) -> list[Copied]:
    """Copies these experiments, the oldest first; `told` hears how many trials of all are done.

    **Holds** on return they are durable in `target` and equal what `source` has, row by row. `source` is only read.
    **Raises** NotFound for an experiment that there is not; ConflictError for one with running trials, or that `target`
    has already; StoreError where what arrived is not what was sent: then `target` has none of it.
    """
    records = [source.experiment(number) for number in sorted(experiments)]
    known = {(one.identity, one.seed, one.created): one.id for one in target.experiments()}
    for record in records:
        if record.running:
            raise ConflictError(
                f"experiment {record.id} has running trials; end them first: luthier stop {record.id}"
            )
        if (twin := known.get((record.identity, record.seed, record.created))) is not None:
            raise ConflictError(
                f"experiment {record.id} is there already, as {twin}; remove that one first to copy it anew"
            )
    all_trials, done, copied = sum(record.trials for record in records), 0, []
    there, here = source.database, target.database
    with here.transaction():
        shift = _Shift(*here.one("newest_numbers"))
        for record in records:

            def heard(n: int) -> None:
                nonlocal done
                done += n
                if told is not None:
                    told(done, all_trials)

            copied.append(_copy(there, here, record.id, shift, heard))
        last = there.one("newest_numbers")
        here.one("put_numbers", experiment=shift.experiment + last[0], trial=shift.trial + last[1])
    return copied


class _Reading:
    """One experiment as rows for another store: their numbers moved on, `metrics` called what they are called there."""

    def __init__(self, db: SqlConnection, experiment: int, shift: _Shift) -> None:
        self._db, self._experiment, self._shift = db, experiment, shift
        self.metrics: dict[int, int] = {}

    def tables(self) -> Iterator[tuple[str, list[Row]]]:
        """All rows, table by table, those of trials and events in pages."""
        for table in ("experiments", "descriptions", "heard", "metrics", "provenance", "ran_with"):
            yield table, self._rows(table)
        after = 0
        while trials := self._rows("trials", after=after, limit=PAGE):
            upto = trials[-1][_TABLES["trials"].index("number")]
            yield "trials", trials
            for table in ("attempts", "points", "summaries"):
                yield table, self._rows(table, after=after, upto=upto)
            after = upto
        revision = 0
        while events := self._rows("events", after=revision, limit=10 * PAGE):
            yield "events", events
            revision = events[-1][0] - self._shift.revision

    def _rows(self, table: str, **page: int) -> list[Row]:
        found = self._db.all(f"copy_{table}", experiment=self._experiment, **page)
        if table == "metrics":
            self.metrics = {number: number for number, _ in found}
            return [(self._experiment + self._shift.experiment, name) for _, name in found]
        return [self._moved(table, row) for row in found]

    def _moved(self, table: str, row: Row) -> Row:
        """A row with its numbers moved on."""
        by, moved = self._shift, []
        for column, value in zip(_TABLES[table], row, strict=True):
            if value is None:
                pass
            elif column in _ANY_NUMBER:
                value = number_of(value)
            elif column == "experiment" or (table, column) == ("experiments", "id"):
                value += by.experiment
            elif (table, column) == ("trials", "id") or (column == "trial" and table != "events"):
                value += by.trial
            elif column == "revision" and value:  # 0: no event has written it yet
                value += by.revision
            elif column == "metric":
                value = self.metrics[value]
            elif column == "proposal":
                value = _seen_from(value, by.revision)
            moved.append(value)
        return tuple(moved)


def _copy(
    source: SqlConnection, target: SqlConnection, experiment: int, shift: _Shift, heard: Callable[[int], None]
) -> Copied:
    """Takes one experiment across, and reads it again where it arrived."""
    sent, arrived = sha256(), sha256()
    counts = dict.fromkeys(_TABLES, 0)
    reading, number = _Reading(source, experiment, shift), experiment + shift.experiment
    for table, rows in reading.tables():
        counts[table] += len(rows)
        _put(target, table, rows)
        if table == "metrics":  # they get new numbers where they arrive
            made = target.all("copy_metrics", experiment=number)
            reading.metrics = dict(zip(reading.metrics, (row[0] for row in made), strict=True))
        if table == "trials":
            heard(len(rows))
        _add(sent, table, rows)
    for table, rows in _Reading(target, number, _Shift(0, 0, 0)).tables():
        _add(arrived, table, rows)
    if sent.digest() != arrived.digest():
        raise StoreError(
            f"experiment {experiment} did not arrive as it was, so nothing was copied; this is a bug in Luthier"
        )
    return Copied(experiment, number, counts)


def _put(target: SqlConnection, table: str, rows: Sequence[Row]) -> None:
    """Writes rows."""
    columns = _TABLES[table]
    if rows:
        target.many(
            f"put_{table}",
            [
                {c: target.number(v) if c in _ANY_NUMBER else v for c, v in zip(columns, row, strict=True)}
                for row in rows
            ],
        )


def _seen_from(proposal: str, by: int) -> str:
    """A proposal whose view of the record is told in the other store's revisions."""
    parts = json.loads(proposal)
    if by and parts.get("seen") is not None:
        parts["seen"] += by
        return json.dumps(parts, separators=(",", ":"))
    return proposal


def _add(sha: Any, table: str, rows: Sequence[Row]) -> None:
    """Adds rows, in a form that does not depend on how a dialect gives a number back."""
    for row in rows:
        sha.update(repr((table, *map(_plain, row))).encode("utf-8", "backslashreplace"))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return "nan" if isnan(value) else int(value) if value.is_integer() else value
    return value
