"""`luthier best`: the best configuration, its ties, and the command line that runs it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import emit, emit_json, number, paint, say, short, table
from luthier.clock import SystemClock
from luthier.view.verdicts import Best, best, why_none

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord

__all__ = ["best_document", "command", "show_best"]

_NOTHING = 4


@click.command("best", cls=Example, example="luthier best 144\nluthier best 144 --top 5")
@click.argument("id", required=False, type=EXPERIMENT)
@click.option("--top", type=click.IntRange(1), default=1, metavar="K", help="Show the K best trials.")
@with_store
@as_json
def command(place: Place, id: Id | None, top: int, as_json: bool) -> int:
    """Shows the best configuration of an experiment, the trials that are exactly as good, and the command line that
    runs it.

    Leaves with 4 when there is none yet.
    """
    with place.read() as store:
        record = place.record(store, id)
        found = best(store, record, top, SystemClock().now())
        none = "" if found else why_none(store, record, hint=place.hint)
    if as_json:
        emit_json("best", best_document(record, found, none))
    elif found is None:
        say(f"luthier: {none}")
    else:
        show_best(record, found)
    return 0 if found else _NOTHING


def best_document(record: ExperimentRecord, found: Best | None, none: str = "") -> dict[str, Any]:
    """The verdict as the fields `docs/json.md` describes."""
    objective = record.description.objective
    return {
        "experiment": record.id,
        "objective": asdict(objective) if objective else None,
        "trials": [_trial(found, index) for index in range(len(found.rows))] if found else [],
        "ties": asdict(found.ties) | {"text": str(found.ties)} if found else None,
        "command": found.command if found else None,
        "directory": found.directory if found else None,
        "message": none or None,
    }


def _trial(found: Best, index: int) -> dict[str, Any]:
    row = found.rows[index]
    kept = ("number", "run_id", "value", "values", "texts", "attempt", "seed", "seconds", "ended")
    return {"id": row.name, **{key: getattr(row, key) for key in kept}}


def show_best(record: ExperimentRecord, found: Best) -> None:
    """Prints the verdict for people."""
    objective = record.description.objective
    first = found.rows[0]
    metric = objective.metric if objective else "value"
    how = "" if objective is None or objective.aggregate == "last" else f" ({objective.aggregate})"
    emit(f"{paint(f'{metric}{how} {number(first.value)}', 'bold', 'green')}  trial {first.name}")
    if len(found.rows) > 1:
        _show_table(found, metric)
    else:
        width = max(map(len, first.texts), default=0)
        for name, text in first.texts.items():
            emit(f"  {name:<{width}}  {text}")
    if found.ties.others:
        names = ", ".join(f"{record.id}.{n}" for n in found.ties.others[:5])
        more = ", …" if len(found.ties.others) > 5 else ""
        emit(f"As good: {found.ties} ({names}{more})")
    if found.command:
        emit(f"Run it: {found.command}")
        emit(f"Its LUTHIER_SEED was {first.seed}.")


def _show_table(found: Best, metric: str) -> None:
    names = list(dict.fromkeys(name for row in found.rows for name in row.texts))
    heads = ("TRIAL", metric, *names)
    lines = [
        (row.name, number(row.value), *(short(row.values, row.texts).get(name, "-") for name in names))
        for row in found.rows
    ]
    emit(table(heads, lines, right=(metric,)))
