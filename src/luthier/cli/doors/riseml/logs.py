"""`luthier riseml logs`: the last known states, then what was printed, and on until it is over."""

from __future__ import annotations

import click

from luthier.cli.app import Example
from luthier.cli.options import Place, with_store

__all__ = ["command"]


@click.command("logs", cls=Example, example="luthier riseml logs 144\nluthier riseml logs 144.2")
@click.argument("id", required=False)
@with_store
def command(id: str | None, place: Place) -> None:
    """Prints the log of an experiment, by default the one that was started last; Ctrl-C leaves it running."""
    from luthier.cli.doors.riseml.here import project_here
    from luthier.cli.doors.riseml.naming import named
    from luthier.cli.doors.riseml.stream import follow

    with place.read() as store:
        follow(place, store, named(place, store, id, project_here()))
