"""What runs reported, as Spell had it: (timestamp, index, value)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from luthier.metrics import matching_name
from luthier.store import Store
from luthier.trial import Trial
from luthier.view.curves import attempts_of, points_of

__all__ = ["Measured", "measured", "names_of"]


class Measured(NamedTuple):
    """One value of a metric. `step` is a whole number where the step was one."""

    metric: str
    timestamp: datetime
    step: float
    value: float


def measured(store: Store, trial: Trial, metric: str | None = None) -> Iterator[Measured]:
    """The values a run reported, of one metric or all, in their order."""
    wanted = metric
    if metric is not None:
        wanted = matching_name(metric, names_of(store, trial)) or metric
    for attempt in attempts_of(store, trial):
        for point in points_of(store, trial, attempt):
            if wanted in (None, point.metric):
                step = int(point.step) if float(point.step).is_integer() else point.step
                yield Measured(point.metric, datetime.fromtimestamp(point.time, UTC), step, point.value)


def names_of(store: Store, trial: Trial) -> list[str]:
    """The metrics a run reported, in the order of their names."""
    return sorted(row.metric for row in store.summaries(trial.experiment, trial.number))
