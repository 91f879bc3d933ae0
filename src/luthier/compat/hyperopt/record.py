"""hyperopt's documents as Luthier's trials: what every search of ours looks back on.

Each document is read once when it appears and once when it has ended, so that ten thousand trials cost no more per
proposal than the few that changed. A trial with a value outside of the space (a user's own point may have one) is run
and counted like any other, and told to no search.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from luthier.compat.hyperopt.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    STATUS_FAIL,
    STATUS_OK,
    Document,
    spec_from_misc,
)
from luthier.compat.hyperopt.space import SearchSpace
from luthier.history import History
from luthier.trial import Outcome, Proposal, Result, Trial, TrialState

__all__ = ["Record", "record_of"]

_numbers = itertools.count(1)
_records: WeakKeyDictionary[Any, Record] = WeakKeyDictionary()


class Record:
    """The documents of some trials, read for one space. `taken` counts the configurations of all of them."""

    def __init__(self, search: SearchSpace) -> None:
        self.search = search
        self.taken: dict[str, int] = {}
        self._experiment = next(_numbers)
        self._docs: list[Document] = []
        self._trials: list[Trial | None] = []
        self._open: list[int] = []
        self._revision = 0

    def history(self, docs: list[Document]) -> History:
        """What the documents tell now."""
        self.follow(docs)
        trials = tuple(trial for trial in self._trials if trial is not None)
        return History(self._revision, trials, maximize=False)

    def follow(self, docs: list[Document]) -> None:
        """Reads what changed in the documents. **Cost** O(changed documents)."""
        if len(docs) < len(self._docs) or (self._docs and self._docs[0] is not docs[0]):
            self.__init__(self.search)  # type: ignore[misc]  # all were deleted or replaced: begin anew
        self._open = [place for place in self._open if not self._learn(place, docs[place])]
        for place in range(len(self._docs), len(docs)):
            doc = docs[place]
            self._docs.append(doc)
            self._trials.append(None)
            if not self._learn(place, doc):
                self._open.append(place)

    def _learn(self, place: int, doc: Document) -> bool:
        """Reads one document; tells whether it has ended."""
        known = self._trials[place]
        state = _state(doc)
        if known is None or known.state is not state:
            self._revision += 1
            made = self._trial(place, doc, state, known)
            if known is None and made is not None and made.configuration is not None:
                key = made.configuration.key
                self.taken[key] = self.taken.get(key, 0) + 1
            self._trials[place] = made
        return state is TrialState.FINISHED

    def _trial(self, place: int, doc: Document, state: TrialState, known: Trial | None) -> Trial | None:
        if doc["state"] == JOB_STATE_CANCEL:
            return None
        configuration = (
            self.search.configuration(spec_from_misc(doc["misc"])) if known is None else known.configuration
        )
        if configuration is None:
            return None
        why: Mapping[str, Any] = doc["misc"].get("proposal") or {}
        proposal = (
            Proposal(configuration, why["by"], why["ordinal"], note=why.get("note", {})) if why else None
        )
        return Trial(
            experiment=self._experiment,
            number=place + 1,
            run_id=place + 1,
            state=state,
            configuration=configuration,
            attempt=1 if state is not TrialState.QUEUED else 0,
            seed=0,
            proposal=proposal,
            result=_result(doc) if state is TrialState.FINISHED else None,
            created=0.0,
            began=_seconds(doc["book_time"]),
            ended=_seconds(doc["refresh_time"]),
            revision=self._revision,
        )


def record_of(trials: Any, search: SearchSpace) -> Record:
    """The record of these trials for this space, made once."""
    try:
        record = _records.get(trials)
        if record is None or record.search is not search:
            record = _records[trials] = Record(search)
        return record
    except TypeError:  # trials of somebody's own class that can't be remembered
        return Record(search)


def _state(doc: Document) -> TrialState:
    if doc["state"] in (JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL):
        return TrialState.FINISHED
    return TrialState.QUEUED if doc["state"] == JOB_STATE_NEW else TrialState.RUNNING


def _result(doc: Document) -> Result:
    """How a trial ended. One that returned neither ok nor fail tells nothing of its configuration."""
    result = doc["result"]
    if doc["state"] == JOB_STATE_ERROR:
        return Result(Outcome.FAILED, ": ".join(map(str, doc["misc"].get("error", ()))))
    if result.get("status") == STATUS_OK and result.get("loss") is not None:
        return Result(Outcome.SUCCEEDED, "", float(result["loss"]))
    if result.get("status") == STATUS_FAIL:
        return Result(Outcome.FAILED, "the objective returned status fail")
    return Result(Outcome.KILLED, f"the objective returned status {result.get('status')}")


def _seconds(time: Any) -> float | None:
    return time.timestamp() if isinstance(time, datetime) else None
