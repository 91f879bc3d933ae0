"""What figures read of the record: the trials of an experiment as columns, and which of many are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from luthier.errors import UsageError
from luthier.history import History
from luthier.space import Space, Value, hint
from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome, Trial
from luthier.view import scales
from luthier.view.scales import label, written

__all__ = ["Results", "many", "read", "short", "shown", "thinned"]

Array = NDArray[np.float64]
Places = NDArray[np.intp]

_LONGEST = 28


@dataclass(frozen=True)
class Results:
    """One experiment for figures. `scored` are the trials that may be best, `values` (n,) their values."""

    store: Store
    record: ExperimentRecord
    history: History

    @property
    def space(self) -> Space:
        """The experiment's space."""
        return self.record.description.space

    @property
    def maximize(self) -> bool:
        """Whether larger is better."""
        return self.history.maximize

    @property
    def objective(self) -> str:
        """The metric, as axes name it."""
        objective = self.record.description.objective
        return label(objective.metric, _LONGEST) if objective else "value"

    @property
    def name(self) -> str:
        """What titles call the experiment."""
        name = self.record.description.name
        return label(name, _LONGEST) if name else f"experiment {self.record.id}"

    @cached_property
    def scored(self) -> tuple[Trial, ...]:
        """The trials that succeeded with a finite value of the objective and break no constraint."""
        return tuple(t for t in self._valued if t.result and t.result.is_allowed)

    @cached_property
    def broken(self) -> tuple[Trial, ...]:
        """The trials that succeeded with a finite value but break a constraint, so that they can't be best."""
        return tuple(t for t in self._valued if t.result and not t.result.is_allowed)

    @cached_property
    def _valued(self) -> tuple[Trial, ...]:
        kept = (Outcome.SUCCEEDED,)
        return tuple(t for t in self.history.scored if t.result and t.result.outcome in kept and _finite(t))

    @cached_property
    def values(self) -> Array:
        """The values of `scored`."""
        return np.array([t.result.value for t in self.scored if t.result], dtype=np.float64)

    @cached_property
    def losses(self) -> Array:
        """The values of `scored`, less is better."""
        return -self.values if self.maximize else self.values

    @cached_property
    def goodness(self) -> Array:
        """How good each of `scored` is, from 0 to 1, by its rank; equal values are equally good."""
        if not len(self.losses):
            return np.empty(0)
        _, inverse = np.unique(self.losses, return_inverse=True)
        most = max(int(inverse.max()), 1)
        return 1.0 - np.asarray(inverse, dtype=np.float64).ravel() / most

    @cached_property
    def best(self) -> int | None:
        """The place in `scored` of the best trial, the first of equals; None without any."""
        return int(np.argmin(self.losses)) if len(self.losses) else None

    @cached_property
    def failed(self) -> tuple[Trial, ...]:
        """The finished trials that have no value to be shown: they failed, were ended, or reported none that is finite.
        Those that were stopped early with a value are not among them."""
        return tuple(
            t
            for t in self.without_value()
            if t.result and (t.result.outcome is not Outcome.STOPPED or not _finite(t))
        )

    @cached_property
    def stopped(self) -> tuple[Trial, ...]:
        """The trials that were stopped early with a value, which belongs to an earlier step than the others'."""
        return tuple(
            t for t in self.without_value() if t.result and t.result.outcome is Outcome.STOPPED and _finite(t)
        )

    @property
    def failed_name(self) -> str:
        """What a legend calls `failed`."""
        is_plain = all(t.result and t.result.outcome.blames_configuration for t in self.failed)
        return "failed" if is_plain else "failed or without a value"

    def without_value(self) -> list[Trial]:
        """The finished trials that are in neither `scored` nor `broken`."""
        known = {t.number for t in self._valued}
        return [t for t in self.history.finished if t.number not in known and t.result]

    def said(self, trial: Trial) -> str:
        """What a point says on pointing: the trial, its value and its configuration."""
        value = trial.result.value if trial.result else None
        what = trial.result.outcome.value if trial.result else trial.state.value
        head = f"trial {trial.name}: {written(value) if value is not None else what}"
        goals, values = self.record.description.objectives, trial.result.values if trial.result else None
        if values is not None and len(values) == len(goals) > 1:
            reached = (f"{goal.metric} {written(one)}" for goal, one in zip(goals, values, strict=True))
            head = f"trial {trial.name}: {', '.join(reached)}"
        if trial.configuration is None:
            return head
        pairs = [f"{name}={short(trial.configuration[name])}" for name in trial.configuration]
        return "\n".join([head, *pairs[:12], *(["…"] if len(pairs) > 12 else [])])

    def parameters(self, names: Sequence[str] | None, most: int | None = None) -> tuple[str, ...]:
        """The parameters that were asked for, or the first `most` that vary. **Raises** UsageError for a name that is
        none of the space, or has one value only."""
        space = self.space
        if names is None:
            return space.dimensions[:most]
        for name in names:
            if name not in space:
                raise UsageError(f"there is no parameter {name!r}{hint(name, space.names)}")
            if name not in space.dimensions:
                raise UsageError(f"{name} has one value only, so nothing can be shown along it; leave it out")
        return tuple(dict.fromkeys(names))

    def why_nothing(self) -> str:
        """The sentence that stands for a figure of values where there are none; empty where there are some."""
        if self.record.description.objective is None:
            return "The experiment has no objective, so there are no values to show."
        if self.broken and not self.scored:
            return "No trial has met the constraints yet."
        return "" if self.scored else "No trial has succeeded with a value yet."


def _finite(trial: Trial) -> bool:
    value = trial.result.value if trial.result else None
    return value is not None and isfinite(value)


def read(store: Store, record: ExperimentRecord) -> Results:
    """Reads an experiment. **Cost** one reading of all its trials."""
    return Results(store, record, store.history(record.id))


def short(value: Value) -> str:
    """A value for a caption, not too long for one."""
    return label(scales.short(value), 40)


def thinned(count: int, most: int, kept: Places | Sequence[int] = ()) -> Places:
    """At most about `most` of `count` places, rising: those to be `kept`, and of the others every so manyth."""
    if count <= most:
        return np.arange(count)
    whole = np.zeros(count, dtype=bool)
    whole[np.asarray(kept, dtype=np.intp)[:most]] = True
    rest = np.flatnonzero(~whole)
    room = max(most - int(whole.sum()), 0)
    if room:
        whole[rest[np.linspace(0, len(rest) - 1, min(room, len(rest))).astype(np.intp)]] = True
    return np.flatnonzero(whole)


def shown(drawn: int, count: int, what: str) -> str:
    """`showing 2,000 of 10,000 trials`; empty where all are drawn."""
    return f"showing {drawn:,} of {count:,} {what}" if drawn < count else ""


def many(count: int, one: str) -> str:
    """`1 trial`, `2,000 trials`."""
    return f"{count:,} {one if count == 1 else one + 's'}"
