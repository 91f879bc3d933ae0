"""Trials as plain rows of the table that shows them, for who reads a hundred thousand at once.

A noun for each row costs ten times what the row does. What the columns mean is said here once; who wants a trial takes the
verbs of `contract.Store`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from luthier.store.contract import ExperimentRecord, Sort, Store
from luthier.store.rows import Row, number_of
from luthier.store.sql_store import SqlStore
from luthier.trial import Trial

__all__ = ["PlainTrial", "Reported", "plain_of", "plain_trials", "reports", "some_trials"]

_NEWEST, _BEST, _OTHERS = 300, 100, 1500


class PlainTrial(NamedTuple):
    """The columns of a plain row, in their order. `outcome`, `seconds`, `reason` and `value` are the last result's, also of a
    trial that waits; without an outcome there is no result, whatever stands in them. `value` may be the text 'nan'."""

    number: int
    state: str
    outcome: str | None
    stage: int | None
    attempt: int
    created: float
    began: float | None
    ended: float | None
    seconds: float | None
    worker: str | None
    reason: str | None
    configuration: str | None
    """JSON, as `Configuration.to_json` writes it."""
    value: float | str | None
    aims: str | None
    """JSON with all objectives as `values`, where there is more than one."""
    revision: int


class Reported(NamedTuple):
    """What a trial reported last of one metric."""

    number: int
    metric: str
    last: float | None
    step: float | None


def plain_trials(store: Store, experiment: int, after: int, limit: int, every: int = 1) -> Sequence[Row]:
    """At most `limit` trials with numbers above `after` that `every` divides, by number, each as `PlainTrial` has it."""
    if isinstance(store, SqlStore):
        page = {"experiment": experiment, "after": after, "limit": limit, "every": every}
        return store.database.all("read_plain_trials", **page)
    found = (t for t in store.trials(experiment) if t.number > after and t.number % every == 0)
    return [plain_of(trial) for trial in found][:limit]


def some_trials(store: Store, record: ExperimentRecord) -> list[Row]:
    """The newest trials of a large experiment, its best ones, and others evenly chosen, by number."""
    every, newest = max(1, record.trials // _OTHERS), max(0, record.trials - _NEWEST)
    rows: list[Row] = [
        *plain_trials(store, record.id, 0, 2 * _OTHERS, every),
        *plain_trials(store, record.id, newest, 10 * _NEWEST)[-_NEWEST:],
    ]
    goal = record.description.objective
    if goal is not None:
        best = Sort("value", smallest_first=goal.direction == "minimize")
        rows += map(plain_of, store.trials(record.id, best, limit=_BEST))
    return [row for _, row in sorted({row[0]: row for row in rows}.items())]


def reports(store: Store, experiment: int, after: int, until: int) -> Iterable[Row]:
    """What the trials with numbers above `after`, up to `until`, reported last, each as `Reported` has it."""
    if isinstance(store, SqlStore):
        page = {"experiment": experiment, "after": after, "until": until}
        return store.database.all("read_plain_reports", **page)
    numbers = [t.number for t in store.trials(experiment) if after < t.number <= until]
    found = store.summaries_of(experiment, numbers) if numbers else {}
    return [Reported(n, row.metric, row.last, row.last_step) for n, rows in found.items() for row in rows]


def plain_of(trial: Trial) -> PlainTrial:
    """A trial as a plain row."""
    import json

    result = trial.result
    values = result.values if result else None
    return PlainTrial(
        trial.number,
        trial.state.value,
        result.outcome.value if result else None,
        trial.stage,
        trial.attempt,
        trial.created,
        trial.began,
        trial.ended,
        result.seconds if result else None,
        trial.worker,
        result.reason if result else None,
        trial.configuration.to_json() if trial.configuration is not None else None,
        number_of(result.value) if result else None,
        json.dumps({"values": list(values)}) if values is not None else None,
        trial.revision,
    )
