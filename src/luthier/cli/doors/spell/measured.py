"""`spell metrics`: what a run reported."""

from __future__ import annotations

import click

from luthier.cli.app import Example
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import emit, emit_json, number, table
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.looking import find_run
from luthier.compat.spell.points import measured, names_of

__all__ = ["metrics"]


@click.command("metrics", cls=Example, example="luthier spell metrics 388 keras/val_acc")
@click.argument("run", type=click.IntRange(1), metavar="RUN")
@click.argument("metric", required=False)
@with_store
@as_json
def metrics(place: Place, run: int, metric: str | None, as_json: bool) -> None:
    """Lists the metrics of a run, or the values of one."""
    with place.read() as store:
        trial = find_run(store, run)
        names = names_of(store, trial)
        values = list(measured(store, trial, metric)) if metric is not None else []
    if metric is not None and not values:
        raise SpellError(f"run {run} reported no {metric}; it reported {', '.join(names) or 'nothing'}")
    if as_json:
        points = [[one.timestamp.isoformat(), one.step, one.value] for one in values]
        emit_json("spell-metrics", {"run": run, "metrics": names, "metric": metric, "values": points})
    elif metric is None:
        emit("\n".join(names))
    else:
        rows = [
            [one.timestamp.isoformat(timespec="seconds"), number(one.step), number(one.value)]
            for one in values
        ]
        emit(table(["TIMESTAMP", "INDEX", "VALUE"], rows))
