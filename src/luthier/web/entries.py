"""Experiments as the page lists them, and one of them with all that describes it.

What is derived here is `view/`'s; this only gives it the names the page knows. An entry is made again only when its
experiment has changed, or somebody began or ceased to work on it.
"""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from threading import Lock
from typing import Any

from luthier.clock import Clock, SystemClock
from luthier.drive.ending import is_active
from luthier.space.domains import Domain
from luthier.space.parameter import Parameter
from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome, Trial, TrialState
from luthier.view.experiments import best_trials, experiment_row, is_asked
from luthier.view.scales import written
from luthier.view.verdicts import command_line
from luthier.web.wire import number, plain

__all__ = ["Entries", "details"]

Document = dict[str, Any]

_KINDS = {"integer": "int", "categorical": "choice", "normal": "float", "lognormal": "float"}
_RATE_OF = 64
"""The rate of a search is that of so many trials, the newest."""
_RATE_SECONDS = 2.0
"""How long it holds: what it costs grows with the trials there are."""


_DRAWN, _DRAWN_TRIALS, _DRAW_SECONDS = 100, 5000, 0.1
_REDRAWN_SECONDS, _REDRAWN_TIMES_ITS_COST = 1.0, 30.0
"""A small line is drawn anew so long after it was drawn at the earliest, for it takes all trials."""
_PLACES = 40
"""The small line of an experiment has so many places at most."""


class Entries:
    """Makes entries, and keeps those that still hold. May be asked from several threads."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()
        self._known: dict[int, tuple[tuple[object, ...], Document]] = {}
        self._rates: dict[int, tuple[float, float | None]] = {}
        self._sparks: dict[int, tuple[int, list[float]]] = {}
        self._redrawn: dict[int, float] = {}  # when a line may be drawn anew
        self._guard = Lock()

    def entry(self, store: Store, record: ExperimentRecord) -> Document:
        """One experiment."""
        active, asked = is_active(store, self._folder, record.id), is_asked(store, record)
        with self._guard:
            key = (record.revision, active, asked)
            known = self._known.get(record.id)
            if known is None or known[0] != key:
                known = (key, _entry(store, record, active))
                self._known[record.id] = known
            entry = {**known[1], "seconds_left": self._seconds_left(store, record, active)}
            spark = self._sparks.get(record.id)
            return entry if spark is None else {**entry, "spark": spark[1]}

    def all(self, store: Store) -> list[Document]:
        """All experiments, the newest first."""
        records = sorted(store.experiments(), key=lambda record: -record.id)
        return [self.entry(store, record) for record in records]

    def draw(self, store: Store) -> None:
        """Draws the small lines of experiments that have new results, the newest first, for a moment: the others' turn comes
        the next time. Who lists them does not wait for that."""
        began = self._clock.elapsed()
        for record in sorted(store.experiments(), key=lambda record: -record.id)[:_DRAWN]:
            known = self._sparks.get(record.id)
            if record.trials > _DRAWN_TRIALS or (known is not None and known[0] == record.finished):
                continue
            now = self._clock.elapsed()
            if now < self._redrawn.get(record.id, now):
                continue
            self._sparks[record.id] = (record.finished, _spark(store, record))
            cost = self._clock.elapsed() - now
            self._redrawn[record.id] = now + max(_REDRAWN_SECONDS, _REDRAWN_TIMES_ITS_COST * cost)
            if self._clock.elapsed() - began > _DRAW_SECONDS:
                return

    def _seconds_left(self, store: Store, record: ExperimentRecord, active: bool) -> float | None:
        """How long the rest takes at the rate of the newest trials; None where nobody works on it, or it has no end."""
        if not active or record.target is None or record.is_met:
            return None
        now = self._clock.elapsed()
        known = self._rates.get(record.id)
        if known is None or now - known[0] > _RATE_SECONDS:
            known = (now, _seconds_each(store, record))
            self._rates[record.id] = known
        return None if known[1] is None else (record.target - record.finished) * known[1]


def _spark(store: Store, record: ExperimentRecord) -> list[float]:
    """The best value so far, at places evenly spread over the trials that have one."""
    goal, best, found = record.description.objective, None, list[float]()
    if goal is None:
        return []
    for trial in store.trials(record.id):
        value = trial.final.value if trial.final and trial.final.outcome is Outcome.SUCCEEDED else None
        if value is None or not isfinite(value):
            continue
        best = value if best is None or goal.better(value, best) else best
        found.append(best)
    if len(found) <= _PLACES:
        return found
    return [found[round(k * (len(found) - 1) / (_PLACES - 1))] for k in range(_PLACES)]


def _seconds_each(store: Store, record: ExperimentRecord) -> float | None:
    """The seconds between the ends of two trials, of the newest ones."""
    made = record.trials - record.reserved
    most = _RATE_OF + record.running + record.queued
    newest = store.trials(record.id, limit=most, offset=max(0, made - most))
    ends = sorted(t.ended for t in newest if t.state is TrialState.FINISHED and t.ended is not None)[
        -_RATE_OF:
    ]
    return (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 2 else None


def _entry(store: Store, record: ExperimentRecord, active: bool) -> Document:
    row, what = experiment_row(store, record, lambda _: active), record.description
    outcomes = {outcome.value: n for outcome, n in store.unsuccessful(record.id).items()}
    best = None
    if row.best_trial is not None:
        value = row.best_value
        best = {"trial": row.best_trial, "value": number(value), "display": written(value or 0.0)}
    return {
        "id": str(record.id),
        "name": row.name,
        "state": row.state.value,
        "why": row.wish_reason,
        "algorithm": row.algorithm,
        "goals": [{"metric": goal.metric, "direction": goal.direction} for goal in what.objectives],
        "target": row.target,
        "finished": row.finished,
        "queued": row.queued,
        "running": row.running,
        "waiting": row.waiting,
        "outcomes": {"succeeded": row.succeeded, **outcomes},
        "best": best,
        "created": row.created,
        "changed": row.changed,
        "labels": what.labels,
        "project": row.project,
    }


# ---------------------------------------------------------------------- one experiment, whole


def details(store: Store, record: ExperimentRecord, entry: Document) -> Document:
    """An entry with the description of its experiment, and its best trial whole."""
    what = record.description
    limits = {name: value for name, value in what.limits._asdict().items() if value is not None}
    return {
        **entry,
        "best": _best(store, record, entry["best"]),
        "description": {
            "command": str(what.command) if what.command else None,
            "function": what.function,
            "directory": what.command.directory if what.command else None,
            "algorithm": {"name": what.algorithm.name, "settings": plain(_settings(what.algorithm.settings))},
            "constraints": [str(constraint) for constraint in what.constraints],
            "space": [_parameter(parameter) for parameter in what.space.parameters],
            "seed": record.seed,
            "limits": plain(limits),
            "goal": plain(what.goal._asdict()) if what.goal else None,
        },
        "metrics": store.metric_names(record.id),
        "stages": plain(what.stages._asdict()) if what.stages else None,
        "stopping": plain(what.stopping._asdict()) if what.stopping else None,
        "workers": _workers(store, record),
        "events_last": record.revision,
    }


def _settings(settings: Document) -> Document:
    """Those of an algorithm, but for what is long."""
    return {
        name: value for name, value in settings.items() if isinstance(value, (str, int, float, bool, list))
    }


def _best(store: Store, record: ExperimentRecord, best: Document | None) -> Document | None:
    found: list[Trial] = best_trials(store, record, 1) if best else []
    if best is None or not found or found[0].configuration is None:
        return best
    return {
        **best,
        "configuration": found[0].configuration.texts(),
        "command": command_line(store, record, found[0].number),
    }


def _parameter(parameter: Parameter) -> Document:
    domain: Domain = parameter.domain
    kind = _KINDS.get(domain.kind, domain.kind)
    if domain.kind in ("normal", "lognormal") and getattr(domain, "type", "float") == "int":
        kind = "int"
    scale = "log" if domain.kind == "lognormal" else getattr(domain, "scaling", "linear")
    choices = getattr(domain, "choices", None) if kind in ("choice", "ordinal", "constant") else None
    return {
        "name": parameter.name,
        "kind": kind,
        "low": number(getattr(domain, "low", None)),
        "high": number(getattr(domain, "high", None)),
        "scale": scale,
        "step": number(getattr(domain, "step", None)),
        "choices": [choice.text for choice in choices] if choices is not None else None,
        "when": " and ".join(map(str, parameter.when)) or None,
    }


def _workers(store: Store, record: ExperimentRecord) -> list[Document]:
    """Who works on it: what they told of themselves, and the trials they hold. Who drives alone tells nothing of itself."""
    held: dict[str, list[int]] = {}
    for one in store.held(record.id):
        held.setdefault(one.worker, []).append(one.id.trial)
    told = {worker.name: worker for worker in store.workers() if worker.experiment == record.id}
    found = []
    for name in dict.fromkeys((*held, *told)):
        worker = told.get(name)
        found.append(
            {
                "name": name,
                "machine": worker.host if worker else None,
                "state": worker.state if worker else "working",
                "trials": sorted(held.get(name, ())),
                "seen": worker.seen if worker else None,
            }
        )
    return found
