"""Reading the record from a database: every verb of `contract.Store` that changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence

from luthier.clock import Clock
from luthier.description import Description
from luthier.errors import NotFound
from luthier.history import History
from luthier.store.contract import (
    BY_NUMBER,
    Event,
    ExperimentRecord,
    Held,
    Sheet,
    Sort,
    Spent,
    SummaryRow,
)
from luthier.store.past import history_of
from luthier.store.rows import (
    Row,
    attempt_of,
    event_of,
    experiment_of,
    number_of,
    storable,
    summary_of,
    trial_of,
)
from luthier.store.sql_connection import SqlConnection
from luthier.store.waiting import polled, waited
from luthier.trial import Attempt, AttemptId, Outcome, Point, Trial, TrialState

__all__ = ["SqlReads"]

_PAGES = {"running": "page_running", "not well": "page_not_well"}
_FAR = 1000
"""So many rows are counted off faster than it is found out that they need not be."""


class SqlReads:
    """The reading half of a store; needs no lock and never makes a writer wait."""

    def __init__(self, db: SqlConnection, clock: Clock) -> None:
        self._db = db
        self.clock = clock
        self._descriptions: dict[int, tuple[str, Description]] = {}
        self._histories: dict[int, tuple[int, dict[int, Trial]]] = {}
        self._newest: dict[int, tuple[frozenset[AttemptId], History]] = {}

    @property
    def database(self) -> SqlConnection:
        """What the verbs run on, for what copies rows from one store to another."""
        return self._db

    def experiment(self, experiment: int) -> ExperimentRecord:
        row = self._db.one("read_experiment", experiment=experiment)
        if row is None:
            raise self._unknown(experiment)
        return self._record(row)

    def experiments(self) -> list[ExperimentRecord]:
        return [self._record(row) for row in self._db.all("read_experiments")]

    def _record(self, row: Row) -> ExperimentRecord:
        """Parses a description only when its text is another than last time."""
        known = self._descriptions.get(row[0])
        if known is None or known[0] != row[3]:
            known = (row[3], Description.from_dict(json.loads(row[3])))
            self._descriptions[row[0]] = known
        return experiment_of(row, known[1])

    def _unknown(self, experiment: int) -> NotFound:
        return NotFound(f"there is no experiment {experiment} in {self._db.name}; see: luthier list")

    def _no_trial(self, experiment: int, number: int) -> NotFound:
        n = self.experiment(experiment).trials
        return NotFound(
            f"experiment {experiment} has no trial {number}; it has {n}, see: luthier show {experiment}"
        )

    def trial(self, experiment: int, number: int) -> Trial:
        row = self._db.one("read_trial", experiment=experiment, number=number)
        if row is None:
            raise self._no_trial(experiment, number)
        return trial_of(row)

    def trials(
        self, experiment: int, sort: Sort = BY_NUMBER, limit: int = -1, offset: int = 0
    ) -> list[Trial]:
        page = {"experiment": experiment, "limit": limit, "offset": offset}
        if sort.by == "number":
            rows = self._by_number(experiment, limit, offset)
        elif sort.by == "value":
            rows = self._db.all("best_down" if sort.smallest_first else "best_up", **page)
        elif sort.by == "metric":
            down = int(sort.smallest_first)
            rows = self._db.all(
                "page_by_metric", metric=storable(sort.metric), how=sort.how, down=down, **page
            )
        else:
            rows = self._db.all(_PAGES[sort.by], **page)
        return [trial_of(row) for row in rows]

    def _by_number(self, experiment: int, limit: int, offset: int) -> list[Row]:
        """A page by number. One that is far away is found by its numbers where no number is missing, which is nearly always."""
        page = {"experiment": experiment, "limit": limit}
        if offset <= _FAR:
            return self._db.all("page_by_number", offset=offset, skip=0, **page)
        with self._db.snapshot():
            known = self._db.one("are_first", experiment=experiment, n=offset)
            skip = offset if known is not None and known[0] else 0
            return self._db.all("page_by_number", offset=offset - skip, skip=skip, **page)

    def changed_trials(self, experiment: int, since: int) -> list[Trial]:
        if since <= 0:
            return [trial_of(row) for row in self._db.all("read_trials", experiment=experiment)]
        rows = self._db.all("changed_trials", experiment=experiment, since=since)
        return sorted((trial_of(row) for row in rows), key=lambda trial: trial.number)

    def history(self, experiment: int) -> History:
        """All trials, frozen. Only those that changed since the last call are read."""
        with self._db.snapshot() as is_open:
            revision, record = self.revision(), self.experiment(experiment)
            seen, trials = self._histories.get(experiment, (0, {}))
            if seen == 0:
                rows = self._db.all("read_trials", experiment=experiment)
            else:
                rows = self._db.all("changed_trials", experiment=experiment, since=seen)
            lapsed = frozenset(AttemptId(experiment, *row[:2]) for row in self._lapsed(experiment))
            newest = self._newest.get(experiment)
            if rows or newest is None or newest[0] != lapsed:
                trials = {**trials, **{row[1]: trial_of(row) for row in rows}}
                frozen = tuple(trials[number] for number in sorted(trials))
                if lapsed:
                    frozen = tuple(_free(trial, lapsed) for trial in frozen)
            else:
                frozen = newest[1].trials
            if newest is None or newest[1].trials is not frozen or newest[1].revision != revision:
                newest = (lapsed, history_of(record.description, record.target, revision, frozen))
            if not is_open:  # what an open transaction shows may yet be undone
                self._histories[experiment], self._newest[experiment] = (revision, trials), newest
            return newest[1]

    def _lapsed(self, experiment: int) -> list[Row]:
        """The number, attempt and worker of those that run, but whose lease is over, by number."""
        now, boot_id = self.clock.elapsed(), self.clock.boot_id
        return sorted(self._db.all("lapsed", experiment=experiment, boot_id=boot_id, now=now))

    def attempts(self, experiment: int, number: int) -> list[Attempt]:
        rows = self._db.all("read_attempts", experiment=experiment, number=number)
        return [attempt_of(experiment, number, row) for row in rows]

    def spent(self, experiment: int, numbers: Sequence[int]) -> dict[int, Spent]:
        rows = self._db.all("read_spent", experiment=experiment, numbers=json.dumps(list(numbers)))
        return {row[0]: Spent(*row[1:]) for row in rows}

    def holds_any(self, worker: str) -> bool:
        return bool(self._db.one("holds_any", worker=storable(worker))[0])

    def points(
        self, experiment: int, number: int, metric: str | None = None, attempt: int | None = None
    ) -> list[Point]:
        name = None if metric is None else storable(metric)
        rows = self._db.all("read_points", experiment=experiment, number=number, metric=name, attempt=attempt)
        return [Point(name, step, _known(value), time) for name, step, value, time, _ in rows]

    def points_from(self, id: AttemptId, first: int, limit: int) -> list[Point]:
        place = {"experiment": id.experiment, "number": id.trial, "attempt": id.attempt}
        rows = self._db.all("read_points_from", first=first, limit=limit, **place)
        return [Point(name, step, _known(value), time) for name, step, value, time in rows]

    def summaries(self, experiment: int, number: int) -> list[SummaryRow]:
        return [
            summary_of(row[1:])
            for row in self._db.all("read_summaries", experiment=experiment, number=number)
        ]

    def summaries_of(
        self, experiment: int, numbers: Sequence[int] | None = None
    ) -> dict[int, list[SummaryRow]]:
        if numbers is None:
            rows = self._db.all("read_all_summaries", experiment=experiment)
        else:
            rows = self._db.all("read_summaries_of", experiment=experiment, numbers=json.dumps(list(numbers)))
        found: dict[int, list[SummaryRow]] = {}
        for number, *row in rows:
            found.setdefault(number, []).append(summary_of(row))
        return found

    def metric_names(self, experiment: int) -> list[str]:
        return [row[0] for row in self._db.all("read_metric_names", experiment=experiment)]

    def unsuccessful(self, experiment: int) -> dict[Outcome, int]:
        return {Outcome(name): n for name, n in self._db.all("count_not_well", experiment=experiment)}

    def held(self, experiment: int, dead: Sequence[str] | None = None) -> list[Held]:
        if dead is not None and not dead:
            lapsed = self._lapsed(experiment)
            return [Held(AttemptId(experiment, *row[:2]), row[2], lapsed=True) for row in lapsed]
        rows = self._db.all(
            "held", experiment=experiment, boot_id=self.clock.boot_id, now=self.clock.elapsed()
        )
        all_held = [Held(AttemptId(experiment, row[0], row[1]), row[2], bool(row[3])) for row in rows]
        return [one for one in all_held if dead is None or one.lapsed or one.worker in dead]

    def lost(self, experiment: int, number: int) -> int:
        return int(self._db.one("count_lost", experiment=experiment, number=number)[0])

    def events(self, since: int = 0, experiment: int | None = None, limit: int = -1) -> list[Event]:
        name = "read_events" if experiment is None else "read_events_of"
        return [event_of(row) for row in self._db.all(name, since=since, experiment=experiment, limit=limit)]

    def decisions(self, experiment: int, number: int) -> list[Event]:
        return [event_of(row) for row in self._db.all("read_decisions", experiment=experiment, trial=number)]

    def end_requests(self, experiment: int, since: int = 0) -> list[Event]:
        return [event_of(row) for row in self._db.all("read_requests", experiment=experiment, since=since)]

    def looks(self, experiment: int) -> list[Event]:
        return [event_of(row) for row in self._db.all("read_looks", experiment=experiment)]

    def newest_wish(self, experiment: int) -> Event | None:
        row = self._db.one("read_newest_wish", experiment=experiment)
        return None if row is None else event_of(row)

    def provenance(self, id: AttemptId) -> str | None:
        place = {"experiment": id.experiment, "number": id.trial, "attempt": id.attempt}
        row = self._db.one("read_provenance", **place)
        return None if row is None else str(row[0])

    def sheets(self, experiment: int) -> list[Sheet]:
        return [Sheet(*row) for row in self._db.all("read_sheets", experiment=experiment)]

    def revision(self) -> int:
        return int(self._db.one("newest_revision")[0])

    def wait(self, since: int, seconds: float) -> int:
        return waited(self.revision, since, seconds, polled)

    def close(self) -> None:
        self._db.close()


def _free(trial: Trial, lapsed: frozenset[AttemptId]) -> Trial:
    """A trial whose lease is over, as one that waits for the next worker."""
    if (
        trial.state is TrialState.RUNNING
        and AttemptId(trial.experiment, trial.number, trial.attempt) in lapsed
    ):
        return trial._replace(state=TrialState.QUEUED, worker=None)
    return trial


def _known(stored: float | str | None) -> float:
    value = number_of(stored)
    return float("nan") if value is None else value
