"""Machines of a simulated world: the programs that run on them, the locks of their workers, and a runner on each.

What a program does follows from the seed and its attempt alone, so it reports and ends the same whoever watches it, and
a check can say afterwards what should have been recorded. Programs outlive the workers that started them, as under a
guardian; they do not outlive their host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from luthier import metrics
from luthier.clock import FakeClock
from luthier.description import Description
from luthier.drive.alive import Alive
from luthier.drive.watching import Asked
from luthier.drive.work import SHORT_SECONDS, Running
from luthier.run.folders import Folders
from luthier.run.runner import Adoption, Ended, Event, Order, Started
from luthier.store import Claim, Store
from luthier.testing.machine import FakeRunner, Machine
from luthier.testing.simulation.world import Actor, World
from luthier.trial import AttemptId, Outcome, Point, Result

__all__ = ["Host", "HostClock", "HostLocks", "HostRunner", "PaperWork", "Program", "program_of"]

METRIC = "loss"
EVERY = 2.0
"""A program reports at most once in so many of its points' share; what matters is that it reports in between."""


class Program(NamedTuple):
    """What an attempt does: it takes so long, reports these values at even distances, and ends like this."""

    seconds: float
    values: tuple[float, ...]
    result: Result

    def reported(self, ran_seconds: float) -> int:
        """How many points it has reported after so long."""
        share = ran_seconds / self.seconds
        return min(len(self.values), max(0, int(share * (len(self.values) + 1))))


def program_of(seed: int, id: AttemptId, typical_seconds: float, failing: float) -> Program:
    """The program of an attempt."""
    dice = Random(f"{seed} {id.trial} {id.attempt}")
    seconds = typical_seconds * dice.uniform(0.1, 2.0)
    values = tuple(dice.random() for _ in range(dice.randrange(1, 4)))
    if dice.random() >= failing:
        return Program(seconds, values, Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=seconds))
    code = dice.choice([1, 75])  # 75: it asks for another attempt
    return Program(
        seconds, values[:-1], Result(Outcome.FAILED, f"exit code {code}", exit_code=code, seconds=seconds)
    )


class HostClock(FakeClock):
    """The clock of one machine: the true one, but its calendar is so much ahead, and it was booted at another time."""

    def __init__(self, true: FakeClock, ahead_seconds: float, booted: float) -> None:
        super().__init__()
        self._true, self._ahead, self._booted = true, ahead_seconds, booted

    def now(self) -> float:
        """What it says on its calendar."""
        return self._true.now() + self._ahead

    def elapsed(self) -> float:
        """Seconds since it was booted."""
        return self._true.elapsed() + self._booted

    @property
    def boot_id(self) -> str:
        """The boot, which is the true clock's."""
        return self._true.boot_id


class Host(Machine):
    """One machine. `named` are the workers whose files lie on its disk, and whether each lives; `lost` how attempts
    ended that died with it."""

    def __init__(self, world: World, name: str, seed: int, typical_seconds: float, failing: float) -> None:
        super().__init__(self._go_on, world.clock)
        self.name = name
        self.is_gone = False
        self.named: dict[str, bool] = {}
        self.actors: dict[str, Actor] = {}
        self.programs: dict[AttemptId, Program] = {}
        self.since: dict[AttemptId, float] = {}
        self.until: dict[AttemptId, float] = {}
        self.lost: dict[AttemptId, Ended] = {}
        self._world = world
        self._made_of = (seed, typical_seconds, failing)

    def begin(self, order: Order) -> Started:
        """Starts a program."""
        seed, typical, failing = self._made_of
        program = program_of(seed, order.id, typical, failing)
        self.programs[order.id], self.since[order.id] = program, self._world.time
        self.until[order.id] = self._world.time + program.seconds
        return super().begin(order)

    def _go_on(self, order: Order) -> Result | None:
        return self.programs[order.id].result if self.until[order.id] <= self._world.time else None

    def end(self, id: AttemptId, result: Result) -> Ended:
        """Ends a program, by itself or because it was asked to."""
        self.until[id] = min(self.until[id], self._world.time)
        return super().end(id, result)

    def end_of(self, id: AttemptId) -> Ended | None:
        """How an attempt ended that was begun here; None while it runs."""
        if id in self.running:
            return self.tend(id)
        return self.ended.get(id) or self.lost.get(id)

    def points(self, id: AttemptId, first: int) -> list[Point]:
        """What an attempt has reported by now, but for the first so many points."""
        if id not in self.programs:
            return []
        program, now = self.programs[id], min(self._world.time, self.until[id])
        count = program.reported(now - self.since[id])
        return [Point(METRIC, float(step), program.values[step], now) for step in range(first, count)]

    def freeze(self, seconds: float) -> None:
        """Stops all that is on it for a while, as when a laptop is closed."""
        for actor in self.actors.values():
            actor.frozen_until = self._world.time + seconds
        for id in self.running:
            self.since[id] += seconds
            self.until[id] += seconds

    def kill(self, worker: str) -> None:
        """Kills one worker; what it started goes on."""
        self.named[worker] = False
        if (actor := self.actors.pop(worker, None)) is not None:
            actor.is_killed, actor.frozen_until = True, 0.0

    def crash(self) -> None:
        """Cuts its power. Its disk stays."""
        for worker in list(self.actors):
            self.kill(worker)
        for id, order in self.running.items():
            self.until[id] = min(self.until[id], self._world.time)
            result = Result(Outcome.LOST, "its guardian died, so how it ended is not known")
            self.lost[id] = Ended(id, result, order.folder)
        self.running.clear()


class HostLocks(Alive):
    """Who is alive on a host, as its locks say."""

    def __init__(self, host: Host, *, is_shared: bool) -> None:
        self.is_shared = is_shared
        self._host = host

    def is_working(self, worker: str) -> bool:
        """Whether the worker of this name is alive here."""
        return self._host.named.get(worker, False)

    def is_elsewhere(self, worker: str) -> bool:
        """Whether a worker has no file here."""
        return self.is_shared and worker not in self._host.named

    def guards(self, folder: str) -> bool:
        """Whether a program runs in this folder."""
        return any(order.folder == folder for order in self._host.running.values())

    def dead_workers(self) -> list[str]:
        """Those that went without a word."""
        return [worker for worker, lives in self._host.named.items() if not lives]

    def bury(self, worker: str) -> None:
        """Forgets one of them."""
        self._host.named.pop(worker, None)


class HostRunner(FakeRunner):
    """The runner of one worker on its host. Where a real one waits, its worker sleeps, `pace` times as long as it meant to."""

    def __init__(self, host: Host, actor: Actor, world: World, pace: float) -> None:
        super().__init__(host)
        self.host, self._actor, self._world, self._pace = host, actor, world, pace

    def events(self, timeout_seconds: float | None) -> list[Event]:
        """Sleeps until the first of its programs ends, or the time-out passes."""
        if not self._events:
            longest = (timeout_seconds or 0.0) * self._pace
            ends = [self.host.until[id] - self._world.time for id in self._mine()]
            self._actor.sleep(max(0.0, min([longest, *ends])))
        for id in self._mine():
            if (ended := self.host.end_of(id)) is not None:
                self._over(ended)
        events, self._events = self._events, []
        return events

    def _mine(self) -> list[AttemptId]:
        return [*(orders[0].id for orders in self._slots.values() if orders), *self._adopted]

    def adopt(self, id: AttemptId, key: str, folder: str) -> Adoption:
        """Takes over what another runner began on this host."""
        ended = self.host.end_of(id)
        if id in self.host.lost and ended is not None:
            self._events.append(ended)
            return Adoption.LOST
        return super().adopt(id, key, folder)


class PaperRunning:
    """An attempt as its worker sees it (`drive.work.Running`): what it reports is read from its host's disk."""

    def __init__(self, claim: Claim, slot: int | None, host: Host, place: str) -> None:
        self.claim, self.slot, self.place = claim, slot, place
        self.asked: Asked = ""
        self.errors = None
        self.was_told = False
        self.summaries: dict[str, metrics.Summary] = {}
        self._host = host
        self._durable = 0

    @property
    def id(self) -> AttemptId:
        """The fence of every write for this attempt."""
        return self.claim.id

    def collect(self, store: Store, now: float, *, last: bool = False) -> list[Point]:
        """Makes durable what is new."""
        points = self._host.points(self.id, self._durable)
        if points:
            store.report(self.id, self._durable, points)
            self._take(points)
        return points

    def know(self, points: list[Point]) -> None:
        """Goes on behind what is durable already."""
        self._take(points)

    def _take(self, points: Iterable[Point]) -> None:
        points = list(points)
        self._durable += len(points)
        metrics.summarize(points, self.summaries)

    def notes(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def sources(self) -> dict[str, str]:
        """Nothing: nobody is told where a metric was found."""
        return {}

    def at_once(self, seconds: float) -> tuple[str, ...]:
        """None: all come one by one."""
        return ()

    def devices(self) -> tuple[str, ...] | None:
        """None."""
        return None

    def take_leave(self, reason: str) -> bool:
        """False: it asks nobody."""
        return False


class PaperWork(NamedTuple):
    """How the attempts of a simulated experiment are made."""

    description: Description
    folders: Folders
    host: Host

    def note(self, store: Store, claims: Sequence[Claim]) -> None:
        """Records what each attempt runs."""
        for claim in claims:
            store.note_command(claim.id, ("simulated", str(claim.id.trial)))

    def running(self, claim: Claim, slot: int | None) -> Running:
        """The attempt of a claim."""
        return PaperRunning(claim, slot, self.host, self.folders.attempt(*claim.id).path)

    def order(self, running: Running, devices: tuple[str, ...] | None) -> Order:
        """What its host is to run."""
        env: Mapping[str, str] = {}
        limits = self.description.limits
        return Order(
            running.id, self.key(running.id), (), env, "", running.place, limits, slot=running.slot or 0
        )

    def key(self, id: AttemptId) -> str:
        """A word for it."""
        return f"{id.experiment}-{id.trial}-{id.attempt}"

    def ahead(self, typical_seconds: float) -> int:
        """One, where trials are short."""
        return int(typical_seconds < SHORT_SECONDS)
