"""What one running attempt has reported so far: its collector, and how much of it is durable.

An adopted attempt is read again from its first byte, because nobody knows how far the dead driver had read; the
points the store already has are taken off once, so that none is counted twice.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import cached_property
from typing import Literal

from luthier import metrics
from luthier.description import Description
from luthier.run.folders import AttemptFolder
from luthier.store import Claim, Store
from luthier.trial import AttemptId, Point

__all__ = ["Asked", "Watched", "needed"]

BUFFERED_SECONDS = 2.0  # of shorter attempts it is not told whether their points came together
SERIES = 3  # points with steps make a series

Asked = Literal["", "withdraw", "stop", "kill"]


class Watched:
    """A command's attempt, read from the files in its folder (`work.Running`)."""

    def __init__(
        self, claim: Claim, folder: AttemptFolder, description: Description, slot: int | None
    ) -> None:
        self.claim = claim
        self.folder = folder
        self.slot = slot
        self.asked: Asked = ""
        self.summaries: dict[str, metrics.Summary] = {}
        self._description = description
        self._durable = 0
        self._heard: dict[str, float] = {}  # when the first point of a metric came
        self._looked = 0.0
        self._adopted: list[Point] = []
        self._known: Counter[tuple[str, float, str]] = Counter()

    @property
    def id(self) -> AttemptId:
        """The fence of every write for this attempt."""
        return self.claim.id

    @cached_property
    def collector(self) -> metrics.Collector:
        """Reads what it reports. Made when it is first read, so that no program waits for that to be loaded."""
        folder, command = self.folder, self._description.command
        from luthier.drive.event_places import event_files

        collector = metrics.Collector(
            folder.stdout,
            folder.stderr,
            folder.metric_lines,
            folder.metrics,
            command.patterns if command else (),
            event_files(self._description, self.claim, folder),
            needed(self._description),
        )
        collector.know(self._adopted)
        return collector

    def know(self, points: list[Point]) -> None:
        """Tells it which points of this attempt are durable already: it was adopted."""
        self._durable = len(points)
        self._adopted = points
        self._known = Counter((point.metric, point.step, repr(point.value)) for point in points)
        metrics.summarize(points, self.summaries)
        self._heard.update((point.metric, point.time) for point in reversed(points))

    def collect(self, store: Store, now: float, *, last: bool = False) -> list[Point]:
        """Reads what is new, makes it durable and returns it. With `last`, also a final line without its end."""
        points = self.collector.drain(now) if last else self.collector.poll(now)
        self._looked = now
        if self._known:
            points = [point for point in points if not self._is_known(point)]
        if points:
            store.report(self.id, self._durable, points)
            self._durable += len(points)
            metrics.summarize(points, self.summaries)
            for metric in {point.metric for point in points} - self._heard.keys():
                self._heard[metric] = now
        return points

    def at_once(self, seconds: float) -> tuple[str, ...]:
        """The metrics of several steps whose points all came as the attempt ended, which took so long: their lines were
        kept in a buffer, most likely, and nobody could have ended it early."""
        if seconds < BUFFERED_SECONDS:
            return ()
        since = self._looked - max(0.1 * seconds, 0.5)
        return tuple(
            metric
            for metric, found in self.summaries.items()
            if found.count >= SERIES and found.first_step < found.last_step and self._heard[metric] >= since
        )

    def _is_known(self, point: Point) -> bool:
        key = (point.metric, point.step, repr(point.value))
        if self._known[key] > 0:
            self._known[key] -= 1
            return True
        return False

    @property
    def place(self) -> str:
        """Its folder."""
        return self.folder.path

    @property
    def errors(self) -> str:
        """The file of its standard error."""
        return self.folder.stderr

    def notes(self) -> tuple[str, ...]:
        """What a person should know of how it reported."""
        return self.collector.notes

    def sources(self) -> dict[str, str]:
        """Where each metric was found, in words."""
        return self.collector.sources

    @property
    def was_told(self) -> bool:
        """Whether word was left for it before."""
        return os.path.exists(self.folder.should_stop)

    def take_leave(self, reason: str) -> bool:
        """Leaves word for a program that asks `luthier.should_stop()`; False when it never did."""
        if not os.path.exists(self.folder.asks):
            return False
        try:
            with open(self.folder.should_stop, "w", encoding="utf-8") as file:
                file.write(reason + "\n")
        except OSError:  # a full disk: it is ended as others are
            return False
        return True

    def devices(self) -> tuple[str, ...] | None:
        """The GPUs it was started with, as its folder tells."""
        try:
            with open(self.folder.command, encoding="utf-8") as file:
                devices = json.load(file).get("devices")
        except (OSError, ValueError):
            return None
        return tuple(devices) if devices else None


def needed(description: Description) -> set[str]:
    """The names of the metrics that a search can't do without: its objectives, its constraints, its stop conditions."""
    names = {aim.metric for aim in description.objectives} | {aim.metric for aim in description.constraints}
    if description.stopping is not None and description.stopping.conditions:
        from luthier.stopping import Conditions

        names.update(Conditions.of(description.stopping.conditions).metrics)
    return names | {name.removeprefix("keras/") for name in names}
