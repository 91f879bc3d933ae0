"""`luthier export`: all trials, or all curves, as CSV, JSON, JSON lines or Parquet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import emit_json, many, say
from luthier.errors import UsageError
from luthier.view.exports import FORMATS, export

if TYPE_CHECKING:
    from luthier.view.curve_rows import Form

__all__ = ["command"]

_ROWS = {None: "trial", "long": "point", "wide": "step"}
_EXAMPLE = """\
luthier export 144 -o trials.csv
luthier export 144 --curves wide -o curves.csv    one row a step, a column a metric
luthier export 144 --curves long --format jsonl | head
luthier export 144 -o trials.parquet          needs luthier[parquet]
"""


@click.command("export", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=EXPERIMENT)
@click.option(
    "-o", "--output", metavar="FILE", help="Where to, replaced whole; standard output when left out."
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: as FILE ends, else csv.")
@click.option(
    "--curves",
    type=click.Choice(["long", "wide"]),
    help="The curves instead: long, one row a point; wide, one row a step with a column for each metric.",
)
@click.option("--points", is_flag=True, help="The same as --curves long.")
@with_store
@as_json
def command(
    place: Place,
    id: Id | None,
    output: str | None,
    form: str | None,
    curves: Form | None,
    points: bool,
    as_json: bool,
) -> None:
    """Writes every trial of an experiment, one row each: parameters as `param.NAME`, metrics as `metric.NAME`.

    --json is --format json, and with -o prints what was written.
    """
    if points and curves == "wide":
        raise UsageError("--points is --curves long; leave it out, or --curves wide")
    curves = "long" if points else curves
    target = None if output in (None, "-") else Path(str(output))
    chosen = form or ("json" if as_json and target is None else _of_name(target))
    if chosen == "parquet" and target is None and sys.stdout.isatty():
        raise UsageError("Parquet is no text for a terminal; add -o FILE")
    with place.read() as store:
        record = place.record(store, id)
        count = export(store, record, chosen, target, curves=curves)
    if target is None:
        return
    if as_json:
        emit_json("export", {"experiment": record.id, "file": str(target), "format": chosen, "rows": count})
    say(f"{many(count, _ROWS[curves])} of experiment {record.id} written to {target}")


def _of_name(target: Path | None) -> str:
    if target is None or not target.suffix:
        return "csv"
    ending = target.suffix.lower().removeprefix(".")
    if ending == "ndjson":
        return "jsonl"
    if ending not in FORMATS:
        raise UsageError(
            f"-o {target}: .{ending} is no format of ours; use one of {', '.join(FORMATS)} with --format"
        )
    return ending
