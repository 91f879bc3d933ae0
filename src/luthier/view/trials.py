"""Trials as rows: a page of many, or everything about one.

Rows are plain: values as Python has them, texts as the user wrote them, times in seconds since 1970. A trial that
runs has the seconds it has run so far, one in stages those of all its attempts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from luthier.store import Sort, Store
from luthier.trial import Attempt, Outcome, Result, Trial
from luthier.view.curves import came_to
from luthier.view.reached import ordered, reached

if TYPE_CHECKING:
    from luthier.description import Stages
    from luthier.store import ExperimentRecord, Spent, SummaryRow

__all__ = [
    "AttemptRow",
    "MetricRow",
    "Page",
    "TrialDetail",
    "TrialRow",
    "attempt_row",
    "metric_rows",
    "spent_of",
    "trial_detail",
    "trial_page",
    "trial_row",
]


@dataclass(frozen=True, slots=True)
class MetricRow:
    """What the newest attempt of a trial reported of one metric; `fold` where it is what one fold reported. `avg` leaves NaN
    out."""

    metric: str
    count: int
    last: float
    last_step: float
    min: float | None
    max: float | None
    avg: float | None
    fold: int | None = None


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial. `metrics` holds the last value of each metric, of folds their mean, where they were asked for; `reached` all objectives where
    there are several, `came_to` how far a trial came that was stopped or waits."""

    experiment: int
    number: int
    run_id: int
    state: str
    outcome: str | None
    reason: str | None
    value: float | None
    values: dict[str, Any]
    texts: dict[str, str]
    attempt: int
    seed: int
    seconds: float | None
    peak_bytes: int | None
    created: float
    began: float | None
    ended: float | None
    worker: str | None
    metrics: dict[str, float] = field(default_factory=dict)
    reached: tuple[float, ...] | None = None
    came_to: float | None = None

    @property
    def name(self) -> str:
        """`144.7`."""
        return f"{self.experiment}.{self.number}"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One execution of a trial. `outcome` is None while it runs; `stage` is `epochs=9` or `fold 2` where trials have any.
    `mean_of` says of how many folds `value` is the mean; None without folds."""

    attempt: int
    worker: str
    outcome: str | None
    reason: str | None
    value: float | None
    exit_code: int | None
    signal: int | None
    seconds: float | None
    cpu_seconds: float | None
    peak_bytes: int | None
    began: float
    ended: float | None
    command: tuple[str, ...] | None
    stage: str | None = None
    mean_of: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some trials in an order. `total` is how many there are in all, None where counting would cost a scan."""

    rows: tuple[TrialRow, ...]
    total: int | None
    has_more: bool


@dataclass(frozen=True, slots=True)
class TrialDetail:
    """Everything about one trial. `proposed_by` and what follows say why it was tried."""

    row: TrialRow
    attempts: tuple[AttemptRow, ...]
    metrics: tuple[MetricRow, ...]
    proposed_by: str | None
    ordinal: int | None
    predicted_mean: float | None
    predicted_deviation: float | None
    note: dict[str, Any]


def spent_of(store: Store, record: ExperimentRecord, trials: Sequence[Trial]) -> dict[int, Spent]:
    """What the attempts of trials in stages took together, by number; empty without stages, where the last attempt tells.
    **Cost** one read."""
    if record.description.stages is None or not trials:
        return {}
    return store.spent(record.id, [trial.number for trial in trials])


def trial_row(
    trial: Trial, now: float, metrics: dict[str, float] | None = None, spent: Spent | None = None
) -> TrialRow:
    """A trial as a row. `spent` is what all its attempts took, where that counts."""
    result, configuration = trial.result, trial.configuration
    return TrialRow(
        experiment=trial.experiment,
        number=trial.number,
        run_id=trial.run_id,
        state=trial.state.value,
        outcome=trial.final.outcome.value if trial.final else None,
        reason=trial.final.reason if trial.final else None,
        value=result.value if result else None,
        values=configuration.values() if configuration else {},
        texts=configuration.texts() if configuration else {},
        attempt=trial.attempt,
        seed=trial.seed,
        seconds=_seconds(trial, result, now) if spent is None else _in_all(spent, now),
        peak_bytes=result.peak_bytes if result else None,
        created=trial.created,
        began=trial.began,
        ended=trial.ended,
        worker=trial.worker,
        metrics=metrics or {},
        reached=result.values if result else None,
        came_to=came_to(trial),
    )


def _seconds(trial: Trial, result: Result | None, now: float) -> float | None:
    if result:
        return result.seconds
    return max(now - trial.began, 0.0) if trial.state == "running" and trial.began is not None else None


def _in_all(spent: Spent, now: float) -> float | None:
    running = max(now - spent.since, 0.0) if spent.since is not None else None
    return spent.seconds if running is None else (spent.seconds or 0.0) + running


def attempt_row(attempt: Attempt, now: float, stages: Stages | None = None) -> AttemptRow:
    """An attempt as a row; one that runs has the seconds it has run so far."""
    result = attempt.result
    running = None if attempt.ended is not None else max(now - attempt.began, 0.0)
    return AttemptRow(
        attempt=attempt.id.attempt,
        worker=attempt.worker,
        outcome=result.outcome.value if result else None,
        reason=result.reason if result else None,
        value=result.value if result else None,
        exit_code=result.exit_code if result else None,
        signal=result.signal if result else None,
        seconds=result.seconds if result else running,
        cpu_seconds=result.cpu_seconds if result else None,
        peak_bytes=result.peak_bytes if result else None,
        began=attempt.began,
        ended=attempt.ended,
        command=attempt.command,
        stage=stages.name(attempt.stage) if stages else None,
        mean_of=_mean_of(result, stages),
    )


def _mean_of(result: Result | None, stages: Stages | None) -> int | None:
    """How many folds the value of an attempt is the mean of: its course has a point for each."""
    if result is None or result.value is None or stages is None or stages.kind != "folds":
        return None
    is_mean = result.outcome in (Outcome.SUCCEEDED, Outcome.STOPPED)
    return int(result.curve[-1][0]) if is_mean and result.curve else None


def metric_rows(summaries: Sequence[SummaryRow]) -> tuple[MetricRow, ...]:
    """What a trial reported, with its averages."""
    return tuple(
        MetricRow(
            s.metric,
            s.points,
            s.last,
            s.last_step,
            s.minimum,
            s.maximum,
            s.total / s.numbers if s.numbers else None,
        )
        for s in summaries
    )


def trial_page(
    store: Store,
    record: ExperimentRecord,
    sort: Sort,
    limit: int,
    offset: int,
    now: float,
    *,
    newest_first: bool = False,
) -> Page:
    """A page of trials with the last value of each of their metrics; of folds the mean. A negative `limit` means all.

    **Cost** one indexed read and one more a row. Where trials are run fold by fold all points of theirs are read, and by a
    metric those of all trials.
    """
    total = _total(store, record, sort)
    if newest_first and total is not None:
        return _page_from_the_end(store, record, total, limit, offset, now)
    if sort.by == "metric" and record.description.in_folds:
        trials = ordered(store, record, sort)[offset : offset + limit + 1 if limit >= 0 else None]
    else:
        trials = store.trials(record.id, sort, limit + 1 if limit >= 0 else -1, offset)
    has_more = 0 <= limit < len(trials)
    return Page(_rows(store, record, trials[:limit] if has_more else trials, now), total, has_more)


def _page_from_the_end(
    store: Store, record: ExperimentRecord, total: int, limit: int, offset: int, now: float
) -> Page:
    end = max(total - offset, 0)
    start = max(end - limit, 0) if limit >= 0 else 0
    trials = store.trials(record.id, Sort(), end - start, start)
    return Page(_rows(store, record, trials[::-1], now), total, start > 0)


def _rows(
    store: Store, record: ExperimentRecord, trials: Sequence[Trial], now: float
) -> tuple[TrialRow, ...]:
    rows, spent = [], spent_of(store, record, trials)
    for trial in trials:
        rows.append(trial_row(trial, now, reached(store, record, trial), spent.get(trial.number)))
    return tuple(rows)


def _total(store: Store, record: ExperimentRecord, sort: Sort) -> int | None:
    match sort.by:
        case "number":
            return record.trials - record.reserved
        case "running":
            return record.running
        case "not well":
            ended = store.unsuccessful(record.id)
            return sum(ended.values()) - ended.get(Outcome.STOPPED, 0)
        case _:
            return None


def trial_detail(store: Store, experiment: int, number: int, now: float) -> TrialDetail:
    """Everything the record has about one trial. **Raises** NotFound."""
    trial, record = store.trial(experiment, number), store.experiment(experiment)
    stages, spent = record.description.stages, spent_of(store, record, [trial]).get(number)
    metrics = metric_rows(store.summaries(experiment, number))
    why = trial.proposal
    return TrialDetail(
        row=trial_row(trial, now, reached(store, record, trial), spent),
        attempts=tuple(attempt_row(a, now, stages) for a in store.attempts(experiment, number)),
        metrics=metrics,
        proposed_by=why.by if why else None,
        ordinal=why.ordinal if why else None,
        predicted_mean=why.mean if why else None,
        predicted_deviation=why.deviation if why else None,
        note=dict(why.note) if why else {},
    )
