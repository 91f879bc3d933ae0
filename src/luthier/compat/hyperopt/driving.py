"""The loop of `fmin`: proposes, evaluates, saves, and knows when to end and why.

The objective is called in this process, one trial after another, as its programs expect. With `workers`, processes of
ours call it side by side (`side_by_side.py`). Trials that are evaluated elsewhere (`asynchronous`, as `MongoTrials` are)
are proposed here and waited for.
"""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from luthier.clock import Clock, SystemClock
from luthier.compat.hyperopt import progress
from luthier.compat.hyperopt.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    Document,
    loss_of,
    spec_from_misc,
)
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.saving import save
from luthier.compat.hyperopt.trials import Ctrl

__all__ = ["FMinIter"]

logger = logging.getLogger(__name__)

SEEDS = 2**31 - 1


class FMinIter:
    """One search. `run(n)` evaluates n more trials, `exhaust` those that are left, iteration one at a time."""

    catch_eval_exceptions = False

    def __init__(
        self,
        algo: Callable[..., list[Document]],
        domain: Domain,
        trials: Any,
        rstate: Any,
        asynchronous: bool | None = None,
        max_queue_len: int = 1,
        poll_interval_secs: float = 1.0,
        max_evals: int = sys.maxsize,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        verbose: bool = False,
        show_progressbar: Any = True,
        early_stop_fn: Callable[..., Any] | None = None,
        trials_save_file: Any = "",
        workers: int | None = None,
    ) -> None:
        self.algo = algo
        self.domain = domain
        self.trials = trials
        self.rstate = rstate
        self.asynchronous = trials.asynchronous if asynchronous is None else asynchronous
        self.max_queue_len = max_queue_len
        self.poll_interval_secs = getattr(trials, "poll_interval_secs", poll_interval_secs)
        self.max_evals = max_evals
        self.timeout = timeout
        self.loss_threshold = loss_threshold
        self.verbose = verbose
        self.progress_callback = _bar(show_progressbar, verbose)
        self.early_stop_fn = early_stop_fn
        self.early_stop_args: Any = []
        self.trials_save_file = trials_save_file
        self.workers = workers
        self.clock: Clock = SystemClock()
        self.start_time = self.clock.elapsed()
        self._best: float | None = None
        self._seen = 0
        self._ended = 0
        self._why: str | None = None
        if not self.asynchronous:
            _requeue(trials)

    # ------------------------------------------------------------------ the loop

    def exhaust(self) -> Self:
        """Runs until there are `max_evals` trials, or a reason to end before."""
        self.run(self.max_evals - len(self.trials), block_until_done=self.asynchronous)
        self.trials.refresh()
        return self

    def run(self, N: int, block_until_done: bool = True) -> None:
        """Proposes `N` trials and evaluates all that wait. `block_until_done` waits for those evaluated elsewhere."""
        self._why = None
        self.look()
        with self.progress_callback(initial=self._ended, total=self.max_evals) as bar:
            if self.workers:
                self._run_side_by_side(N, bar)
            else:
                self._run_in_turn(N, block_until_done, bar)
        self._end()

    def _run_in_turn(self, left: int, block_until_done: bool, bar: Any) -> None:
        while not self.is_over:
            waiting = self._queued()
            if not waiting and left > 0:
                made = self.propose(min(self.max_queue_len, left))
                left -= made
                if not made and not self._unfinished():
                    self.say_exhausted()
                    break
            elif not waiting and not (self.asynchronous and block_until_done and self._unfinished()):
                break
            self._step()
            self.look(bar)

    def _run_side_by_side(self, left: int, bar: Any) -> None:
        from luthier.compat.hyperopt.pool import Pool
        from luthier.compat.hyperopt.side_by_side import SideBySide

        if left <= 0 and not self._queued():
            return
        assert self.workers is not None
        with Pool.side_by_side(self.domain, self.workers) as pool:
            SideBySide(self, pool, left).run(bar)

    @property
    def is_over(self) -> bool:
        """Whether there is a reason to begin nothing more."""
        return (self._why or self._reason_to_end()) is not None

    def say_exhausted(self) -> None:
        """Notes that the space has no more configurations."""
        self._why = "every configuration of the space was tried"

    def _step(self) -> None:
        """Evaluates the first trial that waits, or gives those that do some time."""
        if self.asynchronous:
            help_out = getattr(self.trials, "help_out", None)
            if help_out is None or not help_out(self.domain):
                time.sleep(self.poll_interval_secs)
            before = self._ended
            self.look()
            if self._ended > before:
                self.after()
            return
        for doc in self._queued()[:1]:
            try:
                self._evaluate(doc)
            finally:
                self.keep()
            self.after()

    def after(self, shown: Any = None) -> None:
        """Asks whether to end early, of the trials as they are or as they are `shown`."""
        if self.early_stop_fn is None:
            return
        self._follow()
        trials = self.trials if shown is None else shown
        if trials.trials:
            stop, self.early_stop_args = self.early_stop_fn(trials, *self.early_stop_args)
            if stop:
                self._why = f"the early stop function ended it: {_said_by(self.early_stop_fn)}"

    def _reason_to_end(self) -> str | None:
        if self.timeout is not None and self.clock.elapsed() - self.start_time >= self.timeout:
            self._why = f"its timeout of {self.timeout:g} seconds was over"
        elif self.loss_threshold is not None and self._best is not None and self._best <= self.loss_threshold:
            self._why = f"its best loss {self._best:g} reached the threshold {self.loss_threshold:g}"
        elif self.is_cancelled:
            self._why = "it was cancelled"
        return self._why

    def _end(self) -> None:
        self.trials.stop_reason = self._why or "as many trials were made as were asked for"
        if self._why is not None and self._why.startswith("every configuration"):
            logger.warning("%s (%d); pass repeats=True to try them again", self._why, len(self.trials.trials))
        elif self._why is not None:
            logger.info("the search ended because %s", self._why)

    # ------------------------------------------------------------------ proposing and evaluating

    def propose(self, n: int) -> int:
        """Adds up to `n` new trials; returns how many the algorithm had."""
        new_ids = self.trials.new_trial_ids(n)
        self._follow()
        docs = self.algo(new_ids, self.domain, self.trials, _seed_from(self.rstate))
        if len(docs) > n:
            raise ValueError(f"the algorithm made {len(docs)} trials where {n} were asked for")
        self.trials.insert_trial_docs(docs)
        self._follow()
        return len(docs)

    def _evaluate(self, doc: Document) -> None:
        """Evaluates one trial here. **Raises** what the objective raises, unless exceptions are caught; an interrupted
        trial goes back to the queue."""
        values = spec_from_misc(doc["misc"])
        doc["misc"].setdefault("values", self.domain.search.shown(values))
        doc["book_time"] = doc["refresh_time"] = self.now()
        doc["state"] = JOB_STATE_RUNNING
        try:
            doc["result"] = self.domain.evaluate(values, Ctrl(self.trials, current_trial=doc))
            doc["state"] = JOB_STATE_DONE
        except Exception as error:
            logger.error("job exception: %s", error)
            doc["state"] = JOB_STATE_ERROR
            doc["misc"]["error"] = (str(type(error)), str(error))
            if not self.catch_eval_exceptions:
                self.trials.refresh()
                raise
        finally:
            if doc["state"] == JOB_STATE_RUNNING:  # Ctrl-C, or SystemExit
                doc["state"] = JOB_STATE_NEW
            doc["refresh_time"] = self.now()

    def now(self) -> datetime:
        """Now, as hyperopt writes times: UTC without saying so."""
        return datetime.fromtimestamp(self.clock.now(), UTC).replace(tzinfo=None)

    def serial_evaluate(self, N: int = -1) -> None:
        """Evaluates the trials that wait, `N` at most."""
        for doc in self._queued()[: N if N >= 0 else None]:
            self._evaluate(doc)
        self.trials.refresh()

    def block_until_done(self) -> None:
        """Evaluates the trials that wait, or waits for those who do."""
        if not self.asynchronous:
            self.serial_evaluate()
        while self.asynchronous and self._unfinished():
            time.sleep(self.poll_interval_secs)
            self.trials.refresh()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        if self._why is not None or len(self.trials) >= self.max_evals:
            raise StopIteration
        before = len(self.trials)
        self.run(1, block_until_done=self.asynchronous)
        if len(self.trials) == before:
            raise StopIteration
        return self.trials

    @property
    def is_cancelled(self) -> bool:
        """Whether the trials say that they are to end."""
        return bool(getattr(self.trials, "_fmin_cancelled", False))

    # ------------------------------------------------------------------ looking

    def look(self, bar: Any = None) -> None:
        """Notes the best loss and how many trials ended; looks at each of them once."""
        self._follow()
        docs, before = self.trials.trials, self._ended
        in_order = not (self.asynchronous or self.workers)
        if not in_order:
            self._seen = self._ended = 0
        for doc in itertools.islice(docs, self._seen, None):
            if doc["state"] in (JOB_STATE_NEW, JOB_STATE_RUNNING):
                if in_order:
                    break
                continue
            loss = loss_of(doc)
            if loss is not None and (self._best is None or loss < self._best):
                self._best = loss
            self._ended += doc["state"] == JOB_STATE_DONE
            self._seen += 1
        if bar is not None and self._ended > before:
            if self._best is not None:
                bar.postfix = f"best loss: {self._best}"
            bar.update(self._ended - before)

    def _follow(self) -> None:
        getattr(self.trials, "follow", self.trials.refresh)()

    def _queued(self) -> list[Document]:
        return self._open(JOB_STATE_NEW)

    def _unfinished(self) -> list[Document]:
        return self._open(JOB_STATE_NEW, JOB_STATE_RUNNING)

    def _open(self, *states: int) -> list[Document]:
        if hasattr(self.trials, "open_documents"):
            return self.trials.open_documents(*states)  # type: ignore[no-any-return]
        return [doc for doc in self.trials._dynamic_trials if doc["state"] in states]

    def keep(self) -> None:
        """Saves the trials, where they are to be saved."""
        if self.trials_save_file and str(self.trials_save_file):
            self._follow()
            save(self.trials, Path(self.trials_save_file))


def _bar(wanted: Any, verbose: bool) -> Any:
    if not wanted or not verbose:
        return progress.no_progress_callback
    return progress.default_callback if wanted is True else wanted


def _requeue(trials: Any) -> None:
    """Puts back what a process that is no more was evaluating."""
    for doc in trials._dynamic_trials:
        if doc["state"] == JOB_STATE_RUNNING:
            doc["state"] = JOB_STATE_NEW


def _seed_from(rstate: Any) -> int:
    """The next seed of a NumPy generator, old or new."""
    draw = getattr(rstate, "integers", None) or rstate.randint
    return int(draw(SEEDS))


def _said_by(function: Any) -> str:
    text = (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]
    return text or getattr(function, "__name__", "it said so")
