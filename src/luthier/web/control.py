"""A person's verbs, sent from the page: the same as those of the command line, recorded as they are, each with its undo.

Nothing here is reached unless the dashboard was started with --allow-control. Each verb opens the record to write, does one
thing and closes it; the event log of the record says that it came from the dashboard.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from luthier.drive.alive import Alive
from luthier.drive.background import run_in_background
from luthier.drive.ending import end_trial, free_asked, see_to_it
from luthier.errors import ConflictError, LuthierError, UsageError
from luthier.run.folders import Folders
from luthier.store import Sort, Store, Wish, open_store
from luthier.trial import Outcome, TrialState
from luthier.web.ids import experiment_id, trial_id

__all__ = ["Control"]

Document = dict[str, Any]

_ENDS = {"stop": (Wish.STOP, Outcome.STOPPED), "kill": (Wish.KILL, Outcome.KILLED)}


class Control:
    """What the page may ask to be done. **Raises** LuthierError, whose text says why it can't be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._verbs: dict[str, Callable[[Store, Document], Document]] = {
            "pause": self._pause,
            "resume": self._resume,
            "stop": self._end,
            "kill": self._end,
            "retry": self._retry,
            "enqueue": self._enqueue,
            "target": self._target,
        }

    def do(self, asked: Any) -> Document:
        """Does one thing: what was done as a sentence, and what would undo it."""
        if isinstance(asked, dict) and asked.get("verb") == "undo":
            asked = asked.get("undo")
        verb = self._verbs.get(str(asked.get("verb"))) if isinstance(asked, dict) else None
        if verb is None:
            raise UsageError(f"there is no such verb; there are {', '.join(self._verbs)} and undo")
        store = open_store(self._folder)
        try:
            return verb(store, asked)
        finally:
            store.close()

    # ------------------------------------------------------------------ experiments

    def _pause(self, store: Store, asked: Document) -> Document:
        id = _experiment(asked)
        record = store.experiment(id)
        if record.is_met and not record.running:
            return _done(f"experiment {id} is finished already; there is nothing to pause")
        changed = store.set_wish(id, Wish.PAUSE, "paused by the dashboard")
        running = f"; {record.running} running will finish" if record.running else ""
        return _done(
            f"experiment {id} is paused{running}", {"verb": "resume", "id": str(id)} if changed else None
        )

    def _resume(self, store: Store, asked: Document) -> Document:
        id = _experiment(asked)
        record, undo = store.experiment(id), {"verb": "pause", "id": str(id)}
        if record.is_met and not record.running:
            return _done(f"experiment {id} has all its trials; raise their number to go on")
        is_driven = Alive(self._folder).is_driven(id)
        # First, so that the record says who asked; the driver that is started finds it so.
        store.set_wish(id, Wish.RUN, "resumed by the dashboard")
        if is_driven or record.description.command is None:
            who = "goes on" if record.description.command else "may go on: run its program again"
            return _done(f"experiment {id} {who}", undo)
        run_in_background(self._folder, id)
        return _done(f"experiment {id} goes on in the background", undo)

    def _end(self, store: Store, asked: Document) -> Document:
        """Stop and kill, of an experiment or of a trial."""
        wish, outcome = _ENDS[asked["verb"]]
        reason = f"{outcome.value} by the dashboard"
        trial = trial_id(str(asked.get("id")))
        if trial is not None:
            return self._end_trial(store, *trial, outcome, reason)
        id = _experiment(asked)
        record = store.experiment(id)
        if record.is_met and not record.running:
            return _done(f"experiment {id} is finished already; nothing was to be ended")
        changed = store.set_wish(id, wish, reason)
        free_asked(store, id, outcome, reason)
        if record.running:
            # Where nobody drives it, somebody has to end what still runs. That may take its grace, so the page does not wait.
            Thread(target=self._see_to_it, args=(id,), name=f"ends experiment {id}", daemon=True).start()
        running = (
            f", {record.running} running trial{'s' * (record.running != 1)} with it" if record.running else ""
        )
        return _done(
            f"experiment {id} is {outcome.value}{running}",
            {"verb": "resume", "id": str(id)} if changed else None,
        )

    def _see_to_it(self, experiment: int) -> None:
        store = open_store(self._folder)
        try:
            see_to_it(store, self._folder, experiment)
        except LuthierError:
            pass  # the wish is recorded: the next driver heeds it
        finally:
            store.close()

    def _target(self, store: Store, asked: Document) -> Document:
        id, wanted = _experiment(asked), asked.get("target")
        if isinstance(wanted, bool) or not isinstance(wanted, int) or not 0 < wanted < 2**53:
            raise UsageError("the number of trials is to be a whole number above 0")
        record = store.experiment(id)
        with store.together():
            changed, _ = store.open_experiment(record.description._replace(trials=wanted, seed=record.seed))
            if changed.id != id:  # a later twin would have been changed; raising undoes that
                raise ConflictError(
                    f"experiment {id} has a newer twin, {changed.id}, which is the one that goes on; change that one"
                )
        before = record.description.trials
        undo = {"verb": "target", "id": str(id), "target": before} if before and before != wanted else None
        return _done(f"experiment {id} now has {wanted:,} trials to run in all", undo)

    def _enqueue(self, store: Store, asked: Document) -> Document:
        id, values = _experiment(asked), asked.get("configuration")
        if not isinstance(values, dict) or not values:
            raise UsageError("a configuration is to name a value for each parameter")
        space = store.experiment(id).description.space
        [number] = store.enqueue(id, [space.configuration(values)], os.urandom(8).hex())
        name = f"{id}.{number}"
        return _done(f"trial {name} is queued, before the others", {"verb": "stop", "id": name})

    # ------------------------------------------------------------------ trials

    def _end_trial(
        self, store: Store, experiment: int, number: int, outcome: Outcome, reason: str
    ) -> Document:
        before = store.trial(experiment, number)
        name = before.name
        if before.state is TrialState.FINISHED:
            return _done(f"trial {name} has ended already")
        folders, is_kill = Folders(self._folder), outcome is Outcome.KILLED
        if not end_trial(store, folders, experiment, number, outcome, reason, kill=is_kill):
            raise UsageError(f"trial {name} could not be ended: no guardian answers for it on this machine")
        ended = store.trial(experiment, number).state is TrialState.FINISHED
        undo = {"verb": "retry", "id": name} if ended else None
        return _done(f"trial {name} {'is ' + outcome.value if ended else 'was told to end'}", undo)

    def _retry(self, store: Store, asked: Document) -> Document:
        trial = trial_id(str(asked.get("id")))
        if trial is None:
            return self._retry_all(store, _experiment(asked))
        name = f"{trial[0]}.{trial[1]}"
        if not store.retry(*trial):
            raise UsageError(f"trial {name} is not finished, so it is left as it is")
        return _done(f"trial {name} is queued for another attempt; its earlier ones are kept")

    def _retry_all(self, store: Store, experiment: int) -> Document:
        """All that ended badly. They are looked up here: what a page shows may be a moment old."""
        with store.together():
            badly = store.trials(experiment, Sort("not well"))
            queued = sum(store.retry(experiment, trial.number) for trial in badly)
        if not queued:
            return _done(f"no trial of experiment {experiment} ended badly; there is nothing to try again")
        return _done(f"{queued:,} trial{'s' * (queued != 1)} queued for another attempt")


def _experiment(asked: Document) -> int:
    found = experiment_id(str(asked.get("id")))
    if found is None:
        raise UsageError("name an experiment, such as 3")
    return found


def _done(text: str, undo: Document | None = None) -> Document:
    return {"done": text, "undo": undo}
