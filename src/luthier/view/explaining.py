"""Why a trial was tried, and what its search believes now: all that `luthier explain` shows, gathered from the record.

A proposal that a model made is looked at with the history it saw; every other trial with what is known today. What
is drawn of it is in `text_chart.py` and `pictures.py`, the sentence that says who proposed it in `reasons.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from luthier.description import Algorithm
from luthier.drive.replaying import history_at, proposed_trials
from luthier.errors import NotFound, UsageError
from luthier.history import History, is_partial
from luthier.search.frame import Frame, frame_of
from luthier.search.gaussian import Slice, Taste, slices
from luthier.space import Configuration, Space, Value, hint
from luthier.space.domains import Domain
from luthier.store import ExperimentRecord, Store
from luthier.store.past import EXPECTED, Past
from luthier.trial import Trial
from luthier.view.experiments import best_trials
from luthier.view.predictions import Prediction, predicted
from luthier.view.reasons import reason
from luthier.view.scales import written

__all__ = ["Along", "Dot", "Rationale", "Standing", "Step", "rationale", "seen_along", "standing", "steps"]

Array = NDArray[np.float64]

_STEPS = 60


@dataclass(frozen=True, slots=True)
class Dot:
    """A trial at its place in [0, 1] along a parameter. `value` is None for one that failed, was stopped early or was still expected; `nearness`
    is 1 on the slice and falls to 0 as the other parameters differ."""

    trial: int
    place: float
    value: float | None
    state: Literal["observed", "stopped", "failed", "expected"]
    nearness: float


@dataclass(frozen=True, eq=False, slots=True)
class Along:
    """One parameter while the others stay as they are in a configuration, which stands at `chosen` in [0, 1] and has
    the `text` there. `belief` is None where too little was known for one."""

    parameter: str
    domain: Domain
    is_category: bool
    chosen: float
    text: str
    belief: Slice | None
    dots: tuple[Dot, ...]

    @property
    def influence(self) -> float:
        """How far the believed mean moves along the parameter, in the objective's unit."""
        if self.belief is None:
            return 0.0
        mean = self.belief.mean[np.isfinite(self.belief.mean)]
        with np.errstate(over="ignore"):
            return float(np.ptp(mean)) if len(mean) else 0.0

    @property
    def mean(self) -> float | None:
        """The believed mean at the configuration; None where it is no number."""
        if self.belief is None:
            return None
        with np.errstate(invalid="ignore", over="ignore"):
            mean = float(np.interp(self.chosen, self.belief.units, self.belief.mean))
        return None if np.isnan(mean) else mean


@dataclass(frozen=True, eq=False, slots=True)
class Rationale:
    """Why a trial was tried. `results` is how many its searcher knew, None where it does not look, `expected` the
    trials whose results were still to come, as they ran or were not begun; `is_then` says that `along` shows that very moment, and not today. The most influential parameter is first."""

    record: ExperimentRecord
    trial: Trial
    reason: str
    results: int | None
    expected: tuple[int, ...]
    prediction: Prediction | None
    is_then: bool
    along: tuple[Along, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Standing:
    """What a search believes now. Of its `results` so many are of trials that were `stopped` early. `expected` are the trials that run or are not begun; `along` goes through the best trial; `proposers` says who proposed how many."""

    record: ExperimentRecord
    results: int
    expected: tuple[int, ...]
    stopped: int
    failed: int
    best: Trial | None
    proposers: dict[str, int]
    along: tuple[Along, ...]
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """One proposal of a search on its way, along a single parameter."""

    trial: Trial
    results: int
    along: Along


def rationale(store: Store, record: ExperimentRecord, number: int, names: Sequence[str] = ()) -> Rationale:
    """Why a trial was tried, along all parameters that vary or those named.

    **Raises** NotFound when there is no such trial or it has no configuration yet; UsageError for a name that is no
    varying parameter of it. **Cost** one fit of the model at most, and one reading of the record.
    """
    trial = store.trial(record.id, number)
    proposal = trial.proposal
    if trial.configuration is None or proposal is None:
        raise NotFound(f"trial {trial.name} has no configuration yet; ask again in a moment")
    looked = bool(proposal.seen)
    then = history_at(store, record.id, proposal) if looked else History()
    is_then = proposal.mean is not None
    history = then if is_then else store.history(record.id)
    found = predicted([trial])
    return Rationale(
        record,
        trial,
        reason(record, proposal, then),
        results=len(then.scored) if looked else None,
        expected=tuple(t.number for t in then.expected),
        prediction=found[0] if found else None,
        is_then=is_then,
        along=_along(
            record, history, trial.configuration, names, trial.name, (proposal.ordinal or 0) if is_then else 0
        ),
    )


def standing(store: Store, record: ExperimentRecord, names: Sequence[str] = ()) -> Standing:
    """What a search believes now, through its best trial. **Raises** UsageError as `rationale` does."""
    history = store.history(record.id)
    best = best_trials(store, record, 1)
    at = best[0].configuration if best else None
    _check_names(record.description.space, names)
    return Standing(
        record,
        results=len(history.scored),
        expected=tuple(t.number for t in history.expected),
        stopped=len(history.scored) - len(history.complete),
        failed=len(history.failed),
        best=best[0] if best else None,
        proposers=dict(Counter(t.proposal.by for t in history.trials if t.proposal).most_common()),
        along=_along(record, history, at, names, best[0].name) if at is not None else (),
        predictions=predicted(history.trials),
    )


def steps(store: Store, record: ExperimentRecord, parameter: str, most: int = _STEPS) -> Iterator[Step]:
    """The search step by step along one parameter, each with what its proposal saw: at most so many, evenly spread.

    Proposals of algorithms that look at nothing, and trials in which the parameter is not active, are left out.
    **Cost** up to one fit of the model for each.
    """
    kept = [t for t in proposed_trials(store, record.id) if t.configuration and parameter in t.configuration]
    kept = [t for t in kept if t.proposal and t.proposal.seen]
    if len(kept) > most:
        kept = [kept[i] for i in np.linspace(0, len(kept) - 1, most).round().astype(int)]
    past = Past(store, record.id)
    for trial in kept:
        assert trial.proposal is not None and trial.configuration is not None, "filtered above"
        history = past.at(trial.proposal.seen, trial.proposal.note.get(EXPECTED, ()))
        turn = trial.proposal.ordinal or 0
        made = _along(record, history, trial.configuration, [parameter], trial.name, turn)
        if made:
            yield Step(trial, len(history.scored), made[0])


def seen_along(record: ExperimentRecord, history: History, trial: Trial, parameter: str) -> Along | None:
    """One parameter through a trial's configuration, as a history tells of it; None where the parameter does not exist there.
    **Cost** one fit of the model."""
    if trial.configuration is None or parameter not in trial.configuration:
        return None
    turn = (trial.proposal.ordinal or 0) if trial.proposal else 0
    made = _along(record, history, trial.configuration, [parameter], trial.name, turn)
    return made[0] if made else None


def taste_of(algorithm: Algorithm) -> Taste:
    """What counts as promising to an algorithm; expected improvement where it has no taste of its own."""
    if algorithm.name != "bayesian":
        return Taste("ei")
    settings = algorithm.settings
    return Taste(settings.get("acquisition", "ucb"), settings.get("kappa", 2.0))


# ---------------------------------------------------------------------- along one parameter


def _along(
    record: ExperimentRecord,
    history: History,
    at: Configuration,
    names: Sequence[str],
    whose: str,
    turn: int = 0,
) -> tuple[Along, ...]:
    """Every parameter that varies and exists in the configuration, or those named; the most influential first. `turn`
    is the ordinal of the proposal that is explained, if one is."""
    space = record.description.space
    _check_names(space, names)
    frame = frame_of(space)
    row = frame.encode([at])[0]
    for name in names:
        if name not in at:
            raise UsageError(f"{name} does not exist in trial {whose}, where it is not active; leave it out")
    shown = [name for name in frame.names if name in at and (not names or name in names)]
    known = {}
    if record.description.objective is not None:
        made = slices(space, history, at, taste_of(record.description.algorithm), shown, turn)
        known = {one.parameter: one for one in made}
    dots = _Dots(frame, history, row)
    found = [
        Along(
            name,
            space[name].domain,
            bool(frame.is_category[frame.column[name]]),
            float(row[frame.column[name]]),
            _short(at[name]),
            known.get(name),
            dots.along(frame.column[name]),
        )
        for name in shown
    ]
    return tuple(sorted(found, key=lambda along: -along.influence))


def _short(value: Value) -> str:
    """A value for a caption: as it was written, a drawn number with six digits."""
    drawn = isinstance(value.value, float) and repr(value.value) == value.text
    return written(value.value) if drawn else value.text


def _check_names(space: Space, names: Sequence[str]) -> None:
    for name in names:
        if name not in space:
            raise UsageError(f"there is no parameter {name!r}{hint(name, space.names)}")
        if name not in space.dimensions:
            raise UsageError(f"{name} has one value only, so nothing can be shown along it; leave it out")


class _Dots:
    """The trials of a history beside a slice through one row."""

    def __init__(self, frame: Frame, history: History, row: Array) -> None:
        parts: list[tuple[Literal["observed", "stopped", "failed", "expected"], Sequence[Trial]]] = [
            ("observed", history.complete),
            (
                "stopped",
                tuple(filter(is_partial, history.finished)),
            ),  # what it had does not lie on the same scale
            ("failed", history.failed),
            ("expected", history.expected),
        ]
        placed = [(state, t, t.configuration) for state, trials in parts for t in trials if t.configuration]
        self._trials = [(state, trial) for state, trial, _ in placed]
        self._rows = frame.encode([configuration for _, _, configuration in placed])
        self._apart = _squares(frame, self._rows, row)

    def along(self, j: int) -> tuple[Dot, ...]:
        """The trials in which column j exists, those farthest from the slice first, so that near ones lie on top."""
        others = np.delete(self._apart, j, axis=1)
        nearness = np.exp(-12.0 * others.mean(axis=1)) if others.shape[1] else np.ones(len(others))
        dots = [
            Dot(trial.number, float(u), _value(trial) if state == "observed" else None, state, float(near))
            for (state, trial), u, near in zip(self._trials, self._rows[:, j], nearness, strict=True)
            if not np.isnan(u)
        ]
        return tuple(sorted(dots, key=lambda dot: (dot.nearness, dot.trial)))


def _squares(frame: Frame, rows: Array, row: Array) -> Array:
    """Squared differences in each column; 1 between categories, and where only one of the two exists.

    **Shapes** (n, d), (d,) to (n, d).
    """
    apart = np.where(frame.is_category, rows != row, (rows - row) ** 2)
    missing, absent = np.isnan(rows), np.isnan(row)[None]
    return np.where(missing & absent, 0.0, np.where(missing | absent, 1.0, apart))


def _value(trial: Trial) -> float | None:
    return trial.result.value if trial.result else None
