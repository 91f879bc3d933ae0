"""Runs of the same configuration, put together: what shows how much of a value is luck.

Trials with equal configurations are repeats of one another, for each has a seed of its own; so are the fresh trials
of a confirmation. A second attempt of one trial is none: it has the seed of the first, and would show less luck than
there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan

from luthier.history import History
from luthier.trial import Outcome, Trial

__all__ = ["Repeats", "computable", "incomparable", "repeats_of", "scores"]


@dataclass(frozen=True, slots=True)
class Repeats:
    """One configuration of a search. `trial` is its best run within the search, with `value`; `values` are those of all
    its runs, fresh ones too."""

    trial: int
    value: float
    values: tuple[float, ...]


_LARGEST = 1e150
"""Beyond this a square is infinite, and a value tells no more than that something diverged."""


def scores(trials: Iterable[Trial]) -> list[tuple[Trial, float]]:
    """The trials that succeeded with a value that can be computed with. A stopped trial's value belongs to an earlier
    step, so it can't be set beside them."""
    return [
        (trial, trial.result.value)
        for trial in trials
        if trial.result is not None
        and trial.result.outcome is Outcome.SUCCEEDED
        and trial.result.value is not None
        and _is_computable(trial.result.value)
    ]


def computable(history: History) -> History:
    """The history without the trials whose values can't be computed with."""

    def stays(trial: Trial) -> bool:
        return trial.result is None or trial.result.value is None or _is_computable(trial.result.value)

    return history._replace(trials=tuple(filter(stays, history.trials)))


def incomparable(history: History) -> int | None:
    """The number of the best succeeded trial, as the store sorts them, if its value can't be computed with, else None."""
    sign = -1.0 if history.maximize else 1.0
    losses = [
        (sign * trial.result.value, trial.number)
        for trial in history.scored
        if trial.result
        and trial.result.outcome is Outcome.SUCCEEDED
        and trial.result.value is not None
        and not isnan(trial.result.value)
    ]
    if not losses:
        return None
    loss, number = min(losses)
    return None if _is_computable(loss) else number


def _is_computable(value: float) -> bool:
    """Whether a value is a number whose square is one; NaN is not."""
    return abs(value) < _LARGEST


def repeats_of(history: History, fresh: Sequence[Trial] = ()) -> list[Repeats]:
    """The configurations of a search, the best value first; equal values go by number. `fresh` are trials elsewhere,
    that count where the search has their configuration."""
    sign = -1.0 if history.maximize else 1.0
    own = sorted(scores(history.scored), key=lambda score: (sign * score[1], score[0].number))
    runs: dict[str, tuple[Trial, list[float]]] = {}
    for trial, value in own:
        if trial.configuration is not None:
            runs.setdefault(trial.configuration.key, (trial, []))[1].append(value)
    for trial, value in scores(fresh):
        if trial.configuration is not None and trial.configuration.key in runs:
            runs[trial.configuration.key][1].append(value)
    best = {trial.number: value for trial, value in own}
    return [Repeats(trial.number, best[trial.number], tuple(values)) for trial, values in runs.values()]
