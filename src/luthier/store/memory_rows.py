"""The rows of the store in memory: experiments, trials, attempts, and stretches of trials.

A `Stretch` is trials by the thousand, kept as columns until somebody looks at one. A function that takes microseconds is
called faster than rows can be made; so where nothing is learned from a result, a worker is given a stretch of numbers,
draws their configurations itself (they follow from space, seed and ordinal) and answers with columns. A row is made of
them when it is first read, and is the same as if each trial had been written by itself.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterable, Iterator, MutableMapping, ValuesView
from dataclasses import dataclass, field
from math import inf, isnan

from luthier.description import Description
from luthier.store.contract import Sheet, SummaryRow, Wish
from luthier.store.folding import folded
from luthier.trial import AttemptId, Outcome, Point, Proposal, Result, Trial, TrialState, trial_seed

__all__ = ["AttemptRow", "ExperimentRow", "Odd", "Rows", "Stretch", "TrialRow"]


@dataclass(slots=True)
class AttemptRow:
    """One attempt. `refused` holds the kinds of write that came too late."""

    worker: str
    began: float
    ended: float | None = None
    result: Result | None = None
    command: tuple[str, ...] | None = None
    points: list[Point] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    stage: int = 0


@dataclass(slots=True)
class TrialRow:
    """One trial. `worker`, `nonce`, `boot_id` and `lease_until` say who holds its reservation or its lease; `noted_until` is
    when somebody looks whether that ran out; `shown` is the trial as it was last read."""

    experiment: int
    number: int
    run_id: int
    state: TrialState
    seed: int
    ordinal: int | None
    priority: int
    created: float
    proposal: Proposal | None = None
    attempts: list[AttemptRow] = field(default_factory=list)
    summaries: dict[str, tuple[int, SummaryRow]] = field(default_factory=dict)
    result: Result | None = None
    began: float | None = None
    ended: float | None = None
    revision: int = 0
    worker: str | None = None
    nonce: str | None = None
    boot_id: str | None = None
    lease_until: float = 0.0
    noted_until: float = inf
    shown: Trial | None = None
    stage: int = 0

    @property
    def id(self) -> AttemptId:
        """The newest attempt."""
        return AttemptId(self.experiment, self.number, len(self.attempts))

    @property
    def outcome(self) -> Outcome | None:
        """How it ended. A trial that waits for its next stage has a result, but no outcome yet."""
        is_over = self.result is not None and self.state is TrialState.FINISHED
        return self.result.outcome if is_over and self.result else None

    @property
    def score(self) -> float | None:
        """The objective of a trial that succeeded."""
        return self.result.value if self.result and self.outcome is Outcome.SUCCEEDED else None


Odd = tuple[str, str, list[tuple[str, float | None, float, float]]]
"""A call that did not just return a number: its outcome, the reason, and what it reported."""


@dataclass
class Stretch:
    """The trials `first` to `first + n - 1` of an experiment, whose ordinals begin at `ordinal`. `values`, `began` and
    `seconds` are columns once it has ended; `odd` says of single ones how else they went."""

    experiment: int
    first: int
    ordinal: int
    n: int
    run_id: int
    seed: int
    worker: str
    created: float
    proposed: Callable[[int], Proposal]
    state: TrialState = TrialState.RUNNING
    values: array[float] = field(default_factory=lambda: array("d"))
    began: array[float] = field(default_factory=lambda: array("d"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    odd: dict[int, Odd] = field(default_factory=dict)
    revision: int = 0

    def numbers(self) -> range:
        """The numbers of its trials."""
        return range(self.first, self.first + self.n)

    def row(self, number: int) -> TrialRow:
        """One of its trials as a row."""
        at = number - self.first
        made = TrialRow(
            self.experiment,
            number,
            self.run_id + at,
            self.state,
            trial_seed(self.seed, number),
            self.ordinal + at,
            0,
            created=self.created,
            proposal=self.proposed(self.ordinal + at),
            revision=self.revision,
        )
        if self.state is TrialState.RUNNING:
            made.attempts.append(AttemptRow(self.worker, self.created))
            made.began, made.worker, made.lease_until = self.created, self.worker, float("inf")
        elif self.state is TrialState.FINISHED:
            self._finish(made, at)
        return made

    def _finish(self, made: TrialRow, at: int) -> None:
        outcome, reason, points = self.odd.get(at, (Outcome.SUCCEEDED.value, "", []))
        value = self.values[at]
        has_none = at in self.odd and isnan(value)
        seconds = self.seconds[at]
        result = Result(Outcome(outcome), reason, None if has_none else value, seconds=seconds)
        made.began = self.began[at]
        made.ended, made.result = made.began + seconds, result
        attempt = AttemptRow(self.worker, made.began, made.ended, result)
        for metric, step, number, time in points:
            known = made.summaries.get(metric)
            place = (known[1].last_step + 1 if known else 0.0) if step is None else step
            point = Point(metric, place, number, time)
            attempt.points.append(point)
            made.summaries[metric] = (1, folded(known[1] if known else None, point))
        made.attempts.append(attempt)

    def value(self, at: int) -> float | None:
        """The objective of a trial that succeeded."""
        outcome = self.odd[at][0] if at in self.odd else Outcome.SUCCEEDED.value
        return self.values[at] if outcome == Outcome.SUCCEEDED.value else None


class Rows(MutableMapping[int, TrialRow]):
    """The rows of an experiment by number, in that order; those of stretches are made when they are asked for."""

    def __init__(self) -> None:
        self._made: dict[int, TrialRow] = {}
        self._stretches: list[Stretch] = []
        self._left = 0

    def add(self, stretch: Stretch) -> None:
        """Takes in a stretch."""
        self._stretches.append(stretch)
        self._left += stretch.n

    def settle(self, stretch: Stretch) -> None:
        """Makes anew the rows that were read while the stretch was running."""
        for number in stretch.numbers():
            if number in self._made:
                self._made[number] = stretch.row(number)

    def drop(self, stretch: Stretch) -> None:
        """Makes rows of a stretch that are rows from now on, and forgets it."""
        for number in stretch.numbers():
            self[number]
        self._stretches.remove(stretch)

    def scores(self) -> Iterator[tuple[int, float | None]]:
        """The number and the objective of every trial that succeeded, without making rows."""
        for number, row in self._made.items():
            if row.score is not None:
                yield number, row.score
        for stretch in self._stretches:
            if stretch.state is TrialState.FINISHED:
                for at, number in enumerate(stretch.numbers()):
                    if number not in self._made:
                        yield number, stretch.value(at)

    def __getitem__(self, number: int) -> TrialRow:
        row = self._made.get(number)
        if row is None:
            stretch = self._stretch_of(number)
            if stretch is None:
                raise KeyError(number)
            row = self._made[number] = stretch.row(number)
            self._left -= 1
        return row

    def __setitem__(self, number: int, row: TrialRow) -> None:
        self._made[number] = row

    def __delitem__(self, number: int) -> None:
        del self._made[number]

    def __contains__(self, number: object) -> bool:
        return number in self._made or (isinstance(number, int) and self._stretch_of(number) is not None)

    def __len__(self) -> int:
        return len(self._made) + self._left

    def __iter__(self) -> Iterator[int]:
        return iter(self._all())

    def values(self) -> ValuesView[TrialRow]:
        """All rows."""
        return self._all().values()

    def _stretch_of(self, number: int) -> Stretch | None:
        return next((one for one in self._stretches if one.first <= number < one.first + one.n), None)

    def _all(self) -> dict[int, TrialRow]:
        if self._left:
            for stretch in self._stretches:
                for number in stretch.numbers():
                    if number not in self._made:
                        self._made[number] = stretch.row(number)
            self._left = 0
            self._made = dict(sorted(self._made.items()))
        self._stretches = [one for one in self._stretches if one.state is not TrialState.FINISHED]
        return self._made


@dataclass(slots=True)
class ExperimentRow:
    """One experiment. `numbers` and `proposed` are the newest number and ordinal handed out; `states` holds the
    numbers of the trials in each state; `queue` may still name trials that have left it, and `leases` ends that were put
    off. `boot_id` is that of the oldest of them."""

    id: int
    identity: str
    seed: int
    description: Description
    target: int | None
    wish: Wish
    created: float
    changed: float
    revision: int = 0
    numbers: int = 0
    proposed: int = 0
    succeeded: int = 0
    trials: Rows = field(default_factory=Rows)
    states: dict[TrialState, set[int]] = field(default_factory=lambda: {state: set() for state in TrialState})
    queue: list[tuple[int, int]] = field(default_factory=list)
    metrics: dict[str, None] = field(default_factory=dict)
    sheets: dict[tuple[str, float], Sheet] = field(default_factory=dict)
    leases: list[tuple[float, int]] = field(default_factory=list)
    boot_id: str | None = None

    def count(self, state: TrialState) -> int:
        """How many trials are in a state."""
        return len(self.states[state])

    def room(self) -> int:
        """How many of the queued trials the target leaves to run."""
        queued = self.count(TrialState.QUEUED)
        if self.target is None:
            return queued
        counted = (TrialState.FINISHED, TrialState.RUNNING, TrialState.WAITING)
        return min(queued, self.target - sum(map(self.count, counted)))

    def first_queued(self) -> TrialRow:
        """Takes the next trial from the queue: a person's first, then by number."""
        while True:
            priority, number = heapq.heappop(self.queue)
            trial = self.trials[number]
            if trial.state is TrialState.QUEUED and -trial.priority == priority:
                return trial

    def note_lease(self, trial: TrialRow) -> None:
        """Remembers to look at a running trial when its lease ends; once, however often that is put off."""
        if trial.noted_until <= trial.lease_until:
            return
        if not self.leases:
            self.boot_id = trial.boot_id
        trial.noted_until = trial.lease_until
        heapq.heappush(self.leases, (trial.lease_until, trial.number))

    def lapsed(self, now: float) -> list[TrialRow]:
        """The running trials whose lease ended, by number. **Cost** that of the answer, and of each trial once a lease."""
        found: dict[int, TrialRow] = {}
        due: list[TrialRow] = []
        while self.leases and self.leases[0][0] < now:
            trial = self.trials.get(heapq.heappop(self.leases)[1])
            if trial is not None:
                trial.noted_until = inf
                due.append(trial)
        for trial in due:
            if trial.state is TrialState.RUNNING:
                self.note_lease(trial)
                if trial.lease_until < now:
                    found[trial.number] = trial
        return [found[number] for number in sorted(found)]

    def reserved(self, nonce: str | None = None) -> list[TrialRow]:
        """The reservations of one call, or all, by number."""
        rows = [self.trials[number] for number in sorted(self.states[TrialState.RESERVED])]
        return [row for row in rows if nonce is None or row.nonce == nonce]

    def give_back(self, numbers: Iterable[int]) -> None:
        """Forgets reservations; their numbers are handed out again only from the end."""
        for number in numbers:
            self.states[TrialState.RESERVED].discard(number)
            del self.trials[number]
        self.numbers = max(self.trials, default=0)
        self.proposed = max((t.ordinal for t in self.trials.values() if t.ordinal is not None), default=0)

    def running(self) -> list[TrialRow]:
        """The running trials, by number."""
        return [self.trials[number] for number in sorted(self.states[TrialState.RUNNING])]
