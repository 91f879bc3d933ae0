"""Conducts a search from the command line: the driver's lock, Ctrl-C, the view, the last words and the exit code.

`grid`, `random`, `resume` and every door that comes end here.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from luthier.cli.live import listener_for
from luthier.cli.options import Place
from luthier.cli.output import many, say
from luthier.cli.results import print_result
from luthier.drive.loop import Ending, Interrupts, Why
from luthier.drive.session import Session, parallel_slots
from luthier.errors import LuthierError
from luthier.run.command import CommandRunner
from luthier.store import ExperimentRecord, Store, Wish
from luthier.view.experiments import best_trials

__all__ = ["How", "conduct", "interruptible", "run_in_background"]

READY = "LUTHIER_READY_FD"
BACK = "Stopping: running trials end and go back to the queue."
TERMINATED = 128 + signal.SIGTERM
FEW = 3
"""A search of this many trials or fewer is not checked first."""


@dataclass(frozen=True, slots=True)
class How:
    """How a search is conducted: in the background, with a first trial to look at, with few words, as JSON."""

    detach: bool = False
    check: bool = False
    quiet: bool = False
    as_json: bool = False


def conduct(store: Store, folder: Path, record: ExperimentRecord, how: How, *, created: bool = False) -> int:
    """Drives an experiment until it ends, tells what was found and returns the exit code.

    **Raises** AliveError while another process drives it.
    """
    if record.is_met and not record.running:
        say(f"experiment {record.id} already has its {many(record.finished, 'trial')}")
        return print_result(store, folder, Ending(Why.MET, record), as_json=how.as_json)
    with Session(store, folder) as session:
        session.become_driver(record.id)
        if not how.detach:
            return _foreground(session, record, how, created=created)
    # The lock showed that nobody drives it, and is free again for the driver in the background.
    _detach(folder, record)
    return 0


def _foreground(session: Session, record: ExperimentRecord, how: How, *, created: bool) -> int:
    store, folder = session.store, session.folder
    limits = record.description.limits
    session.start_runner(limits)
    slots = len(parallel_slots(limits))
    say_opening(record, slots, created=created, folder=folder)
    store.set_wish(record.id, Wish.RUN, "a search was started")
    _say_ready()
    first_alone = how.check and not record.finished and (record.target is None or record.target > FEW)
    listener = listener_for(slots, check=first_alone, quiet=how.quiet)
    listener.begin_from(next(iter(best_trials(store, record, 1)), None))
    with interruptible(session.start_runner(limits)) as interrupts:
        try:
            ending = session.drive(record, listener, interrupts, first_alone=first_alone)
        finally:
            listener.close()
    _say_ending(ending, Place(folder))
    if record.description.on_finish:
        _on_finish(record.description.on_finish, ending, folder)
    code = print_result(store, folder, ending, as_json=how.as_json)
    return TERMINATED if ending.why is Why.INTERRUPTED and interrupts.by == "TERM" else code


def say_opening(record: ExperimentRecord, slots: int, *, created: bool, folder: Path) -> None:
    """Says which experiment this is, how large, and where it is kept."""
    what = record.description
    name = f" {what.name!r}" if what.name else ""
    target = "trials without end" if record.target is None else many(record.target, "trial")
    goal = f", {what.objective}" if what.objective else ""
    where = os.path.relpath(folder)
    if created:
        say(
            f"Experiment {record.id}{name}: {what.algorithm.name}, {target}, {slots} at a time{goal}; kept in {where}"
        )
    else:
        say(
            f"Experiment {record.id}{name} goes on: {record.finished} of {target} finished, {slots} at a time{goal}"
        )


@contextmanager
def interruptible(runner: CommandRunner, words: str = BACK) -> Iterator[Interrupts]:
    """Turns Ctrl-C and TERM into counts the drive heeds, for as long as the body runs.

    The first ends the search in good order, the second kills the trials; a third leaves at once.
    """
    reading, writing = socket.socketpair()
    reading.setblocking(False)
    writing.setblocking(False)
    interrupts = Interrupts(fd=reading.fileno())
    runner.watch(reading.fileno())

    def heard(number: int, frame: object) -> None:
        interrupts.count += 1
        if interrupts.count == 1 and number == signal.SIGTERM:
            interrupts.by = "TERM"
        if interrupts.count == 1:
            say(f"\n{words} Press Ctrl-C again to kill what runs.")
        elif interrupts.count == 2:
            say("Killing them.")
        else:
            raise KeyboardInterrupt

    before = {name: signal.signal(name, heard) for name in (signal.SIGINT, signal.SIGTERM)}
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield interrupts
    finally:
        signal.set_wakeup_fd(wakeup)
        for name, handler in before.items():
            signal.signal(name, handler)
        runner.unwatch(reading.fileno())
        reading.close()
        writing.close()


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
                f"The first {many(ending.record.finished, 'trial')} all failed, so no more were started. "
                f"Mend the command, or if that is how it should be, {again}"
            )
        case Why.EXHAUSTED:
            say("The space has no further configuration to try.")
        case Why.MET:
            pass


def _detach(folder: Path, record: ExperimentRecord) -> None:
    """Hands the experiment to a driver in the background."""
    pid, place = run_in_background(folder, record.id), Place(folder)
    say(
        f"Experiment {record.id} runs in the background (process {pid}). "
        f"Follow it with: {place.hint(f'logs {record.id} -f')}; end it with: {place.hint(f'stop {record.id}')}"
    )


def run_in_background(folder: Path, experiment: int) -> int:
    """Starts a driver that outlives this terminal, waits until it drives, and returns its process number.

    **Raises** LuthierError when it ended before that, with the file that says why.
    """
    logs = folder / "drivers"
    logs.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "luthier", "resume", str(experiment), "--store", str(folder)]
    reading, writing = os.pipe()
    path = logs / f"{experiment}.log"
    with open(path, "ab") as log:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(writing,),
            env={**os.environ, READY: str(writing)},
        )
    os.close(writing)
    with open(reading, "rb") as answer:
        if not answer.read(1):
            raise LuthierError(f"the driver in the background ended at once; {path} says why")
    return process.pid


def _say_ready() -> None:
    """Tells whoever started this driver in the background that it drives now."""
    descriptor = os.environ.pop(READY, "")
    if descriptor:
        os.write(int(descriptor), b".")
        os.close(int(descriptor))


def _on_finish(command: str, ending: Ending, folder: Path) -> None:
    """Runs the user's own command; what it does and how it ends is theirs."""
    known = {
        "LUTHIER_EXPERIMENT": str(ending.record.id),
        "LUTHIER_STORE": str(folder),
        "LUTHIER_ENDED": str(ending.why),
    }
    code = subprocess.run(["/bin/sh", "-c", command], env={**os.environ, **known}, check=False).returncode
    if code:
        say(f"--on-finish {command!r} ended with exit code {code}")
