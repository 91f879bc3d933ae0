"""A search before a person's eyes: the view, Ctrl-C, the last words and the exit code.

`searching.py` loads this while the nursery gets ready, and with it all that drives.
"""

from __future__ import annotations

import os
import signal
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from luthier.cli.options import Place
from luthier.cli.output import many, say
from luthier.cli.telling import listener_for
from luthier.drive import interrupting
from luthier.drive.background import say_ready
from luthier.drive.ends import Ending, Interrupts, Why
from luthier.drive.session import Session
from luthier.run.runner import Runner
from luthier.store import ExperimentRecord, Wish

__all__ = ["interruptible", "search_in_sight"]

BACK = "Stopping: running trials end and go back to the queue."
TERMINATED = 128 + signal.SIGTERM
FEW = 3
"""A search of this many trials or fewer is not checked first."""


def search_in_sight(
    session: Session,
    record: ExperimentRecord,
    *,
    created: bool,
    check: bool,
    quiet: bool,
    as_json: bool,
    rows: bool = False,
) -> int:
    """Drives an experiment until it ends, tells what was found and returns the exit code."""
    store, folder = session.store, session.folder
    limits = record.description.limits
    slots = len(session.slots(limits))
    if not quiet:
        _say_opening(record, slots, created=created, folder=folder)
    store.set_wish(record.id, Wish.RUN, "a search was started")
    say_ready()
    wary = check and not record.finished and (record.target is None or record.target > FEW)
    listener = listener_for(slots, check=wary, quiet=quiet, rows=slots if rows else 0)
    if record.finished:
        from luthier.view.experiments import best_trials

        listener.begin_from(next(iter(best_trials(store, record, 1)), None))
    if not quiet:
        from luthier.cli.bundle import progress_bar

        session.progress = progress_bar()
    with interruptible(session.start_runner(limits)) as interrupts:
        try:
            ending = session.drive(record, listener, interrupts, wary=wary)
        finally:
            listener.close()
    _say_ending(ending, Place(folder))
    if record.description.on_finish:
        _on_finish(record.description.on_finish, ending, folder)
    from luthier.cli.results import print_result  # no trial had to wait for its import

    code = print_result(store, folder, ending, as_json=as_json)
    return TERMINATED if ending.why is Why.INTERRUPTED and interrupts.by == "TERM" else code


def _say_opening(record: ExperimentRecord, slots: int, *, created: bool, folder: Path) -> None:
    """Says which experiment this is, how large, and where it is kept."""
    what = record.description
    name = f" {what.name!r}" if what.name else ""
    target = "trials without end" if record.target is None else many(record.target, "trial")
    goal = "".join(f", {each}" for each in (*what.objectives, *what.constraints))
    where = os.path.relpath(folder)
    if created:
        say(
            f"Experiment {record.id}{name}: {what.algorithm.name}, {target}, {slots} at a time{goal}; kept in {where}"
        )
    else:
        say(
            f"Experiment {record.id}{name} goes on: {record.finished} of {target} finished, {slots} at a time{goal}"
        )


def interruptible(
    runner: Runner | None, words: str = BACK, drain: str | None = None
) -> AbstractContextManager[Interrupts]:
    """Turns Ctrl-C and TERM into counts the drive heeds, and says what they do. With the words of `drain`, the first TERM asks
    for nothing new to begin instead."""

    def tell(count: int) -> None:
        _say_at_once(f"\n{words} Press Ctrl-C again to kill what runs." if count == 1 else "Killing them.")

    drains = None if drain is None else partial(_say_at_once, drain)
    return interrupting.interruptible(runner, tell, drains=drains)


def _say_at_once(text: str) -> None:
    """Says it also where the signal came while a line was being printed, for the stream is not reentrant."""
    try:
        say(text)
    except RuntimeError:
        os.write(2, f"{text}\n".encode())


def _say_ending(ending: Ending, place: Place) -> None:
    id = ending.record.id
    line = place.hint(f"resume {id}")
    again = f"go on with: {line}"
    match ending.why:
        case Why.INTERRUPTED:
            say(f"Interrupted; nothing is lost. To go on, type the same command again, or: {line}")
        case Why.PAUSED:
            say(f"Experiment {id} is paused; {again}")
        case Why.STOPPED | Why.KILLED:
            say(f"Experiment {id} was {ending.why}; {again}")
        case Why.ALL_FAILED:
            say(
                f"The first {many(ending.failed, 'trial')} all failed, so no more were started. "
                f"Mend the command; what failed is run again with: {place.hint(f'retry {id} --failed')}, then "
                f"{line}. If that is how it should be, {again}"
            )
        case Why.TARGET:
            say(f"The target is reached: {ending.reason}.")
        case Why.NO_PROGRESS:
            say(f"No progress: {ending.reason}. With a larger --no-progress, or without it, {again}")
        case Why.TIME:
            say(f"Time is up: {ending.reason}. {again[0].upper()}{again[1:]}")
        case Why.SET_ASIDE:
            say(
                f"This machine set itself aside: {ending.reason}. What failed here is back in the queue; mend the "
                f"machine, then {again}"
            )
        case Why.DRAINED | Why.ENOUGH:
            say(f"Experiment {id} waits for other workers; {again}")
        case Why.EXHAUSTED:
            say("The space has no further configuration to try.")
        case Why.MET:
            pass


def _on_finish(command: str, ending: Ending, folder: Path) -> None:
    """Runs the user's own command; what it does and how it ends is theirs."""
    known = {
        "LUTHIER_EXPERIMENT": str(ending.record.id),
        "LUTHIER_STORE": str(folder),
        "LUTHIER_ENDED": str(ending.why),
    }
    import subprocess

    code = subprocess.run(["/bin/sh", "-c", command], env={**os.environ, **known}, check=False).returncode
    if code:
        say(f"--on-finish {command!r} ended with exit code {code}")
