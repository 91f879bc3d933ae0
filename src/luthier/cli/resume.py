"""`luthier resume`: goes on with an experiment that was paused, stopped, interrupted or left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import say
from luthier.cli.placing import with_on
from luthier.cli.searching import How, conduct
from luthier.store import Wish

if TYPE_CHECKING:
    from luthier.drive.on_ray import OnRay

__all__ = ["command"]


@click.command(cls=Example, example="luthier resume 3\nluthier resume 3 --detach")
@click.argument("id", type=EXPERIMENT, required=False)
@click.option("--detach", is_flag=True, help="Run in the background; see it with list and logs -f.")
@click.option("--dashboard", is_flag=True, help="With a page in your browser while it runs.")
@with_on
@click.option("-q", "--quiet", is_flag=True, help="Only failures and the result.")
@as_json
@with_store
def command(
    id: Id | None, detach: bool, dashboard: bool, on: OnRay | None, quiet: bool, as_json: bool, place: Place
) -> int:
    """Goes on with experiment ID, the newest one when it is left out.

    Trials that were running when Luthier was killed are adopted, not started again. A paused experiment whose driver
    is still there goes on at once.
    """
    from luthier.drive.alive import Alive

    with place.change() as store:
        record = place.record(store, id)
        if Alive(place.folder).is_driven(record.id) and record.wish is not Wish.RUN:
            store.set_wish(record.id, Wish.RUN, "resumed by luthier resume")
            follow = place.hint(f"logs {record.id} -f")
            say(f"Experiment {record.id} goes on in the process that drives it. Follow it with: {follow}")
            return 0
        return conduct(
            store,
            place.folder,
            record,
            How(detach=detach, quiet=quiet, as_json=as_json, on=on, dashboard=dashboard),
        )
