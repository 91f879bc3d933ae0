"""`luthier retry`: finished trials go back to the queue for another attempt."""

from __future__ import annotations

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.output import emit_json, many, say
from luthier.errors import UsageError
from luthier.store import Sort, Store

__all__ = ["command"]

_EXAMPLE = """\
luthier retry 144 --failed     every trial that ended badly
luthier retry 144.7 144.9      these two
"""


@click.command("retry", cls=Example, example=_EXAMPLE)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=ID)
@click.option(
    "--failed", is_flag=True, help="Every trial of the experiment that ended badly; stopped ones are left."
)
@with_store
@as_json
def command(place: Place, ids: tuple[Id, ...], failed: bool, as_json: bool) -> None:
    """Queues finished trials for another attempt. It keeps their checkpoints and their earlier attempts."""
    with place.change() as store:
        wanted = [trial for id in ids for trial in _trials(store, id, failed)]
        queued = [id for id in wanted if id.trial is not None and store.retry(id.experiment, id.trial)]
        for id in wanted:
            if id not in queued:
                say(f"trial {id} is not finished, so it is left as it is")
        if as_json:
            emit_json("retry", {"queued": [str(id) for id in queued]})
        experiments = sorted({id.experiment for id in queued})
        active = place.activity(store)
        for experiment in experiments:
            count = many(sum(id.experiment == experiment for id in queued), "trial")
            how = "will run" if active(experiment) else f"run with: {place.hint(f'resume {experiment}')}"
            say(f"{count} of experiment {experiment} queued for another attempt; {how}")
    if not wanted:
        say("nothing is to be retried: every finished trial succeeded")


def _trials(store: Store, id: Id, failed: bool) -> list[Id]:
    """The trials an ID stands for."""
    if id.trial is not None:
        store.trial(id.experiment, id.trial)
        return [id]
    if not failed:
        raise UsageError(
            f"{id} is a whole experiment; name trials ({id}.7), or add --failed for all that ended badly"
        )
    store.experiment(id.experiment)
    return [Id(id.experiment, trial.number) for trial in store.trials(id.experiment, Sort("not well"))]
