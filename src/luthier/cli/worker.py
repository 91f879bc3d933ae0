"""`luthier worker`: one more process that works on the experiments of a store, and leaves when nothing is left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.foreground import interruptible
from luthier.cli.live import listener_for
from luthier.cli.options import EXPERIMENT, Id, Place, with_store
from luthier.cli.output import many, say
from luthier.cli.placing import with_on
from luthier.cli.searching import no_command
from luthier.drive.beginning import NEEDS
from luthier.drive.ends import Why
from luthier.drive.session import Session
from luthier.store import ExperimentRecord, Store, Wish

if TYPE_CHECKING:
    from luthier.drive.on_ray import OnRay

__all__ = ["command"]

BEAT_SECONDS = 0.5


@click.command(cls=Example, example="luthier worker 3 --parallel-runs 1\nluthier worker --store /data/runs")
@click.argument("id", type=EXPERIMENT, required=False)
@click.option(
    "-r",
    "--parallel-runs",
    type=click.IntRange(1),
    metavar="N",
    help="How many trials side by side in this worker (default: as the experiment says).",
)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME",
    help="What kind of machine this is, such as K80: only such a worker takes what was asked for with -t K80.",
)
@with_on
@click.option("--wait", is_flag=True, help="Wait for more when nothing is left, until Ctrl-C.")
@click.option("-q", "--quiet", is_flag=True, help="Only failures.")
@with_store
def command(
    id: Id | None,
    parallel_runs: int | None,
    tags: tuple[str, ...],
    on: OnRay | None,
    wait: bool,
    quiet: bool,
    place: Place,
) -> int:
    """Works on experiment ID, or on every experiment that has trials left, oldest first.

    It shares the budget with the other workers: together they make exactly the trials that were asked for. It ends
    when nothing is left to start; Ctrl-C returns its trials to the queue.
    """
    with place.change() as store, Session(store, place.folder, tags=tags, on=on) as session:
        done: set[int] = set()
        ended = 0
        while (record := _next(store, id, done, tags)) is not None or wait:
            if record is None:
                done.clear()
                time.sleep(BEAT_SECONDS)
                continue
            done.add(record.id)
            limits = replace(
                record.description.limits, parallel=parallel_runs or record.description.limits.parallel
            )
            slots = len(session.slots(limits))
            say(f"Worker {session.worker} works on experiment {record.id}, {many(slots, 'trial')} at a time")
            listener = listener_for(slots, check=False, quiet=quiet)
            with interruptible(session.start_runner(limits)) as interrupts:
                try:
                    ending = session.drive(record, listener, interrupts, limits=limits)
                finally:
                    listener.close()
            ended += listener.ended_here
            if ending.why is Why.INTERRUPTED:
                say("Interrupted; its trials are back in the queue.")
                return 130
        say(
            f"Nothing is left to start; this worker ended {many(ended, 'attempt')}."
            if done
            else "There is nothing to do."
        )
    return 0


def _next(store: Store, id: Id | None, done: set[int], tags: Sequence[str] = ()) -> ExperimentRecord | None:
    """The next experiment with something to do that this worker has not been through."""
    records = [store.experiment(id.experiment)] if id else store.experiments()
    for record in records:
        if id and record.description.command is None:
            raise no_command(record)
        needed = record.description.labels.get(NEEDS)
        fits = needed is None or needed in tags or id is not None
        runnable = record.description.command is not None and record.id not in done and fits
        if runnable and record.wish is Wish.RUN and not record.is_met:
            return record
    return None
