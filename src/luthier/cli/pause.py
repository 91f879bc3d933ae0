"""`luthier pause`: nothing new starts; running trials finish."""

from __future__ import annotations

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import emit_json, many, say

__all__ = ["command"]


@click.command("pause", cls=Example, example="luthier pause 144\nluthier resume 144")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=EXPERIMENT)
@with_store
@as_json
def command(place: Place, ids: tuple[Id, ...], as_json: bool) -> None:
    """Pauses experiments: nothing new starts, and the trials that run now finish.

    `luthier resume` goes on.
    """
    from luthier.store import Wish

    documents = []
    with place.change() as store:
        chosen = [id.experiment for id in ids] or [place.newest(store)]
        for record in [store.experiment(id) for id in chosen]:
            is_over = record.is_met and not record.running
            changed = False if is_over else store.set_wish(record.id, Wish.PAUSE, "paused by luthier pause")
            documents.append({"experiment": record.id, "changed": changed, "running": record.running})
            if is_over:
                say(f"experiment {record.id} is finished already; there is nothing to pause")
                continue
            running = (
                f"{many(record.running, 'trial')} still running will finish"
                if record.running
                else "nothing runs"
            )
            was = "" if changed else " already"
            again = place.hint(f"resume {record.id}")
            say(f"experiment {record.id} is paused{was}; {running}; go on with: {again}")
    if as_json:
        emit_json("pause", {"paused": documents})
