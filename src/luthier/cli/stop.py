"""`luthier stop`: nothing new starts; running trials end by TERM and keep their outputs."""

from __future__ import annotations

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.steering import How, end
from luthier.store import Wish
from luthier.trial import Outcome

__all__ = ["command"]

_HOW = How("stop", Wish.STOP, Outcome.STOPPED, is_kill=False)


@click.command("stop", cls=Example, example="luthier stop 144\nluthier stop 144.7 144.9")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=ID)
@click.option("--no-wait", is_flag=True, help="Do not wait until they have ended.")
@with_store
@as_json
def command(place: Place, ids: tuple[Id, ...], no_wait: bool, as_json: bool) -> int:
    """Ends experiments or trials in order: nothing new starts, running trials are sent TERM and, after their grace,
    KILL.

    What they wrote is kept and they count as stopped. `luthier resume` goes on with the rest.
    """
    return end(place, ids, _HOW, wait=not no_wait, as_json=as_json)
