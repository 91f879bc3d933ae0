"""Trials that a program asks for and runs itself: who holds them, and what becomes of them when nobody will.

A program holds what it asked for in a name whose lock lives as long as its process (`drive/alive.py`). When the process
is gone its trials go back to the queue with the next `ask` or `run` of anybody; a program that lives keeps them for their
lease, and longer while it reports. `luthier ask` holds trials for programs that are not Python: only their leases count.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from luthier.clock import Clock, SystemClock
from luthier.drive.alive import ASKED, Alive, Hold, asks
from luthier.drive.listener import Ended, Listener
from luthier.store import Claim, ExperimentRecord, Store
from luthier.trial import AttemptId, Outcome, Point, Result, Trial

__all__ = ["ASKED_SECONDS", "FOREVER", "Waiting", "holder", "lease_seconds", "take_back"]

ASKED_SECONDS = 3600.0
FOREVER = 10.0 * 365 * 86400
"""How long an asked trial is held in memory, where nobody else could take it."""
PROGRAM = f"{ASKED}program:"
LOOK_SECONDS = 1.0

_holds: dict[tuple[Path, int], tuple[str, Hold]] = {}
"""By folder and process, for a fork is another program. They are kept until the process ends: a trial may be told
through another `Experiment` than the one that asked for it."""


def holder(folder: Path | None) -> str:
    """The name in which this process holds what it asks for from the store in `folder`; None is one in memory."""
    if folder is None:
        return f"{PROGRAM}this"
    place = (folder.resolve(), os.getpid())
    if place not in _holds:
        _holds[place] = Alive(folder).work()
    return PROGRAM + _holds[place][0]


def lease_seconds(folder: Path | None) -> float:
    """How long a trial is held for who asked for it."""
    return FOREVER if folder is None else ASKED_SECONDS


def take_back(store: Store, folder: Path | None, experiment: int) -> None:
    """Queues again what programs have asked for that are gone, and what others have held for longer than its lease."""
    if folder is None:
        return
    alive = Alive(folder)
    for held in store.held(experiment):
        if not asks(held.worker) or held.worker == holder(folder):
            continue
        name = held.worker.removeprefix(PROGRAM)
        if held.worker.startswith(PROGRAM) and not alive.is_working(name):
            _release(store, held.id, held.worker, holder(folder), "its program is gone")
        elif held.lapsed:
            _release(store, held.id, held.worker, holder(folder), "it was held for longer than its lease")
    for name in alive.dead_workers():
        if not store.holds_any(name) and not store.holds_any(PROGRAM + name):
            alive.bury(name)


def _release(store: Store, id: AttemptId, holder: str, heir: str, why: str) -> None:
    if store.adopt(id, holder, heir):  # one of several that look at the same time
        store.finish(id, Result(Outcome.LOST, why), again=True)


class Waiting(Listener):
    """Passes everything on, and says so when a drive waits for nothing but trials that programs have asked for."""

    def __init__(
        self, inner: Listener, store: Store, folder: Path | None, clock: Clock | None = None
    ) -> None:
        self._inner = inner
        self._store = store
        self._folder = folder
        self._clock = clock or SystemClock()
        self._looked = self._clock.elapsed()
        self._said: list[int] = []

    def opened(self, record: ExperimentRecord, adopted: int) -> None:
        self._inner.opened(record, adopted)

    def began(self, claim: Claim) -> None:
        self._inner.began(claim)

    def reported(self, id: AttemptId, points: Sequence[Point]) -> None:
        self._inner.reported(id, points)

    def ended(self, ended: Ended) -> None:
        self._inner.ended(ended)

    def passed_over(self, trial: Trial, stage: str) -> None:
        self._inner.passed_over(trial, stage)

    def improved(self, number: int, value: float) -> None:
        self._inner.improved(number, value)

    def note(self, text: str) -> None:
        self._inner.note(text)

    def close(self) -> None:
        self._inner.close()

    def beat(self, record: ExperimentRecord) -> None:
        """Looks once a second whether anything but asked trials is left to wait for."""
        self._inner.beat(record)
        now = self._clock.elapsed()
        if now - self._looked < LOOK_SECONDS or record.queued or record.reserved or not record.running:
            return
        self._looked = now
        take_back(self._store, self._folder, record.id)
        held = self._store.held(record.id)
        numbers = [one.id.trial for one in held]
        if numbers != self._said and held and all(asks(one.worker) for one in held):
            self._said = numbers
            mine = [one.id.trial for one in held if one.worker == holder(self._folder)]
            self._say(numbers, mine)

    def _say(self, numbers: Sequence[int], mine: Sequence[int]) -> None:
        """Says it where the person looks; also where no progress is shown, for else nothing would ever be seen."""
        which = ", ".join(map(str, numbers))
        trials, were = ("trial", "was") if len(numbers) == 1 else ("trials", "were")
        how = (
            "this program holds them: end each with tell(asked, …) or give_back(asked)"
            if mine
            else f"they come back when their program ends, or after {ASKED_SECONDS / 3600:g} h without a word"
        )
        text = f"only waiting for {trials} {which}, which {were} asked for and not told; {how}"
        if type(self._inner) is Listener:
            sys.stderr.write(f"luthier: {text}\n")
        else:
            self._inner.note(text)
