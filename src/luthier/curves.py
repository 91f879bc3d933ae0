"""What the objective was on its way: a curve for every trial, and at each rung what all the trials had there.

Everything is turned so that less is better, and is what the objective's aggregate makes of the points so far. A
*resource* is a point's step, counted from one where the curve began at step 0. The stopping rules read this and nothing
else. It is only ever added to, point by point, and what it tells depends on what was added, never on when it was asked.
Nothing here knows of stores, time or rules; `history.py` is its sibling for results.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Hashable, Iterator
from enum import StrEnum
from math import ceil, copysign, inf, isfinite, log, nan, sqrt
from typing import Any, TypeVar

from luthier.description import Aggregate, Direction, Objective
from luthier.trial import Outcome

__all__ = ["Curve", "Curves", "Rung", "Standing"]

T = TypeVar("T")

POINTS = 512
"""Of a longer curve every second point is kept, then every fourth, and so on, and the last one. What trials had at the
rungs that were asked for is kept apart and stays exact."""

SETTLED = 256
"""A trial that has ended keeps at most so many points, so that a thousand trials fit in a few megabytes."""

PARTS = 128
"""Single values are kept by their step up to so many, for folds; a trial with more of them is no cross-validation."""


class Standing(StrEnum):
    """How a trial's curve stands."""

    RUNNING = "running"  # or waiting: it may go on
    COMPLETE = "complete"  # the trial ended well
    STOPPED = "stopped"  # before its end, by a rule or a person: the points count
    FAILED = "failed"  # in any other way: nothing is compared with it


class Curve:
    """The objective of one attempt, point by point.

    `losses` are after aggregation, `means` the running averages, both at ascending `resources`. A point at a step that
    was there before takes its place; one at an earlier step counts in minima, maxima and averages only. `parts` has the
    single values by step, however they came, while they are few.
    """

    __slots__ = (
        "_high", "_index", "_last", "_low", "_numbers", "_recent", "_stride", "_swing", "_swings", "_total", "aggregate",
        "before", "count", "losses", "means", "notes", "parts", "records", "resources", "shift", "sign", "standing",
    )  # fmt: skip

    def __init__(self, aggregate: Aggregate = "last", direction: Direction = "maximize") -> None:
        self.aggregate = aggregate
        self.sign = -1.0 if direction == "maximize" else 1.0
        self.standing = Standing.RUNNING
        self.resources, self.losses, self.means = array("d"), array("d"), array("d")
        self.parts: dict[float, float] | None = {}
        self.shift = 0.0
        self.count = 0
        self.before = -inf  # the resource before the newest point: how a rule knows what was just reached
        self.notes: dict[Hashable, Any] = {}  # what rules computed of it, until the next point
        self.records: list[tuple[int, float, float]] = []  # of a new best: count of points, resource, loss
        self._numbers, self._total, self._low, self._high, self._last = 0, 0.0, nan, nan, nan
        self._stride, self._index, self._recent = 1, -1, (nan, nan, nan)
        self._swing, self._swings = 0.0, 0

    @property
    def resource(self) -> float:
        """How far it has come; minus infinity before the first point."""
        return self.resources[-1] if self.resources else -inf

    @property
    def loss(self) -> float:
        """The objective as it stands, less being better; NaN before the first point."""
        return self.losses[-1] if self.losses else nan

    @property
    def noise(self) -> float:
        """The deviation of the losses around their course, of late; zero while that can't be told.

        Noise bends a curve to and fro, a course bends it one way: where one bend (y₁ − 2 y₂ + y₃) follows another of the
        other sign, the root of their product counts for noise, and against it where the sign is the same. For normal
        noise of deviation 1 it is 1.235 on average.
        """
        return max(self._swing, 0.0) / 1.235

    def append(self, step: float, value: float) -> None:
        """Adds a point as the trial reported it: its own step, the objective's own direction. Any number is taken."""
        if not self.count:
            self.shift = 1.0 - step if -inf < step <= 0 else 0.0
        self.before = self.resource
        self.count += 1
        self.notes.clear()
        loss = self.sign * value
        resource = step + self.shift if isfinite(step) else max(self.before, 1.0)
        if self.parts is not None:
            self.parts[step] = loss
            if len(self.parts) > PARTS:
                self.parts = None
        if loss == loss:
            self._numbers += 1
            self._total += loss
            self._low = loss if self._numbers == 1 else min(self._low, loss)
            self._high = loss if self._numbers == 1 else max(self._high, loss)
        if resource >= self.before:
            self._last = loss
        self._put(max(resource, self.before), self._aggregated(), self._average())
        if self.loss < (self.records[-1][2] if self.records else inf):
            self.records.append((self.count, self.resource, self.loss))
            if len(self.records) > POINTS:
                self.records = self.records[::2]

    def _put(self, resource: float, loss: float, mean: float) -> None:
        if resource == self.before:
            self.losses[-1], self.means[-1] = loss, mean
            return
        earlier, last, bent = self._recent
        bend = loss - 2 * last + earlier
        if isfinite(both := bend * bent):
            self._swings += 1
            self._swing += (copysign(sqrt(abs(both)), -both) - self._swing) * max(0.2, 1.0 / self._swings)
        self._recent = last, loss, bend
        provisional, self._index = self._index % self._stride != 0, self._index + 1
        if provisional:  # the last one was only kept for being the last
            self.resources[-1], self.losses[-1], self.means[-1] = resource, loss, mean
            return
        self.resources.append(resource)
        self.losses.append(loss)
        self.means.append(mean)
        if len(self.resources) > POINTS:
            self._thin()

    def settle(self) -> None:
        """Keeps what is compared with other trials, now that this one has ended. More may come all the same."""
        while len(self.resources) > SETTLED:
            self._thin()
        self.records = self.records[-1:]

    def _thin(self) -> None:
        """Drops every second point, but never the last one."""
        self._stride *= 2
        cut = slice(-1, None) if len(self.resources) % 2 == 0 else slice(0)
        self.resources, self.losses, self.means = (
            series[::2] + series[cut] for series in (self.resources, self.losses, self.means)
        )

    def _average(self) -> float:
        return self._total / self._numbers if self._numbers else nan

    def _aggregated(self) -> float:
        match self.aggregate:
            case "last":
                return self._last
            case "avg":
                return self._average()
            case "min":  # of the values as they were reported
                return self._low if self.sign > 0 else self._high
            case "max":
                return self._high if self.sign > 0 else self._low

    def at(self, resource: float) -> float | None:
        """The objective at the last point not beyond `resource`; None where it has not come so far, or began later."""
        place = self._place(resource)
        return None if place is None else self.losses[place]

    def mean_at(self, resource: float) -> float | None:
        """The average of all points up to `resource`, as `at`."""
        place = self._place(resource)
        return None if place is None else self.means[place]

    def _place(self, resource: float) -> int | None:
        if not self.resource >= resource:
            return None
        place = bisect_right(self.resources, resource) - 1
        return None if place < 0 else place

    def outline(self, most: int = 8) -> tuple[tuple[float, float], ...]:
        """The course in a few pairs (resource, value in the objective's own direction), for `Result.curve`: at the last
        powers of four, where other trials have values too, and at the end. Empty where nothing came."""
        if not self.resource > 0:
            return ()
        last = ceil(log(self.resource, 4) - 1e-9)
        places = [4.0**power for power in range(last - most + 1, last)]
        kept = [(place, loss) for place in places if (loss := self.at(place)) is not None]
        return tuple((place, self.sign * loss) for place, loss in [*kept, (self.resource, self.loss)])

    def step(self, resource: float | None = None) -> float:
        """The trial's own count at the last point not beyond a resource; of the newest point where none is given."""
        place = None if resource is None else self._place(resource)
        return self.resources[-1 if place is None else place] - self.shift


class Rung:
    """What the trials had at one resource, the best first; a tie is for the earlier number, NaN the worst of all."""

    __slots__ = ("entries", "known", "resource")

    def __init__(self, resource: float) -> None:
        self.resource = resource
        self.entries: list[tuple[float, int]] = []
        self.known: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def put(self, number: int, loss: float) -> None:
        """Notes what a trial has there, in the place of what it had."""
        loss = inf if loss != loss else loss
        if self.known.get(number) != loss:
            self.drop(number)
            self.known[number] = loss
            insort(self.entries, (loss, number))

    def drop(self, number: int) -> None:
        """Forgets a trial."""
        loss = self.known.pop(number, None)
        if loss is not None:
            del self.entries[bisect_left(self.entries, (loss, number))]

    def rank(self, number: int) -> int | None:
        """A trial's place from 1; None where it has no value here."""
        loss = self.known.get(number)
        return None if loss is None else bisect_left(self.entries, (loss, number)) + 1


class Curves:
    """The curves of one experiment, by the trials' numbers.

    **Cost** a point is a few microseconds, whatever there is already; a rung that was never asked for is made of all
    curves once. Memory is bounded: at most some 6 kB for a trial that has ended, and what it had at the rungs.
    """

    def __init__(self, aggregate: Aggregate = "last", direction: Direction = "maximize") -> None:
        self.aggregate: Aggregate = aggregate
        self.direction: Direction = direction
        self.endings = 0  # how often one ended or began again: what is noted of ended ones holds until then
        self._curves: dict[int, Curve] = {}
        self._complete: dict[int, Curve] = {}
        self._places: list[float] = []
        self._rungs: dict[float, Rung] = {}
        self._averages: dict[float, Rung] = {}
        self._notes: dict[Hashable, tuple[int, Any]] = {}
        self._ended = 0  # the trial that ended last: it may go on at once, and is made small at the next end

    @classmethod
    def of(cls, objective: Objective) -> Curves:
        """No curves yet, of this objective."""
        return cls(objective.aggregate, objective.direction)

    def __len__(self) -> int:
        return len(self._curves)

    def __iter__(self) -> Iterator[int]:
        return iter(self._curves)

    def __contains__(self, number: int) -> bool:
        return number in self._curves

    def __getitem__(self, number: int) -> Curve:
        return self._curves[number]

    def get(self, number: int) -> Curve | None:
        """The trial's curve, if it has one."""
        return self._curves.get(number)

    @property
    def complete(self) -> dict[int, Curve]:
        """The curves of the trials that ended well, in the order in which they ended."""
        return self._complete

    @property
    def furthest(self) -> float | None:
        """The largest resource of a complete trial, which is what the end means; None before there is one."""
        return self.noted(
            "furthest", lambda: max((c.resource for c in self._complete.values()), default=None)
        )

    @property
    def best(self) -> tuple[float, int] | None:
        """The least final loss of a complete trial, and whose it is; the earliest number of equals."""
        return self.noted(
            "best",
            lambda: min(((c.loss, n) for n, c in self._complete.items() if c.loss == c.loss), default=None),
        )

    def begin(self, number: int, *, onward: bool = False) -> None:
        """A new attempt of a trial: its curve begins again, or with `onward` is gone on with, as from a checkpoint."""
        known = self._curves.get(number)
        self.endings += 1
        if known is not None and onward:
            known.standing = Standing.RUNNING
            self._complete.pop(number, None)
            for place in self._places:  # a failed one had left them
                if (loss := known.at(place)) is not None:
                    self._rungs[place].put(number, loss)
            self._forget(number, (self._averages,))
            return
        self._complete.pop(number, None)
        self._forget(number, (self._rungs, self._averages))
        self._curves[number] = Curve(self.aggregate, self.direction)

    def add(self, number: int, step: float, value: float) -> Curve:
        """Adds a point of a trial, as it was reported, and returns its curve."""
        curve = self._curves.get(number)
        if curve is None:
            self.begin(number)
            curve = self._curves[number]
        straggles = curve.standing is not Standing.RUNNING
        self.endings += straggles  # what was computed of the ended ones no longer holds
        had = curve.loss if curve.count else None
        curve.append(step, value)
        before, now = curve.before, curve.resource
        if self._places and curve.standing is not Standing.FAILED:
            lowest, beyond = bisect_left(self._places, before), bisect_right(self._places, now)
            for place in self._places[lowest:beyond]:
                if place == now:
                    self._rungs[place].put(number, curve.loss)
                elif place > before and had is not None:
                    self._rungs[place].put(number, had)
        if straggles and number in self._complete:
            self._add_averages(number)
        return curve

    def end(self, number: int, outcome: Outcome) -> None:
        """A trial's attempt ended. One that never reported a point leaves nothing, and nothing ends twice."""
        curve = self._curves.get(number)
        if curve is None or not curve.count or curve.standing is not Standing.RUNNING:
            return
        self.endings += 1
        before, self._ended = self._curves.get(self._ended), number
        if before is not None and before.standing is not Standing.RUNNING:
            before.settle()
        match outcome:
            case Outcome.SUCCEEDED:
                curve.standing = Standing.COMPLETE
                self._complete[number] = curve
                self._add_averages(number)
            case Outcome.STOPPED:
                curve.standing = Standing.STOPPED
            case _:
                curve.standing = Standing.FAILED
                self._forget(number, (self._rungs, self._averages))

    def drop(self, number: int) -> None:
        """Forgets a trial."""
        self.endings += 1
        self._forget(number, (self._rungs, self._averages))
        self._complete.pop(number, None)
        self._curves.pop(number, None)

    def rung(self, resource: float) -> Rung:
        """What all trials that came so far had at a resource; of the failed ones nothing counts."""
        if resource not in self._rungs:
            made = self._rungs[resource] = Rung(resource)
            insort(self._places, resource)
            for number, curve in self._curves.items():
                loss = curve.at(resource) if curve.standing is not Standing.FAILED else None
                if loss is not None:
                    made.put(number, loss)
        return self._rungs[resource]

    def averages(self, resource: float) -> Rung:
        """The complete trials' averages of all their points up to a resource."""
        if resource not in self._averages:
            made = self._averages[resource] = Rung(resource)
            for number, curve in self._complete.items():
                if (mean := curve.mean_at(resource)) is not None:
                    made.put(number, mean)
        return self._averages[resource]

    def noted(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What `compute` makes of the ended trials, computed anew when another one has ended."""
        kept = self._notes.get(key)
        if kept is None or kept[0] != self.endings:
            kept = self._notes[key] = (self.endings, compute())
        made: T = kept[1]
        return made

    def shown(self, loss: float) -> str:
        """A loss as people know it: in the objective's own direction, six digits."""
        return f"{-loss if self.direction == 'maximize' and loss else loss:.6g}"

    def _add_averages(self, number: int) -> None:
        for place, averages in self._averages.items():
            if (mean := self._curves[number].mean_at(place)) is not None:
                averages.put(number, mean)

    def _forget(self, number: int, kept: tuple[dict[float, Rung], ...]) -> None:
        for rungs in kept:
            for rung in rungs.values():
                rung.drop(number)
