"""`luthier ask`: trials for a program that runs them itself, in any language."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import emit_json
from luthier.cli.quantities import DURATION
from luthier.errors import UsageError

__all__ = ["command"]

_EXAMPLE = """\
luthier ask 144
luthier tell 144.8 --value 0.93
"""


@click.command("ask", cls=Example, example=_EXAMPLE)
@click.argument("id", type=EXPERIMENT)
@click.option("-n", "count", type=click.IntRange(1, 1000), default=1, metavar="K", help="How many (1).")
@click.option("--lease", type=DURATION, default=3600.0, metavar="TIME",
              help="How long the trials are yours; one not told of by then may go to another. [default: 1h]")  # fmt: skip
@with_store
@as_json
def command(place: Place, id: Id, count: int, lease: float, as_json: bool) -> None:
    """Takes up to K trials to run yourself and prints them as JSON; no more than the experiment has left.

    Say how each ended with `luthier tell`. The list is empty when nothing is left.
    """
    from luthier.clock import SystemClock
    from luthier.drive.alive import ASKED
    from luthier.drive.planning import ask
    from luthier.run.folders import Folders
    from luthier.store import Wish

    with place.change() as store:
        record = store.experiment(id.experiment)
        if record.wish is not Wish.RUN:
            lift = place.hint(f"resume {record.id}")
            raise UsageError(
                f"experiment {record.id} was asked to {record.wish.value}; lift that with: {lift}"
            )
        worker = f"{ASKED}{socket.gethostname()}:{os.getpid()}"
        claims = ask(store, record.id, count, worker, lease, SystemClock())
        record = store.experiment(record.id)
    folders = Folders(place.folder)
    trials = [
        {
            "id": f"{claim.id.experiment}.{claim.id.trial}",
            "attempt": claim.id.attempt,
            "run_id": claim.run_id,
            "values": claim.configuration.values(),
            "texts": claim.configuration.texts(),
            "seed": claim.seed,
            "folder": _prepared(
                Path(folders.attempt(claim.id.experiment, claim.id.trial, claim.id.attempt).path)
            ),
        }
        for claim in claims
    ]
    facts = {"experiment": record.id, "worker": worker, "lease_seconds": lease, "is_met": record.is_met}
    emit_json("ask", {**facts, "trials": trials})


def _prepared(folder: Path) -> str:
    """The attempt's folder, made, for whatever the program likes to keep."""
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
