"""Gathers all that one attempt reports, from wherever it reports it, as points.

Five sources, the most trusted first: the lines of `$LUTHIER_METRICS`, a final `metrics.json`, TensorBoard's event
files, the lines of standard output, those of standard error. Once a more trusted source has reported a metric, the
lines that print it as well are passed over, so nothing counts twice; only event files, which many programs write out
every two minutes, come too late for a metric that lines have told of. Only files are read, from byte offsets: the
collector does not know whether the program still runs. One line is `lines.py`, one file `follow.py`, the event
files `event_files.py`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

from luthier.metrics.event_files import EventFiles
from luthier.metrics.follow import Follower
from luthier.metrics.objects import Reading, read_json, readings_of
from luthier.metrics.patterns import MetricPattern, number, read_pattern
from luthier.trial import Point

TYPE_CHECKING = False
if TYPE_CHECKING:
    from luthier.metrics.events import Scalar
    from luthier.metrics.lines import LineParser

__all__ = ["Collector", "Source"]

POLL_BYTES = 1 << 20  # read from one file in one poll, a quarter of a second at most; the rest waits
BACKLOG_BYTES = 32 << 20  # output still unread at the end; beyond this its middle is skipped, with a note
FINAL_BYTES = 16 << 20
NAMES = 1000  # metrics found in the output of one attempt; beyond this it is printing a table


class Source(StrEnum):
    """Where a metric was found, the most trusted first."""

    METRICS = "metrics.jsonl"
    FINAL = "metrics.json"
    EVENTS = "event files"
    STDOUT = "stdout"
    STDERR = "stderr"


_TRUST = {source: place for place, source in enumerate(Source)}


class Collector:
    """Collects the points of one attempt.

    A path may be None, or name a file that does not exist (yet). The same files always give the same points,
    however they grew between polls, but for which of two sources a value was first seen in. Metrics that are `wanted` are
    read in plainer lines too (see `lines.py`).

    **Cost** a poll in which nothing was written is three `stat` calls; a `drain` of empty files four. What `events`
    cost is told there.
    """

    def __init__(
        self,
        stdout_path: str | os.PathLike[str] | None,
        stderr_path: str | os.PathLike[str] | None,
        metrics_path: str | os.PathLike[str] | None,
        final_path: str | os.PathLike[str] | None,
        patterns: Sequence[str | MetricPattern] = (),
        events: EventFiles | None = None,
        wanted: Collection[str] = (),
    ) -> None:
        self._patterns = [read_pattern(p) if isinstance(p, str) else p for p in patterns]
        self._wanted = wanted
        paths = {Source.METRICS: metrics_path, Source.STDOUT: stdout_path, Source.STDERR: stderr_path}
        self._files = {s: Follower(os.fspath(p)) for s, p in paths.items() if p is not None}
        self._parsers: dict[Source, LineParser] = {}
        self._final = None if final_path is None else os.fspath(final_path)
        self._events = events
        self._met: set[str] = set()  # metrics that event files have told of
        self._known: dict[str, set[tuple[float, str]]] = {}
        self._trusted: dict[str, int] = {}
        self._found: dict[str, set[Source]] = {}
        self._last: dict[str, tuple[float, float]] = {}  # the step and value of a metric's newest point
        self._highest: dict[str, float] = {}
        self._notes: list[str] = []
        # A program may print a metric just before it writes the same to $LUTHIER_METRICS. So what output lines tell
        # of a metric for the first time waits for one poll, until the more trusted file has had its say.
        self._settled: set[str] | None = None if metrics_path is None else set()
        self._waiting: list[tuple[Source, Reading, float]] = []

    def poll(self, now: float) -> list[Point]:
        """Returns the points written since the last poll, in order; output lines get `now` as their time.

        **Holds** a line without an end is left for later; at most `POLL_BYTES` of each file are read.
        """
        points: list[Point] = []
        for source in Source:
            file = self._files.get(source)
            if file is not None and file.waiting() > 0:
                self._take(source, file.lines(POLL_BYTES), now, points)
            if source is Source.METRICS:
                self._settle(points)
            elif source is Source.EVENTS:
                self._take_events(now, points)
        return points

    def know(self, points: Iterable[Point]) -> None:
        """Tells it what another collector of the same files has found, so that both take a metric from the same place."""
        for point in points:
            self._known.setdefault(point.metric, set()).add((point.step, repr(point.value)))

    def _settle(self, points: list[Point]) -> None:
        """Lets the first values of new metrics count, or be passed over, now that the trusted file was read again."""
        waiting, self._waiting = self._waiting, []
        if self._settled is not None:
            self._settled.update(reading.metric for _, reading, _ in waiting)
        for source, reading, when in waiting:
            self._add(source, [reading], when, points)

    def drain(self, now: float) -> list[Point]:
        """Returns what is left once the program has ended: an unfinished last line and `metrics.json` too."""
        points: list[Point] = []
        for source in Source:
            file = self._files.get(source)
            if file is not None:
                self._take_rest(source, file, now, points)
            if source is Source.METRICS:  # it is whole: nothing has to wait for it any more
                self._settle(points)
                self._settled = None
            elif source is Source.EVENTS:
                self._take_events(now, points, last=True)
        self._read_final(now, points)
        return points

    def _take_rest(self, source: Source, file: Follower, now: float, points: list[Point]) -> None:
        """Takes all that a file holds; of very much output not its middle."""
        waiting = file.waiting()
        skipped = waiting - BACKLOG_BYTES
        if skipped > 0 and source is not Source.METRICS:
            self._take(source, file.lines(BACKLOG_BYTES // 2), now, points)
            file.skip_to(file.position + skipped)
            waiting = BACKLOG_BYTES - BACKLOG_BYTES // 2
            self._notes.append(f"{skipped >> 20} MiB amid its {source} were not searched for metrics")
        if waiting > 0:
            self._take(source, file.lines(waiting), now, points)
        rest = file.rest()
        if rest is not None:
            self._take(source, (rest,), now, points)

    @property
    def sources(self) -> dict[str, str]:
        """Where each metric was found: `metrics.jsonl, stdout`, the most trusted place first. The values of a
        metric are the first place's; `metrics.json` only adds the last one."""
        return {
            metric: ", ".join(source for source in Source if source in found)
            for metric, found in self._found.items()
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what could not be read, for people."""
        return (*self._notes, *(self._events.notes if self._events else ()))

    def _take_events(self, now: float, points: list[Point], *, last: bool = False) -> None:
        """Takes what the event files have gained. A metric that lines have told of stays theirs."""
        if self._events is None:
            return
        lines = _TRUST[Source.STDOUT]
        for scalar in self._events.read(now, POLL_BYTES, last=last):
            metric = scalar.tag
            if metric not in self._met:
                self._met.add(metric)
                if metric not in self._trusted and not self._may_own(scalar):
                    self._trusted[metric] = lines
            if self._trusted.get(metric, 0) >= lines:
                self._found.setdefault(metric, set()).add(Source.EVENTS)
                continue
            reading = Reading(metric, scalar.value, float(scalar.step))
            self._add(Source.EVENTS, [reading], scalar.time, points)

    def _may_own(self, first: Scalar) -> bool:
        """Whether the first point that event files have of a metric is, or may become, the first that counts."""
        known = self._known.get(first.tag)
        return known is None or (float(first.step), repr(first.value)) in known

    def _take(self, source: Source, lines: Iterable[str], now: float, points: list[Point]) -> None:
        if source is Source.METRICS:
            for line in lines:
                self._take_report(line, now, points)
            return
        parse = self._parser(source).parse
        for line in lines:
            readings = parse(line)
            if readings:
                self._add(source, readings, now, points)

    def _parser(self, source: Source) -> LineParser:
        """What reads the lines of a source, made once there is one. A user's patterns are for output alone."""
        if source not in self._parsers:
            patterns = () if source is Source.METRICS else self._patterns
            from luthier.metrics.lines import LineParser  # milliseconds, for programs that print

            self._parsers[source] = LineParser(patterns, self._wanted)
        return self._parsers[source]

    def _take_report(self, line: str, now: float, points: list[Point]) -> None:
        found = read_json(line) if "{" in line else None
        if found is None:  # printf in C and awk write nan where JSON has NaN; echo may write loss=0.2
            self._add(Source.METRICS, self._parser(Source.METRICS).parse(line), now, points)
            return
        written = number(found.pop("_time", None))
        when = now if written is None or not 0 < written < 1e12 else written
        self._add(Source.METRICS, readings_of(found), when, points)

    def _add(self, source: Source, readings: list[Reading], when: float, points: list[Point]) -> None:
        trust = _TRUST[source]
        for reading in readings:
            metric, value, step = reading
            if self._settled is not None and source is not Source.METRICS and metric not in self._settled:
                self._waiting.append((source, reading, when))
                continue
            if metric not in self._found and trust >= _TRUST[Source.EVENTS] and len(self._found) >= NAMES:
                self._note_names()
                continue
            self._found.setdefault(metric, set()).add(source)
            if trust > self._trusted.setdefault(metric, trust):
                continue
            self._trusted[metric] = trust
            last = self._last.get(metric)
            if step is None:
                step = 0.0 if last is None else last[0] + 1
            elif last == (step, value) and source is not Source.METRICS:
                continue  # a progress line printed again
            self._last[metric] = (step, value)
            if step > self._highest.get(metric, float("-inf")):
                self._highest[metric] = step
            points.append(Point(metric, step, value, when))

    def _read_final(self, now: float, points: list[Point]) -> None:
        """Adds what `metrics.json` says, each metric at its highest step, where it is the last word on it."""
        if self._final is None:
            return
        try:
            with open(self._final, "rb") as file:
                data = file.read(FINAL_BYTES)
        except OSError:
            return
        found = read_json(data.decode("utf-8-sig", "replace"))
        if found is None:
            self._notes.append("its metrics.json is not a JSON object and was not read")
            return
        for metric, given in found.items():
            value = number(given)
            if value is None or not metric:
                continue
            self._found.setdefault(metric, set()).add(Source.FINAL)
            step, last = self._highest.get(metric, 0.0), self._last.get(metric)
            if last is None or last[0] != step or last[1] != value:
                self._last[metric] = (step, value)
                points.append(Point(metric, step, value, now))

    def _note_names(self) -> None:
        note = f"its output names more than {NAMES} metrics; the others were not kept"
        if note not in self._notes:
            self._notes.append(note)
