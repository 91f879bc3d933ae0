"""The verbs of the store in memory that change nothing. `memory_rows.py` has what they read."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import islice
from math import isnan
from threading import RLock
from typing import Any

from luthier.clock import Clock
from luthier.errors import NotFound
from luthier.history import History
from luthier.store.contract import BY_NUMBER, Event, ExperimentRecord, Held, Sheet, Sort, Spent, SummaryRow
from luthier.store.memory_rows import AttemptRow, ExperimentRow, TrialRow
from luthier.store.past import history_of, numbers_written
from luthier.store.waiting import polled, waited
from luthier.trial import Attempt, AttemptId, Outcome, Point, Trial, TrialState

__all__ = ["MemoryReads"]


class MemoryReads:
    """The reading half of the store in memory."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._guard = RLock()
        self._experiments: dict[int, ExperimentRow] = {}
        self._events: list[Event] = []
        self._requests: list[Event] = []  # those of them that every worker looks for
        self._revision = 0

    def experiment(self, experiment: int) -> ExperimentRecord:
        with self._guard:
            row = self._row(experiment)
            return ExperimentRecord(
                row.id,
                row.identity,
                row.seed,
                row.description,
                row.target,
                row.wish,
                row.created,
                row.changed,
                row.revision,
                row.proposed,
                len(row.trials),
                reserved=row.count(TrialState.RESERVED),
                queued=row.count(TrialState.QUEUED),
                running=row.count(TrialState.RUNNING),
                waiting=row.count(TrialState.WAITING),
                finished=row.count(TrialState.FINISHED),
                succeeded=row.succeeded,
            )

    def experiments(self) -> list[ExperimentRecord]:
        with self._guard:
            return [self.experiment(id) for id in self._experiments]

    def trial(self, experiment: int, number: int) -> Trial:
        with self._guard:
            return _trial(self._trial(experiment, number))

    def trials(
        self, experiment: int, sort: Sort = BY_NUMBER, limit: int = -1, offset: int = 0
    ) -> list[Trial]:
        with self._guard:
            known = self._experiments.get(experiment)
            if known is None:
                return []
            if sort.by == "value" and limit >= 0:
                return [_trial(row) for row in _best(known, sort, offset + limit)[offset:]]
            end = None if limit < 0 else offset + limit
            if sort.by == "number":  # as its rows are: a page need not put a million in order
                rows = (row for row in known.trials.values() if row.state is not TrialState.RESERVED)
                return [_trial(row) for row in islice(rows, offset, end)]
            return [_trial(row) for row in _sorted(list(known.trials.values()), sort)[offset:end]]

    def changed_trials(self, experiment: int, since: int) -> list[Trial]:
        with self._guard:
            rows = self._rows(experiment)
            return [
                _trial(row) for row in rows if row.revision > since and row.state is not TrialState.RESERVED
            ]

    def history(self, experiment: int) -> History:
        with self._guard:
            whole = self._row(experiment)
            trials = tuple(  # in the order of their numbers, which is that of their rows
                _trial(row, row.state is TrialState.RUNNING and self._is_lapsed(row))
                for row in whole.trials.values()
                if row.state is not TrialState.RESERVED
            )
            return history_of(whole.description, whole.target, self._revision, trials)

    def attempts(self, experiment: int, number: int) -> list[Attempt]:
        with self._guard:
            row = self._find(experiment, number)
            return (
                []
                if row is None
                else [
                    Attempt(
                        AttemptId(experiment, number, k),
                        a.worker,
                        a.began,
                        row.seed,
                        a.ended,
                        a.result,
                        a.command,
                        a.stage,
                    )
                    for k, a in enumerate(row.attempts, 1)
                ]
            )

    def spent(self, experiment: int, numbers: Sequence[int]) -> dict[int, Spent]:
        with self._guard:
            found = {number: self._find(experiment, number) for number in numbers}
            return {
                number: _spent(row.attempts)
                for number, row in found.items()
                if row is not None and row.attempts
            }

    def holds_any(self, worker: str) -> bool:
        with self._guard:
            rows = self._experiments.values()
            return any(trial.worker == worker for row in rows for trial in (*row.reserved(), *row.running()))

    def points(
        self, experiment: int, number: int, metric: str | None = None, attempt: int | None = None
    ) -> list[Point]:
        with self._guard:
            row = self._find(experiment, number)
            tries = [] if row is None else row.attempts
            chosen = [a for k, a in enumerate(tries, 1) if attempt is None or k == attempt]
            return [point for a in chosen for point in a.points if metric is None or point.metric == metric]

    def points_from(self, id: AttemptId, first: int, limit: int) -> list[Point]:
        with self._guard:
            row = self._find(id.experiment, id.trial)
            tries = [] if row is None else row.attempts[id.attempt - 1 : id.attempt]
            return [point for attempt in tries for point in attempt.points[first : first + limit]]

    def summaries(self, experiment: int, number: int) -> list[SummaryRow]:
        with self._guard:
            row = self._find(experiment, number)
            if row is None:
                return []
            return [row.summaries[name][1] for name in self._row(experiment).metrics if name in row.summaries]

    def summaries_of(
        self, experiment: int, numbers: Sequence[int] | None = None
    ) -> dict[int, list[SummaryRow]]:
        with self._guard:
            wanted = None if numbers is None else set(numbers)
            rows = [row for row in self._rows(experiment) if wanted is None or row.number in wanted]
            found = {row.number: self.summaries(experiment, row.number) for row in rows}
            return {number: summaries for number, summaries in found.items() if summaries}

    def metric_names(self, experiment: int) -> list[str]:
        with self._guard:
            return list(self._experiments[experiment].metrics) if experiment in self._experiments else []

    def unsuccessful(self, experiment: int) -> dict[Outcome, int]:
        with self._guard:
            counts: dict[Outcome, int] = {}
            for trial in _sorted(self._rows(experiment), Sort()):
                if trial.outcome is not None and trial.outcome is not Outcome.SUCCEEDED:
                    counts[trial.outcome] = counts.get(trial.outcome, 0) + 1
            return counts

    def held(self, experiment: int, dead: Sequence[str] | None = None) -> list[Held]:
        with self._guard:
            known = self._experiments.get(experiment)
            if known is None:
                return []
            if dead is not None and not dead and known.boot_id == self.clock.boot_id:
                rows = known.lapsed(self.clock.elapsed())
            else:
                rows = known.running()
            if dead is not None:
                rows = [row for row in rows if row.worker in dead or self._is_lapsed(row)]
            return [Held(row.id, row.worker or "", self._is_lapsed(row)) for row in rows]

    def lost(self, experiment: int, number: int) -> int:
        with self._guard:
            row = self._find(experiment, number)
            results = [] if row is None else [a.result for a in row.attempts]
            return sum(result is not None and result.outcome is Outcome.LOST for result in results)

    def events(self, since: int = 0, experiment: int | None = None, limit: int = -1) -> list[Event]:
        with self._guard:
            first = bisect_right(self._events, since, key=lambda event: event.revision)
            newer = (self._events[at] for at in range(first, len(self._events)))
            found = (event for event in newer if experiment is None or event.experiment == experiment)
            return list(found if limit < 0 else islice(found, limit))

    def decisions(self, experiment: int, number: int) -> list[Event]:
        found = self.events(experiment=experiment)
        return [event for event in found if event.kind == "decided" and event.trial == number]

    def end_requests(self, experiment: int, since: int = 0) -> list[Event]:
        return [one for one in self._requests if one.revision > since and one.experiment == experiment]

    def looks(self, experiment: int) -> list[Event]:
        return [event for event in self.events(experiment=experiment) if event.kind == "looked"]

    def newest_wish(self, experiment: int) -> Event | None:
        found = [event for event in self.events(experiment=experiment) if event.kind == "wished"]
        return found[-1] if found else None

    def provenance(self, id: AttemptId) -> str | None:
        with self._guard:
            attempt = self._attempt(id)
            if attempt is None:
                return None
            mine = [sheet for sheet in self.sheets(id.experiment) if sheet.worker == attempt.worker]
            before = [sheet for sheet in mine if sheet.since <= attempt.began]
            chosen = before[-1:] or mine[:1]
            return chosen[0].text if chosen else None

    def sheets(self, experiment: int) -> list[Sheet]:
        with self._guard:
            known = self._experiments.get(experiment)
            found = [] if known is None else list(known.sheets.values())
            return sorted(found, key=lambda sheet: (sheet.since, sheet.worker))

    def revision(self) -> int:
        with self._guard:
            return self._revision

    def wait(self, since: int, seconds: float) -> int:
        return waited(self.revision, since, seconds, polled)

    def close(self) -> None:
        """Does nothing: the record goes with the process."""

    # ------------------------------------------------------------------ parts

    def _row(self, experiment: int) -> ExperimentRow:
        if experiment not in self._experiments:
            raise NotFound(f"there is no experiment {experiment} in this memory; see: luthier list")
        return self._experiments[experiment]

    def _rows(self, experiment: int) -> list[TrialRow]:
        known = self._experiments.get(experiment)
        return [] if known is None else list(known.trials.values())

    def _find(self, experiment: int, number: int) -> TrialRow | None:
        known = self._experiments.get(experiment)
        return None if known is None else known.trials.get(number)

    def _trial(self, experiment: int, number: int) -> TrialRow:
        row = self._row(experiment)
        if number not in row.trials:
            raise NotFound(
                f"experiment {experiment} has no trial {number}; it has {len(row.trials)}, "
                f"see: luthier show {experiment}"
            )
        return row.trials[number]

    def _attempt(self, id: AttemptId) -> AttemptRow | None:
        """The attempt of this name, whatever became of it; None when there never was one."""
        row = self._find(id.experiment, id.trial)
        return (
            row.attempts[id.attempt - 1] if row is not None and 1 <= id.attempt <= len(row.attempts) else None
        )

    def _held_by(self, id: AttemptId) -> TrialRow | None:
        """The trial that an attempt holds; None when it holds it no longer."""
        row = self._find(id.experiment, id.trial)
        return row if row is not None and row.state is TrialState.RUNNING and row.id == id else None

    def _keys_since(self, row: ExperimentRow, revision: int) -> set[str]:
        """The configurations that were first written after a revision."""
        events = self.events(revision, row.id)
        new = [row.trials[number].proposal for event in events for number in numbers_written(event)]
        return {proposal.configuration.key for proposal in new if proposal is not None}

    def _is_lapsed(self, trial: TrialRow) -> bool:
        return trial.boot_id != self.clock.boot_id or trial.lease_until < self.clock.elapsed()

    def _event(
        self, row: ExperimentRow, kind: str, of: TrialRow | AttemptId | None = None, **detail: Any
    ) -> int:
        """Adds an event and returns the revision it made."""
        id = of.id if isinstance(of, TrialRow) else of
        now, self._revision = self.clock.now(), self._revision + 1
        trial, attempt = (id.trial, id.attempt or None) if id else (None, None)
        kept: Mapping[str, Any] = detail
        event = Event(self._revision, now, row.id, trial, attempt, kind, kept)
        self._events.append(event)
        if kind == "requested":
            self._requests.append(event)
        if kind not in (
            "stale",
            "decided",
            "looked",
            "reused",
        ):  # nothing of the experiment's own has changed
            row.changed, row.revision = now, self._revision
        return self._revision


def _trial(row: TrialRow, is_free: bool = False) -> Trial:
    """A row as a noun; the same one as last time where nothing has changed, so that what was computed of it serves."""
    state, worker = (TrialState.QUEUED, None) if is_free else (row.state, row.worker)
    known = row.shown
    if known is None or (known.revision, known.state, known.worker) != (row.revision, state, worker):
        row.shown = known = _made(row, state, worker)
    return known


def _made(row: TrialRow, state: TrialState, worker: str | None) -> Trial:
    return Trial(
        experiment=row.experiment,
        number=row.number,
        run_id=row.run_id,
        state=state,
        configuration=row.proposal.configuration if row.proposal else None,
        attempt=len(row.attempts),
        seed=row.seed,
        proposal=row.proposal,
        result=row.result,
        created=row.created,
        began=row.began,
        ended=row.ended,
        revision=row.revision,
        worker=worker,
        stage=row.stage,
    )


def _spent(attempts: Sequence[AttemptRow]) -> Spent:
    results = [a.result for a in attempts if a.result is not None]
    seconds = [r.seconds for r in results if r.seconds is not None]
    cpu_seconds = [r.cpu_seconds for r in results if r.cpu_seconds is not None]
    since = max((a.began for a in attempts if a.ended is None), default=None)
    return Spent(sum(seconds) if seconds else None, sum(cpu_seconds) if cpu_seconds else None, since)


def _best(known: ExperimentRow, sort: Sort, count: int) -> list[TrialRow]:
    """The first of a page by value. **Cost** one look at each value; only the rows that are shown are made."""
    sign = 1 if sort.smallest_first else -1
    scored = ((sign * v, n) for n, v in known.trials.scores() if v is not None and not isnan(v))
    return [known.trials[number] for _, number in heapq.nsmallest(count, scored)]


def _sorted(rows: list[TrialRow], sort: Sort) -> list[TrialRow]:
    """The trials a page shows, in its order. Ties go by number, NaN comes last."""
    rows = sorted((row for row in rows if row.state is not TrialState.RESERVED), key=lambda row: row.number)
    match sort.by:
        case "number":
            return rows
        case "running":
            return [row for row in rows if row.state is TrialState.RUNNING]
        case "not well":
            return [row for row in rows if row.outcome not in (None, Outcome.SUCCEEDED, Outcome.STOPPED)]
        case "value":
            scored = [(row.score, row) for row in rows]
            kept = [(score, row) for score, row in scored if score is not None and not isnan(score)]
        case "metric":
            kept = [
                (_score(row.summaries[sort.metric][1], sort.how), row)
                for row in rows
                if sort.metric in row.summaries
            ]
        case _:
            raise KeyError(sort.by)
    sign = 1 if sort.smallest_first else -1
    kept.sort(key=lambda pair: (isnan(pair[0]), 0.0 if isnan(pair[0]) else sign * pair[0]))
    return [row for _, row in kept]


def _score(row: SummaryRow, how: str) -> float:
    nan = float("nan")
    if how == "last":
        return row.last
    if how == "avg":
        return row.total / row.numbers if row.numbers else nan
    known = row.minimum if how == "min" else row.maximum
    return nan if known is None else known
