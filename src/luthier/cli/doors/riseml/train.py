"""`luthier riseml train`: begins the experiment of a riseml.yml and follows its log."""

from __future__ import annotations

import sys

import click

from luthier.cli.app import Example
from luthier.cli.doors.riseml.config import FILE
from luthier.cli.native import with_show_native
from luthier.cli.options import Place, with_store
from luthier.cli.output import emit, say

__all__ = ["command"]

AHEAD = 1000
"""How many sub-experiments are in the record before the first one runs; the others follow as their turns come."""

_EXAMPLE = """\
luthier riseml train
luthier riseml train -f other.yml
luthier riseml train --strict      an error where no container engine or GPU is, instead of a warning
"""


@click.command("train", cls=Example, example=_EXAMPLE)
@click.option(
    "-f", "--config-file", "path", default=FILE, show_default=True, metavar="FILE", help="The file to read."
)
@click.option("-l", "long", is_flag=True, help="Print the path of each output folder, too.")
@click.option("--strict", is_flag=True, help="No container engine or too few GPUs is an error.")
@click.option("-d", "--detach", is_flag=True, help="Do not follow the log.")
@with_show_native
@with_store
def command(path: str, long: bool, strict: bool, detach: bool, show_native: bool, place: Place) -> int:
    """Begins the experiment that a riseml.yml describes, and prints its log; Ctrl-C leaves it running.

    Every call begins another experiment, as RiseML does. To go on with one that was interrupted: luthier resume ID.
    """
    from luthier.cli.doors.riseml.config import read_job
    from luthier.cli.doors.riseml.describing import describe, offered
    from luthier.cli.doors.riseml.syncing import sync
    from luthier.cli.doors.twins import twin_notice
    from luthier.drive.beginning import begin, check
    from luthier.drive.containing import settled

    job = read_job(path)
    described = describe(job, "", strict=strict)  # its code has no revision before it is copied
    check(described.description)
    _, without = settled(described.description)
    if show_native:
        from luthier.cli.native import show

        return show(described.description)
    for warning in (*described.warnings, *([without] if without else ())):
        say(f"warning: {warning}")
    synced = sync(job.root, place.folder)
    emit(synced.line)
    sys.stdout.flush()
    for notice in synced.notices:
        say(f"notice: {notice}")
    description = describe(job, synced.revision, strict=strict, bundle=synced.bundle).description
    variables = offered() if job.image is None else {}
    ahead = min(description.target() or 1, AHEAD)
    begun = begin(place.folder, description, ahead=ahead, variables=variables)
    if twin := twin_notice(place, begun.twin):
        say(f"notice: {twin}")
    return _went_on(place, begun.record.id, long=long, detach=detach)


def _went_on(place: Place, experiment: int, *, long: bool, detach: bool) -> int:
    """What follows the beginning: the folders, the TensorBoard, the log."""
    from luthier.cli.doors.riseml.board import start_board
    from luthier.cli.doors.riseml.naming import one
    from luthier.cli.doors.riseml.outputs import lay_out
    from luthier.cli.doors.riseml.states import State
    from luthier.cli.doors.riseml.stream import follow

    with place.read() as store:
        what = one(store, str(experiment))
        folder = lay_out(place, store, what.record)
        start_board(place, what.record)
        if long:
            say(f"outputs: {folder}")
        if detach:
            return 0
        state = follow(place, store, what, is_new=True)
    return 1 if state in (State.FAILED, State.KILLED) else 0
