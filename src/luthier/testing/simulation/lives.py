"""What befalls those who work in a simulated world: they come, are killed, cut off, sent away, and others take their places.

A `Life` is one process of `luthier worker`: it drives until there is nothing left to do, and when the store can't be reached it
begins anew under another name, as a session does. The real `Drive` is what turns in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import cast

from luthier.drive.ends import Interrupts, Why
from luthier.drive.loop import Drive
from luthier.drive.slots import Slots
from luthier.errors import StoreUnavailable
from luthier.run.folders import Folders
from luthier.store import Store, Wish
from luthier.testing.simulation.hosts import Host, HostClock, HostLocks, HostRunner, PaperWork
from luthier.testing.simulation.link import Link, Mishaps, Queue
from luthier.testing.simulation.world import Actor, World

__all__ = ["Life", "Scene"]

AGAIN_SECONDS = 2.0
"""How long somebody waits before he types the same command again."""
WAITS = (Why.PAUSED, Why.STOPPED, Why.KILLED, Why.ALL_FAILED)
"""Endings after which an experiment goes on when a person wants it to."""


@dataclass(eq=False)
class Scene:
    """All there is in one world. `open` opens the store once more; `mishaps` are those of now. `troubled` are the workers that
    something befell, so that others may have had to take over from them."""

    world: World
    open: Callable[[], Store]
    experiment: int
    mishaps: Mishaps
    queue: Queue
    is_shared: bool
    slots: int
    lease_seconds: float
    pace: float
    hosts: list[Host] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    lives: dict[str, Life] = field(default_factory=dict)
    killed: int = 0
    troubled: set[str] = field(default_factory=set)
    _names: count[int] = field(default_factory=lambda: count(1))

    def new_name(self, host: Host) -> str:
        """A worker's name, never used before."""
        return f"{host.name}-{next(self._names)}"

    def join(self, host: Host, after: float = 0.0) -> None:
        """Has a worker begin on a host, some time from now; on another where it is gone by then."""

        def begin() -> None:
            here = next(one for one in [host, *self.hosts] if not one.is_gone)
            name = self.new_name(here)
            life = self.lives[name] = Life(self, here, name)
            self.world.tell(f"{name} joins")
            here.named[name], here.actors[name] = True, self.world.begin(name, life)

        self.world.at(after, begin)

    def kill(self, host: Host, worker: str, when: str = "") -> None:
        """Kills a worker; somebody types its command again."""
        self.killed += 1
        self.troubled.add(worker)
        self.world.tell(f"{worker} is killed {when}")
        host.kill(worker)
        self.join(host, AGAIN_SECONDS)

    def crash(self, host: Host, *, for_good: bool) -> None:
        """Cuts the power of a host. It comes back, unless it was `for_good` and is not the last one."""
        host.is_gone = for_good and sum(not other.is_gone for other in self.hosts) > 1
        workers = len(host.actors)
        self.killed += workers
        self.troubled.update(host.actors)
        how = "is gone" if host.is_gone else "loses its power"
        self.world.tell(f"{host.name} {how}, {len(host.running)} programs and {workers} workers")
        host.crash()
        if not self.is_shared:
            self.world.clock.reboot(f"boot-{self.world.time}")
        for _ in range(workers):
            self.join(host, AGAIN_SECONDS)

    def freeze(self, host: Host, seconds: float) -> None:
        """Stops a host for a while, with all that is on it."""
        self.troubled.update(host.actors)
        self.world.tell(f"{host.name} is frozen for {seconds:.1f} s")
        host.freeze(seconds)

    def pause(self, host: Host, seconds: float) -> None:
        """Stops one worker of a host for a while; its programs go on."""
        for name, actor in list(host.actors.items())[:1]:
            self.troubled.add(name)
            self.world.tell(f"{name} is paused for {seconds:.1f} s")
            actor.frozen_until = self.world.time + seconds

    def ask_to_leave(self, host: Host, *, drains: bool) -> None:
        """Tells one worker of a host to go: when its trials have ended (TERM), or at once (Ctrl-C)."""
        for name in list(host.actors)[:1]:
            self.troubled.add(name)
            self.world.tell(f"{name} is asked to leave")
            self.lives[name].interrupts.drains |= drains
            self.lives[name].interrupts.count += not drains

    def calm(self) -> None:
        """Nothing goes wrong from now on, so that all comes to its end."""
        self.world.tell("calm")
        self.mishaps = Mishaps(way_seconds=self.mishaps.way_seconds)

    def wish(self, store: Store, wish: Wish) -> None:
        """A person says what he wants of the experiment."""
        if not store.experiment(self.experiment).is_met and store.set_wish(self.experiment, wish):
            self.world.tell(f"a person says {wish}")
            self.troubled.update(self.lives)


class Life:
    """One worker's. `name` changes when it comes back to a store it had lost."""

    def __init__(self, scene: Scene, host: Host, name: str) -> None:
        self.host, self.name = host, name
        self.interrupts = Interrupts(by="a person")
        self._scene = scene

    def __call__(self, actor: Actor) -> None:
        store = self._scene.open()
        try:
            while not self._works(actor, store):
                actor.sleep(AGAIN_SECONDS)
        finally:
            store.close()

    def _works(self, actor: Actor, store: Store) -> bool:
        """Drives; whether that was all."""
        try:
            ending = self._drive(actor, store).run()
        except StoreUnavailable:
            self._begin_again(actor)
            return False
        if ending.why in WAITS and not ending.record.is_met:
            return False
        self._scene.world.tell(f"{self.name} leaves: {ending.why}")
        del self.host.named[self.name], self.host.actors[self.name]
        if ending.why in (Why.DRAINED, Why.INTERRUPTED, Why.SET_ASIDE):
            self._scene.join(self.host, AGAIN_SECONDS)
        return True

    def _begin_again(self, actor: Actor) -> None:
        """Lets go as a death would, and takes another name."""
        self._scene.troubled.add(self.name)
        self.host.named[self.name] = False
        del self.host.actors[self.name]
        self.name = actor.name = self._scene.new_name(self.host)
        self._scene.lives[self.name] = self
        self.host.named[self.name], self.host.actors[self.name] = True, actor

    def _drive(self, actor: Actor, store: Store) -> Drive:
        scene, host = self._scene, self.host
        link = Link(store, scene, actor, lambda when: scene.kill(host, self.name, when))
        scene.links.append(link)
        folders = Folders(Path("/simulated") / host.name)
        record = store.experiment(scene.experiment)
        place = scene.hosts.index(host)
        return Drive(
            store=cast(Store, link),  # it has every verb, for it hands them on
            record=record,
            runner=HostRunner(host, actor, scene.world, scene.pace),
            work=PaperWork(record.description, folders, host),
            folders=folders,
            alive=HostLocks(host, is_shared=scene.is_shared),
            worker=self.name,
            slots=Slots([None] * scene.slots),
            clock=HostClock(scene.world.clock, 3600.0 * (place % 3 - 1), 1000.0 * place),
            interrupts=self.interrupts,
            lease_seconds=scene.lease_seconds,
        )
