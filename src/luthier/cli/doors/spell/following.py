"""What a run prints, as it prints it; and how it ends, in Spell's words."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from luthier.cli.doors.spell.printing import length, sparkle
from luthier.cli.options import Place
from luthier.cli.output import emit, say
from luthier.clock import SystemClock
from luthier.compat.spell.looking import RunRow, find_run, run_row
from luthier.drive.ending import is_active
from luthier.store import Store
from luthier.trial import Trial
from luthier.view.logs import Logs

__all__ = ["follow", "show"]

_BEAT_SECONDS = 0.1


def _streams(place: Place, store: Store, trial: Trial, tail: int | None) -> list[Logs]:
    """Standard output and standard error."""
    return [
        Logs(store, place.folder, trial.experiment, trial.number, None, pick, tail)
        for pick in (lambda files: files.stdout, lambda files: files.stderr)
    ]


def _lines(streams: list[Logs], *, last: bool = False) -> Iterator[str]:
    for stream in streams:
        yield from (line.text for line in stream.read())
        if last:
            yield from (line.text for line in stream.rest())


def show(place: Place, run: int, tail: int | None) -> int:
    """Prints what a run has printed so far."""
    with place.read() as store:
        for line in _lines(_streams(place, store, find_run(store, run), tail), last=True):
            emit(line)
    return 0


def follow(place: Place, run: int, since: int | None, *, tells: bool) -> int:
    """Prints what a run prints until it ends, and returns 0. With `tells`, says how it stands."""
    try:
        with place.read() as store:
            return _follow(place, store, run, since, tells)
    except KeyboardInterrupt:
        emit()
        emit(sparkle("Your run is still running."))
        emit(sparkle(f"Use '{place.hint(f'spell kill {run}')}' to terminate your run"))
        emit(sparkle(f"Use '{place.hint(f'spell logs -f {run}')}' to view logs again"))
        return 0


def _follow(place: Place, store: Store, run: int, since: int | None, tells: bool) -> int:
    trial = find_run(store, run)
    streams, told = _streams(place, store, trial, since), ""
    while True:
        row = _row(store, trial)
        if tells and row.status != told and not row.is_final:
            emit(sparkle(f"{row.shown_status}…" if _is_wide() else f"{row.shown_status}..."))
            told = row.status
        for line in _lines(streams, last=row.is_final):
            emit(line)
        sys.stdout.flush()
        if row.is_final:
            break
        if not is_active(store, place.folder, trial.experiment):
            say(
                f"nobody works on run {run} now; to go on: {place.hint(f'resume {trial.experiment} --detach')}"
            )
            return 1
        time.sleep(_BEAT_SECONDS)
    if tells:
        emit(sparkle(f"Total run time: {length(row.seconds)}", "🎉"))
        emit(sparkle(f"Run {run} {row.shown_status[:1].lower()}{row.shown_status[1:]}", "🎉"))
        if row.reason and (row.exit_code or row.status == "failed"):
            say(f"run {run}: {row.reason}")
    return 0


def _row(store: Store, trial: Trial) -> RunRow:
    newest = store.trial(trial.experiment, trial.number)
    return run_row(store.experiment(trial.experiment), newest, SystemClock().now())


def _is_wide() -> bool:
    from luthier.cli.output import can_print

    return can_print("…")
