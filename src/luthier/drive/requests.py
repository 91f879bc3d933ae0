"""Heeds who wants a single trial ended, from whichever machine: the wish is an event of the record that names the attempt.

The guardian of a trial can be asked only on its own machine. What is asked in the record is heeded by the worker that holds
the attempt, within a beat, wherever that runs: here, on another machine, on Ray.
"""

from __future__ import annotations

from collections.abc import Mapping

from luthier.drive.leaving import Leaving
from luthier.drive.work import Running
from luthier.store import Store, Wish
from luthier.trial import AttemptId, Outcome

__all__ = ["Requests"]


class Requests:
    """What was asked of the attempts of one experiment, as far as this worker runs them."""

    def __init__(self, store: Store, experiment: int, leaving: Leaving) -> None:
        self._store = store
        self._experiment = experiment
        self._leaving = leaving
        self._seen = 0
        self._adopted: set[AttemptId] = set()

    def heed(self, revision: int, running: Mapping[AttemptId, Running]) -> None:
        """Ends what somebody wants ended. The experiment has a new `revision` whenever there may be something."""
        adopted = {id for id, one in running.items() if one.slot is None}
        if revision == self._seen and adopted <= self._adopted:
            return
        # What was asked of an adopted attempt may be older than all that was seen here.
        since = self._seen if adopted <= self._adopted else 0
        self._seen, self._adopted = revision, adopted
        for event in self._store.end_requests(self._experiment, since):
            id = AttemptId(self._experiment, event.trial or 0, event.attempt or 0)
            if (one := running.get(id)) is not None:
                is_kill = event.detail["wish"] == Wish.KILL.value
                outcome = Outcome.KILLED if is_kill else Outcome.STOPPED
                self._leaving.end_alone(one, outcome, event.detail["reason"], kill=is_kill)
