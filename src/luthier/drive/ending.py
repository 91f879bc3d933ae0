"""Ends what runs on a person's wish, from any process: an attempt's guardian is asked, its driver hears of it.

The guardian ends the whole tree and writes the outcome; whoever drives or adopts the attempt makes it durable. So a
trial can also be ended when its driver is long dead; `see_to_it` then takes the driver's place for as long as that needs.
Where the guardian is on another machine, or there is none, the worker is asked through the record (`requests.py`).
"""

from __future__ import annotations

import time
from pathlib import Path

from luthier.drive.alive import Alive, asks
from luthier.errors import AliveError
from luthier.run.adopted import ask_guardian
from luthier.run.folders import Folders
from luthier.store import Store, Verdict, Wish
from luthier.trial import AttemptId, Outcome, Result, Trial, TrialState

__all__ = ["await_trial", "end_trial", "free_asked", "is_active", "see_to_it"]

BEAT_SECONDS = 0.1


def end_trial(
    store: Store, folders: Folders, experiment: int, number: int, outcome: Outcome, reason: str, *, kill: bool
) -> bool:
    """Ends a trial that waits or runs: STOPPED after TERM and grace, KILLED at once with `kill`.

    **Holds** a waiting trial is finished on return; a running one will be, within its grace and two seconds.
    False when it was finished already, or runs where no guardian answers and no worker lives.
    **Raises** NotFound when there is no such trial.
    """
    trial = store.trial(experiment, number)
    if trial.state is not TrialState.RUNNING:
        return store.cancel(experiment, number, outcome, reason)
    grace = store.experiment(experiment).description.limits.grace_seconds
    id = AttemptId(experiment, number, trial.attempt)
    folder = folders.attempt(experiment, number, trial.attempt).path
    if ask_guardian(id, folder, outcome, reason, grace, kill=kill):
        return True
    is_held = any(held.id == id and Alive(folders.root).lives(held) for held in store.held(experiment))
    return is_held and store.request_end(id, Wish.KILL if kill else Wish.STOP, reason)


def free_asked(store: Store, experiment: int, outcome: Outcome, reason: str) -> list[int]:
    """Ends the trials that other programs asked for, in the record alone, for they can't be told; returns their numbers."""
    asked = [held.id for held in store.held(experiment) if asks(held.worker)]
    result = Result(outcome, reason)
    return [id.trial for id in asked if store.finish(id, result) is Verdict.ACCEPTED]


def is_active(store: Store, folder: Path, experiment: int) -> bool:
    """Whether a driver or a living worker is at an experiment."""
    alive = Alive(folder)
    return alive.is_driven(experiment) or any(alive.lives(one) for one in store.held(experiment))


def see_to_it(store: Store, folder: Path, experiment: int) -> None:
    """Waits until no trial of an experiment that is to end runs any more, and drives the ending itself when nobody does.

    **Holds** on return all of them are ended in the record, but for those that other programs asked for.
    """
    while any(not asks(held.worker) for held in store.held(experiment)):
        if not is_active(store, folder, experiment):
            _drive_the_end(store, folder, experiment)
        time.sleep(BEAT_SECONDS)


def _drive_the_end(store: Store, folder: Path, experiment: int) -> None:
    """Adopts what a dead driver left behind, so that it ends as wished and is recorded."""
    from luthier.drive.ends import Interrupts
    from luthier.drive.listener import Listener
    from luthier.drive.session import Session

    try:
        with Session(store, folder) as session:
            session.become_driver(experiment)
            session.drive(store.experiment(experiment), Listener(), Interrupts())
    except AliveError:
        pass  # somebody was quicker: it heeds the wish


def await_trial(store: Store, folder: Path, before: Trial) -> Trial:
    """The trial once its attempt has ended and somebody has recorded it; as it is when nobody will."""
    while True:
        trial = store.trial(before.experiment, before.number)
        is_over = trial.state is not TrialState.RUNNING or trial.attempt != before.attempt
        if is_over or not is_active(store, folder, before.experiment):
            return trial
        time.sleep(BEAT_SECONDS)
