"""The trials of one experiment as columns, kept in memory and fed by what changed since the last look.

A page asks once for the whole and then for what changed since a revision. Points make no revision, so a row says at which
revision it was last seen to change: asked for what changed since 7, rows that were seen at 7 are given again, which does no
harm because a row replaces the one of its number. So a page that was away for a minute or a day misses nothing. May be asked
from several threads.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from threading import RLock
from typing import Any, NamedTuple

from luthier.store import ExperimentRecord, Spent, Store
from luthier.store.plain_rows import plain_trials, reports, some_trials
from luthier.trial import Trial, TrialState
from luthier.view.reached import reached
from luthier.view.trials import spent_of
from luthier.web.buffers import block
from luthier.web.filling import Shape, filled
from luthier.web.wire import number, packed

__all__ = ["Columns", "News"]

_FACTS = (
    "number", "state", "outcome", "stage", "attempt", "created", "began", "ended", "seconds", "worker", "slot", "steps",
    "reason",
)  # fmt: skip
_NUMERIC = ("float", "integer", "normal", "lognormal")
_MEMOS = 8
_PAGE, _BREATH_SECONDS = 2_500, 0.001
"""A first look reads so many rows at a time: what is asked meanwhile has its turn in between."""

Key = tuple[str, str]


class _Reported(NamedTuple):
    """What a trial reported last: its metrics, and how far it is."""

    metrics: Mapping[str, float] = {}
    steps: float | None = None


_NOTHING = _Reported()
_STEPS = _FACTS.index("steps")
_MOST = sys.float_info.max


class News(NamedTuple):
    """Rows as JSON, and what they bring who has had all before up to."""

    body: bytes
    revision: int
    version: int


class Columns:
    """The columns of an experiment. `revision` is the newest one they were read at."""

    def __init__(self, experiment: int) -> None:
        self.experiment = experiment
        self.revision = 0
        self.version = 0
        """Is another number after every change."""
        self._guard = RLock()
        self._lists: dict[Key, list[Any]] = {("columns", name): [] for name in _FACTS}
        self._place: dict[int, int] = {}
        self._touched: dict[
            int, tuple[int, int]
        ] = {}  # revision and version by number; the last touched comes last
        self._running: set[int] = set()
        self._memos: dict[tuple[str, int], News] = {}
        self._block: tuple[int, bytes] | None = None

    def __len__(self) -> int:
        return len(self._place)

    def refresh(self, store: Store) -> list[int]:
        """Reads what changed since the last time; returns the numbers of the rows that are others now.

        **Cost** one read of what changed, and one of what running trials reported; the first time all of it.
        **Raises** NotFound once the experiment was removed.
        """
        with self._guard:
            record, revision = store.experiment(self.experiment), store.revision()
            is_first = self.revision == 0
            if is_first:
                self._make(record)
                changed = self._fill(store, record, revision)
            else:
                trials = store.changed_trials(self.experiment, self.revision)
                changed = self._take(store, record, trials, revision)
            self.revision = max(revision, self.revision)
            if changed or is_first:
                self.version += 1
            return changed

    def look_round(self, store: Store, record: ExperimentRecord) -> None:
        """Reads no more than a first screen shows: the newest rows, the best ones, and others evenly chosen."""
        with self._guard:
            self.revision = store.revision()
            self._make(record)
            rows = some_trials(store, record)
            numbers = [] if self._in_folds else [row[0] for row in rows]
            found = store.summaries_of(self.experiment, numbers) if numbers else {}
            told = [(one, row.metric, row.last, row.last_step) for one, of in found.items() for row in of]
            self._add(store, record, rows, told)

    def _make(self, record: ExperimentRecord) -> None:
        """The columns that are there from the beginning; those of metrics come with their first value."""
        what = record.description
        self._parameters = [(p.name, p.domain.kind in _NUMERIC) for p in what.space.parameters]
        self._goals = len(what.objectives)
        self._in_folds = what.in_folds
        for name, _ in self._parameters:
            self._lists["parameters", name] = []
        for goal in what.objectives:
            self._lists["objective", goal.metric] = []
        self._fixed = list(self._lists.values())

    def _fill(self, store: Store, record: ExperimentRecord, revision: int) -> list[int]:
        """Reads all of it, page by page. What changes meanwhile has a later revision, so the next look has it."""
        after, revisions = 0, list[int]()
        while rows := plain_trials(store, self.experiment, after, _PAGE):
            found = () if self._in_folds else reports(store, self.experiment, after, rows[-1][0])
            revisions += self._add(store, record, rows, found)
            after = rows[-1][0]
            time.sleep(_BREATH_SECONDS)
        numbers = self._lists["columns", "number"]
        states = self._lists["columns", "state"]
        self._running = {one for one, state in zip(numbers, states, strict=True) if state == "running"}
        if self._in_folds and numbers:
            for one, came_to in self._reported(store, record, numbers).items():
                self._put_metrics(one, came_to, is_renewed=False)
        # What runs may have reported after its revision.
        seen = [
            revision if one in self._running else min(own, revision)
            for one, own in zip(numbers, revisions, strict=True)
        ]
        order = sorted(range(len(seen)), key=seen.__getitem__)
        self._touched = {numbers[place]: (seen[place], self.version + 1) for place in order}
        return numbers

    def _add(
        self,
        store: Store,
        record: ExperimentRecord,
        rows: Sequence[Sequence[Any]],
        found: Iterable[Sequence[Any]],
    ) -> list[int]:
        """Puts a page of plain rows after those there are, with what they reported; returns their revisions."""
        begin, has_stages = len(self._place), record.description.stages is not None
        spent = store.spent(record.id, [row[0] for row in rows]) if has_stages else {}
        shape = Shape(self._parameters, self._goals)
        columns, revisions = filled(rows, shape, {one: took.seconds for one, took in spent.items()})
        for column, cells in zip(self._fixed, columns, strict=True):
            column.extend(cells)
        place = {one: begin + k for k, one in enumerate(columns[0])}
        self._place.update(place)
        for column in self._lists.values():
            column.extend([None] * (len(self._place) - len(column)))
        self._add_reports(found, place)
        return revisions

    def _add_reports(self, found: Iterable[Sequence[Any]], place: Mapping[int, int]) -> None:
        """What those of a page reported last."""
        steps = self._fixed[_STEPS]
        of: dict[str, list[Any]] = {
            name: cells for (part, name), cells in self._lists.items() if part == "metrics"
        }
        for one, metric, last, step in found:
            at = place.get(one)
            if at is None:  # it was written after the page was read
                continue
            column = of.get(metric)
            if column is None:
                column = of[metric] = self._lists["metrics", metric] = [None] * len(self._place)
            column[at] = last if type(last) is float and -_MOST <= last <= _MOST else number(_known(last))
            if steps[at] is None or (step is not None and step > steps[at]):
                steps[at] = step

    def _take(
        self, store: Store, record: ExperimentRecord, trials: Sequence[Trial], revision: int
    ) -> list[int]:
        news = {trial.number: trial for trial in trials}
        reported = sorted(self._running | set(news))
        metrics = self._reported(store, record, reported)
        spent = spent_of(store, record, trials)
        changed = [
            trial.number
            for trial in trials
            if self._put(trial.number, self._cells(trial, spent.get(trial.number)))
        ]
        known = set(changed)
        for at in reported:
            found = metrics.get(at, _NOTHING)
            if at in self._place and self._put_metrics(at, found, is_renewed=at in news) and at not in known:
                changed.append(at)
        for at in changed:
            self._touched.pop(at, None)
            self._touched[at] = (revision, self.version + 1)
        for trial in trials:
            (self._running.add if trial.state is TrialState.RUNNING else self._running.discard)(trial.number)
        return changed

    def _reported(
        self, store: Store, record: ExperimentRecord, numbers: Sequence[int]
    ) -> dict[int, _Reported]:
        """What trials reported last."""
        if self._in_folds:  # there a metric is the mean of what the folds came to
            trials = [store.trial(self.experiment, one) for one in numbers]
            return {t.number: _Reported(reached(store, record, t), None) for t in trials}
        found = store.summaries_of(self.experiment, numbers) if numbers else {}
        return {
            one: _Reported({row.metric: row.last for row in rows}, max(row.last_step for row in rows))
            for one, rows in found.items()
        }

    def _cells(self, trial: Trial, spent: Spent | None) -> list[Any]:
        """What the record says of a trial, in the order of the fixed columns."""
        result, final, configuration = trial.result, trial.final, trial.configuration
        cells = [
            trial.number,
            trial.state.value,
            final.outcome.value if final else None,
            trial.stage,
            trial.attempt,
            trial.created,
            trial.began,
            trial.ended,
            number(spent.seconds if spent else result.seconds if result else None),
            trial.worker,
            None,
            None,
            final.reason if final else None,
        ]
        values = configuration.values() if configuration is not None else {}
        for name, is_number in self._parameters:
            if is_number or configuration is None or name not in values:
                cells.append(values.get(name))
            else:
                cells.append(configuration[name].text)
        reached_values = (result.values or (result.value,)) if result else ()
        for place in range(self._goals):
            cells.append(number(reached_values[place]) if place < len(reached_values) else None)
        return cells

    def _put(self, key: int, cells: list[Any]) -> bool:
        """Writes the fixed cells of a row; whether any is another than before. The steps are with the metrics."""
        place = self._place.get(key)
        if place is None:
            self._place[key] = len(self._place)
            for column in self._lists.values():
                column.append(None)
            for column, value in zip(self._fixed, cells, strict=True):
                column[-1] = value
            return True
        cells[_STEPS] = self._fixed[_STEPS][place]
        is_other = False
        for column, value in zip(self._fixed, cells, strict=True):
            is_other |= _set(column, place, value)
        return is_other

    def _put_metrics(self, key: int, found: _Reported, *, is_renewed: bool) -> bool:
        """Writes what a trial reported. What one that began anew reported before is not known any more."""
        place = self._place[key]
        is_other = _set(self._fixed[_STEPS], place, number(found.steps))
        for name, value in found.metrics.items():
            column = self._lists.get(("metrics", name))
            if column is None:
                column = self._lists["metrics", name] = [None] * len(self._place)
            is_other |= _set(column, place, number(value))
        if is_renewed:
            for (part, name), column in self._lists.items():
                if part == "metrics" and name not in found.metrics:
                    is_other |= _set(column, place, None)
        return is_other

    # ------------------------------------------------------------------ asking

    def since(self, revision: int | None) -> News:
        """The rows that changed since a revision, as the page gets them; all of them for None, and for a revision that this
        record has never had."""
        with self._guard:
            if revision is None or revision > self.revision:
                return self._news(("all", 0), None)
            return self._news(("revision", revision), revision)

    def after(self, version: int) -> News:
        """The rows that changed after a version, for who has had all until then."""
        with self._guard:
            return self._news(("version", version), version, is_version=True)

    def _news(self, asked: tuple[str, int], since: int | None, *, is_version: bool = False) -> News:
        """Made once for all who ask the same before the next change."""
        known = self._memos.get(asked)
        if known is not None and known.version == self.version and known.revision == self.revision:
            return known
        made = News(packed(self.document(since, is_version=is_version)), self.revision, self.version)
        if len(self._memos) >= _MEMOS:
            self._memos.pop(next(iter(self._memos)))
        self._memos[asked] = made
        return made

    def document(self, since: int | None = None, *, is_version: bool = False) -> dict[str, Any]:
        """The same as a document; `since` is a revision, or a version."""
        with self._guard:
            places = None
            if since is not None:
                numbers = self._after(since) if is_version else self.touched_since(since)
                places = [self._place[one] for one in numbers]
            parts: dict[str, dict[str, list[Any]]] = {
                "columns": {},
                "parameters": {},
                "metrics": {},
                "objective": {},
            }
            for (part, name), column in self._lists.items():
                parts[part][name] = list(column) if places is None else [column[place] for place in places]
            n = len(self._place) if places is None else len(places)
            return {"revision": self.revision, "whole": places is None, "n": n, **parts}

    def block(self) -> bytes:
        """All rows as one block, made once for all who ask before the next change."""
        with self._guard:
            if self._block is None or self._block[0] != self.version:
                self._block = (self.version, block(self.document()))
            return self._block[1]

    def touched_since(self, revision: int) -> list[int]:
        """The numbers of the rows that changed at or after a revision."""
        with self._guard:
            found = []
            for one in reversed(self._touched):
                if self._touched[one][0] < revision:
                    break
                found.append(one)
            return sorted(found)

    def _after(self, version: int) -> list[int]:
        found = []
        for one in reversed(self._touched):
            if self._touched[one][1] <= version:
                break
            found.append(one)
        return sorted(found)

    def column(self, part: str, name: str) -> dict[int, Any]:
        """One column by number; empty where there is none."""
        with self._guard:
            column = self._lists.get((part, name))
            return {} if column is None else {one: column[place] for one, place in self._place.items()}

    def state_of(self, number: int) -> tuple[object, ...]:
        """What is another value once a trial has reported more, or was tried again; of one that runs, after every change."""
        with self._guard:
            place = self._place[number]
            names = ("state", "attempt", "stage", "steps")
            facts = tuple(self._lists["columns", name][place] for name in names)
            return (*facts, self.version) if number in self._running else facts


def _set(column: list[Any], place: int, value: Any) -> bool:
    """Writes a cell; whether it is another than before, `1` and `1.0` and `True` being three."""
    known = column[place]
    if known == value and type(known) is type(value):
        return False
    column[place] = value
    return True


def _known(stored: float | str | None) -> float:
    """What was reported last, as the record keeps it: without a value it is no number."""
    return float("nan") if stored is None else float(stored)
