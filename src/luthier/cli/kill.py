"""`luthier kill`: nothing new starts; running trials are killed at once."""

from __future__ import annotations

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.steering import How, end
from luthier.store import Wish
from luthier.trial import Outcome

__all__ = ["command"]

_HOW = How("kill", Wish.KILL, Outcome.KILLED, is_kill=True)


@click.command("kill", cls=Example, example="luthier kill 144\nluthier kill 144.7 144.9")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=ID)
@click.option("--no-wait", is_flag=True, help="Do not wait until they have ended.")
@with_store
@as_json
def command(place: Place, ids: tuple[Id, ...], no_wait: bool, as_json: bool) -> int:
    """Ends experiments or trials at once: nothing new starts, running trials and all their processes are killed.

    They count as killed. `luthier resume` goes on with the rest.
    """
    return end(place, ids, _HOW, wait=not no_wait, as_json=as_json)
