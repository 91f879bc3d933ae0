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
luthier gc --bundles                             snapshots that no experiment names any more
"""


@click.command("gc", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=EXPERIMENT)
@click.option("--keep-checkpoints", metavar="all|none|best:N", help="Whose checkpoints stay.  [default: all]")
@click.option("--keep-outputs", metavar="all|none|best:N", help="Whose outputs stay.  [default: all]")
@click.option("--bundles", is_flag=True, help="Snapshots of code and data that no experiment names.")
@click.option("--dry-run", is_flag=True, help="Only say what would be freed.")
@with_store
@as_json
def command(
    place: Place,
    id: Id | None,
    keep_checkpoints: str | None,
    keep_outputs: str | None,
    bundles: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Deletes checkpoints and outputs of finished trials, but for those to be kept; or bundles nobody needs.

    Results, metrics and logs stay. Trials that are queued or running keep everything.
    """
    if bundles:
        if id is not None or keep_checkpoints is not None or keep_outputs is not None:
            raise UsageError("--bundles is about the whole store; give it alone")
        return _sweep_bundles(place, dry_run, as_json)
    if keep_checkpoints is None and keep_outputs is None:
        raise UsageError(
            "say what may go: --keep-checkpoints best:3, --keep-outputs none (both keep all by default)"
        )
    if id is None:
        raise UsageError("say of which experiment, such as: luthier gc 144 --keep-checkpoints best:3")
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
    return None


def _sweep_bundles(place: Place, dry_run: bool, as_json: bool) -> None:
    """Deletes the bundles that no experiment names."""
    from luthier.bundles import sweep
    from luthier.cli.doors.kaos.workspaces import bundles_in_use
    from luthier.drive.provenance import named_bundles

    with place.read() as store:
        named = {*named_bundles(store), *bundles_in_use(place.folder)}
        swept = sweep(place.folder, named, delete=not dry_run)
    if as_json:
        emit_json("gc", {"experiment": None, "dry_run": dry_run, **swept._asdict()})
    would = "would be deleted" if dry_run else "deleted"
    say(f"{many(swept.bundles, 'bundle')} {would}: {size(swept.freed_bytes)}{'' if dry_run else ' freed'}")
