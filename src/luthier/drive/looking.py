"""Scores the locked test set with the configuration of one trial: a command under the guardian, of which no trial is made.

It runs as the trials ran, within their limits, and finds in its environment what the trial found: its parameters, its seed,
its checkpoint and output folders with the model it trained. Its own files are in `test-<k>/` of the trial's folder. What it
reported is an event of the record before anybody sees it, because a test set that was looked at is one no more.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import metrics
from luthier.description import Command, Description
from luthier.drive.alone import run_alone
from luthier.drive.launching import attempt_key, surrounded
from luthier.drive.watching import needed
from luthier.errors import TrialError
from luthier.run.environment import STAGE_VARIABLES, attempt_environment
from luthier.run.folders import AttemptFolder
from luthier.run.render import check_command, render
from luthier.run.runner import Order
from luthier.trial import AttemptId, Outcome, Result, Trial

if TYPE_CHECKING:
    from luthier.drive.ends import Interrupts
    from luthier.drive.session import Session
    from luthier.store import ExperimentRecord

__all__ = ["look", "test_command", "test_words"]

FOR_A_SHELL = re.compile(r"[|;&<>$`*?~#()\[\]\n\\!]|^\s*\w+=")


def test_command(description: Description, text: str) -> tuple[Command, list[str]]:
    """A line as a command that may name the parameters, and warnings about it. It runs where the trials ran.

    **Raises** CommandError when it can't be rendered.
    """
    directory = description.command.directory if description.command else os.getcwd()
    patterns = description.command.patterns if description.command else ()
    words: tuple[str, ...] = (text,)
    shell = True
    if not FOR_A_SHELL.search(text):
        try:
            words, shell = tuple(shlex.split(text)), False
        except ValueError:  # a quote without its end: the shell will say so
            pass
    command = Command(words, directory, shell=shell, from_environment=True, patterns=patterns)
    return command, check_command(command, _names(description))


def test_words(description: Description, command: Command, trial: Trial) -> tuple[str, ...]:
    """The words that score the test set with a trial's configuration. **Raises** CommandError."""
    return render(command, _texts(description, trial), _names(description))


def look(
    session: Session, record: ExperimentRecord, trial: Trial, command: Command, interrupts: Interrupts
) -> Path:
    """Runs a command that scores the test set, and returns the folder of its files.

    **Holds** how it ended and what it reported is durable on return, as an event `looked`; so nothing of it alive.
    **Raises** CommandError when it can't be rendered, TrialError when its folder can't be written.
    """
    folder = _folder(session, record, trial)
    order = _order(session, record, trial, command, folder)
    result = run_alone(session, order, interrupts)
    collector = metrics.Collector(
        folder.stdout,
        folder.stderr,
        folder.metric_lines,
        folder.metrics,
        command.patterns,
        wanted=needed(record.description),
    )
    summaries = metrics.summarize(collector.drain(session.clock.now()))
    result = _judged(result, summaries, folder.stderr)
    objective = record.description.objective
    detail: dict[str, Any] = {
        "command": command.words[0] if command.shell else shlex.join(command.words),
        "outcome": str(result.outcome),
        "reason": result.reason,
        "seconds": result.seconds,
        "value": metrics.objective_value(objective, summaries) if objective else None,
        "metrics": {name: summary.value("last") for name, summary in summaries.items()},
        "folder": folder.path,
    }
    session.store.note_look(record.id, trial.number, detail)
    return Path(folder.path)


def _names(description: Description) -> tuple[str, ...]:
    """The placeholders there may be: of a fold there is none, for the test set has no folds."""
    return tuple(description.space.names) if description.in_folds else description.placeholders


def _texts(description: Description, trial: Trial) -> dict[str, str]:
    assert trial.configuration is not None, "a trial that was run has a configuration"
    texts, names = description.texts(trial.configuration), _names(description)
    return {name: text for name, text in texts.items() if name in names}


def _folder(session: Session, record: ExperimentRecord, trial: Trial) -> AttemptFolder:
    """The first folder for a test that is not there yet."""
    place, k = session.folders.trial(record.id, trial.number), 1
    while os.path.exists(f"{place}/test-{k}"):
        k += 1
    return AttemptFolder(place, f"{place}/test-{k}")


def _order(
    session: Session, record: ExperimentRecord, trial: Trial, command: Command, folder: AttemptFolder
) -> Order:
    from luthier.drive.session import parallel_slots

    what = record.description
    assert trial.configuration is not None, "a trial that was run has a configuration"
    texts, names = _texts(what, trial), _names(what)
    values = {name: value for name, value in what.values(trial.configuration).items() if name in names}
    argv = render(command, texts, names)
    devices = parallel_slots(what.limits).devices(0)
    own = AttemptFolder(folder.path, folder.path)  # its configuration, which has no fold, is its own
    outputs = session.folders.attempt(record.id, trial.number, trial.attempt).outputs
    try:
        own.prepare(argv=argv, cwd=command.directory, texts=texts, values=values, devices=devices)
        for unused, place in ((own.checkpoint, folder.checkpoint), (own.outputs, outputs)):
            os.rmdir(unused)
            os.makedirs(place, exist_ok=True)
    except OSError as error:
        raise TrialError(f"{folder.path} could not be written: {error.strerror}") from error
    marked = AttemptId(record.id, trial.number, -int(folder.path.rpartition("-")[2]))
    key = attempt_key(session.folders.root, record.created, marked)
    id = AttemptId(record.id, trial.number, trial.attempt)
    env = attempt_environment(
        id, key, trial.run_id, trial.seed, own, texts=texts, values=values, devices=devices
    )
    env |= {"LUTHIER_CHECKPOINT_DIR": folder.checkpoint, "LUTHIER_OUTPUT_DIR": outputs}
    if what.stages is not None and what.stages.kind == "rungs":
        env[STAGE_VARIABLES["rungs"]] = what.stages.text(-1)
    order = Order(marked, key, argv, env, command.directory, folder.path, what.limits)
    # The files it asks for are in the outputs already, where the trial found them.
    around = what.environment._replace(files={}) if what.environment is not None else None
    return surrounded(order, around, texts, values, folder, devices, session.folders.root)


def _judged(result: Result, summaries: dict[str, metrics.Summary], errors: str) -> Result:
    """A command that measured nothing has failed, however well it ended."""
    if result.outcome is Outcome.FAILED:
        quoted = metrics.tail_of(errors, lines=1).strip()
        return result._replace(reason=f"{result.reason}: {quoted}") if quoted else result
    if result.outcome is Outcome.SUCCEEDED and not summaries:
        return result._replace(outcome=Outcome.FAILED, reason="it ended well, but reported no metric")
    return result
