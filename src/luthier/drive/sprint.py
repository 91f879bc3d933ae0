"""Calls a function by the thousand, where a trial is shorter than its own record keeping.

The loop (`loop.py`) hands over when trials take less than a millisecond, nothing is learned from them and the record is in
memory: then workers are given stretches of trials, which they draw themselves, and the store keeps columns. It goes back
to the loop when something needs its care: a worker that died, a person, a function that takes its time after all.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from luthier.clock import Clock
from luthier.description import Description, Limits
from luthier.drive.ends import Interrupts
from luthier.drive.listener import Listener
from luthier.drive.loop import Drive
from luthier.history import History
from luthier.run.calls import Over, Together
from luthier.run.function import FunctionRunner
from luthier.search import searcher
from luthier.store.memory import MemoryStore
from luthier.store.memory_rows import Stretch
from luthier.trial import AttemptId, Outcome, Proposal

__all__ = ["Sprint", "may_sprint"]

SHORT_SECONDS = 0.001
STRETCH_SECONDS = 0.03
"""How long a stretch is to take: often enough to be told how far it is."""
BEGIN, MOST = 32, 20_000
WAIT_SECONDS = 0.2
PATIENCE_SECONDS = 1.0
"""After Ctrl-C a stretch may end by itself for so long."""


def may_sprint(store: object, description: Description) -> bool:
    """Whether the experiment's trials could be run in stretches."""
    limits = description.limits
    bounded = limits.timeout_seconds or limits.memory_bytes or limits.retry_failed or limits.gpus
    return (
        isinstance(store, MemoryStore)
        and not bounded
        and not description.also
        and not description.constraints
        and description.stopping is None
        and description.goal is None
        and not searcher(description.algorithm).looks_back
        and description.space.count() is None
    )


@dataclass
class Sprint:
    """One spell of it. `run` tells whether trials are still short."""

    store: MemoryStore
    experiment: int
    description: Description
    runner: FunctionRunner
    worker: str
    slots: int
    root: str
    clock: Clock
    listener: Listener
    interrupts: Interrupts
    _running: dict[AttemptId, Stretch] = field(default_factory=dict)
    _free: list[int] = field(default_factory=list)
    _n: int = BEGIN
    _goes_on: bool = True
    _is_short: bool = True

    @classmethod
    def of(cls, drive: Drive) -> Sprint:
        """One with what a drive has."""
        assert isinstance(drive.store, MemoryStore) and isinstance(drive.runner, FunctionRunner)
        return cls(
            drive.store,
            drive.id,
            drive.description,
            drive.runner,
            drive.worker,
            len(drive.slots),
            drive.folders.experiment(drive.id),
            drive.clock,
            drive.listener,
            drive.interrupts,
        )

    def run(self) -> bool:
        """Runs stretches until the target is met or the loop is needed again."""
        self._free = list(range(self.slots))
        killed, pressed = False, 0.0
        while True:
            presses = self.interrupts.look()
            self._goes_on &= not presses
            if self._goes_on:
                self._start()
            if not self._running:
                return self._is_short
            if presses and not pressed:
                pressed = self.clock.elapsed()
            is_late = pressed and self.clock.elapsed() - pressed > PATIENCE_SECONDS
            if (presses > 1 or is_late) and not killed:
                killed = True
                for id in self._running:
                    self.runner.stop(
                        id, Outcome.INTERRUPTED, f"interrupted by {self.interrupts.by}", 0.0, kill=True
                    )
            for over in self.runner.over(WAIT_SECONDS):
                self._take(over)
            self.listener.beat(self.store.experiment(self.experiment))

    def _start(self) -> None:
        engine = searcher(self.description.algorithm)
        space, seed = self.description.space, self.description.seed

        def proposed(ordinal: int) -> Proposal:
            return engine.propose(space, History(), seed, [ordinal])[0]

        while self._free:
            stretch = self.store.begin_stretch(self.experiment, self._n, self.worker, proposed)
            if stretch is None:
                return
            slot = self._free.pop()
            id = AttemptId(self.experiment, stretch.first, slot)
            what = (seed, self.experiment, self.root, stretch.first, stretch.ordinal, stretch.n)
            self._running[id] = stretch
            self.runner.start(Together(id, what, Limits(), slot))

    def _take(self, over: Over) -> None:
        stretch = self._running.pop(over.id)
        self._free.append(over.id.attempt)
        if over.result is not None:
            self.store.break_stretch(stretch, over.at, over.result)
            self._goes_on = False
            return
        values, began, seconds = (array("d", column) for column in over.columns[:3])
        self.store.finish_stretch(stretch, values, began, seconds, over.columns[3])
        self._tell_best(stretch)
        mean = sum(seconds) / len(seconds)
        self._n = max(BEGIN, min(MOST, 4 * self._n, int(STRETCH_SECONDS / max(mean, 1e-7))))
        if mean > SHORT_SECONDS:
            self._goes_on = self._is_short = False

    def _tell_best(self, stretch: Stretch) -> None:
        objective = self.description.objective
        if objective is None:
            return
        known = ((stretch.value(at), at) for at in range(stretch.n))
        best = min(((objective.key(v), at, v) for v, at in known if v is not None and v == v), default=None)
        if best is not None:
            self.listener.improved(stretch.first + best[1], best[2])
