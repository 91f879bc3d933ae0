"""What `stop` and `kill` share: making a wish durable, seeing that somebody heeds it, and waiting until it is done.

Whoever drives an experiment reads the wish and ends its trials. When nobody does, because the driver was killed, this
process takes its place for as long as that needs. A program that asked for a trial (`luthier ask`) can't be told: with
the whole experiment its trial is ended in the record, and its late result will be kept as an event. A single trial on another
machine is ended by the worker that has it, which is asked through the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luthier.cli.options import Id, Place
from luthier.cli.output import emit_json, many, say
from luthier.drive.alive import asks
from luthier.drive.ending import await_trial, end_trial, free_asked, see_to_it
from luthier.store import Store, Wish
from luthier.trial import Outcome, TrialState

if TYPE_CHECKING:
    from luthier.trial import Trial

__all__ = ["How", "end"]


@dataclass(frozen=True, slots=True)
class How:
    """The two ways to end trials: in order, or at once."""

    command: str
    wish: Wish
    outcome: Outcome
    is_kill: bool

    @property
    def reason(self) -> str:
        """What is recorded with the trial."""
        return f"{self.outcome.value} by luthier {self.command}"


def end(place: Place, ids: Sequence[Id], how: How, *, wait: bool, as_json: bool) -> int:
    """Ends these experiments and trials, all of them checked to exist first. **Raises** NotFound."""
    with place.change() as store:
        chosen = list(ids) or [Id(place.newest(store))]
        for id in chosen:
            store.experiment(id.experiment) if id.trial is None else store.trial(id.experiment, id.trial)
        documents = []
        for id in chosen:
            one = _end_experiment if id.trial is None else _end_trial
            documents.append(one(place, store, id, how, wait))
    for document in documents:
        say(document["message"])
    if as_json:
        emit_json(how.command, {"ended": documents})
    return 0


# ---------------------------------------------------------------------- a whole experiment


def _end_experiment(place: Place, store: Store, id: Id, how: How, wait: bool) -> dict[str, Any]:
    number = id.experiment
    record = store.experiment(number)
    if record.is_met and not record.running:
        return _document(
            id, how, False, [], f"experiment {number} is finished already; nothing was to be ended"
        )
    running = [held.id.trial for held in store.held(number)]
    changed = store.set_wish(number, how.wish, how.reason)
    freed = free_asked(store, number, how.outcome, how.reason)
    running += [trial for trial in freed if trial not in running]
    if running and wait:
        see_to_it(store, place.folder, number)
        # What was sent ahead and had not begun is back in the queue: it was never ended.
        running = [trial for trial in running if store.trial(number, trial).state is not TrialState.QUEUED]
    message = _told(place, store, number, how, running, changed, len(freed))
    return _document(id, how, changed, running, message)


def _told(
    place: Place, store: Store, number: int, how: How, running: Sequence[int], changed: bool, freed: int
) -> str:
    record = store.experiment(number)
    again = f"go on with: {place.hint(f'resume {number}')}"
    if not running:
        was = "" if changed else " already"
        return f"experiment {number} is {how.outcome.value}{was}; nothing was running, {again}"
    if any(held.id.trial in running for held in store.held(number)):
        count = many(record.running, "trial")
        return f"experiment {number} is being {how.outcome.value}, {count} still running; {again}"
    ended = len(running) - freed
    parts = [f"experiment {number} is {how.outcome.value}"]
    if ended:
        parts.append(f"{many(ended, 'running trial')} ended")
    if freed:
        parts.append(f"{many(freed, 'trial')} taken back from another program")
    return ", ".join(parts) + f"; {again}"


# ---------------------------------------------------------------------- one trial


def _end_trial(place: Place, store: Store, id: Id, how: How, wait: bool) -> dict[str, Any]:
    from luthier.run.folders import Folders

    assert id.trial is not None
    before = store.trial(id.experiment, id.trial)
    if before.state is TrialState.FINISHED:
        outcome = before.result.outcome.value if before.result else "finished"
        return _document(id, how, False, [], f"trial {id} has ended already: {outcome}")
    if before.state is TrialState.RUNNING and asks(before.worker):
        message = f"trial {id} is run by another program ({before.worker}), which can't be told to end it"
        return _document(id, how, False, [], message)
    folders = Folders(place.folder)
    while True:
        done = end_trial(store, folders, id.experiment, id.trial, how.outcome, how.reason, kill=how.is_kill)
        after = store.trial(id.experiment, id.trial)
        if done and wait:
            after = await_trial(store, place.folder, before)
        is_as_before = (after.state, after.attempt) == (before.state, before.attempt)
        if not wait or is_as_before or after.state is TrialState.FINISHED:
            break
        before = (
            after  # it went back to the queue before it began, or another worker has it now: end it there
        )
    ended = [id.trial] if after.state is TrialState.FINISHED else []
    return _document(id, how, done, ended, _trial_told(place, id, after, done))


def _trial_told(place: Place, id: Id, after: Trial, done: bool) -> str:
    if after.state is TrialState.FINISHED and after.result is not None:
        return f"trial {id} ended: {after.result.outcome.value}"
    if not done:
        return f"trial {id} could not be ended: no guardian answers for it, and no worker; see: {place.hint(f'show {id}')}"
    again = place.hint(f"resume {id.experiment}")
    return f"trial {id} was told to end; it is recorded when the experiment goes on: {again}"


def _document(id: Id, how: How, changed: bool, trials: Sequence[int], message: str) -> dict[str, Any]:
    return {
        "id": str(id),
        "wish": how.wish.value if id.trial is None else None,
        "changed": changed,
        "trials": list(trials),
        "message": message,
    }
