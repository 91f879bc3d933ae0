"""What tasks print, numbered by lines as Gradient shows it; the store's log is what the record tells of its trials."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from luthier.cli.doors.gradient.record import STORE, Room, Task, Tuning, searches
from luthier.cli.doors.gradient.tables import boxed
from luthier.cli.output import date, emit, paint, say
from luthier.view.logs import Tail

if TYPE_CHECKING:
    from luthier.cli.options import Place
    from luthier.store import Store

__all__ = ["Said", "show_logs"]

BEAT_SECONDS = 0.3


class Said(NamedTuple):
    """One line of a job, counted from 1."""

    job: str
    line: int
    text: str


class _Reader:
    """The lines of some tasks as they come."""

    def __init__(self, room: Room, tuning: Tuning, names: Sequence[str], store: Store) -> None:
        self._room = room
        self._tuning = tuning
        self._names = names
        self._store = store
        self._tails: dict[tuple[str, int], Tail] = {}
        self._counts: dict[str, int] = {}
        self._seen = 0

    def new(self, *, is_over: bool) -> Iterator[Said]:
        """What came since the last call; unfinished last lines too where it is over."""
        tasks = self._room.read_tasks()
        for name in self._names:
            texts = self._of_store() if name == STORE else self._of_task(name, tasks, is_over)
            for text in texts:
                self._counts[name] = number = self._counts.get(name, 0) + 1
                yield Said(self._tuning.job(name), number, text)

    def _of_task(self, name: str, tasks: dict[str, Task], is_over: bool) -> Iterator[str]:
        runs = tasks[name].runs if name in tasks else ()
        for run in runs:
            key = (name, run.number)
            tail = self._tails.setdefault(key, Tail(self._room.attempt(name, run.number).stdout))
            yield from tail.lines()
            if is_over or run.number < len(runs):
                yield from tail.last()

    def _of_store(self) -> Iterator[str]:
        for record in searches(self._store, self._tuning.id):
            for event in self._store.events(self._seen, record.id):
                self._seen = max(self._seen, event.revision)
                trial = f" trial {record.id}.{event.trial}" if event.trial is not None else ""
                yield f"{date(event.time)} {event.kind}{trial}"


def show_logs(
    place: Place,
    room: Room,
    tuning: Tuning,
    names: Sequence[str],
    *,
    entity: str,
    first: int,
    limit: int,
    follow: bool,
) -> None:
    """Prints the logs of tasks: as a table, or with `follow` line by line until the tasks have ended.

    A table of one job has no column for it.
    """
    with place.read() as store:
        reader = _Reader(room, tuning, names, store)
        if follow:
            return _follow(room, reader, first, limit, has_job=len(names) > 1)
        lines = [said for said in reader.new(is_over=not room.is_supervised) if said.line > first][:limit]
    if not lines:
        return say("No logs found")
    rows: list[tuple[str, ...]]
    if len(names) > 1:
        rows = [("JOB ID", "LINE", "MESSAGE"), *((s.job, str(s.line), s.text) for s in lines)]
    else:
        rows = [("LINE", "MESSAGE"), *((str(s.line), s.text) for s in lines)]
    emit(boxed(rows, title=f"{entity} logs"))
    return None


def _follow(room: Room, reader: _Reader, first: int, limit: int, *, has_job: bool) -> None:
    say("Awaiting logs...")
    count = 0
    while True:
        is_over = not room.is_supervised
        for said in reader.new(is_over=is_over):
            if said.line <= first:
                continue
            parts = [paint(said.job, "blue")] if has_job else []
            emit("\t".join([*parts, paint(str(said.line), "red"), said.text]))
            count += 1
            if count >= limit:
                return
        if is_over:
            return
        _flush()
        time.sleep(BEAT_SECONDS)


def _flush() -> None:
    import sys

    sys.stdout.flush()
