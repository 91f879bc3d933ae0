"""The curves of many trials at once, thinned so that a page can draw a thousand.

A curve longer than asked for is cut into as many stretches as there is room for, and of each its lowest and its highest point
are kept, so that no peak is lost; the ends always are. Curves of trials that have ended are read once.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome, TrialState
from luthier.view.curves import curve_of, laid_out
from luthier.view.figures.results import thinned
from luthier.web.columns import Columns
from luthier.web.wire import number

__all__ = ["Curves", "thin"]

MOST_TRIALS = 1000
"""Of more trials the best hundred and others evenly chosen are shown, and it is said."""
BEST = 100
KEPT_POINTS = 2_000_000


class _Thin(NamedTuple):
    """A curve as it was read, and at which state of its trial."""

    state: tuple[object, ...]
    steps: array[float]
    values: array[float]


class Curves:
    """The curves of one experiment. May be asked from several threads."""

    def __init__(self, store: Store, experiment: int) -> None:
        self._store = store
        self._experiment = experiment
        self._kept: dict[tuple[str, int, int], _Thin] = {}
        self._points = 0
        self._last: tuple[object, dict[str, Any]] | None = None
        self._guard = Lock()

    def document(
        self,
        record: ExperimentRecord,
        columns: Columns,
        metric: str,
        points: int,
        chosen: Sequence[int] | None = None,
        since: int | None = None,
    ) -> dict[str, Any]:
        """The curves of the chosen trials, or of as many as can be drawn; of those alone that changed since a revision."""
        asked = (metric, points, chosen and tuple(chosen), since, columns, columns.version)
        with self._guard:
            if self._last is not None and self._last[0] == asked:
                return self._last[1]
            reported = columns.column("metrics", metric)
            all_of = [one for one, value in reported.items() if value is not None]
            if chosen is None:
                wanted = self._chosen(record, columns, all_of)
            else:
                wanted = [one for one in chosen if one in reported]
            if since is not None:
                changed = set(columns.touched_since(since))
                wanted = [one for one in wanted if one in changed]
            outcomes = columns.column("columns", "outcome")
            found = [self._of(record, columns, metric, one, points) for one in wanted]
        made: dict[str, Any] = {
            "revision": columns.revision,
            "metric": metric,
            "whole": since is None,
            "reported": len(all_of),
            "trials": wanted,
            **_one_after_another(found),
            "ended": [outcomes.get(one) == Outcome.STOPPED for one in wanted],
        }
        self._last = (asked, made)
        return made

    def _chosen(self, record: ExperimentRecord, columns: Columns, numbers: list[int]) -> list[int]:
        """All trials that reported, or of many the best, those that run, and others evenly chosen."""
        numbers.sort()
        if len(numbers) <= MOST_TRIALS:
            return numbers
        states = columns.column("columns", "state")
        place = {one: k for k, one in enumerate(numbers)}
        kept = [k for one, k in place.items() if states[one] == TrialState.RUNNING][: MOST_TRIALS // 2]
        goal = record.description.objective
        if goal is not None:
            values = columns.column("objective", goal.metric)
            scored = [
                (goal.key(float(values[one])), k) for one, k in place.items() if values.get(one) is not None
            ]
            kept += [k for _, k in sorted(scored)[:BEST]]
        return [numbers[k] for k in thinned(len(numbers), MOST_TRIALS, sorted(set(kept))).tolist()]

    def _of(self, record: ExperimentRecord, columns: Columns, metric: str, one: int, points: int) -> _Thin:
        state = columns.state_of(one)
        key = (metric, one, points)
        known = self._kept.get(key)
        if known is not None and known.state == state:
            return known
        trial = self._store.trial(self._experiment, one)
        curve = curve_of(self._store, trial, metric)
        laid = laid_out({0: curve}, record.description.stages)[1][0] if len(curve) else curve
        steps, values = thin(laid.steps, laid.values, points)
        made = _Thin(state, steps, values)
        if known is not None:
            self._points -= len(known.values)
        self._points += len(values)
        if self._points > KEPT_POINTS:
            self._kept.clear()
            self._points = len(values)
        self._kept[key] = made
        return made


def _one_after_another(curves: Sequence[_Thin]) -> dict[str, list[Any]]:
    """All points in one list each, and where a curve begins and ends in them."""
    offsets, steps, values = [0], list[Any](), list[Any]()
    for curve in curves:
        steps += [number(step) for step in curve.steps]
        values += [number(value) for value in curve.values]
        offsets.append(len(steps))
    return {"offsets": offsets, "steps": steps, "values": values}


def thin(steps: array[float], values: array[float], points: int) -> tuple[array[float], array[float]]:
    """At most about `points` of a curve: of each stretch the lowest and the highest, the ends, and each place where there is
    no number. **Cost** O(n)."""
    n = len(values)
    if n <= max(points, 4):
        return steps, values
    y = np.frombuffer(values, dtype=np.float64)
    stretches = max((points - 2) // 2, 1)
    cuts = np.linspace(1, n - 1, stretches + 1).astype(np.intp)
    kept = {0, n - 1}
    for begin, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        if begin == end:
            continue
        part = y[begin:end]
        known = np.isfinite(part)
        if not known.any():
            kept.add(begin)
            continue
        kept.add(begin + int(np.argmin(np.where(known, part, np.inf))))
        kept.add(begin + int(np.argmax(np.where(known, part, -np.inf))))
        if not known.all():
            kept.add(begin + int(np.argmin(known)))
    places = sorted(kept)
    return array("d", (steps[k] for k in places)), array("d", (values[k] for k in places))
