"""`MongoTrials`: trials that workers of several processes evaluate. The database is Luthier's store.

    trials = MongoTrials("mongo://localhost:27017/foo/jobs", exp_key="exp1")
    fmin(…, trials=trials)                       and, as often as wanted, beside it:
    python -m luthier.compat.hyperopt.worker --mongo localhost:27017/foo --exp-key exp1

Host and port are accepted and not needed: the store is the folder that `LUTHIER_STORE` names, else the nearest
`.luthier`. `fmin` proposes and waits; while nobody takes a trial it evaluates one itself, so that it never hangs.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from luthier.compat.hyperopt.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    STATUS_FAIL,
    STATUS_OK,
    Document,
    document,
    spec_from_misc,
)
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.exceptions import BadSearchSpace, InvalidTrial
from luthier.compat.hyperopt.fmin import Trials
from luthier.compat.hyperopt.shared import Shared, name_of
from luthier.compat.shims import NO_WORKERS
from luthier.drive.planning import nonce
from luthier.trial import Proposal, Trial, TrialState

__all__ = ["MongoTrials"]

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""So long a trial waits for a worker before fmin evaluates it itself."""


class MongoTrials(Trials):
    """Trials in a store, shared by processes. Read and written by `refresh` and `fmin`; `close` lets go of the store."""

    asynchronous = True
    poll_interval_secs = 0.1

    def __init__(self, arg: str, exp_key: Any = None, refresh: bool = True, **_: Any) -> None:
        self.name = name_of(arg, exp_key)
        self._shared: Shared | None = None
        self._places: dict[int, tuple[Document, Trial]] = {}
        self._reserved: tuple[str, dict[Any, int]] = ("", {})
        self._waits_since: float | None = None
        super().__init__(exp_key=exp_key, refresh=False)
        if refresh:
            self.refresh()

    @property
    def shared(self) -> Shared:
        """The store."""
        if self._shared is None:
            self._shared = Shared()
        return self._shared

    def close(self) -> None:
        """Lets go of the store. May be repeated."""
        if self._shared is not None:
            self._shared.close()
            self._shared = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_shared": None, "_places": {}}

    # ------------------------------------------------------------------ what fmin calls

    def offer(self, domain: Domain) -> None:
        """Begins the search or goes on with it: makes the objective known to workers."""
        self.shared.open(self.name, domain)
        self._space = domain.search
        self.refresh()
        if len(self) and self.shared.is_changed:
            logger.warning(
                "the objective has changed since the %d trials of experiment %d, %r, in %s, and they count for the new one "
                "too; choose another exp_key (for hyper_tune another EXPERIMENT_NAME), or forget them: "
                "MongoTrials(…).delete_all()",
                len(self), self.shared.experiment, self.name, self.shared.folder,
            )  # fmt: skip
        elif len(self):
            logger.warning(
                "goes on with the %d trials of experiment %d, %r, in %s; another exp_key begins anew",
                len(self), self.shared.experiment, self.name, self.shared.folder,
            )  # fmt: skip

    def conclude(self) -> None:
        """Ends what `offer` began: the experiment counts as finished."""
        self.shared.finish()

    def help_out(self, domain: Domain) -> bool:
        """Evaluates a trial here if one has waited for a while and nobody takes it; tells whether it did."""
        if (sign := os.environ.get(NO_WORKERS)) and not os.path.exists(sign):
            return False
        now = self.shared.clock.elapsed()
        states = {trial.state for _, trial in self._places.values()}
        if TrialState.QUEUED not in states or TrialState.RUNNING in states:
            self._waits_since = None
            return False
        if self._waits_since is None:
            self._waits_since = now
        claim = self.shared.take() if now - self._waits_since >= PATIENCE_SECONDS else None
        if claim is None:
            return False
        self.shared.evaluate(claim, domain)
        return True  # nobody else works here: the next one waits no longer than this one did

    def refresh(self) -> None:
        self._pull()
        super().refresh()

    def follow(self) -> None:
        self._pull()
        super().follow()

    def new_trial_ids(self, n: int) -> list[Any]:
        """Numbers that the store keeps for us; fewer where the space has no more configurations."""
        key = nonce()
        reserved = self.shared.reserve(n, key)
        self._reserved = key, {place.number - 1: place.number for place in reserved}
        return list(self._reserved[1])

    def _insert_trial_docs(self, docs: Sequence[Document]) -> list[Any]:
        key, numbers = self._reserved
        pairs = []
        for doc in docs:
            if doc["tid"] not in numbers:
                raise InvalidTrial("its id was not given by new_trial_ids", doc["tid"])
            number = numbers[doc["tid"]]
            pairs.append((number, self._proposal(doc)))
        self.shared.store.propose(self.shared.experiment, key, pairs, exhausted=len(pairs) < len(numbers))
        return [doc["tid"] for doc in docs]

    def _proposal(self, doc: Document) -> Proposal:
        configuration = self._space.configuration(spec_from_misc(doc["misc"]))
        if configuration is None:
            raise BadSearchSpace(
                f"the values {spec_from_misc(doc['misc'])} lie outside of the space, where the store keeps none"
            )
        why = doc["misc"].get("proposal") or {"by": "the program", "ordinal": doc["tid"] + 1}
        return Proposal(
            configuration,
            why["by"],
            why["ordinal"],
            mean=why.get("mean"),
            deviation=why.get("deviation"),
            note=dict(why.get("note", {})),
        )

    def delete_all(self) -> None:
        """Forgets the whole search, in the store too."""
        if self.shared.find(self.name):
            self.shared.forget()
        self._places = {}
        super().delete_all()

    # ------------------------------------------------------------------ reading the store

    def _pull(self) -> None:
        """Brings the documents up to date with the store."""
        shared = self.shared
        if not shared.experiment and not shared.find(self.name):
            return
        if self._space is None:
            self._space = shared.domain().search
        shared.recover()
        for trial in shared.store.history(shared.experiment).trials:
            doc, known = self._places.get(trial.number, (None, None))
            if known is trial:
                continue
            if doc is None:
                doc = self._document(trial)
                self._dynamic_trials.append(doc)
            self._update(doc, trial)
            self._places[trial.number] = doc, trial

    def _document(self, trial: Trial) -> Document:
        assert trial.configuration is not None
        values = self._space.assignment(trial.configuration)
        doc = document(trial.number - 1, values, self._space.dimensions, self._exp_key)
        doc["misc"]["values"] = self._space.shown(values)
        if trial.proposal is not None:
            why = trial.proposal
            doc["misc"]["proposal"] = {"by": why.by, "ordinal": why.ordinal, "note": dict(why.note)}
        return doc

    def _update(self, doc: Document, trial: Trial) -> None:
        doc["owner"] = trial.worker
        doc["book_time"], doc["refresh_time"] = _time(trial.began), _time(trial.ended)
        if trial.state is not TrialState.FINISHED:
            doc["state"] = JOB_STATE_RUNNING if trial.state is TrialState.RUNNING else JOB_STATE_NEW
            return
        end = self.shared.end_of(trial.number, trial.attempt) or {"result": None, "error": None}
        self.attachments.update(end.get("attachments", {}))
        doc["state"] = JOB_STATE_DONE
        if end["error"] is not None:
            doc["state"], doc["misc"]["error"] = JOB_STATE_ERROR, tuple(end["error"])
        elif end["result"] is not None:
            doc["result"] = end["result"]
        elif trial.result is not None and trial.result.value is not None:
            doc["result"] = {"status": STATUS_OK, "loss": trial.result.value}
        else:
            reason = trial.result.reason if trial.result is not None else ""
            doc["result"] = {"status": STATUS_FAIL, "reason": reason}


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
