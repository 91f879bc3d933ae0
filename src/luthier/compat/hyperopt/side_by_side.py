"""The loop of `fmin(workers=N)`: trials of one search side by side, in processes of their own.

It proposes for one free process at a time, so that each proposal knows all that ended and all that runs. The trials are
the same documents; they end in any order. A reason to end begins nothing more and waits for what runs; an error or
Ctrl-C ends what runs, and its trials wait again.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Protocol

from luthier.compat.hyperopt.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    Document,
    spec_from_misc,
)
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.evaluating import End
from luthier.compat.hyperopt.pool import Pool
from luthier.errors import TrialError

__all__ = ["SideBySide"]

logger = logging.getLogger(__name__)


class Search(Protocol):
    """The search, as far as it is asked here: `driving.FMinIter`."""

    trials: Any
    domain: Domain
    max_queue_len: int
    catch_eval_exceptions: bool

    @property
    def is_over(self) -> bool:
        """Whether there is a reason to begin nothing more."""

    def propose(self, n: int) -> int:
        """Adds up to so many trials; returns how many."""

    def say_exhausted(self) -> None:
        """Notes that the space has no more of them."""

    def look(self, bar: Any = None) -> None:
        """Notes what has ended."""

    def after(self, shown: Any = None) -> None:
        """Asks whether to end early, of the trials as they are shown."""

    def keep(self) -> None:
        """Saves the trials, where they are to be saved."""

    def now(self) -> datetime:
        """The time, as documents have it."""


class SideBySide:
    """One run of a search in worker processes, up to `left` more trials."""

    def __init__(self, search: Search, pool: Pool, left: int) -> None:
        self._search = search
        self._pool = pool
        self._left = left
        self._ended = [doc for doc in search.trials.trials if doc["state"] == JOB_STATE_DONE]

    def run(self, bar: Any) -> int:
        """Runs it; returns how many trials were proposed."""
        wanted, search = self._left, self._search
        try:
            while True:
                self._fill()
                if not self._pool.is_busy:
                    return wanted - self._left
                for doc, end in self._pool.ended():
                    self._take(doc, end)
                    search.look(bar)
                    search.after(self._as_they_ended())
        except BaseException:
            self._give_back()
            raise

    def _fill(self) -> None:
        """Gives every free process a trial, as long as there are any and no reason to end."""
        search = self._search
        while self._pool.has_room and not search.is_over:
            waiting = search.trials.open_documents(JOB_STATE_NEW)
            if not waiting:
                made = search.propose(min(search.max_queue_len, self._left)) if self._left > 0 else 0
                self._left -= made
                if not made:
                    if self._left > 0 and not self._pool.is_busy:
                        search.say_exhausted()
                    return
                continue
            doc = waiting[0]
            values = spec_from_misc(doc["misc"])
            doc["misc"].setdefault("values", search.domain.search.shown(values))
            doc["book_time"] = doc["refresh_time"] = search.now()
            doc["state"] = JOB_STATE_RUNNING
            self._pool.begin(doc, doc["tid"], values)

    def _take(self, doc: Document, end: End) -> None:
        """Writes down how a trial ended. **Raises** what its objective raised, unless exceptions are caught."""
        doc["refresh_time"] = self._search.now()
        self._search.trials.attachments.update(end["attachments"])
        gone = None if end["died"] is None else (str(TrialError), end["died"])
        error = end["error"] or gone
        if error is None:
            doc["result"], doc["state"] = end["result"], JOB_STATE_DONE
            self._ended.append(doc)
        else:
            caught = self._search.catch_eval_exceptions
            logger.error("job exception: %s", (caught and end["trace"]) or error[1])
            doc["state"], doc["misc"]["error"] = JOB_STATE_ERROR, tuple(error)
        self._search.keep()
        if error is not None and not self._search.catch_eval_exceptions:
            raise _raised(end, doc["tid"], error[1])

    def _as_they_ended(self) -> Any:
        """The trials as functions that decide when to end know them: finished ones alone, the last one last."""
        view = self._search.trials.view(self._search.trials._exp_key, refresh=False)
        view._trials = self._ended
        return view

    def _give_back(self) -> None:
        """What was being evaluated waits again."""
        self._pool.close()
        for doc in self._search.trials.open_documents(JOB_STATE_RUNNING):
            doc["state"] = JOB_STATE_NEW
        self._search.keep()
        self._search.trials.refresh()


def _raised(end: End, tid: Any, words: str) -> BaseException:
    """The objective's own exception, with where it came from; another where it could not be sent here."""
    error: BaseException | None = end["raised"]
    if error is None:
        how = "mend the objective, or pass catch_eval_exceptions=True to go on without such trials"
        return TrialError(f"trial {tid} failed in its process: {words}; {how}")
    error.add_note(f"raised by trial {tid} in a worker process:\n{end['trace']}")
    return error
