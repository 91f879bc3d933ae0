"""The log of an experiment as RiseML streams it: changes of state and what programs print, line by line.

    144             | [2017-08-30T09:59:06Z] --> PENDING
    144.1           | [2017-08-30T09:59:08Z] --> RUNNING
    144.1           | [2017-08-30T09:59:09Z] epoch 1

A change has the time the record has. A program's lines have none there: they are given the time they came, and those that
were there before the time their file was last written.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter, itemgetter

from luthier.cli.doors.riseml.naming import Named, is_set
from luthier.cli.doors.riseml.states import State, Sub, Whole, subs, whole
from luthier.cli.options import Place
from luthier.cli.output import emit, one_line, paint, say
from luthier.clock import SystemClock
from luthier.description import WITHOUT
from luthier.drive.containing import is_being_made, why_without
from luthier.run.containers import making_of
from luthier.run.folders import AttemptFolder, Folders
from luthier.space import Configuration
from luthier.store import ExperimentRecord, Store
from luthier.view.logs import Line, Logs, Tail

__all__ = ["follow"]

WIDTH = 16
BEAT_SECONDS = 0.2
FORSAKEN_SECONDS = 3.0
MOST_HELD = 100_000  # lines; longer logs are put in order in portions
WAY = (State.PENDING, State.STARTING, State.RUNNING)
"""What a sub-experiment goes through, each said even where nobody looked in time."""


def follow(place: Place, store: Store, what: Named, *, is_new: bool = False) -> State:
    """Prints the log of an experiment until it is over, and returns how it ended; Ctrl-C leaves it running, with the words
    that come back to it. `is_new` tells that it has just begun."""
    stream = _Stream(place, store, what)
    try:
        return stream.run(is_new=is_new)
    except KeyboardInterrupt:
        emit()
        emit("Job will continue in background.")
        emit(f"Type `{place.hint(f'riseml logs {what.id}')}` to connect to log stream again.")
        return stream.state


@dataclass
class _Stream:
    """What has been said of one experiment, or of one of its parts."""

    place: Place
    store: Store
    what: Named
    state: State = State.PENDING
    said: dict[str, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.is_set = is_set(self.what.record)
        self.folders = Folders(self.place.folder)
        self.planned: dict[int, Configuration] = {}
        self.logs = [(pick, self._logs(pick)) for pick in (attrgetter("stdout"), attrgetter("stderr"))]
        self.is_live = False
        self.held: list[tuple[float, str]] | None = (
            None  # lines of what is over already, to be told in order of their times
        )
        self.build: Tail | None = None
        self.without = self.what.record.description.labels.get(WITHOUT)  # said when it began

    def _logs(self, pick: Callable[[AttemptFolder], str]) -> Logs:
        return Logs(self.store, self.place.folder, self.what.record.id, self.what.trial, pick=pick)

    def run(self, *, is_new: bool) -> State:
        """Prints until it is over, or until nobody drives it any more."""
        record, parts, standing = self._look()
        if self.state.is_over:
            self.held = []
        self._say_first(record, parts, standing, is_new=is_new)
        forsaken, clock = None, SystemClock()
        while True:
            is_last = self.state.is_over
            self._say_news(record, parts, standing)
            self.is_live = True
            if is_last:
                self._say_rest()
                self._tell_held()
                return self.state
            if not standing.is_driven:
                forsaken = forsaken or clock.elapsed()
                if clock.elapsed() - forsaken > FORSAKEN_SECONDS:
                    say(f"warning: {standing.note}" if standing.note else "warning: nobody drives it")
                    return self.state
            else:
                forsaken = None
            time.sleep(BEAT_SECONDS)
            record, parts, standing = self._look()

    def _look(self) -> tuple[ExperimentRecord, list[Sub], Whole]:
        record = self.store.experiment(self.what.record.id)
        parts = subs(self.place, self.store, record, self.planned)
        standing = whole(self.place, self.store, record, parts)
        self.state = standing.state
        if self.what.trial is not None:
            parts = [part for part in parts if part.number == self.what.trial]
            self.state = parts[0].state if parts else standing.state
        return record, parts, standing

    # ------------------------------------------------------------------ what is said

    def _say_first(
        self, record: ExperimentRecord, parts: list[Sub], standing: Whole, *, is_new: bool
    ) -> None:
        """The states as they are; of what has just begun, as it was then."""
        now = record.created if is_new else SystemClock().now()
        if self.what.trial is None and (is_new or not standing.state.is_over):
            self._change(self.what.id, State.PENDING if is_new else standing.state, now)
        if not self.is_set:
            return
        first = State.PENDING
        for part in parts:
            if is_new:
                self._change(self._name(part.number), first, now)
                first = State.CREATED
            elif not part.state.is_over:
                self._change(self._name(part.number), part.state, part.began or now)

    def _say_news(self, record: ExperimentRecord, parts: list[Sub], standing: Whole) -> None:
        now = SystemClock().now()
        if self.what.trial is None and not standing.state.is_over:
            self._change(self.what.id, standing.state, now)
        self._say_build(record)
        if (without := why_without(record, self.place.folder)) not in (None, self.without):
            self.without = without
            say(f"warning: {without}")
        for part in parts if self.is_set else ():
            self._say_way(part, now)
        for pick, logs in self.logs:
            self._say_lines(pick, logs.read())
        for part in parts if self.is_set else ():
            if part.state.is_over:
                self._change(self._name(part.number), part.state, part.ended or now)
        if self.what.trial is None and standing.state.is_over:
            self._change(
                self.what.id, standing.state, max((part.ended or 0 for part in parts), default=0) or now
            )
            if standing.note:
                say(f"warning: {standing.note}")

    def _say_way(self, part: Sub, now: float) -> None:
        """The states a sub-experiment has been through, up to that it runs."""
        name = self._name(part.number)
        if part.began is None or part.state is State.CREATED:
            return
        has = self.said.get(name, State.CREATED)
        if has.is_over:
            return
        to = WAY.index(part.state) if part.state in WAY else len(WAY) - 1
        begin = WAY.index(has) + 1 if has in WAY else 0
        for state in WAY[begin : to + 1]:
            self._change(name, state, part.began)

    def _say_build(self, record: ExperimentRecord) -> None:
        """The log of the image that is being made."""
        what = record.description
        if self.build is None and not is_being_made(record, self.place.folder):
            return
        if self.build is None:
            assert what.environment is not None and what.command is not None
            making = making_of(what.environment, what.command.directory, self.place.folder)
            assert making is not None
            self.build = Tail(str(making.log))
        for text in self.build.lines():
            self._line(f"{record.id}.build", text, SystemClock().now())

    def _say_lines(self, pick: Callable[[AttemptFolder], str], lines: Iterator[Line]) -> None:
        for line in lines:
            self._line(self._name(line.trial), line.text, self._time(pick, line))

    def _say_rest(self) -> None:
        for pick, logs in self.logs:
            self._say_lines(pick, logs.rest())

    def _time(self, pick: Callable[[AttemptFolder], str], line: Line) -> float:
        if self.is_live:
            return SystemClock().now()
        folder = self.folders.attempt(line.experiment, line.trial, line.attempt)
        try:
            return os.stat(pick(folder)).st_mtime
        except OSError:
            return SystemClock().now()

    def _name(self, number: int) -> str:
        return f"{self.what.record.id}.{number}" if self.is_set else f"{self.what.record.id}.train"

    def _change(self, name: str, state: State, at: float) -> None:
        if self.said.get(name) is not state:
            self.said[name] = state
            self._line(name, paint(f"--> {state}", "bold"), at, is_ours=True)

    def _line(self, name: str, text: str, at: float, *, is_ours: bool = False) -> None:
        shown = text if is_ours else one_line(text.expandtabs())
        stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        told = f"{name.ljust(WIDTH)}| [{stamp}] {shown}"
        if self.held is not None:
            self.held.append((at, told))
            if len(self.held) > MOST_HELD:
                self._tell_held()
            return
        emit(told)
        sys.stdout.flush()

    def _tell_held(self) -> None:
        for _, told in sorted(self.held or (), key=itemgetter(0)):
            emit(told)
        sys.stdout.flush()
        self.held = None if self.held is None else []
