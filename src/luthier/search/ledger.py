"""The trials of a history as arrays, brought up to date by what changed since they were last read.

A search of ten thousand trials changes one or two of them between two proposals. A ledger remembers the trials it read
and the arrays it made of them, in their order; what is the same object as before is not looked at again, and the
arrays are written again only from the first change on. Nothing else is remembered, so a ledger that was never read
before answers the same: it is a cache and no state.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import compress
from operator import is_not
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from luthier.history import History
from luthier.search.frame import Array, frame_of
from luthier.search.partway import POINTS, Partway, partway_of, thinned_curve
from luthier.space import Configuration, Space
from luthier.trial import Trial, TrialState

__all__ = ["Record", "Tried", "reading"]

Places = NDArray[np.int64]

OTHER, SCORED, FAILED, EXPECTED, STOPPED, WAITING = range(6)


CHUNK = 256
"""So many trials are compared at once with those read before."""


@dataclass(frozen=True, eq=False)
class Record:
    """What a history says, as arrays in the order of the trials' numbers.

    `rows` (n, d) and `losses` (n,) are the scored trials (less is better, any float may be among them), `failed` (f, d)
    those whose configuration made them fail, `expected` (e, d) those whose results will come, and `known` (t, d) all.
    `order` (n,) sorts the losses, equal ones by number. `taken` holds the key of every configuration the history knows, with the number
    of its trials. Trials that were stopped or wait part of the way are among the scored with the loss that `partway` says
    they are worth, which is None where there are none; where there is more to reach than one objective, stopped ones
    count with what they had and waiting ones are expected. The arrays are the ledger's own: they hold until it reads again.
    """

    rows: Array
    losses: Array
    failed: Array
    expected: Array
    known: Array
    order: Places
    taken: dict[str, int]
    told: tuple[Places, Places]
    all_numbers: Places
    all_revisions: Places
    all_by: NDArray[np.object_]
    partway: Partway | None = None

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the scored and then of the failed trials. **Shapes** (n + f,)"""
        return self.all_numbers[np.concatenate(self.told)]

    @property
    def revisions(self) -> NDArray[np.int64]:
        """When the scored and then the failed trials got their results. **Shapes** (n + f,)"""
        return self.all_revisions[np.concatenate(self.told)]

    @property
    def by(self) -> NDArray[np.object_]:
        """Who proposed the scored and then the failed trials. **Shapes** (n + f,)"""
        return self.all_by[np.concatenate(self.told)]


class Tried:
    """The configurations that may not be proposed again: those whose keys are `taken`, and some more."""

    def __init__(self, taken: Container[str], also: Sequence[Configuration] = ()) -> None:
        self.taken = taken
        self.also = {configuration.key for configuration in also}

    def __contains__(self, configuration: object) -> bool:
        key = configuration.key if isinstance(configuration, Configuration) else None
        return key in self.taken or key in self.also


class Part:
    """The trials of one standing: their `places` in the history, and what the ledger knows of each."""

    def __init__(self, standing: int, d: int) -> None:
        self.standing = standing
        self.count = 0
        self.places = np.empty(64, dtype=np.int64)
        self.rows = np.empty((64, d))
        self.values = np.empty(64)

    def follow(self, first: int, standing: NDArray[np.int8], rows: Array, values: Array) -> int:
        """Writes again what stands at place `first` and after it; returns how many before it were left alone."""
        left = int(np.searchsorted(self.places[: self.count], first))
        new = first + np.flatnonzero(standing[first:] == self.standing)
        self.count = left + len(new)
        if self.count > len(self.places):
            size = 2 * self.count
            self.places = np.resize(self.places, size)
            self.rows = np.resize(self.rows, (size, self.rows.shape[1]))
            self.values = np.resize(self.values, size)
        self.places[left : self.count] = new
        self.rows[left : self.count] = rows[new]
        self.values[left : self.count] = values[new]
        return left


class Ledger:
    """The arrays of the history read last. One reader at a time, under `lock`."""

    _order: Places
    _worth: tuple[bool, Partway] | None

    def __init__(self, space: Space) -> None:
        self.frame = frame_of(space)
        self.lock = Lock()
        self._trials: tuple[Trial, ...] = ()
        self._taken: dict[str, int] = {}
        self._reserve(256)

    def read(self, history: History) -> Record:
        """The history as arrays. **Cost** O(changed trials), and a glance at each of the others."""
        self._follow(history.trials)
        scored, failed, expected, stopped, waiting = self._parts
        values = scored.values[: scored.count]
        losses = -values if history.maximize else values
        self._order = self._order[np.argsort(losses[self._order], kind="stable")]  # quick, for it nearly was
        record = Record(
            rows=scored.rows[: scored.count],
            losses=losses,
            failed=failed.rows[: failed.count],
            expected=expected.rows[: expected.count],
            known=self._rows[: len(self._trials)],
            order=self._order,
            taken=self._taken,
            told=(scored.places[: scored.count], failed.places[: failed.count]),
            all_numbers=self._numbers,
            all_revisions=self._revisions,
            all_by=self._by,
        )
        if stopped.count or waiting.count:
            return self._with_partial(record, history)
        return record

    def _with_partial(self, record: Record, history: History) -> Record:
        """The record with the trials that stand part of the way."""
        _, _, expected, stopped, waiting = (part.places[: part.count] for part in self._parts)
        if history.has_aims:
            places = np.sort(np.concatenate([record.told[0], stopped]))
            losses = self._turned(self._values[places], history)
            coming = self._rows[np.sort(np.concatenate([expected, waiting]))]
            partway = None
        else:
            places = np.sort(np.concatenate([record.told[0], stopped, waiting]))
            partway = self._weighed(places, history)
            losses, coming = partway.losses, record.expected
        return replace(
            record,
            rows=self._rows[places],
            losses=losses,
            expected=coming,
            order=np.argsort(losses, kind="stable"),
            told=(places, record.told[1]),
            partway=partway,
        )

    def _weighed(self, places: Places, history: History) -> Partway:
        """What the trials at these places are worth, computed anew where anything has changed since it was last asked."""
        if self._worth is None or self._worth[0] != history.maximize:
            resources, heights = (part[places] for part in self._curves)
            reached, partial = self._values[places], self._standing[places] != SCORED
            turned, losses = self._turned(heights, history), self._turned(reached, history)
            self._worth = history.maximize, partway_of(resources, turned, losses, partial)
        return self._worth[1]

    @staticmethod
    def _turned(values: Array, history: History) -> Array:
        """Less is better."""
        return -values if history.maximize else values

    def _reserve(self, size: int) -> None:
        self._standing = np.zeros(size, dtype=np.int8)
        self._numbers = np.zeros(size, dtype=np.int64)
        self._revisions = np.zeros(size, dtype=np.int64)
        self._by = np.full(size, "", dtype=object)
        self._values = np.zeros(size)
        self._rows = np.full((size, self.frame.d), np.nan)
        self._parts = tuple(
            Part(standing, self.frame.d) for standing in (SCORED, FAILED, EXPECTED, STOPPED, WAITING)
        )
        self._order = np.arange(0)
        self._curves: tuple[
            Array, ...
        ] = ()  # resources and heights (size, POINTS), made with the first curve
        self._worth = None

    def _follow(self, trials: tuple[Trial, ...]) -> None:
        """Reads the trials that are not those read before."""
        old, taken = self._trials, self._taken
        self._trials, self._taken = (), {}  # should a trial be unreadable, the next reading begins anew
        if not old or len(trials) > len(self._standing):
            self._reserve(max(2 * len(trials), 256))
            old, taken = (), {}
        both = min(len(old), len(trials))
        moved = _moved(old, trials, both)
        for place in (*moved, *range(both, len(old))):
            _forget(old[place], taken)
        self._learn([*moved, *range(both, len(trials))], trials, taken)
        first = moved[0] if moved else both
        if first < max(len(old), len(trials)):
            self._sort_out(first, len(trials))
        self._trials, self._taken = trials, taken

    def _sort_out(self, first: int, n: int) -> None:
        """Tells the trials from place `first` on by their standing."""
        self._worth = None
        for part in self._parts:
            left = part.follow(first, self._standing[:n], self._rows, self._values)
            if part.standing == SCORED:
                kept = self._order[self._order < left]
                self._order = np.concatenate([kept, np.arange(left, part.count)])

    def _learn(self, places: Sequence[int], trials: tuple[Trial, ...], taken: dict[str, int]) -> None:
        """Writes the trials that stand at these places."""
        told = [(place, trials[place]) for place in places]
        known = [(place, t.configuration) for place, t in told if t.configuration is not None]
        if known:
            self._rows[[place for place, _ in known]] = self.frame.encode([c for _, c in known])
        for _, configuration in known:
            taken[configuration.key] = taken.get(configuration.key, 0) + 1
        place_of = {id(t): place for place, t in told if t.configuration is not None}
        part = History(trials=tuple(t for _, t in told if t.configuration is not None))
        for place, t in told:
            self._standing[place] = OTHER
            if t.configuration is None:
                self._rows[place] = np.nan
            self._numbers[place] = t.number
            self._revisions[place] = t.revision
            self._by[place] = t.proposal.by if t.proposal else ""
        for array in self._curves:
            array[list(places)] = np.nan
        for standing, members in ((FAILED, part.failed), (EXPECTED, part.expected), (SCORED, part.scored)):
            for t in members:
                self._standing[place_of[id(t)]] = standing
        for t in (*part.scored, *part.partial):
            if t.result and t.result.value is not None:
                self._values[place_of[id(t)]] = t.result.value
                if t.result.curve:
                    self._learn_curve(place_of[id(t)], t)
        for t in part.partial:
            self._standing[place_of[id(t)]] = WAITING if t.state is TrialState.WAITING else STOPPED

    def _learn_curve(self, place: int, trial: Trial) -> None:
        if not self._curves:
            self._curves = tuple(np.full((len(self._standing), POINTS), np.nan) for _ in range(2))
        assert trial.result is not None, "a trial with a curve has a result"
        curve = thinned_curve(trial.result.curve)
        for array, column in zip(self._curves, zip(*curve, strict=True), strict=True):
            array[place, : len(curve)] = column


def _moved(old: tuple[Trial, ...], new: tuple[Trial, ...], n: int) -> list[int]:
    """Where the first `n` trials are not the same."""
    moved: list[int] = []
    for begin in range(0, n, CHUNK):
        part = slice(begin, min(begin + CHUNK, n))
        one, other = old[part], new[part]
        if one != other:  # the same object is equal: this is a glance at each
            moved += compress(range(part.start, part.stop), map(is_not, one, other))
    return moved


def _forget(trial: Trial, taken: dict[str, int]) -> None:
    if trial.configuration is None:
        return
    key = trial.configuration.key
    taken[key] -= 1
    if not taken[key]:
        del taken[key]


@lru_cache(maxsize=16)
def _ledger(space: Space, experiment: int) -> Ledger:
    return Ledger(space)


@contextmanager
def reading(space: Space, history: History) -> Iterator[Record]:
    """The history as arrays, for as long as the context lasts. `taken` may be looked at only inside it."""
    ledger = _ledger(space, history.trials[0].experiment if history.trials else 0)
    with ledger.lock:
        yield ledger.read(history)
