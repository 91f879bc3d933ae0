"""Runs any program: the runner whose attempts are processes of this machine.

The driver forks nothing. One nursery is started beside it, guardians are forked from that, and each guardian runs the
attempts of one slot. `CommandRunner` sends orders, turns what guardians say into events, and makes good what is
killed: a dead guardian's attempts are lost (its tree is ended first), a dead nursery is replaced, an attempt another
driver began is adopted through its folder. It must not know the store or what a result means.
"""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from luthier.errors import CommandError
from luthier.run import _layout, _tree
from luthier.run import adopted as adopting
from luthier.run._links import Link, NurseryProcess
from luthier.run.adopted import Adopted
from luthier.run.environment import base_environment
from luthier.run.platform import require_platform
from luthier.run.runner import Adoption, Ended, Event, Order, Started
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["CommandRunner"]

ADOPTED_TICK_SECONDS = 0.5
LEAVE_SECONDS = 2.0
CLOSE_SECONDS = 10.0
"""How long `close` waits for the killed to die before it leaves them to their guardians."""


def _encoded(texts: Collection[str]) -> tuple[bytes, ...]:
    """Texts as the system takes them. Encoded in one piece, which is ten times faster than one by one.

    **Raises** CommandError for a NUL, which would cut a text in two.
    """
    whole = "\0".join(texts)
    if whole.count("\0") != max(0, len(texts) - 1):
        raise CommandError("a word or a variable of the command holds a NUL, which no command line can carry")
    return tuple(os.fsencode(whole).split(b"\0")) if texts else ()


class _Held(NamedTuple):
    """An order whose end has not been told yet."""

    id: AttemptId
    folder: str
    guard: _Guard


class _Guard:
    """A guardian as the driver sees it: its socket and the keys of the orders it has."""

    __slots__ = ("keys", "link", "number", "slot")

    def __init__(self, number: int, slot: int, link: Link) -> None:
        self.number = number
        self.slot = slot
        self.link = link
        self.keys: list[str] = []


class CommandRunner:
    """A `Runner` of programs. `root` is where the nursery writes its log; it must exist.

    `environment` is what every program inherits; by default the driver's own, as `base_environment` leaves it.
    """

    def __init__(self, root: str | Path, environment: Mapping[str, str] | None = None) -> None:
        require_platform()
        self._environment = base_environment(os.environ) if environment is None else dict(environment)
        self._log = Path(root) / "guardian.log"
        self._selector = selectors.DefaultSelector()
        self._events: deque[Event] = deque()
        self._held: dict[str, _Held] = {}
        self._keys: dict[AttemptId, str] = {}
        self._slots: dict[int, _Guard] = {}
        self._bereft: dict[
            int, _Guard
        ] = {}  # guardians that are gone, until the nursery says their trees are too
        self._sweeping: dict[str, Adopted] = {}
        self._adopted: dict[AttemptId, Adopted] = {}
        self._made = 0
        self._first_of_nursery = 1  # the number of the first guardian that the living nursery forked
        self._nursery: NurseryProcess | None = NurseryProcess(self._environment, self._log, self._selector)

    def start(self, order: Order) -> None:
        """Hands an order to the guardian of its slot."""
        limits = order.limits
        message = (
            "run",
            order.key,
            _encoded(order.argv),
            (*_encoded(order.env), *_encoded(order.env.values())),
            os.fsencode(order.cwd),
            os.fsencode(order.folder),
            (limits.timeout_seconds, limits.idle_timeout_seconds, limits.memory_bytes),
            limits.grace_seconds,
            limits.on_driver_loss,
            _encoded(order.closing),
        )
        guard = self._slots.get(order.slot) or self._open(order.slot)
        guard.keys.append(order.key)
        self._held[order.key] = _Held(order.id, order.folder, guard)
        self._keys[order.id] = order.key
        guard.link.send(message)

    def stop(
        self, id: AttemptId, outcome: Outcome, reason: str, grace_seconds: float, *, kill: bool = False
    ) -> None:
        """Asks the guardian of an attempt to end it."""
        key = self._keys.get(id)
        if key is not None:
            link = self._held[key].guard.link
            link.send(("stop", key, str(outcome), reason, float(grace_seconds), kill))
        elif id in self._adopted:
            self._adopted[id].stop(outcome, reason, grace_seconds, kill)

    def withdraw(self, id: AttemptId, reason: str) -> None:
        """Takes an order back if its guardian has not begun it."""
        key = self._keys.get(id)
        if key is not None:
            self._held[key].guard.link.send(("withdraw", key, reason))

    def events(self, timeout_seconds: float | None) -> list[Event]:
        """Waits for events, adopted attempts included."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        watched = False
        while not self._events and not watched:
            wait = None if deadline is None else max(0.0, deadline - time.monotonic())
            if self._adopted:
                wait = ADOPTED_TICK_SECONDS if wait is None else min(wait, ADOPTED_TICK_SECONDS)
            for key, mask in self._selector.select(wait):
                if key.data is None:
                    watched = True
                else:
                    self._hear(key.data, mask)
            self._look_after_adopted()
            if deadline is not None and time.monotonic() >= deadline:
                break
        events = list(self._events)
        self._events.clear()
        return events

    def adopt(self, id: AttemptId, key: str, folder: str) -> Adoption:
        """Takes over an attempt through its folder."""
        state, pidfd = adopting.probe(folder)
        adopted = Adopted(id, key, folder, pidfd)
        match state:
            case Adoption.RUNNING:
                self._adopted[id] = adopted
                if pidfd >= 0:
                    self._selector.register(pidfd, selectors.EVENT_READ, adopted)
            case Adoption.ENDED | Adoption.LOST:
                self._conclude(adopted)
            case Adoption.NEVER_BEGAN if _tree.marked(key):
                # It did begin, and its folder was deleted: no second attempt may run beside what is left of it.
                self._conclude(adopted)
                return Adoption.LOST
            case Adoption.NEVER_BEGAN:
                pass
        return state

    def fileno(self) -> int:
        """A descriptor that is readable while `events` would have something to hear, for whoever waits for more than this."""
        return self._selector.fileno()

    def watch(self, fd: int) -> None:
        """Makes `events` return early while `fd` is readable."""
        self._selector.register(fd, selectors.EVENT_READ, None)

    def unwatch(self, fd: int) -> None:
        """Forgets a watched descriptor."""
        self._selector.unregister(fd)

    def close(self, *, leave_running: bool) -> None:
        """Lets go of the guardians; they end when their last attempt has. May be repeated."""
        if not leave_running:
            self._end_all()
        for guard in self._slots.values():
            guard.link.close()
        for adopted in self._adopted.values():
            adopted.close()
        idle = not self._held
        self._slots.clear()
        self._adopted.clear()
        if self._nursery is not None:
            self._nursery.link.close()
            # With nothing left to guard it leaves within a millisecond; otherwise it must not be waited for.
            self._nursery.reap(LEAVE_SECONDS if idle else 0.0)
            self._nursery = None
        self._selector.close()

    def _end_all(self) -> None:
        for id in [*self._keys, *self._adopted]:
            self.stop(id, Outcome.KILLED, "its driver was closed", 0.0, kill=True)
        deadline = time.monotonic() + CLOSE_SECONDS
        while (self._held or self._adopted or self._sweeping) and time.monotonic() < deadline:
            self.events(deadline - time.monotonic())

    def _open(self, slot: int) -> _Guard:
        self._made += 1
        guard = _Guard(self._made, slot, self._living_nursery().guard(self._made, self._selector))
        self._slots[slot] = guard
        return guard

    def _living_nursery(self) -> NurseryProcess:
        if self._nursery is not None and self._nursery.link.lost:
            self._nursery_lost()
        if self._nursery is None:
            self._nursery = NurseryProcess(self._environment, self._log, self._selector)
        return self._nursery

    def _hear(self, source: Any, mask: int) -> None:
        if isinstance(source, Adopted):
            return  # its guardian has left: the look after all adopted attempts, which follows, finds it over
        link: Link = source
        if mask & selectors.EVENT_WRITE:
            link.flush()
        if not mask & selectors.EVENT_READ:
            return
        for message in link.receive():
            match message:
                case ("started", key, began, pid):
                    self._started(key, began, pid)
                case ("ended", key, *fields):
                    self._ended(key, *fields)
                case ("died", number):
                    self._mourn(number)
                case ("swept", key):
                    self._swept(key)
                case _:
                    raise AssertionError(f"a guardian said {message!r}")
        if link.lost:
            self._lost(link)

    def _started(self, key: str, began: float, pid: int) -> None:
        held = self._held.get(key)
        if held is not None:
            self._events.append(Started(held.id, began, pid))

    def _ended(self, key: str, outcome: str, reason: str, *measured: Any) -> None:
        held = self._release(key)
        if held is not None:
            exit_code, number, seconds, cpu, peak, began, ended = measured
            result = Result(Outcome(outcome), reason, None, exit_code, number, seconds, peak, cpu)
            self._events.append(Ended(held.id, result, held.folder, began, ended))

    def _release(self, key: str) -> _Held | None:
        held = self._held.pop(key, None)
        if held is not None:
            del self._keys[held.id]
            held.guard.keys.remove(key)
        return held

    def _lost(self, link: Link) -> None:
        """A socket has ended: the nursery's, or that of a guardian whose tree the nursery is ending now."""
        if self._nursery is not None and link is self._nursery.link:
            self._nursery_lost()
            return
        for slot, guard in list(self._slots.items()):
            if guard.link is link:
                del self._slots[slot]
                self._bereft[guard.number] = guard
                if self._nursery is None or not self._knows(guard.number):
                    self._sweep_all(guard)

    def _knows(self, number: int) -> bool:
        """Whether the living nursery forked this guardian, and will therefore tell of its death."""
        return number >= self._first_of_nursery

    def _nursery_lost(self) -> None:
        """The nursery was killed. Its guardians go on; what it would have told of dead ones is done by another."""
        assert self._nursery is not None
        self._nursery.link.close()
        self._nursery.reap()
        self._nursery = None
        self._first_of_nursery = self._made + 1
        for guard in list(self._bereft.values()):
            self._sweep_all(guard)
        for key in self._sweeping:
            self._living_nursery().sweep(key)

    def _sweep_all(self, guard: _Guard) -> None:
        """Nobody inherits this guardian's orphans: they are found by their marker."""
        del self._bereft[guard.number]
        for key in list(guard.keys):
            held = self._release(key)
            if held is not None:
                self._sweeping[key] = Adopted(held.id, key, held.folder, -1)
                self._living_nursery().sweep(key)

    def _mourn(self, number: int) -> None:
        """A guardian died and nothing of its tree is left: its orders have ended, as it wrote or as lost."""
        guard = self._bereft.pop(number, None)
        if guard is None:  # its socket's end has not been read yet: everything it said comes first
            guard = next((g for g in self._slots.values() if g.number == number), None)
            if guard is None:
                return
            while not guard.link.lost:
                guard.link.wait(1.0)
                self._hear(guard.link, selectors.EVENT_READ)
            self._bereft.pop(number, None)
        for key in list(guard.keys):
            held = self._release(key)
            if held is not None:
                self._tell_lost(held.id, held.folder)

    def _look_after_adopted(self) -> None:
        for adopted in list(self._adopted.values()):
            if adopted.has_left() or adopted.is_over():
                del self._adopted[adopted.id]
                if adopted.pidfd >= 0:
                    self._selector.unregister(adopted.pidfd)
                adopted.close()
                self._conclude(adopted)

    def _conclude(self, adopted: Adopted) -> None:
        """Tells how an adopted attempt ended, after its orphans were ended if it was lost."""
        written = adopting.read_outcome(adopted.id, adopted.folder)
        if written is not None:
            self._events.append(written)
        else:
            self._sweeping[adopted.key] = adopted
            self._living_nursery().sweep(adopted.key)

    def _swept(self, key: str) -> None:
        adopted = self._sweeping.pop(key, None)
        if adopted is not None:
            self._tell_lost(adopted.id, adopted.folder)

    def _tell_lost(self, id: AttemptId, folder: str) -> None:
        """Tells that an attempt was lost, once its container is gone too, if it had one."""
        if os.path.exists(f"{folder}/{_layout.CONTAINER}"):
            from luthier.run.containers import close

            close(folder)
        self._events.append(adopting.lost(id, folder))
