"""Conducts a search from the command line: takes the driver's lock, and drives here or hands over to the background.

`grid`, `random`, `resume` and every door that comes end here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from luthier.cli.options import Place
from luthier.cli.output import many, say
from luthier.description import IMPORTED_FROM
from luthier.drive.session import Session
from luthier.errors import UsageError
from luthier.store import ExperimentRecord, Store

if TYPE_CHECKING:
    from luthier.drive.on_ray import OnRay

__all__ = ["How", "conduct", "no_command"]


class How(NamedTuple):
    """How a search is conducted: in the background, with a first trial to look at, with few words, as JSON, with the
    first trials shown as rows when they begin, on Ray, with a dashboard beside it."""

    detach: bool = False
    check: bool = False
    quiet: bool = False
    as_json: bool = False
    rows: bool = False
    on: OnRay | None = None
    dashboard: bool = False


def conduct(store: Store, folder: Path, record: ExperimentRecord, how: How, *, created: bool = False) -> int:
    """Drives an experiment until it ends, tells what was found and returns the exit code.

    **Raises** AliveError while another process drives it.
    """
    if record.is_met and not record.running:
        say(f"experiment {record.id} already has its {many(record.finished, 'trial')}")
        return _print_result(store, folder, record, how)
    if record.description.command is None:
        raise no_command(record)
    if how.dashboard and how.detach:
        raise UsageError(
            "--dashboard ends with the command, so it does not go with --detach; begin it apart: luthier dashboard"
        )
    with Session(store, folder, on=how.on) as session:
        session.become_driver(record.id)
        if not how.detach:
            session.start_runner(record.description.limits)
            from luthier.cli.foreground import search_in_sight  # loaded while the nursery gets ready

            with _beside(folder, how):
                return search_in_sight(
                    session,
                    record,
                    created=created,
                    check=how.check,
                    quiet=how.quiet,
                    as_json=how.as_json,
                    rows=how.rows,
                )
    # The lock showed that nobody drives it, and is free again for the driver in the background.
    _detach(folder, record, how.on)
    return 0


def _beside(folder: Path, how: How) -> AbstractContextManager[None]:
    """The dashboard that was asked for, if one was."""
    if not how.dashboard:
        return nullcontext()
    from luthier.cli.beside import dashboard_beside

    return dashboard_beside(folder)


def _print_result(store: Store, folder: Path, record: ExperimentRecord, how: How) -> int:
    """Tells again what a search found that needs no driving."""
    from luthier.cli.results import print_result
    from luthier.drive.ends import Ending, Why

    return print_result(store, folder, Ending(Why.MET, record), as_json=how.as_json)


def _detach(folder: Path, record: ExperimentRecord, on: OnRay | None) -> None:
    """Hands the experiment to a driver in the background."""
    from luthier.drive.background import run_in_background

    pid, place = run_in_background(folder, record.id, words=on.words() if on else ()), Place(folder)
    say(
        f"Experiment {record.id} runs in the background (process {pid}). "
        f"Follow it with: {place.hint(f'logs {record.id} -f')}; end it with: {place.hint(f'stop {record.id}')}"
    )


def no_command(record: ExperimentRecord) -> UsageError:
    """Says why the command line can't go on with an experiment: its trials are run by a program."""
    function, source = record.description.function, record.description.labels.get(IMPORTED_FROM)
    if source is not None:
        return UsageError(
            f"experiment {record.id} was imported from {source} and has no command; to search its space further: "
            f"luthier tune --from {record.id} --warm-start {record.id} -- COMMAND"
        )
    if function is None:
        return UsageError(
            f"experiment {record.id} has no command: a program runs its trials itself (luthier ask, luthier tell)"
        )
    return UsageError(
        f"experiment {record.id} tunes the Python function {function}; run its program again, and it goes on"
    )
