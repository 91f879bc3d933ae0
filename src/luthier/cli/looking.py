"""`luthier best --test`: scores the locked test set with the chosen configuration, once."""

from __future__ import annotations

import shlex
import signal
from typing import TYPE_CHECKING

from luthier.cli.options import Id, Place
from luthier.cli.output import emit, emit_json, ending, number, say, table
from luthier.errors import AliveError, UsageError
from luthier.trial import Outcome

if TYPE_CHECKING:
    from luthier.description import Command
    from luthier.drive.session import Session
    from luthier.store import ExperimentRecord, Store
    from luthier.trial import Trial
    from luthier.view.certainty import Believe
    from luthier.view.looks import Look

__all__ = ["look_at_test_set"]

_NOTHING = 4


def look_at_test_set(
    place: Place, id: Id | None, text: str, believe: Believe | None, *, again: bool, as_json: bool
) -> int:
    """Runs a command with the values of the trial that is recommended, or named, and shows what it reported beside what the
    search had; returns 0 when it reported a metric and ended well, 4 when there is no such trial yet.

    **Raises** UsageError when the test set has been looked at and it is not to be looked at `again`; AliveError while the
    experiment is being driven.
    """
    from luthier.drive.alive import Alive
    from luthier.drive.looking import test_command, test_words
    from luthier.drive.session import Session
    from luthier.view.looks import looks_of
    from luthier.view.verdicts import why_none

    with place.change() as store:
        record = place.record(store, id)
        trial = _chosen(store, record, id, believe)
        if trial is None:
            say(f"luthier: {why_none(store, record, hint=place.hint)}")
            return _NOTHING
        command, warnings = test_command(record.description, text)
        words = test_words(record.description, command, trial)
        before = _refuse_again(store, record, again)
        for warning in (*warnings, *([before] if before else [])):
            say(f"warning: {warning}")
        if Alive(place.folder).is_driven(record.id):
            raise _driven(record, place)
        with Session(store, place.folder) as session:
            session.become_driver(record.id)
            _refuse_again(store, record, again)  # somebody may have looked meanwhile
            say(f"Scoring the test set with trial {trial.name}: {_line(words, command.shell)}")
            by = _run(session, record, trial, command)
        look = looks_of(store, record.id)[-1]
        return _show(store, record, trial, look, by, as_json=as_json)


def _chosen(store: Store, record: ExperimentRecord, id: Id | None, believe: Believe | None) -> Trial | None:
    """The trial that is named, else the one `best` says to use."""
    from luthier.drive.confirming import fresh_runs
    from luthier.view.certainty import certainty
    from luthier.view.experiments import best_trials

    if id is not None and id.trial is not None:
        trial = store.trial(record.id, id.trial)
        if trial.result is None or trial.result.outcome is not Outcome.SUCCEEDED:
            how = trial.result.outcome.value if trial.result else trial.state.value
            raise UsageError(
                f"trial {trial.name} has not succeeded ({how}); score the test set with one that has"
            )
        return trial
    if record.description.also:
        raise UsageError(
            f"experiment {record.id} has several objectives, so none of its trials alone is best; choose one from "
            f"'luthier best {record.id}' and name it: luthier best {record.id}.N --test …"
        )
    found = best_trials(store, record, 1)
    if not found:
        return None
    recommended = certainty(store, record, fresh_runs(store, record.id), believe).recommended
    return store.trial(record.id, recommended.trial) if recommended else found[0]


def _driven(record: ExperimentRecord, place: Place) -> AliveError:
    return AliveError(
        f"experiment {record.id} is being driven, so what it will choose is not settled; score the test set when it "
        f"has ended, or end it with: {place.hint(f'stop {record.id}')}"
    )


def _refuse_again(store: Store, record: ExperimentRecord, again: bool) -> str | None:
    """The warning before a further look. **Raises** UsageError unless there is to be one `again`."""
    from luthier.view.looks import looked_before, looks_of

    warning = looked_before(record, looks_of(store, record.id))
    if warning is not None and not again:
        raise UsageError(f"{warning}. Nothing was run; to look once more, add --again")
    return warning


def _run(session: Session, record: ExperimentRecord, trial: Trial, command: Command) -> str:
    """Runs it, and returns who interrupted it: `Ctrl-C` or `TERM`."""
    from luthier.cli.foreground import interruptible
    from luthier.drive.looking import look

    runner = session.start_runner(record.description.limits)
    with interruptible(runner, "Stopping the test command.") as interrupts:
        look(session, record, trial, command, interrupts)
    return interrupts.by


def _line(words: tuple[str, ...], shell: bool) -> str:
    return words[-1] if shell else shlex.join(words)


def _show(store: Store, record: ExperimentRecord, trial: Trial, look: Look, by: str, *, as_json: bool) -> int:
    from luthier.view.looks import look_document, looks_of

    counted = sum(each.counts for each in looks_of(store, record.id))
    validation = trial.result.value if trial.result else None
    if as_json:
        document = {
            "experiment": record.id,
            "validation": validation,
            "looks": counted,
            "look": look_document(record, look),
        }
        emit_json("test", document)
    elif look.counts:
        emit(_table(store, record, trial, look))
    _say(look, record, counted)
    if look.outcome == Outcome.INTERRUPTED:
        return 128 + signal.SIGTERM if by == "TERM" else 130
    return 0 if look.outcome == Outcome.SUCCEEDED else 1


def _table(store: Store, record: ExperimentRecord, trial: Trial, look: Look) -> str:
    """Each metric on the test set, beside what the search had of it. Of folds only the objective is of all of them."""
    objective, stages = record.description.objective, record.description.stages
    known = {row.metric: row.last for row in store.summaries(record.id, trial.number)}
    searched = {} if stages is not None and stages.kind == "folds" else known
    values = dict(look.metrics)
    if objective is not None and look.value is not None:
        values = {objective.metric: look.value, **{n: v for n, v in values.items() if n != objective.metric}}
    if objective is not None and trial.result is not None and trial.result.value is not None:
        searched[objective.metric] = trial.result.value
    lines = [(name, number(value), number(searched.get(name))) for name, value in values.items()]
    return table(("METRIC", "TEST", "SEARCH"), lines, right=("TEST", "SEARCH"))


def _say(look: Look, record: ExperimentRecord, counted: int) -> None:
    if look.outcome != Outcome.SUCCEEDED:
        say(f"luthier: the test command has not ended well: {ending(look.outcome, look.reason)}")
        say(f"What it printed is in {look.folder}")
    if not look.counts:
        say("It reported no metric, so nothing was seen of the test set: this does not count as a look.")
        return
    often = "once" if counted == 1 else f"{counted} times"
    say(f"The test set of experiment {record.id} has now been looked at {often}.")
