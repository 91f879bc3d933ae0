"""`luthier rm`: experiments leave the record, and their files the disk."""

from __future__ import annotations

import sys

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import emit_json, many, say, size
from luthier.cli.removing import remove_experiment
from luthier.errors import AliveError, UsageError
from luthier.store import ExperimentRecord, Store

__all__ = ["command"]


@click.command("rm", cls=Example, example="luthier rm 144\nluthier rm -y 12 13 14")
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=EXPERIMENT)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@with_store
@as_json
def command(place: Place, ids: tuple[Id, ...], yes: bool, as_json: bool) -> None:
    """Removes experiments: their trials from the record and all their files, checkpoints and outputs from the disk.

    An experiment with running trials is refused.
    """
    removed = []
    with place.change() as store:
        records = [store.experiment(id) for id in dict.fromkeys(id.experiment for id in ids)]
        for record in records:
            _refuse_living(place, store, record)
        if not yes:
            _ask(records)
        for record in records:
            freed = remove_experiment(place.folder, store, record.id)
            removed.append({"experiment": record.id, "trials": record.trials, "freed_bytes": freed})
            say(f"experiment {record.id} removed: {many(record.trials, 'trial')}, {size(freed)} freed")
    if as_json:
        emit_json("rm", {"removed": removed})


def _refuse_living(place: Place, store: Store, record: ExperimentRecord) -> None:
    if record.running or place.activity(store)(record.id):
        raise AliveError(
            f"experiment {record.id} is running ({many(record.running, 'trial')}); end it first with: "
            f"{place.hint(f'kill {record.id}')}"
        )


def _ask(records: list[ExperimentRecord]) -> None:
    """Asks the person. **Raises** UsageError where nobody can answer, click.Abort for a no."""
    trials = sum(record.trials for record in records)
    what = ", ".join(str(record.id) for record in records)
    if not sys.stdin.isatty():
        raise UsageError(f"nobody can be asked here; add -y to remove experiment {what} for good")
    noun = "experiment" if len(records) == 1 else "experiments"
    click.confirm(
        f"Remove {noun} {what} with {many(trials, 'trial')} and all files for good?", abort=True, err=True
    )
