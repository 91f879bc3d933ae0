"""A worker for `MongoTrials`: evaluates trials that an `fmin` elsewhere proposes.

    python -m luthier.compat.hyperopt.worker --mongo HOST:PORT/DATABASE --exp-key KEY

It takes hyperopt-mongo-worker's options. Unlike that one it does not leave while the `fmin` lives: `--reserve-timeout`
counts only while nobody proposes. If it is killed, its trial is begun again by another.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier.compat.hyperopt.shared import Shared, name_of
from luthier.errors import LuthierError

__all__ = ["main", "work"]

logger = logging.getLogger(__name__)


def main(words: Sequence[str] | None = None) -> int:
    """Runs the worker's command line; returns its exit code."""
    options = _parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        return work(options)
    except LuthierError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; the trial waits for another worker.\n")
        return 130


def work(options: argparse.Namespace) -> int:
    """Takes trials and evaluates them until there is a reason to end; returns the exit code."""
    name = name_of(options.mongo, options.exp_key)
    folder = Path(options.store) if options.store else None
    shared = Shared(folder)
    if options.workdir:
        os.chdir(options.workdir)
    ending = _Ending()
    done = failed_in_a_row = 0
    clock = shared.clock
    began = silent_since = clock.elapsed()
    try:
        while done < options.max_jobs and not ending.is_asked:
            if options.last_job_timeout is not None and clock.elapsed() - began > options.last_job_timeout:
                logger.info("no job is begun after %g seconds", options.last_job_timeout)
                break
            domain = shared.domain() if shared.find(name) and shared.has_work else None
            claim = shared.take() if domain is not None else None
            if claim is not None and domain is not None:
                logger.info("trial %s", claim.id)
                failed_in_a_row = 0 if shared.evaluate(claim, domain) else failed_in_a_row + 1
                done, silent_since = done + 1, clock.elapsed()
                if failed_in_a_row >= options.max_consecutive_failures:
                    logger.error("%d trials in a row raised an exception; this worker ends", failed_in_a_row)
                    return 1
                continue
            if shared.experiment and shared.is_driven:
                silent_since = clock.elapsed()
            if clock.elapsed() - silent_since > options.reserve_timeout:
                logger.info("nobody has proposed anything for %g seconds", options.reserve_timeout)
                break
            time.sleep(options.poll_interval)
    finally:
        shared.close()
    logger.info("this worker evaluated %d trials", done)
    return 0


class _Ending:
    """SIGUSR1 asks to finish the current trial and leave, as hyperopt's worker does."""

    def __init__(self) -> None:
        self.is_asked = False
        try:
            signal.signal(signal.SIGUSR1, self._ask)
        except ValueError:  # not in the main thread
            pass

    def _ask(self, *_: Any) -> None:
        self.is_asked = True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hyperopt-mongo-worker", description="Evaluates trials of a MongoTrials."
    )
    add = parser.add_argument
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
    add("--max-jobs", type=float, default=float("inf"), help="leave after so many trials")
    add("--max-consecutive-failures", type=int, default=4, help="leave after so many exceptions in a row (4)")
    add("--workdir", help="where trials run")
    add("--no-subprocesses", action="store_true", help="accepted: trials run in this process anyhow")
    add("--max-jobs-in-db", type=float, help="accepted: fmin's max_queue_len says how many wait")
    return parser


if __name__ == "__main__":
    sys.exit(main())
