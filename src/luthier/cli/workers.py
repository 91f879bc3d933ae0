"""`luthier workers`: who works at a store, on which machine, and how they are."""

from __future__ import annotations

from dataclasses import asdict

import click

from luthier.cli.app import Example
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import age, emit, emit_json, say, size, table
from luthier.view.crew import WorkerRow, worker_rows

__all__ = ["command"]

_HEADS = ("WORKER", "STATE", "AT", "RUNNING", "WENT WELL", "FAILED", "CPUS", "GPUS", "MEMORY", "TAGS", "SEEN")
_COLOURS = {"working": "green", "leaving": "yellow", "silent": "red", "set aside": "red"}


@click.command("workers", cls=Example, example="luthier workers --store postgresql://me@db/search")
@click.option("--all", "everyone", is_flag=True, help="Also those that have left, of the last week.")
@with_store
@as_json
def command(place: Place, as_json: bool, everyone: bool) -> None:
    """Lists the workers of a store: drivers of searches and `luthier worker`s, on whichever machine.

    RUNNING is of its slots. A worker tells every 15 seconds that it is there; one that has not for 45 is silent: its
    trials go to others when their leases run out. One whose trials fail where those of others go well sets itself aside.
    A search that is over within 15 seconds is not listed.
    """
    with place.read() as store:
        rows = worker_rows(store, store.clock.now())
    shown = [row for row in rows if everyone or row.health != "left"]
    if as_json:
        emit_json("workers", {"workers": [asdict(row) for row in shown]})
        return
    if not shown:
        left = f"; {len(rows)} left within the last week (--all)" if rows else ""
        say(f"nobody works at {place.folder}{left}; let this machine help with: {place.hint('worker')}")
        return
    heads: tuple[str, ...] = _HEADS
    lines = [_line(row) for row in shown]
    for head in ("GPUS", "TAGS"):
        at = heads.index(head)
        if not any(line[at] not in ("", "0") for line in lines):
            heads, *lines = (line[:at] + line[at + 1 :] for line in (heads, *lines))
    styles = [(_COLOURS[row.health],) if row.health in _COLOURS else () for row in shown]
    right = ("RUNNING", "WENT WELL", "FAILED", "CPUS", "GPUS", "MEMORY", "SEEN")
    emit(table(heads, lines, right=right, styles=styles))
    for row in shown:
        if row.note:
            say(f"{row.name}: {row.note}")


def _line(row: WorkerRow) -> tuple[str, ...]:
    return (
        row.name,
        row.health,
        ", ".join(map(str, row.experiments)),
        f"{row.running}/{row.slots}" if row.slots else str(row.running),
        str(row.succeeded),
        str(row.failed),
        str(row.cpus),
        str(row.gpus),
        "" if row.memory_bytes is None else size(row.memory_bytes),
        ", ".join(row.tags),
        "" if row.seen_seconds is None else age(row.seen_seconds),
    )
