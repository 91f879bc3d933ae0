"""`luthier riseml monitor`: what running experiments take of this machine."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from luthier.cli.app import Example
from luthier.cli.doors.riseml.naming import Named, is_set, named
from luthier.cli.doors.riseml.states import State, Sub, subs
from luthier.cli.doors.riseml.status import riseml_table
from luthier.cli.options import Place, with_store
from luthier.cli.output import can_print, emit, say
from luthier.run.folders import Folders
from luthier.store import Store

__all__ = ["command"]

BEAT_SECONDS = 1.0
HEADS = (("ID", 9), ("PROJECT", 11), ("STATE", 10), ("CPU", 8), ("MEM", 10), ("GPU", 6), ("GPU MEM", 0))
TICKS = os.sysconf("SC_CLK_TCK")


@click.command("monitor", cls=Example, example="luthier riseml monitor 144")
@click.argument("id", required=False)
@click.option("--gpu", is_flag=True, help="Accepted; the columns of GPUs are always there.")
@with_store
def command(id: str | None, gpu: bool, place: Place) -> None:
    """Shows the cores and the memory (GB) that an experiment takes: current/available |requested. On a terminal it goes
    on until it is over or Ctrl-C; in a pipe it is shown once.
    """
    from luthier.cli.doors.riseml.here import project_here

    with place.read() as store:
        what = named(place, store, id, project_here())
        try:
            while lines := _look(place, store, what):
                emit(riseml_table(HEADS, lines))
                sys.stdout.flush()
                if not sys.stdout.isatty():
                    return
            say(f"experiment {what.id} is not running")
        except KeyboardInterrupt:
            pass


def _look(place: Place, store: Store, what: Named) -> list[list[str]]:
    """A line for each that runs, of what it took within one beat."""
    record = store.experiment(what.record.id)
    running = [
        part
        for part in subs(place, store, record)
        if part.state in (State.STARTING, State.RUNNING) and what.trial in (None, part.number)
    ]
    before = {part.number: _taken(place, store, record.id, part) for part in running}
    if running:
        time.sleep(BEAT_SECONDS)
    dot = "● " if can_print("●") else ""
    limits, rows = record.description.limits, []
    for part in running:
        ticks, _ = before[part.number]
        now, memory = _taken(place, store, record.id, part)
        cpus = f"{max(now - ticks, 0) / TICKS / BEAT_SECONDS:.1f}/{os.cpu_count() or 1}"
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        memories = f"{memory / 1e9:.1f}/{there:.0f}"
        cpus += f" |{limits.cpus:g}" if limits.cpus else ""
        memories += f" |{limits.memory_bytes / 1e9:g}" if limits.memory_bytes else ""
        id = f"{record.id}.{part.number}" if is_set(record) else f"{record.id}.train"
        gpus = f"|{limits.gpus:g}" if limits.gpus else "-"
        rows.append([id, record.description.project, f"{dot}{part.state}", cpus, memories, gpus, "-"])
    return rows


def _taken(place: Place, store: Store, experiment: int, part: Sub) -> tuple[int, int]:
    """The ticks of the clock and the bytes that a trial's processes have taken."""
    import json

    from luthier.run._tree import marked, resident_bytes

    folder = Folders(place.folder).attempt(
        experiment, part.number, store.trial(experiment, part.number).attempt
    )
    try:
        key = json.loads(Path(folder.guardian).read_text(encoding="utf-8"))["key"]
    except (OSError, ValueError, KeyError):
        return 0, 0
    pids = marked(key)
    return sum(map(_ticks, pids)), resident_bytes(pids)


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return sum(int(field) for field in fields[11:15])
    except (OSError, ValueError, IndexError):
        return 0
