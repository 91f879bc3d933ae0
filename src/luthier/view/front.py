"""The best trade-offs of an experiment with several objectives: its front, and how the front grew.

A trial stands on the front when it keeps the constraints and no other one is as good in every objective and better in one.
The hypervolume, the volume between the front and a reference, is one number for how good a front is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.history import History
from luthier.search.pareto import ends_of, front_of, hypervolume
from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome
from luthier.view.trials import TrialRow, trial_row

__all__ = ["Front", "Growth", "best_of_each", "front", "front_places", "growth_of", "losses_of"]

Array = NDArray[np.float64]

BEYOND = 0.1
"""How far beyond the worst of the front the reference lies, as a share of the front's width."""
STEPS = 200
"""The growth of a front is measured so often at most."""


@dataclass(frozen=True, slots=True)
class Front:
    """The trials on a front, in the order of the first objective, the best first. `values` has all objectives of each;
    `allowed` of `scored` trials keep the constraints."""

    rows: tuple[TrialRow, ...]
    values: tuple[tuple[float, ...], ...]
    allowed: int
    scored: int


@dataclass(frozen=True, slots=True)
class Growth:
    """How a front grew: after `finished` results of the experiment its `volumes`, up to `reference`, which is in the
    objectives' own units."""

    finished: tuple[int, ...]
    volumes: tuple[float, ...]
    reference: tuple[float, ...]


def losses_of(history: History) -> tuple[Array, NDArray[np.bool_]]:
    """All objectives of the scored trials, turned so that less is better, and which of the trials may stand on a front: those
    that succeeded, keep the constraints and have a number for each objective. **Shapes** (n, m), (n,)."""
    losses = history.all_losses()
    well = np.array(
        [bool(t.result and t.result.outcome is Outcome.SUCCEEDED) for t in history.scored], dtype=bool
    )
    allowed = np.all(history.excesses() <= 0, axis=1)
    return losses, well & allowed & np.isfinite(losses).all(axis=1)


def front_places(history: History) -> NDArray[np.int64]:
    """The places in `history.scored` of the trials on the front, the best of the first objective first."""
    losses, kept = losses_of(history)
    places = np.flatnonzero(kept)
    on = places[front_of(losses[places])]
    return on[np.lexsort(losses[on].T[::-1])]


def best_of_each(history: History) -> list[tuple[float | None, int | None]]:
    """The best value of each objective by itself and its trial's number, among the trials that may stand on a front."""
    losses, kept = losses_of(history)
    places = np.flatnonzero(kept)
    if not len(places):
        return [(None, None)] * losses.shape[1]
    found: list[tuple[float | None, int | None]] = []
    for column, way in zip(losses.T, _ways(history), strict=True):
        place = int(places[np.argmin(column[places])])
        value = float(column[place])
        found.append((-value if way == "maximize" else value, history.scored[place].number))
    return found


def front(store: Store, record: ExperimentRecord, now: float) -> Front | None:
    """The front of an experiment; None while no trial may stand on it. **Cost** one reading of all trials."""
    history = store.history(record.id)
    places = front_places(history)
    if not len(places):
        return None
    on = [history.scored[place] for place in places.tolist()]
    values = tuple((t.result.values or (t.result.value or 0.0,)) if t.result else () for t in on)
    _, kept = losses_of(history)
    return Front(tuple(trial_row(t, now) for t in on), values, int(kept.sum()), len(history.scored))


def growth_of(history: History) -> Growth | None:
    """How the front of a history grew, in the order in which results came; None while there is none.

    **Cost** at most STEPS hypervolumes.
    """
    losses, kept = losses_of(history)
    if not kept.any():
        return None
    signs = np.array([-1.0 if way == "maximize" else 1.0 for way in _ways(history)])
    low, high = ends_of(losses[kept])
    reference = high + BEYOND * (high - low)
    came = np.argsort([t.ended or 0.0 for t in history.scored], kind="stable")
    counts = np.unique(np.linspace(1, len(came), min(STEPS, len(came))).astype(np.int64))
    volumes = []
    for count in counts.tolist():
        so_far = came[:count]
        volumes.append(hypervolume(losses[so_far[kept[so_far]]], reference))
    return Growth(tuple(counts.tolist()), tuple(volumes), tuple((signs * reference).tolist()))


def _ways(history: History) -> tuple[str, ...]:
    return history.objectives or ("maximize" if history.maximize else "minimize",)
