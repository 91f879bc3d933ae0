"""An experiment as pandas tables: one row a trial, or one row a point that was reported.

Columns have the types their values have: integers stay integers where some trials lack them too, words become
categories in the order of the space, times are datetimes in UTC. pandas is optional and loaded on first use.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.errors import UsageError
from luthier.space import hint
from luthier.space.choices import Categorical, Ordinal
from luthier.space.domains import Domain
from luthier.store import ExperimentRecord, Spent, Store
from luthier.trial import Outcome, Result, Trial
from luthier.view.curve_rows import wide_parts
from luthier.view.curves import attempts_by_stage
from luthier.view.reached import reached
from luthier.view.trials import spent_of

if TYPE_CHECKING:
    import pandas as pd

    from luthier.view.curve_rows import Form

__all__ = ["curves_frame", "trials_frame"]


def trials_frame(store: Store, record: ExperimentRecord) -> pd.DataFrame:
    """One row a trial, by number: what became of it, its value, parameters as `params.NAME` and the last value of each
    metric as `metrics.NAME`; with several objectives also each one's as `values.NAME`, with constraints `is_allowed`.

    **Raises** UsageError without pandas. **Cost** one reading of all trials, and one more for the metrics of each.
    """
    pandas = _pandas()
    trials = store.history(record.id).trials
    results, final = [t.result for t in trials], [t.final for t in trials]
    spent = spent_of(store, record, trials)
    columns: dict[str, Any] = {
        "number": _whole(pandas, [t.number for t in trials]),
        "state": pandas.Categorical([t.state.value for t in trials]),
        "outcome": pandas.Categorical(
            [r.outcome.value if r else None for r in final], [o.value for o in Outcome]
        ),
        "value": _floats(pandas, [r.value if r else None for r in results]),
    }
    columns |= _aims(pandas, record, results)
    for parameter in record.description.space.parameters:
        values = [
            t.configuration[parameter.name].value
            if t.configuration and parameter.name in t.configuration
            else None
            for t in trials
        ]
        columns[f"params.{parameter.name}"] = _column(pandas, parameter.domain, values)
    columns |= _metrics(pandas, store, record, trials)
    columns |= {
        "seconds": _floats(pandas, [_seconds(t, spent.get(t.number)) for t in trials]),
        "began": _times(pandas, [t.began for t in trials]),
        "ended": _times(pandas, [t.ended for t in trials]),
        "attempts": _whole(pandas, [t.attempt for t in trials]),
        "seed": _whole(pandas, [t.seed for t in trials]),
        "proposed_by": pandas.array([t.proposal.by if t.proposal else None for t in trials], dtype="string"),
        "reason": pandas.array([r.reason if r else None for r in final], dtype="string"),
    }
    return pandas.DataFrame(columns)


def _seconds(trial: Trial, spent: Spent | None) -> float | None:
    if spent is not None:
        return spent.seconds
    return trial.result.seconds if trial.result else None


def curves_frame(
    store: Store, record: ExperimentRecord, metric: str | None = None, form: Form = "long"
) -> pd.DataFrame:
    """The curves of one metric or of all. `long` has one row a point: trial, metric, step, value and time; `wide` one row a
    step: trial, step, and each metric as `metrics.NAME`. Where trials are run fold by fold both have the fold. Both have
    what makes a trial's curve; earlier attempts, which an exported file in the long form has too, are left out.

    **Raises** UsageError without pandas, and for a metric that nobody reported. **Cost** one reading for each trial.
    """
    pandas = _pandas()
    known = store.metric_names(record.id)
    if metric is not None and metric not in known:
        raise UsageError(f"no trial reported {metric!r}{hint(metric, known)}")
    if form not in ("long", "wide"):
        raise UsageError(f"curves are long or wide, not {form!r}{hint(form, ('long', 'wide'))}")
    if form == "wide":
        return _wide_frame(pandas, store, record, known if metric is None else [metric])
    points = [
        (trial.number, stage, point)
        for trial in store.history(record.id).trials
        for stage, attempt in attempts_by_stage(store, trial).items()
        for point in store.points(record.id, trial.number, metric, attempt)
    ]
    folds = {"fold": _whole(pandas, [stage for _, stage, _ in points])} if record.description.in_folds else {}
    return pandas.DataFrame(
        {
            "trial": _whole(pandas, [number for number, _, _ in points]),
            **folds,
            "metric": pandas.Categorical([p.metric for _, _, p in points], known),
            "step": _floats(pandas, [p.step for _, _, p in points]),
            "value": _floats(pandas, [p.value for _, _, p in points]),
            "time": _times(pandas, [p.time for _, _, p in points]),
        }
    )


def _wide_frame(pandas: Any, store: Store, record: ExperimentRecord, metrics: Sequence[str]) -> pd.DataFrame:
    parts = [
        (trial.number, fold, found)
        for trial in store.history(record.id).trials
        for fold, found in wide_parts(store, record, trial, metrics)
    ]
    values = np.concatenate([np.empty((0, len(metrics))), *(found.values for _, _, found in parts)])
    lengths = [len(found.steps) for _, _, found in parts]
    folds = np.repeat([fold for _, fold, _ in parts], lengths).astype(np.int64)
    columns: dict[str, Any] = {
        "trial": np.repeat([number for number, _, _ in parts], lengths).astype(np.int64),
        **({"fold": folds} if record.description.in_folds else {}),
        "step": np.concatenate([np.empty(0), *(found.steps for _, _, found in parts)]),
        **{f"metrics.{name}": values[:, k] for k, name in enumerate(metrics)},
    }
    return pandas.DataFrame(columns)


def _aims(pandas: Any, record: ExperimentRecord, results: Sequence[Result | None]) -> dict[str, Any]:
    """All objectives where there are several, and whether the constraints were kept where there are any."""
    what, columns = record.description, dict[str, Any]()
    for k, objective in enumerate(what.objectives if what.also else ()):
        reached = [r.values[k] if r and r.values is not None and len(r.values) > k else None for r in results]
        columns[f"values.{objective.metric}"] = _floats(pandas, reached)
    if what.constraints:
        allowed = [r.is_allowed if r and r.constraints else None for r in results]
        columns["is_allowed"] = pandas.array(allowed, dtype="boolean")
    return columns


def _pandas() -> Any:
    try:
        return import_module("pandas")
    except ImportError:
        raise UsageError(
            "a table needs pandas, which is not installed; pip install 'luthier[pandas]', or use "
            "luthier export for a CSV file"
        ) from None


def _metrics(pandas: Any, store: Store, record: ExperimentRecord, trials: Sequence[Trial]) -> dict[str, Any]:
    """The last value of each metric; of folds the mean."""
    known = store.metric_names(record.id)
    lasts = [reached(store, record, trial) if known else {} for trial in trials]
    return {f"metrics.{name}": _floats(pandas, [last.get(name) for last in lasts]) for name in known}


def _whole(pandas: Any, values: Sequence[int]) -> Any:
    return pandas.array(values, dtype="int64")


def _floats(pandas: Any, values: Sequence[float | None]) -> Any:
    return pandas.array(values, dtype="Float64").to_numpy(dtype="float64", na_value=float("nan"))


def _times(pandas: Any, values: Sequence[float | None]) -> Any:
    return pandas.to_datetime(pandas.Series(list(values), dtype="float64"), unit="s", utc=True)


def _kind(domain: Domain) -> type:
    """The type of a range's values."""
    return int if domain.kind == "integer" or getattr(domain, "type", "float") == "int" else float


def _column(pandas: Any, domain: Domain, values: Sequence[Any]) -> Any:
    """The values of a parameter as a column of their own type; None where it does not exist."""
    is_whole = all(value is not None for value in values)
    choices = [choice.value for choice in domain.choices] if isinstance(domain, Categorical) else None
    kinds = {type(choice) for choice in choices} if choices is not None else {_kind(domain)}
    if kinds == {bool}:
        return pandas.array(values, dtype="bool" if is_whole else "boolean")
    if kinds == {int}:
        return pandas.array(values, dtype="int64" if is_whole else "Int64")
    if kinds <= {int, float}:
        return _floats(pandas, values)
    if kinds == {str} and choices is not None:
        return pandas.Categorical(values, choices, ordered=isinstance(domain, Ordinal))
    return pandas.Series(list(values), dtype="object")
