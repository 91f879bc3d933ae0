"""Curves as rows for other programs: long, one row a point, or wide, one row a step with a column for each metric.

Long has every attempt; only a data frame (`tables.py`) leaves the earlier ones out of it. Wide has what makes a trial's
curve (`curves.attempts_of`): steps rise, and where a step was reported more than once its newest value stands. Steps of
different folds are different ones: with folds both forms have a column for them. Trials are taken one by one and points in
pages, so that memory depends on the longest trial and not on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from luthier.store import ExperimentRecord, Store
from luthier.trial import Trial
from luthier.view.curves import ReportedCurve, curves_of, points_of

__all__ = [
    "Form",
    "Wide",
    "long_columns",
    "long_rows",
    "wide",
    "wide_columns",
    "wide_parts",
    "wide_rows",
]

Form = Literal["long", "wide"]
Row = dict[str, Any]

_HEAD = ("experiment", "trial", "run_id", "attempt")
_PAGE = 10_000


class Wide(NamedTuple):
    """The curves of a trial side by side: `steps` (n,) rise, `attempts` (n,) say who reported them last, `values`
    (n, metrics) are NaN where `known` says that there is none."""

    steps: NDArray[np.float64]
    attempts: NDArray[np.int64]
    values: NDArray[np.float64]
    known: NDArray[np.bool_]


def long_columns(record: ExperimentRecord) -> tuple[str, ...]:
    """The columns of long rows."""
    return (*_HEAD, *(("fold",) if record.description.in_folds else ()), "metric", "step", "value", "time")


def long_rows(store: Store, record: ExperimentRecord, trials: Iterable[Trial]) -> Iterator[Row]:
    """Every point of every attempt."""
    heads, in_folds = long_columns(record), record.description.in_folds
    for trial in trials:
        folds = {a.id.attempt: a.stage for a in store.attempts(record.id, trial.number)} if in_folds else {}
        for attempt in range(1, trial.attempt + 1):
            head = (record.id, trial.number, trial.run_id, attempt, *((folds[attempt],) if in_folds else ()))
            for point in points_of(store, trial, attempt):
                yield dict(zip(heads, (*head, *point), strict=True))


def wide_columns(record: ExperimentRecord, metrics: Sequence[str]) -> tuple[str, ...]:
    """The columns of wide rows."""
    names = (f"metric.{name}" for name in metrics)
    return (*_HEAD, *(("fold",) if record.description.in_folds else ()), "step", *names)


def wide_rows(
    store: Store, record: ExperimentRecord, trials: Iterable[Trial], metrics: Sequence[str]
) -> Iterator[Row]:
    """One row a step of a trial, or of each of its folds; a metric that was not reported there is None."""
    heads, in_folds = wide_columns(record, metrics), record.description.in_folds
    for trial in trials:
        for fold, found in wide_parts(store, record, trial, metrics):
            between = (fold,) if in_folds else ()
            for begin in range(0, len(found.steps), _PAGE):
                page = slice(begin, begin + _PAGE)
                values = found.values[page].astype(object)
                values[~found.known[page]] = None
                columns = (found.attempts[page].tolist(), found.steps[page].tolist(), values.tolist())
                for attempt, step, row in zip(*columns, strict=True):
                    head = (record.id, trial.number, trial.run_id, attempt, *between, step)
                    yield dict(zip(heads, (*head, *row), strict=True))


def wide_parts(
    store: Store, record: ExperimentRecord, trial: Trial, metrics: Sequence[str]
) -> Iterator[tuple[int, Wide]]:
    """A trial's curves side by side: each fold's with its number, or the whole with 0."""
    curves = curves_of(store, trial)
    if not record.description.in_folds:
        yield 0, wide(curves, metrics)
        return
    for fold in sorted({stage for curve in curves.values() for stage in set(curve.stages)}):
        yield fold, wide({name: curve.in_stage(fold) for name, curve in curves.items()}, metrics)


def wide(curves: Mapping[str, ReportedCurve], metrics: Sequence[str]) -> Wide:
    """A trial's curves side by side, in the order of `metrics`. **Cost** O(n log n)."""
    given = [curves.get(name, ReportedCurve(name)) for name in metrics]
    known = [_by_step(curve) for curve in given]
    steps = np.unique(np.concatenate([one[0] for one in known])) if known else np.empty(0)
    values = np.full((len(steps), len(metrics)), np.nan)
    is_known = np.zeros(values.shape, dtype=bool)
    attempts = np.zeros(len(steps), dtype=np.int64)
    for column, (at, reached, by) in enumerate(known):
        places = np.searchsorted(steps, at)
        values[places, column] = reached
        is_known[places, column] = True
        attempts[places] = np.maximum(attempts[places], by)
    return Wide(steps, attempts, values, is_known)


def _by_step(curve: ReportedCurve) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """A curve's steps, rising and each once, with the value and the attempt that came last."""
    steps = np.array(curve.steps, dtype=np.float64)
    order = np.argsort(steps, kind="stable")
    steps = steps[order]
    is_last = np.append(steps[1:] != steps[:-1], True) if len(steps) else np.empty(0, dtype=bool)
    kept = order[is_last]
    values, attempts = np.array(curve.values), np.array(curve.attempts, dtype=np.int64)
    return steps[is_last], values[kept], attempts[kept]
