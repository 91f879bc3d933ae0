"""The record in Spell's words: searches, runs, and how each stands.

A run is a trial under its number in the store, `362`; a search is an experiment. Any experiment can be looked at so,
whichever way it was begun. Nothing here changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from luthier.compat.spell.commands import shown
from luthier.compat.spell.kept import Kept
from luthier.drive.beginning import door_of, of_door
from luthier.errors import NotFound
from luthier.store import ExperimentRecord, Store, Wish
from luthier.trial import Outcome, Trial, TrialState

__all__ = [
    "FINAL",
    "RunRow",
    "command_for",
    "find_run",
    "find_search",
    "has_given_up",
    "kind_of",
    "labels_of",
    "run_row",
    "run_rows",
    "search_status",
    "searches",
    "status_of",
]

FINAL = ("complete", "failed", "stopped", "killed", "interrupted", "build_failed", "mount_failed")
"""The statuses no run leaves."""

_SINGLE = "run"
_LARGEST = 2**63 - 1  # no record has a greater number, and none could be looked for
_OUTCOMES = {
    Outcome.SUCCEEDED: "complete",
    Outcome.FAILED: "complete",  # Spell did not mind how a program ended, only that it did
    Outcome.STOPPED: "stopped",
    Outcome.TIMED_OUT: "stopped",  # its outputs are kept
    Outcome.OUT_OF_MEMORY: "failed",
    Outcome.KILLED: "killed",
    Outcome.INTERRUPTED: "interrupted",
    Outcome.LOST: "interrupted",
}


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. `exit_code` is that of its program, 128 and the signal's number where one ended it. `texts` are its
    parameters as they were written, `values` the same as values. Times are seconds since 1970, `seconds` how long it took
    so far."""

    id: int
    search: int
    status: str
    exit_code: int | None
    seconds: float | None
    texts: dict[str, str]
    values: dict[str, Any]
    reason: str | None
    created: float
    began: float | None
    ended: float | None

    @property
    def is_final(self) -> bool:
        """Whether it will change no more."""
        return self.status in FINAL

    @property
    def shown_status(self) -> str:
        """`Running`, `Complete`, `Complete (1)`."""
        text = self.status.replace("_", " ").capitalize()
        return f"{text} ({self.exit_code})" if self.status == "complete" and self.exit_code else text


def status_of(record: ExperimentRecord, trial: Trial) -> tuple[str, int | None]:
    """A run's status and its program's exit code."""
    wish = record.wish
    if trial.state is TrialState.RUNNING:
        words = {Wish.STOP: "stopping", Wish.KILL: "killing"}
        return words.get(wish, "running"), None
    result = trial.result
    if trial.state is not TrialState.FINISHED or result is None:
        # What a stop or a kill came before will not run, whether or not the record says so yet.
        return ("killed" if wish in (Wish.STOP, Wish.KILL) else "queued"), None
    code = result.exit_code
    if code is None and result.signal is not None:
        code = 128 + result.signal
    if result.outcome is Outcome.FAILED and code is None:
        return "failed", None  # it could not even be started
    return _OUTCOMES[result.outcome], code


def run_rows(store: Store, record: ExperimentRecord, now: float) -> list[RunRow]:
    """All runs of a search, in the order of their numbers."""
    return [run_row(record, trial, now) for trial in store.trials(record.id)]


def run_row(record: ExperimentRecord, trial: Trial, now: float) -> RunRow:
    """One run."""
    status, code = status_of(record, trial)
    result, configuration = trial.result, trial.configuration
    seconds = result.seconds if result else None
    if result is None and trial.state is TrialState.RUNNING and trial.began is not None:
        seconds = max(now - trial.began, 0.0)
    return RunRow(
        id=trial.run_id,
        search=trial.experiment,
        status=status,
        exit_code=code,
        seconds=seconds,
        texts=configuration.texts() if configuration else {},
        values=configuration.values() if configuration else {},
        reason=result.reason if result else None,
        created=trial.created,
        began=trial.began,
        ended=trial.ended,
    )


def has_given_up(record: ExperimentRecord) -> bool:
    """Whether it ended by itself with runs left: the first all failed, or a goal was reached."""
    return record.wish is Wish.PAUSE and bool(record.finished) and not (record.running or record.is_met)


def search_status(record: ExperimentRecord, *, is_left: bool = False) -> str:
    """`finished`, `running` or `queued`; the last also where it `is_left`: runs wait and nobody works on it."""
    if record.running:
        return "running"
    if record.is_met or record.wish in (Wish.STOP, Wish.KILL) or has_given_up(record):
        return "finished"
    return "running" if record.finished and not is_left else "queued"


def kind_of(record: ExperimentRecord) -> str:
    """grid, random, bayesian, or the name of what else proposes."""
    return record.description.labels.get("type") or record.description.algorithm.name


def labels_of(record: ExperimentRecord, run: int, kept: Kept) -> list[str]:
    """The labels that a run began with, and those that were put on it afterwards."""
    given = record.description.labels.get("labels", "").split(",")
    return [label for label in (*given, *kept.labels(run)) if label]


def searches(store: Store) -> list[ExperimentRecord]:
    """What `spell hyper` began, the oldest first."""
    return [record for record in of_door(store, "spell") if kind_of(record) != _SINGLE]


def find_search(store: Store, number: int) -> ExperimentRecord:
    """A search by its number; any experiment may be named. **Raises** NotFound."""
    try:
        if number > _LARGEST:
            raise NotFound
        record = store.experiment(number)
    except NotFound:
        raise NotFound(f"there is no hyperparameter search {number}; see: luthier spell hyper list") from None
    if door_of(record) == "spell" and kind_of(record) == _SINGLE:
        run = store.trials(number, limit=1)[0].run_id
        raise NotFound(
            f"{number} is no hyperparameter search but the single run {run}; see: luthier spell info {run}"
        )
    return record


def find_run(store: Store, run: int) -> Trial:
    """A run by its number. **Cost** one indexed read an experiment, and where workers shared one its trials.

    **Raises** NotFound.
    """
    for record in sorted(store.experiments() if run <= _LARGEST else (), key=lambda record: -record.id):
        first = store.trials(record.id, limit=1)
        if not first or first[0].run_id > run:
            continue
        guess = run - first[0].run_id  # most have their numbers in a row
        for trial in store.trials(record.id, limit=1, offset=guess):
            if trial.run_id == run:
                return trial
        for trial in store.trials(record.id):
            if trial.run_id == run:
                return trial
    raise NotFound(f"there is no run {run}; see: luthier spell ps --all")


def command_for(record: ExperimentRecord, trial: Trial) -> str:
    """The command of a run, its parameters in their places."""
    from luthier.run.render import render

    command = record.description.command
    if command is None:
        return record.description.function or ""
    if trial.configuration is None:
        return shown(command)
    words = render(command, record.description.texts(trial.configuration), record.description.placeholders)
    return words[-1] if command.shell else " ".join(words)
