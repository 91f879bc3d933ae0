"""The trials of a history as arrays, brought up to date by what changed since they were last read.

A search of ten thousand trials changes one or two of them between two proposals. A ledger remembers the trials it read
and the arrays it made of them; what is the same object as before is not looked at again. Nothing else is remembered,
so a ledger that was never read before answers the same: it is a cache and no state.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from operator import is_not
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from luthier.history import History
from luthier.search.frame import frame_of
from luthier.space import Configuration, Space
from luthier.trial import Trial

__all__ = ["Record", "Tried", "reading"]

Array = NDArray[np.float64]

OTHER, SCORED, FAILED, EXPECTED = range(4)


@dataclass(frozen=True)
class Record:
    """What a history says, as arrays in the order of the trials' numbers.

    `rows` (n, d) and `losses` (n,) are the scored trials (less is better, any float may be among them), `failed` (f, d)
    those whose configuration made them fail, and `expected` (e, d) those whose results will come. `numbers` (n + f,)
    and `by` (n + f,), who proposed them, are of the scored and then the failed ones. `taken` holds the key
    of every configuration the history knows, with the number of its trials.
    """

    rows: Array
    losses: Array
    failed: Array
    expected: Array
    numbers: NDArray[np.int64]
    by: NDArray[np.object_]
    taken: dict[str, int]


class Tried:
    """The configurations that may not be proposed again: those whose keys are `taken`, and some more."""

    def __init__(self, taken: Container[str], also: Sequence[Configuration] = ()) -> None:
        self.taken = taken
        self.also = {configuration.key for configuration in also}

    def __contains__(self, configuration: object) -> bool:
        key = configuration.key if isinstance(configuration, Configuration) else None
        return key in self.taken or key in self.also


class Ledger:
    """The arrays of the history read last. One reader at a time, under `lock`."""

    def __init__(self, space: Space) -> None:
        self.frame = frame_of(space)
        self.lock = Lock()
        self._trials: tuple[Trial, ...] = ()
        self._taken: dict[str, int] = {}
        self._reserve(256)

    def read(self, history: History) -> Record:
        """The history as arrays. **Cost** O(changed trials), and a glance at each of the others."""
        self._follow(history.trials)
        n = len(self._trials)
        standing = self._standing[:n]
        scored, failed = np.flatnonzero(standing == SCORED), np.flatnonzero(standing == FAILED)
        told = np.concatenate([scored, failed])
        values = self._values[scored]
        return Record(
            rows=self._rows[scored],
            losses=-values if history.maximize else values,
            failed=self._rows[failed],
            expected=self._rows[:n][standing == EXPECTED],
            numbers=self._numbers[told],
            by=self._by[told],
            taken=self._taken,
        )

    def _reserve(self, size: int) -> None:
        self._standing = np.zeros(size, dtype=np.int8)
        self._numbers = np.zeros(size, dtype=np.int64)
        self._by = np.full(size, "", dtype=object)
        self._values = np.zeros(size)
        self._rows = np.full((size, self.frame.d), np.nan)

    def _follow(self, trials: tuple[Trial, ...]) -> None:
        """Reads the trials that are not the objects read before."""
        old, taken = self._trials, self._taken
        self._trials, self._taken = (), {}  # should a trial be unreadable, the next reading begins anew
        if len(trials) > len(self._standing):
            self._reserve(2 * len(trials))
            old, taken = (), {}
        both = min(len(old), len(trials))
        moved = np.flatnonzero(np.fromiter(map(is_not, old, trials), bool, both)).tolist()
        for place in (*moved, *range(both, len(old))):
            _forget(old[place], taken)
        self._learn([*moved, *range(both, len(trials))], trials, taken)
        self._trials, self._taken = trials, taken

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
            self._numbers[place] = t.number
            self._by[place] = t.proposal.by if t.proposal else ""
        for standing, members in ((FAILED, part.failed), (EXPECTED, part.expected), (SCORED, part.scored)):
            for t in members:
                self._standing[place_of[id(t)]] = standing
        for t in part.scored:
            if t.result and t.result.value is not None:
                self._values[place_of[id(t)]] = t.result.value


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
