"""`stop` and `kill` as Spell had them: what has not begun is killed, what runs is stopped with its outputs kept, or killed and
its outputs thrown away; what has ended is left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from luthier.drive.ending import await_trial, end_trial, see_to_it
from luthier.run.folders import Folders
from luthier.store import ExperimentRecord, Store, Wish
from luthier.trial import Outcome, Trial, TrialState

__all__ = ["end_run", "end_search"]

_REASONS = {
    Outcome.STOPPED: "stopped by spell stop",
    Outcome.KILLED: "killed by spell kill",
}
_UNBEGUN = "killed before it began"


def end_search(store: Store, folder: Path, record: ExperimentRecord, outcome: Outcome) -> None:
    """Ends a whole search: STOPPED or KILLED.

    **Holds** on return nothing of it runs. May be repeated, also after it was cut short.
    """
    kill = outcome is Outcome.KILLED
    if not record.is_met:
        store.set_wish(record.id, Wish.KILL if kill else Wish.STOP, _REASONS[outcome])
    _cancel(store, record.id)
    see_to_it(store, folder, record.id)
    _cancel(store, record.id)  # what a slot was sent ahead and never began is back in the queue
    if kill:
        discard(folder, [trial for trial in store.trials(record.id) if _was_killed(trial)])


def end_run(store: Store, folder: Path, trial: Trial, outcome: Outcome) -> Trial:
    """Ends one run, and returns it as it is then. **Holds** as `end_search`; one that has ended is left alone."""
    if trial.state is TrialState.FINISHED:
        return trial
    kill, is_running = outcome is Outcome.KILLED, trial.state is TrialState.RUNNING
    outcome = outcome if is_running else Outcome.KILLED
    reason = _REASONS[outcome] if is_running else _UNBEGUN
    end_trial(store, Folders(folder), trial.experiment, trial.number, outcome, reason, kill=kill)
    after = await_trial(store, folder, store.trial(trial.experiment, trial.number))
    if kill and _was_killed(after):
        discard(folder, [after])
    return after


def _cancel(store: Store, experiment: int) -> None:
    with store.together():
        for trial in store.trials(experiment):
            if trial.state in (TrialState.QUEUED, TrialState.WAITING):
                store.cancel(experiment, trial.number, Outcome.KILLED, _UNBEGUN)


def _was_killed(trial: Trial) -> bool:
    return bool(trial.attempt and trial.result and trial.result.outcome is Outcome.KILLED)


def discard(folder: Path, trials: Iterable[Trial]) -> None:
    """Throws away what these runs wrote."""
    folders = Folders(folder)
    for trial in trials:
        for attempt in range(1, trial.attempt + 1):
            outputs = Path(folders.attempt(trial.experiment, trial.number, attempt).outputs)
            shutil.rmtree(outputs, ignore_errors=True)
        shutil.rmtree(Path(folders.trial(trial.experiment, trial.number)) / "checkpoint", ignore_errors=True)
