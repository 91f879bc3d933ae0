"""A worker for `MongoTrials`: evaluates trials that an `fmin` elsewhere proposes.

    luthier hyperopt-worker --mongo HOST:PORT/DATABASE --exp-key KEY

or, the same, `python -m luthier.compat.hyperopt.worker`. Nothing of the name `hyperopt-mongo-worker` is installed, so that
a real hyperopt's stays what it is; programs that call it by that name are given ours by `compat/shims`.

It takes that one's options. Unlike it, it does not leave while the `fmin` lives: `--reserve-timeout` counts only while
nobody proposes. Trials are evaluated in a process of their own, which stays warm between them; what kills it costs an
attempt and not the worker. If the worker is killed, its trial is begun again by another.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.pool import Pool
from luthier.compat.hyperopt.shared import Shared, name_of
from luthier.errors import LuthierError
from luthier.store import Claim

__all__ = ["main", "work"]

logger = logging.getLogger(__name__)


def main(words: Sequence[str] | None = None, prog: str = "hyperopt-mongo-worker") -> int:
    """Runs the worker's command line; returns its exit code."""
    options = _parser(prog).parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        return work(options)
    except LuthierError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; a trial that it had begun waits for another worker.\n")
        return 130


def work(options: argparse.Namespace) -> int:
    """Takes trials and evaluates them until there is a reason to end; returns the exit code."""
    name = name_of(options.mongo, options.exp_key)
    shared = Shared(Path(options.store).absolute() if options.store else None)
    if options.workdir:
        os.makedirs(options.workdir, exist_ok=True)
        os.chdir(options.workdir)
    worker = _Worker(shared, options)
    try:
        return worker.work(name)
    finally:
        worker.close()
        shared.close()


MISSED_SECONDS = 2.0
"""`fmin` makes its experiment first and leaves its objective right after."""


class _Worker:
    """The loop, and what it counts."""

    def __init__(self, shared: Shared, options: argparse.Namespace) -> None:
        self._shared = shared
        self._options = options
        self._ending = _Ending()
        self._pool: Pool | None = None
        self._is_busy = False
        self._missed: float | None = None
        self._told = False
        self._done = self._failed_in_a_row = 0
        self._began = self._silent_since = shared.clock.elapsed()

    def close(self) -> None:
        """Ends the process that evaluates."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        self._ending.close()

    def work(self, name: str) -> int:
        """Evaluates trials of the experiment of this name; returns the exit code. A TERM between two trials is an end like
        any other: nothing waits for another worker then."""
        try:
            return self._work(name)
        except KeyboardInterrupt:
            if self._is_busy or not self._ending.by_term:
                raise
            logger.info("asked to leave by TERM; this worker evaluated %d trials", self._done)
            return 0

    def _work(self, name: str) -> int:
        shared, options = self._shared, self._options
        while (why := self._why_to_end()) is None:
            is_there = shared.find(name)
            if not is_there:
                self._tell_what_is_missing()
            is_open = is_there and shared.has_work and not self._is_full()
            domain = shared.domain() if is_open else None
            self._is_busy = domain is not None
            claim = shared.take() if domain is not None else None
            self._is_busy = claim is not None
            if claim is not None and domain is not None:
                self._evaluate(claim, domain)
                self._is_busy = False
                continue
            if shared.experiment and shared.is_driven:
                self._silent_since = shared.clock.elapsed()
            time.sleep(options.poll_interval)
        logger.info("%s; this worker evaluated %d trials", why, self._done)
        return 1 if self._failed_in_a_row >= options.max_consecutive_failures else 0

    def _tell_what_is_missing(self) -> None:
        """Says once that the trials are here and the objective is not: the store is on a server, and its folder is another one."""
        shared, now = self._shared, self._shared.clock.elapsed()
        if not shared.experiment or not shared.alive.is_shared:
            return
        if self._missed is None:
            self._missed = now
        elif not self._told and now - self._missed > MISSED_SECONDS:
            self._told = True
            logger.warning(
                "the trials of experiment %d are in the store, but its objective is not in %s: fmin runs in another folder or "
                "on another machine; start this worker in the folder of fmin, or in one that both machines share",
                shared.experiment,
                shared.folder,
            )

    def _evaluate(self, claim: Claim, domain: Domain) -> None:
        logger.info("trial %s", claim.id)
        if self._pool is None or self._pool.domain is not domain:
            if self._pool is not None:
                self._pool.close()
            self._pool = None if self._options.no_subprocesses else Pool(domain, 1)
        is_well = self._shared.evaluate(claim, domain, self._pool)
        self._failed_in_a_row = 0 if is_well else self._failed_in_a_row + 1
        self._done, self._silent_since = self._done + 1, self._shared.clock.elapsed()

    def _why_to_end(self) -> str | None:
        options, now = self._options, self._shared.clock.elapsed()
        if self._ending.is_asked:
            return "asked to leave by USR1"
        if self._done >= options.max_jobs:
            return "as many as it was to evaluate"
        if self._failed_in_a_row >= options.max_consecutive_failures:
            return f"{self._failed_in_a_row} trials in a row raised an exception"
        if options.last_job_timeout is not None and now - self._began > options.last_job_timeout:
            return f"no trial is begun after {options.last_job_timeout:g} seconds"
        if self._is_full():
            return f"{options.max_jobs_in_db:g} trials have begun"
        if now - self._silent_since > options.reserve_timeout:
            return f"nobody has proposed anything for {options.reserve_timeout:g} seconds"
        return None

    def _is_full(self) -> bool:
        """Whether as many trials of the experiment have begun as `--max-jobs-in-db` allows."""
        if self._options.max_jobs_in_db is None or not self._shared.experiment:
            return False
        record = self._shared.store.experiment(self._shared.experiment)
        limit: float = self._options.max_jobs_in_db
        return record.finished + record.running >= limit


class _Ending:
    """SIGUSR1 asks to finish the current trial and leave, TERM and HUP to leave at once, as hyperopt's worker does. Whoever
    had the signals before has them again after `close`."""

    def __init__(self) -> None:
        self.is_asked = self.by_term = False
        self._before: dict[int, Any] = {}
        with suppress(ValueError):  # not in the main thread
            self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._ask)
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) == signal.SIG_DFL:
                    self._before[number] = signal.signal(number, self._interrupt)

    def close(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_: Any) -> None:
        self.is_asked = True

    def _interrupt(self, *_: Any) -> None:
        self.by_term = True
        raise KeyboardInterrupt


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description="Evaluates trials of a MongoTrials.")
    add, inf = parser.add_argument, float("inf")
    add("--mongo", default="localhost/hyperopt", help="[HOST[:PORT]]/DATABASE; only the database counts")
    add("--exp-key", help="the experiment key given to MongoTrials")
    add("--store", help="the store's folder (default: LUTHIER_STORE, else the nearest .luthier)")
    add("--poll-interval", type=float, default=0.5, help="seconds between two looks (0.5)")
    add(
        "--reserve-timeout",
        type=float,
        default=120.0,
        help="leave after so many seconds without an fmin (120)",
    )
    add("--last-job-timeout", type=float, help="begin no trial after so many seconds")
    add("--max-jobs", type=float, default=inf, help="leave after so many trials")
    add("--max-consecutive-failures", type=int, default=4, help="leave after so many exceptions in a row (4)")
    add("--workdir", help="where trials run")
    add(
        "--no-subprocesses",
        action="store_true",
        help="evaluate in this very process: what kills it ends the worker",
    )
    add("--max-jobs-in-db", type=float, help="leave when so many trials of the experiment have begun")
    return parser


if __name__ == "__main__":
    sys.exit(main())
