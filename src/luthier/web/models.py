"""What a model makes of an experiment, for the page: importance, slices, contours, and one step of the search after another.

Each answer costs a fit of a Gaussian process, so one is made at a time, in a thread of its own, and is kept: while the
experiment has not moved on, and while it is young beside what it cost. All of it is `view/`'s; the numbers are only given the
names the page knows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Any

import numpy as np

from luthier.clock import SystemClock
from luthier.drive.replaying import history_at, proposed_trials
from luthier.errors import NotFound
from luthier.history import History
from luthier.search.gaussian import slices
from luthier.space.domains import Domain
from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome, Trial, TrialState
from luthier.view.explaining import seen_along, taste_of
from luthier.view.figures.results import thinned
from luthier.view.importance import importance
from luthier.view.surfaces import believed_surface
from luthier.web.columns import Columns
from luthier.web.wire import number, numbers

__all__ = ["Models"]

Document = dict[str, Any]

MOST_TRIALS = 1000
"""As many results are sent beside a model, evenly chosen; it is said where there are more."""
TIMES_ITS_COST = 10.0
KEPT = 200
_NUMERIC = ("float", "integer", "normal", "lognormal")
_TOO_FEW = "Too few results to believe anything yet: a model needs two that differ."


class Models:
    """Answers about models. May be asked from several threads; one computes at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[Hashable, tuple[object, float, float, Document]] = {}
        self._guard, self._turn = Lock(), Lock()
        self._clock = SystemClock()

    def _once(self, key: Hashable, state: object, make: Callable[[], Document]) -> Document:
        """An answer that holds for a state of the experiment, or a little longer where it was dear."""
        known = self._fresh(key, state)
        if known is not None:
            return known
        with self._turn:
            known = self._fresh(key, state)
            if known is not None:
                return known
            began = self._clock.elapsed()
            made = make()
            now = self._clock.elapsed()
            with self._guard:
                self._kept.pop(key, None)
                self._kept[key] = (state, now, now - began, made)
                while len(self._kept) > KEPT:
                    del self._kept[next(iter(self._kept))]
            return made

    def _fresh(self, key: Hashable, state: object) -> Document | None:
        with self._guard:
            known = self._kept.get(key)
        if known is None:
            return None
        then, when, cost, made = known
        young = self._clock.elapsed() - when < min(TIMES_ITS_COST * cost, 60.0)
        return made if then == state or young else None

    # ------------------------------------------------------------------ answers

    def importance(self, record: ExperimentRecord, columns: Columns, metric: str) -> Document:
        """How much each parameter matters to a metric."""

        def make() -> Document:
            found = importance(record.description.space, _of(self._store, record, columns, metric))
            rows = [
                {
                    "name": share.parameter,
                    "alone": share.alone,
                    "total": share.total,
                    "low": share.low,
                    "high": share.high,
                    "clear": share.is_clear,
                }
                for share in found.shares
            ]
            return {"metric": metric, "rows": rows, "note": found.caption()}

        return self._once(("importance", record.id, metric), record.finished, make)

    def slices(self, record: ExperimentRecord, columns: Columns, metric: str, parameter: str) -> Document:
        """One parameter, while the others stay as they are in the best trial."""
        domain = _domain(record, parameter)

        def make() -> Document:
            history = _of(self._store, record, columns, metric)
            best = _best(history, [parameter])
            taste = taste_of(record.description.algorithm)
            space = record.description.space
            found = (
                slices(space, history, best.configuration, taste, [parameter])
                if best is not None and best.configuration is not None
                else []
            )
            head = {
                "parameter": parameter,
                "metric": metric,
                "scale": _scale(domain),
                "through": best and best.number,
            }
            seen, note = _seen(history, [parameter])
            if not found:
                return {**head, "x": [], "mean": [], "low": [], "high": [], "trials": seen, "note": _TOO_FEW}
            one = found[0]
            line = {
                "x": _values(domain, one.units),
                "mean": numbers(one.mean),
                "low": numbers(one.low),
                "high": numbers(one.high),
            }
            return {**head, **line, "trials": seen, "note": note}

        return self._once(("slices", record.id, metric, parameter), record.finished, make)

    def contour(
        self, record: ExperimentRecord, columns: Columns, metric: str, pair: tuple[str, str]
    ) -> Document:
        """Two parameters, while the others stay as they are in the best trial."""
        domains = [_domain(record, name) for name in pair]

        def make() -> Document:
            history = _of(self._store, record, columns, metric)
            best = _best(history, pair)
            seen, note = _seen(history, pair)
            head: Document = {
                "metric": metric,
                "parameters": list(pair),
                "scales": [_scale(one) for one in domains],
            }
            found = None
            if best is not None and best.configuration is not None:
                found = believed_surface(record.description.space, history, best.configuration, pair)
            if found is None:
                return {
                    **head,
                    "x": [],
                    "y": [],
                    "mean": [],
                    "deviation": [],
                    "trials": seen,
                    "note": _TOO_FEW,
                }
            return {
                **head,
                "x": _values(domains[0], found.units[0]),
                "y": _values(domains[1], found.units[1]),
                "mean": [numbers(row) for row in found.mean],
                "deviation": [numbers(row) for row in found.deviation],
                "trials": seen,
                "note": note,
            }

        return self._once(("contour", record.id, metric, pair), record.finished, make)

    def step(self, record: ExperimentRecord, proposal: int | None, parameter: str) -> Document:
        """What was known when a proposal was made, the first being 1: the belief along a parameter, what promised most, and what
        was tried next."""
        domain = _domain(record, parameter)
        made = [
            t
            for t in proposed_trials(self._store, record.id)
            if t.configuration and parameter in t.configuration
        ]
        if not made:
            raise NotFound(
                f"no trial of experiment {record.id} that the algorithm proposed has a {parameter}"
            )
        place = min(max(proposal or len(made), 1), len(made))
        trial = made[place - 1]

        def make() -> Document:
            return _step(self._store, record, trial, parameter, domain)

        found = self._once(("step", record.id, trial.number, parameter), trial.run_id, make)
        return {"proposal": place, "of": len(made), **found}


def _step(store: Store, record: ExperimentRecord, trial: Trial, parameter: str, domain: Domain) -> Document:
    proposal = trial.proposal
    assert proposal is not None and trial.configuration is not None, "only proposed trials are asked about"
    looked = bool(proposal.seen)
    history = history_at(store, record.id, proposal) if looked else _before(store.history(record.id), trial)
    along = seen_along(record, history, trial, parameter)
    belief = along.belief if along else None
    dots = [dot for dot in along.dots if dot.value is not None] if along else []
    seen = {
        "x": _values(domain, [dot.place for dot in dots]),
        "y": [number(dot.value) for dot in dots],
        "number": [dot.trial for dot in dots],
    }
    value = trial.configuration[parameter]
    note = (
        None
        if looked
        else "This algorithm looks at no result; this is what a Gaussian process would have believed."
    )
    head = {
        "trial": trial.number,
        "parameter": parameter,
        "scale": _scale(domain),
        "next": value.value if domain.kind in _NUMERIC else value.text,
        "seen": seen,
    }
    if belief is None:
        return {**head, "x": [], "mean": [], "deviation": [], "acquisition": [], "note": note or _TOO_FEW}
    return {
        **head,
        "x": _values(domain, belief.units),
        "mean": numbers(belief.mean),
        "deviation": numbers((belief.high - belief.low) / 3.92),
        "acquisition": numbers(belief.promise),
        "note": note,
    }


# ---------------------------------------------------------------------- parts


def _domain(record: ExperimentRecord, parameter: str) -> Domain:
    """**Raises** NotFound for what is no parameter that varies."""
    space = record.description.space
    if parameter not in space or parameter not in space.dimensions:
        raise NotFound(f"experiment {record.id} has no parameter of that name that varies")
    return space[parameter].domain


def _scale(domain: Domain) -> str:
    if domain.kind not in _NUMERIC:
        return "categories"
    return "log" if domain.kind == "lognormal" else str(getattr(domain, "scaling", "linear"))


def _values(domain: Domain, units: Sequence[float] | np.ndarray) -> list[Any]:
    """Places in the unit interval as values of a parameter: numbers, or the texts of what is listed."""
    made = [domain.from_unit(float(unit)) for unit in units]
    return [one.value for one in made] if domain.kind in _NUMERIC else [one.text for one in made]


def _of(store: Store, record: ExperimentRecord, columns: Columns, metric: str) -> History:
    """The history with a metric in the objective's place. **Raises** NotFound where nothing reported it."""
    history, goals = store.history(record.id), record.description.objectives
    if goals and metric == goals[0].metric:
        return history
    names = [goal.metric for goal in goals]
    values = columns.column("objective" if metric in names else "metrics", metric)
    if not values:
        raise NotFound(f"no trial of experiment {record.id} reported a metric of that name")
    way = next((goal.direction for goal in goals if goal.metric == metric), "minimize")
    trials = tuple(_with(trial, values.get(trial.number)) for trial in history.trials)
    return history._replace(
        trials=trials, maximize=way == "maximize", objectives=(), constraints=0, earlier=()
    )


def _with(trial: Trial, value: Any) -> Trial:
    """A trial as if it had come to a value."""
    if trial.result is None:
        return trial
    known = float(value) if value is not None else None
    return trial._replace(result=trial.result._replace(value=known, values=None, constraints=(), curve=()))


def _best(history: History, names: Sequence[str]) -> Trial | None:
    """The best succeeded trial in which all of these parameters exist."""
    kept = [
        (t.result.value, t)
        for t in history.complete
        if t.result
        and t.result.outcome is Outcome.SUCCEEDED
        and t.result.is_allowed
        and t.result.value is not None
        and np.isfinite(t.result.value)
        and t.configuration is not None
        and all(name in t.configuration for name in names)
    ]
    sign = -1.0 if history.maximize else 1.0
    return min(kept, key=lambda pair: (sign * pair[0], pair[1].number))[1] if kept else None


def _seen(history: History, names: Sequence[str]) -> tuple[Document, str | None]:
    """The results at their places, and the sentence that says where not all of them are sent."""
    kept = [
        t
        for t in history.complete
        if t.configuration is not None and all(name in t.configuration for name in names)
    ]
    shown = [kept[place] for place in thinned(len(kept), MOST_TRIALS).tolist()]
    axes: list[list[Any]] = [[], []]
    for trial in shown:
        assert trial.configuration is not None
        for axis, name in zip(axes, names, strict=False):
            value = trial.configuration[name]
            is_number = isinstance(value.value, (int, float)) and not isinstance(value.value, bool)
            axis.append(value.value if is_number else value.text)
    reached = [number(t.result.value) if t.result else None for t in shown]
    found = {"number": [t.number for t in shown], "x": axes[0], "y": reached if len(names) == 1 else axes[1]}
    if len(names) > 1:
        found["value"] = reached
    note = f"showing {len(shown):,} of {len(kept):,} results" if len(shown) < len(kept) else None
    return found, note


def _before(history: History, trial: Trial) -> History:
    """What was known when a trial began whose algorithm did not look: all of its trials may have been made at once."""
    begin = trial.began if trial.began is not None else trial.created
    known = tuple(
        t
        for t in history.trials
        if t.state is TrialState.FINISHED and t.ended is not None and t.ended <= begin
    )
    return history._replace(trials=known)
