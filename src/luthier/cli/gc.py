"""`luthier gc`: frees the disk of what finished trials need no longer."""

from __future__ import annotations

from dataclasses import asdict

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import emit_json, many, say, size
from luthier.errors import UsageError
from luthier.view.disk import parse_keep, sweep

__all__ = ["command"]

_EXAMPLE = """\
luthier gc 144 --keep-checkpoints best:3 --dry-run
luthier gc 144 --keep-checkpoints none --keep-outputs best:1
"""


@click.command("gc", cls=Example, example=_EXAMPLE)
@click.argument("id", type=EXPERIMENT)
@click.option("--keep-checkpoints", metavar="all|none|best:N", help="Whose checkpoints stay.  [default: all]")
@click.option("--keep-outputs", metavar="all|none|best:N", help="Whose outputs stay.  [default: all]")
@click.option("--dry-run", is_flag=True, help="Only say what would be freed.")
@with_store
@as_json
def command(
    place: Place, id: Id, keep_checkpoints: str | None, keep_outputs: str | None, dry_run: bool, as_json: bool
) -> None:
    """Deletes checkpoints and outputs of finished trials, but for those to be kept.

    Results, metrics and logs stay. Trials that are queued or running keep everything.
    """
    if keep_checkpoints is None and keep_outputs is None:
        raise UsageError(
            "say what may go: --keep-checkpoints best:3, --keep-outputs none (both keep all by default)"
        )
    checkpoints = parse_keep("--keep-checkpoints", keep_checkpoints or "all")
    outputs = parse_keep("--keep-outputs", keep_outputs or "all")
    with place.read() as store:
        record = store.experiment(id.experiment)
        swept = sweep(store, place.folder, record, checkpoints, outputs, delete=not dry_run)
    freed = swept.checkpoint_bytes + swept.output_bytes
    if as_json:
        emit_json("gc", {"experiment": record.id, "dry_run": dry_run, "freed_bytes": freed, **asdict(swept)})
    what = f"{many(swept.checkpoints, 'checkpoint')} and the outputs of {many(swept.outputs, 'attempt')}"
    say(f"{what} {'would be' if dry_run else 'were'} deleted: {size(freed)}{'' if dry_run else ' freed'}")
