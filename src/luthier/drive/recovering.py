"""Takes over what workers that died left behind, so that no trial waits for somebody who will not come back.

A running attempt whose worker is dead is one of three: its guardian lives, then it is adopted and goes on; its
guardian has left the outcome on disk, then that is its outcome; or it never began, then its trial goes back to the
queue, which is not counted against it. Where machines share the store, one whose worker was elsewhere and let its lease run
out is lost. The record decides who takes over: `adopt` succeeds for one caller only.
"""

from __future__ import annotations

from typing import Protocol

from luthier.clock import Clock
from luthier.drive.alive import ASKED, Alive, asks
from luthier.drive.orphans import end_orphans
from luthier.drive.referee import Referee, Stop
from luthier.drive.work import Running, Work
from luthier.run.folders import Folders
from luthier.run.runner import Adoption, Runner
from luthier.store import Claim, ExperimentRecord, Held, Store
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["Rounds", "recover"]

LOOK_SECONDS = 1.0
MANY = 100
"""With more attempts than this each worker reads the list of them less often: it is as long as there are workers to read it."""


class Heir(Protocol):
    """Who takes over: the drive of one experiment, as far as it matters here."""

    id: int
    worker: str
    store: Store
    runner: Runner
    work: Work
    folders: Folders
    alive: Alive
    referee: Referee
    clock: Clock
    record: ExperimentRecord
    lease_seconds: float

    def holds(self, id: AttemptId) -> bool:
        """Whether this worker runs the attempt already."""

    def hold(self, running: Running) -> None:
        """Takes charge of an attempt that runs on, or whose end will be told."""

    def let_go(self, running: Running, stop: Stop) -> None:
        """Ends an attempt early that it holds."""

    def conclude(self, running: Running, result: Result, *, told: bool = True) -> None:
        """Writes how an attempt ended that nobody will tell of."""


class Rounds:
    """When a worker looks for what others left behind: at once where one died on this machine, else once a second as long as
    few work. However many there are, together they look as often."""

    def __init__(self, drive: Heir) -> None:
        self._drive = drive
        self._looked = self._read = drive.clock.elapsed()

    def go(self) -> None:
        """Looks, if it is time."""
        drive, now = self._drive, self._drive.clock.elapsed()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        crowd = max(1.0, drive.record.running / MANY)
        if now - self._read >= LOOK_SECONDS * crowd or drive.alive.dead_workers():
            self._read = now
            recover(drive)


def recover(drive: Heir) -> int:
    """Buries dead workers and takes over what they held of this experiment; returns how many run on."""
    adopted, gone = 0, drive.alive.dead_workers()
    for worker in gone:
        drive.store.abandon(worker)
    # On one machine the locks tell who is dead, and they are few. On many only leases do, of all but our own neighbours.
    for held in drive.store.held(drive.id, gone if drive.alive.is_shared else None):
        if held.worker != drive.worker and _is_free(drive, held):
            adopted += _take_over(drive, held)
    dead = [worker for worker in drive.alive.dead_workers() if not drive.store.holds_any(worker)]
    if dead:
        end_orphans(drive.store, drive.folders, drive.alive)
    for worker in dead:
        drive.alive.bury(worker)
    return adopted


def _is_free(drive: Heir, held: Held) -> bool:
    """Whether its worker will not go on with it: it is dead, or has been silent for longer than its lease."""
    if asks(held.worker):
        return held.lapsed
    return held.lapsed or not drive.alive.lives(held)


def _take_over(drive: Heir, held: Held) -> int:
    id = held.id
    folder = drive.folders.attempt(id.experiment, id.trial, id.attempt)
    elsewhere = not asks(held.worker) and drive.alive.is_elsewhere(held.worker)
    alive = not elsewhere and not asks(held.worker) and drive.alive.is_working(held.worker)
    if alive and drive.alive.guards(folder.path):
        return 0  # its worker is paused, its trial goes on: the record still names the right one
    if not drive.store.adopt(id, held.worker, drive.worker, drive.lease_seconds):
        return 0
    if drive.holds(id):
        return 0  # our own again: it was taken over while we were paused, by who died before it did anything
    trial = drive.store.trial(id.experiment, id.trial)
    assert trial.configuration is not None, "a running trial has its configuration"
    claim = Claim(id, trial.run_id, trial.configuration, trial.seed, None, trial.stage)
    running = drive.work.running(claim, None)
    points = drive.store.points(id.experiment, id.trial, attempt=id.attempt)
    running.know(points)
    if elsewhere:
        drive.conclude(
            running, Result(Outcome.LOST, f"worker {held.worker} was silent for longer than its lease")
        )
        return 0
    stop = drive.referee.know(running, points)
    adoption = drive.runner.adopt(id, drive.work.key(id), folder.path)
    if adoption is Adoption.NEVER_BEGAN:
        drive.conclude(running, _gone(held), told=asks(held.worker))
        return 0
    drive.hold(running)
    if stop is not None and (adoption is Adoption.RUNNING or running.was_told):
        drive.let_go(running, stop)
    return int(adoption is Adoption.RUNNING)


def _gone(held: Held) -> Result:
    """The end of an attempt that left no trace here: another program had it and is lost with it, or it never ran."""
    if asks(held.worker):
        return Result(Outcome.LOST, f"{held.worker.removeprefix(ASKED)} was silent for longer than its lease")
    return Result(Outcome.INTERRUPTED, f"worker {held.worker} was lost before it began")
