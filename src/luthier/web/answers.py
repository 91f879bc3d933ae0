"""What the dashboard knows, asked for in Python: one method an address. `app.py` says which address, and speaks HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from luthier import __version__
from luthier.clock import SystemClock
from luthier.errors import NotFound
from luthier.store import ExperimentRecord, Sort, Store
from luthier.store.address import address_of, without_password
from luthier.view.front import front_places
from luthier.web.attempts import Attempts
from luthier.web.buffers import block
from luthier.web.columns import Columns
from luthier.web.curves import Curves
from luthier.web.entries import details
from luthier.web.happenings import events_before
from luthier.web.logs import MOST_BYTES, Part, log_part
from luthier.web.models import Models
from luthier.web.sitting import LARGE, Sitting
from luthier.web.trial_page import points_document, trial_document

__all__ = ["Answers"]

Document = dict[str, Any]


class Answers:
    """Answers about one record. May be asked from several threads. **Raises** NotFound for what is not there."""

    def __init__(self, sitting: Sitting, *, may_control: bool = False) -> None:
        self.sitting = sitting
        self.may_control = may_control
        self._models = Models(sitting.answering)
        self._curves: dict[int, Curves] = {}
        self._attempts: dict[int, Attempts] = {}
        self._guard = Lock()
        self._clock = SystemClock()

    @property
    def store(self) -> Store:
        """The record, to be read."""
        return self.sitting.answering

    @property
    def folder(self) -> Path:
        """Where it is, or what stands for it."""
        return self.sitting.folder

    def session(self) -> Document:
        """What the page is told first."""
        url = address_of(self.folder)
        return {
            "version": __version__,
            "store": without_password(url) if url else str(self.folder),
            "may_control": self.may_control,
            "read_only": not self.may_control,
            "now": self._clock.now(),
        }

    def record(self, experiment: int) -> ExperimentRecord:
        """The record of an experiment."""
        return self.store.experiment(experiment)

    def experiments(self) -> Document:
        """All experiments."""
        return {"revision": self.store.revision(), "experiments": self.sitting.entries()}

    def entry(self, experiment: int) -> Document:
        """One of them, as it is listed."""
        return self.sitting.entry(experiment)

    def details(self, experiment: int) -> Document:
        """One of them, whole."""
        return details(self.store, self.record(experiment), self.entry(experiment))

    def trials(self, experiment: int, since: int | None) -> bytes:
        """Its trials as columns, as JSON."""
        return self.sitting.columns(experiment).since(since).body

    def block(self, experiment: int, *, is_first: bool) -> bytes:
        """The same as one block. A first look at a large experiment is given some rows, and how many there are."""
        record = self.record(experiment)
        if not is_first or record.trials <= LARGE:
            return self.sitting.columns(experiment).block()
        some = Columns(experiment)
        some.look_round(self.store, record)
        return block({**some.document(), "whole": False, "total": record.trials - record.reserved})

    def curves(
        self, experiment: int, metric: str, points: int, trials: Sequence[int] | None, since: int | None
    ) -> Document:
        """The curves of a metric."""
        columns = self.sitting.columns(experiment)
        with self._guard:
            curves = self._curves.setdefault(experiment, Curves(self.store, experiment))
        record = self.record(experiment)
        return curves.document(record, columns, metric, min(max(points, 4), 2000), trials, since)

    def importance(self, experiment: int, metric: str | None) -> Document:
        """How much each parameter matters."""
        record = self.record(experiment)
        return self._models.importance(record, self.sitting.columns(experiment), metric or _first(record))

    def slices(self, experiment: int, metric: str | None, parameter: str | None) -> Document:
        """What the model believes along a parameter."""
        record = self.record(experiment)
        name = parameter or _parameters(record)[0]
        return self._models.slices(record, self.sitting.columns(experiment), metric or _first(record), name)

    def contour(self, experiment: int, metric: str | None, x: str | None, y: str | None) -> Document:
        """What the model believes over two parameters."""
        record = self.record(experiment)
        names = _parameters(record)
        pair = (x or names[0], y or next((name for name in names if name != x), names[-1]))
        if pair[0] == pair[1]:
            raise NotFound("a contour has two parameters; name two that differ")
        return self._models.contour(record, self.sitting.columns(experiment), metric or _first(record), pair)

    def model(self, experiment: int, proposal: int | None, parameter: str | None) -> Document:
        """One step of the search."""
        record = self.record(experiment)
        return self._models.step(record, proposal, parameter or _parameters(record)[0])

    def front(self, experiment: int) -> Document:
        """The numbers of the trials on the front."""
        record = self.record(experiment)
        history = self.store.history(experiment)
        goals = [
            {"metric": goal.metric, "direction": goal.direction} for goal in record.description.objectives
        ]
        places = front_places(history).tolist() if goals else []
        return {"goals": goals, "front": [history.scored[place].number for place in places]}

    def timeline(self, experiment: int, since: int | None = None) -> Document:
        """Which attempt ran when and where."""
        columns = self.sitting.columns(experiment)
        with self._guard:
            attempts = self._attempts.setdefault(experiment, Attempts(self.store, experiment))
        return attempts.document(columns, self._clock.now(), since)

    def events(self, experiment: int, before: int | None = None, limit: int = 100) -> Document:
        """What happened, the newest first."""
        self.record(experiment)
        return events_before(self.store, experiment, before, limit)

    def trial(self, experiment: int, number: int) -> Document:
        """One trial."""
        return trial_document(self.store, self.folder, experiment, number, self._clock.now())

    def points(self, experiment: int, number: int, metric: str) -> Document:
        """One curve of it."""
        return points_document(self.store, experiment, number, metric)

    def log(
        self,
        experiment: int,
        number: int,
        stream: str,
        attempt: int | None,
        begin: int | None,
        most: int = MOST_BYTES,
    ) -> Part:
        """A part of what an attempt printed."""
        trial = self.store.trial(experiment, number)
        which = trial.attempt if attempt is None else attempt
        if not 0 < which <= trial.attempt:
            if attempt is None:
                return Part("", 0, 0, 0)
            raise NotFound(f"trial {trial.name} has no attempt {which}")
        return log_part(self.folder, experiment, number, which, stream, begin, most)

    def newest_unwell(self, experiment: int, most: int) -> list[int]:
        """The trials that ended badly, the newest of them."""
        return [trial.number for trial in self.store.trials(experiment, Sort("not well"))][-most:]


def _first(record: ExperimentRecord) -> str:
    objective = record.description.objective
    if objective is None:
        raise NotFound(f"experiment {record.id} has no objective; name a metric")
    return objective.metric


def _parameters(record: ExperimentRecord) -> Sequence[str]:
    names = record.description.space.dimensions
    if not names:
        raise NotFound(f"no parameter of experiment {record.id} varies")
    return names
