"""Takes the result of a finished trial that is identical to one about to run, from anywhere in the store.

Identical is: the same code and data bundles, the same large files beside them, the same words, working directory within
the code, parameters, seed and environment, the same container or none, and the same reading of metrics. What else a program may read, and packages, are not compared: who asks for it says that they don't matter.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from luthier import metrics
from luthier.description import Command, Constraint, Description, Objective
from luthier.drive.launching import words_of
from luthier.drive.provenance import Provenance
from luthier.drive.work import Running
from luthier.errors import LuthierError
from luthier.run.folders import AttemptFolder, Folders
from luthier.space import Configuration
from luthier.store import Claim, Store
from luthier.trial import Attempt, Outcome, Point, Result

__all__ = ["TAKEN", "Reusing"]

TAKEN = "taken from trial "
"""Begins the reason of a result that was taken."""

Key = tuple[int, str]


class _Found(NamedTuple):
    attempt: Attempt
    points: list[Point]


class Reusing:
    """What may be taken by the trials of one experiment."""

    def __init__(
        self, store: Store, folders: Folders, description: Description, ran_with: Provenance
    ) -> None:
        self._store = store
        self._folders = folders
        self._description = description
        self._code = _essence(ran_with, description)
        self._known: dict[Key, list[tuple[int, int]]] | None = None
        self.taken = 0

    def take(self, running: Running) -> Result | None:
        """The result of an identical trial, whose points it makes those of this attempt; None where there is none.

        **Holds** the points and whose they are are in the record.
        """
        found = self._find(running.claim)
        claim = running.claim
        if found is None or found.attempt.result is None:
            return None
        with self._store.together():
            self._store.note_reuse(claim.id, found.attempt.id)
            self._store.report(claim.id, 0, found.points)
        known = running.summaries
        assert isinstance(known, dict), "an attempt's summaries are its own"
        metrics.summarize(found.points, known)
        self.taken += 1
        source = found.attempt.id
        reason = f"{TAKEN}{source.experiment}.{source.trial}, which was identical"
        # The value is found anew, for this objective; so is whether constraints are met.
        return found.attempt.result._replace(reason=reason, value=None, values=None, constraints=(), curve=())

    def _find(self, claim: Claim) -> _Found | None:
        if claim.stage or self._description.stages is not None:
            return None  # a stage may go on from what another one left on disk
        if self._known is None:
            self._known = self._index()
        for place in self._known.get(_key(claim.seed, claim.configuration), ()):
            found = self._identical(claim, *place)
            if found is not None:
                return found
        return None

    def _index(self) -> dict[Key, list[tuple[int, int]]]:
        """The finished trials of all experiments that ever ran this code on this data, the newest first."""
        known: dict[Key, list[tuple[int, int]]] = {}
        for record in sorted(self._store.experiments(), key=lambda record: -record.id):
            what = record.description
            if what.stages is not None or not self._is_alike(what):
                continue
            sheets = self._store.sheets(record.id)
            if all(_essence(Provenance.from_text(sheet.text), what) != self._code for sheet in sheets):
                continue
            for trial in self._store.trials(record.id):
                if trial.configuration and trial.result and trial.result.outcome is Outcome.SUCCEEDED:
                    place = (record.id, trial.number)
                    known.setdefault(_key(trial.seed, trial.configuration), []).append(place)
        return known

    def _is_alike(self, other: Description) -> bool:
        """Whether an experiment's trials find the same around them, and are read in the same way."""
        own = self._description
        return other.environment == own.environment and _reading(other.command) == _reading(own.command)

    def _is_housed_alike(self, folder: AttemptFolder) -> bool:
        """Whether an attempt ran in the container that one would run in now: its experiment asked for the same."""
        environment, command = self._description.environment, self._description.command
        if environment is None or environment.image is None or command is None:
            return True
        from luthier.run.containers import housed_in, housing

        then, now = housed_in(folder), housing(environment, command.directory)
        return then is not None and then == now

    def _identical(self, claim: Claim, experiment: int, number: int) -> _Found | None:
        try:
            words = words_of(self._description, claim)
        except LuthierError:  # its launch will say why
            return None
        what = self._store.experiment(experiment).description
        for attempt in reversed(self._store.attempts(experiment, number)):
            if attempt.result is None or attempt.result.outcome is not Outcome.SUCCEEDED:
                continue
            if attempt.command != words or attempt.id == claim.id:
                continue
            ran_with = Provenance.from_text(self._store.provenance(attempt.id))
            if _essence(ran_with, what) != self._code:
                continue
            if not self._is_housed_alike(self._folders.attempt(experiment, number, attempt.id.attempt)):
                continue
            points = self._store.points(experiment, number, attempt=attempt.id.attempt)
            if self._has_aims(points):
                return _Found(attempt, points)
        return None

    def _has_aims(self, points: list[Point]) -> bool:
        """Whether what was reported has all that is asked for here."""
        what, summaries = self._description, metrics.summarize(points)
        aims: tuple[Objective | Constraint, ...] = (*what.objectives, *what.constraints)
        return all(metrics.objective_value(aim, summaries) is not None for aim in aims)


def _key(seed: int, configuration: Configuration) -> Key:
    return seed, configuration.key


def _reading(command: Command | None) -> Any:
    """What of a command says how it is run and how its metrics are found, beside its words and where it runs."""
    if command is None:
        return None
    return command.shell, command.patterns, command.tensorboard


def _essence(ran_with: Provenance, what: Description) -> Any:
    """What of a provenance has to be the same."""
    if ran_with.code is None:
        return object()  # equal to nothing
    large = sorted(tuple(one) for one in ran_with.code.get("large", ()))
    return ran_with.digests, large, _directory(ran_with.code["root"], what)


def _directory(root: str, what: Description) -> str:
    """Where the command runs within its code. What a door laid out says it by the whole path: its root is not the code's."""
    directory = what.command.directory if what.command is not None else root
    return directory if "code" in what.bundles else os.path.relpath(directory, root)
