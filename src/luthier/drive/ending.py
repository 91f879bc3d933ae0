"""Ends one running attempt on a person's wish, from any process: its guardian is asked, its driver hears of it.

The guardian ends the whole tree and writes the outcome; whoever drives or adopts the attempt makes it durable. So a
trial can also be ended when its driver is long dead.
"""

from __future__ import annotations

from luthier.run.adopted import ask_guardian
from luthier.run.folders import Folders
from luthier.store import Store
from luthier.trial import AttemptId, Outcome, TrialState

__all__ = ["end_trial"]


def end_trial(
    store: Store, folders: Folders, experiment: int, number: int, outcome: Outcome, reason: str, *, kill: bool
) -> bool:
    """Ends a trial that waits or runs: STOPPED after TERM and grace, KILLED at once with `kill`.

    **Holds** a waiting trial is finished on return; a running one will be, within its grace and two seconds.
    False when it was finished already, or runs where no guardian answers.
    **Raises** NotFound when there is no such trial.
    """
    trial = store.trial(experiment, number)
    if trial.state is not TrialState.RUNNING:
        return store.cancel(experiment, number, outcome, reason)
    grace = store.experiment(experiment).description.limits.grace_seconds
    id = AttemptId(experiment, number, trial.attempt)
    folder = folders.attempt(experiment, number, trial.attempt).path
    return ask_guardian(id, folder, outcome, reason, grace, kill=kill)
