"""What a trial's metrics came to, a number each, for tables, files and orders.

It is what the newest attempt reported, which the record keeps summed up. Of folds each attempt is one: there a metric is the
mean of what the folds came to, as the objective is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from luthier.metrics import summarize
from luthier.view.curves import attempts_by_stage, points_of

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord, Sort, Store, SummaryRow
    from luthier.trial import Trial

__all__ = ["How", "ordered", "reached"]

How = Literal["last", "min", "max", "avg"]


def reached(store: Store, record: ExperimentRecord, trial: Trial, how: How = "last") -> dict[str, float]:
    """The metrics of a trial by their names; of folds the means over those that reported them.

    **Cost** one indexed read; of folds one of all its points.
    """
    if not record.description.in_folds:
        rows = store.summaries(trial.experiment, trial.number)
        known = {row.metric: _value(row, how) for row in rows}
        return {metric: value for metric, value in known.items() if value is not None}
    folds: dict[str, list[float]] = {}
    for attempt in attempts_by_stage(store, trial).values():
        for metric, summary in summarize(points_of(store, trial, attempt)).items():
            folds.setdefault(metric, []).append(summary.value(how))
    return {metric: sum(values) / len(values) for metric, values in folds.items()}


def _value(row: SummaryRow, how: How) -> float | None:
    match how:
        case "last":
            return row.last
        case "min":
            return row.minimum
        case "max":
            return row.maximum
        case "avg":
            return row.total / row.numbers if row.numbers else None


def ordered(store: Store, record: ExperimentRecord, sort: Sort) -> list[Trial]:
    """The trials in folds that reported a metric, in the order of its means: the store knows the last folds' alone. Ties go
    by number, NaN comes last. **Cost** one reading of all points."""
    how: How = next(how for how in ("last", "min", "max", "avg") if how == sort.how)
    known = (
        (trial, reached(store, record, trial, how).get(sort.metric)) for trial in store.trials(record.id)
    )
    found = [(trial, value) for trial, value in known if value is not None]
    sign = 1.0 if sort.smallest_first else -1.0
    found.sort(key=lambda pair: (pair[1] != pair[1], sign * pair[1] if pair[1] == pair[1] else 0.0))
    return [trial for trial, _ in found]
