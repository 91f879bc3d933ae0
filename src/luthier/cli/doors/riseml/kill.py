"""`luthier riseml kill`: ends experiments, sets or single ones of a set."""

from __future__ import annotations

import click

from luthier.cli.app import Example
from luthier.cli.doors.riseml.naming import Named, named, one
from luthier.cli.options import Place, with_store
from luthier.cli.output import emit, say
from luthier.errors import NotFound
from luthier.store import Store, Wish
from luthier.trial import Outcome, TrialState

__all__ = ["command"]

_REASON = "killed by luthier riseml kill"


@click.command("kill", cls=Example, example="luthier riseml kill\nluthier riseml kill 144.2 144.3")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("-f", "--force", is_flag=True, help="At once, without the time to end by itself.")
@with_store
def command(ids: tuple[str, ...], force: bool, place: Place) -> int:
    """Ends experiments, by default the one that was started last. The others of a set go on when one of it is named."""
    from luthier.cli.doors.riseml.here import project_here

    with place.change() as store:
        chosen = [one(store, id) for id in ids] or [named(place, store, None, project_here())]
        ended = [_end(place, store, what, force=force) for what in chosen]
    return 0 if all(ended) else 1


def _end(place: Place, store: Store, what: Named, *, force: bool) -> bool:
    is_ended = (
        _end_all(place, store, what, force) if what.trial is None else _end_one(place, store, what, force)
    )
    if is_ended:
        emit(f"killed experiment {what.id}")
    else:
        say(f"experiment {what.id} is not running")
    return is_ended


def _end_all(place: Place, store: Store, what: Named, force: bool) -> bool:
    from luthier.drive.ending import see_to_it

    record = what.record
    if record.is_met and not record.running:
        return False
    is_new = store.set_wish(record.id, Wish.KILL if force else Wish.STOP, _REASON)
    see_to_it(store, place.folder, record.id)
    return is_new or bool(record.running)


def _end_one(place: Place, store: Store, what: Named, force: bool) -> bool:
    from luthier.drive.ending import await_trial, end_trial
    from luthier.run.folders import Folders

    assert what.trial is not None
    try:
        trial = store.trial(what.record.id, what.trial)
    except NotFound:  # its turn has not come
        return False
    if trial.state is TrialState.FINISHED:
        return False
    if store.cancel(what.record.id, what.trial, Outcome.KILLED, _REASON):
        return True
    folders = Folders(place.folder)
    if not end_trial(store, folders, what.record.id, what.trial, Outcome.KILLED, _REASON, kill=force):
        return False
    await_trial(store, place.folder, trial)
    return True
