"""`luthier logs`: what trials print, also while they run."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.output import emit, emit_json_line, paint, say
from luthier.errors import NotFound, UsageError
from luthier.view.experiments import ExperimentState, is_asked, state_of
from luthier.view.logs import Line, Logs

if TYPE_CHECKING:
    from luthier.store import Store

__all__ = ["command"]

_BEAT_SECONDS = 0.2
_EXAMPLE = """\
luthier logs 144.7              what one trial printed
luthier logs 144.7 --err        what it printed to standard error
luthier logs 144 -f             all trials, as they print
"""


@click.command("logs", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=ID)
@click.option("-f", "--follow", is_flag=True, help="Go on until it ends; new trials are followed too.")
@click.option("--err", is_flag=True, help="Standard error instead of standard output.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines of each trial.")
@click.option("--attempt", type=click.IntRange(1), metavar="K", help="Another attempt than the newest.")
@with_store
@as_json
def command(
    place: Place, id: Id | None, follow: bool, err: bool, tail: int | None, attempt: int | None, as_json: bool
) -> None:
    """Prints what trials printed. The lines of a whole experiment begin with their trial's ID.

    With --json each line is one JSON object.
    """
    with place.read() as store:
        chosen = id or Id(place.newest(store))
        if attempt is not None and (chosen.trial is None or follow):
            raise UsageError("--attempt goes with one trial and without --follow; give an ID like 144.7")
        _check(place, store, chosen, attempt, follow)
        logs = Logs(
            store,
            place.folder,
            chosen.experiment,
            chosen.trial,
            attempt,
            (lambda files: files.stderr) if err else (lambda files: files.stdout),
            tail,
        )
        count = _print(logs, chosen, as_json)
        while follow and not _is_over(place, store, chosen):
            time.sleep(_BEAT_SECONDS)
            count += _print(logs, chosen, as_json)
        count += _print(logs, chosen, as_json)
        for line in logs.rest():
            _show(line, chosen, as_json)
            count += 1
        if not count:
            other = "without --err" if err else "with --err"
            say(f"{chosen} printed nothing here; look {other}")


def _check(place: Place, store: Store, id: Id, attempt: int | None, follow: bool) -> None:
    if id.trial is None:
        store.experiment(id.experiment)
        return
    trial = store.trial(id.experiment, id.trial)
    if not trial.attempt and not follow:
        raise NotFound(
            f"trial {id} has not begun, so it has printed nothing; wait for it with: {place.hint(f'logs {id} -f')}"
        )
    if attempt is not None and attempt > trial.attempt:
        raise NotFound(f"trial {id} has no attempt {attempt}; it has {trial.attempt}")


def _print(logs: Logs, id: Id, as_json: bool) -> int:
    count = 0
    for line in logs.read():
        _show(line, id, as_json)
        count += 1
    return count


def _show(line: Line, id: Id, as_json: bool) -> None:
    if as_json:
        emit_json_line({"trial": line.name, "attempt": line.attempt, "line": line.text})
    elif id.trial is None:
        emit(f"{paint(f'{line.name} |', 'dim')} {line.text}")
    else:
        emit(line.text)


def _is_over(place: Place, store: Store, id: Id) -> bool:
    """Whether nothing more will be printed: the trial has ended, or nobody works on the experiment."""
    sys.stdout.flush()
    if id.trial is not None and store.trial(id.experiment, id.trial).state == "finished":
        return True
    record = store.experiment(id.experiment)
    state = state_of(record, place.activity(store)(id.experiment), is_asked(store, record))
    if state in (ExperimentState.RUNNING, ExperimentState.ASKED, ExperimentState.STOPPING):
        return False
    return not (record.running and place.runs_on(store, id))
