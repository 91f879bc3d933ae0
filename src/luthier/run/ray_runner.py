"""Runs any program on a Ray cluster: the near end, which the drive takes for any other runner.

Each slot is a place that Ray gives on some node (`ray_seat.py`), made when the slot gets its first order and used again,
for it takes Ray seconds to start a process. On the driver's own machine an attempt runs in its own folder, as it would
without Ray; elsewhere in a folder there, and what it writes is brought here as it grows (`ray_files.py`). Where an attempt
runs is written into its folder, so that the next driver finds it. It must not know the store or what a result means.
"""

from __future__ import annotations

import json
import selectors
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.errors import UsageError
from luthier.run import _layout
from luthier.run import adopted as adopting
from luthier.run.command import CommandRunner
from luthier.run.ray_code import Code
from luthier.run.ray_endings import first_sentence, gone, own_version, unpacked, write_outcome
from luthier.run.ray_files import News, offsets, take_in, to_take_along
from luthier.run.ray_places import Place, Places, no_luthier
from luthier.run.ray_room import Room
from luthier.run.ray_seat import ENDED, RUNNING, WAITING, Message, machine
from luthier.run.ray_where import Cluster, Needs, RayLost, folder_facts, variables
from luthier.run.runner import Adoption, Ended, Event, Order, Started
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["RayRunner"]

ASK_SECONDS = 8.0
LOOK_SECONDS = 0.2
IDLE_SECONDS = 15.0  # a place without an order for so long is given back
CLOSE_SECONDS = 15.0
AGAIN_SECONDS = 1.0
ENDING = "its place on Ray was lost"


@dataclass(eq=False)
class _Held:
    """An attempt whose end has not been told."""

    id: AttemptId
    key: str
    folder: str
    place: Place
    phase: int = WAITING
    offsets: dict[str, int] = field(default_factory=dict)
    told_to_stop: bool = False


class RayRunner:
    """A `Runner` of programs on Ray. `root` is the store's folder, `environment` what every program inherits on this machine;
    `code` gives the code for other machines, and `say` tells a person something. What runs is to `outlive` this process."""

    def __init__(
        self,
        cluster: Cluster,
        root: str | Path,
        environment: Mapping[str, str],
        needs: Needs,
        code: Callable[[], Code | None] | None = None,
        say: Callable[[str], None] = lambda text: None,
        *,
        outlive: bool = True,
    ) -> None:
        self._cluster, self._root, self._needs = cluster, str(root), needs
        self._variables = variables(cluster.address)
        self._environment = {**environment, **self._variables}
        self._code, self._packed = code, None
        self._outlives = outlive
        self._places = Places(cluster, needs, outlive=outlive)
        self._room = Room(self._places.lack, say)
        self._again: list[tuple[float, Place]] = []
        self._told: deque[Event] = deque()
        self._held: dict[str, _Held] = {}
        self._keys: dict[AttemptId, str] = {}
        self._slots: dict[int, Place] = {}
        self._lost: dict[AttemptId, str] = {}  # whose guardians end them, for their places are gone
        self._nearby: CommandRunner | None = None
        self._is_closed = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._places, selectors.EVENT_READ, "answers")

    # ------------------------------------------------------------------ orders

    def start(self, order: Any) -> None:
        """Sends an order to the place of its slot, or keeps it until that is there."""
        place = self._slots.get(order.slot) or self._open(order.slot)
        held = _Held(order.id, order.key, order.folder, place)
        self._held[order.key] = held
        self._keys[order.id] = order.key
        place.keys.add(order.key)
        if place.is_up:
            self._send_order(place, order)
        else:
            place.waiting.append(order)

    def stop(
        self, id: AttemptId, outcome: Outcome, reason: str, grace_seconds: float, *, kill: bool = False
    ) -> None:
        """Asks the place of an attempt to end it."""
        held = self._held.get(self._keys.get(id, ""))
        if held is None:
            if self._nearby is not None:
                self._nearby.stop(id, outcome, reason, grace_seconds, kill=kill)
        elif not self._take_back(held, Result(outcome, reason)):
            self._places.say(held.place, ("stop", held.key, str(outcome), reason, float(grace_seconds), kill))

    def withdraw(self, id: AttemptId, reason: str) -> None:
        """Takes an order back if it has not begun."""
        held = self._held.get(self._keys.get(id, ""))
        if held is not None and not self._take_back(held, Result(Outcome.INTERRUPTED, reason)):
            self._places.say(held.place, ("withdraw", held.key, reason))

    def _take_back(self, held: _Held, result: Result) -> bool:
        """Ends an order that was never sent."""
        for order in held.place.waiting:
            if order.key == held.key:
                held.place.waiting.remove(order)
                self._release(held)
                self._told.append(Ended(held.id, result, held.folder))
                return True
        return False

    def _release(self, held: _Held) -> None:
        del self._held[held.key]
        del self._keys[held.id]
        held.place.keys.discard(held.key)
        held.place.since = time.monotonic()

    # ------------------------------------------------------------------ places

    def _open(self, slot: int) -> Place:
        place = self._slots[slot] = self._places.make(slot)
        self._places.ask(place, "hello", self._root, *folder_facts(self._root), machine())
        return place

    def _send_order(self, place: Place, order: Order) -> None:
        files = []
        if not place.here:
            try:
                files = to_take_along(order.folder)
            except ValueError as error:
                held = self._held[order.key]
                self._release(held)
                self._told.append(Ended(held.id, Result(Outcome.FAILED, str(error)), held.folder))
                return
        mark = {"seat": place.name, "here": place.here}
        Path(order.folder, _layout.RAY).write_text(json.dumps(mark), encoding="utf-8")
        self._places.say(place, (*self._message(order), files))

    def _message(self, order: Order) -> Message:
        """An order as it travels."""
        env = {**self._variables, **order.env}
        words = {**order._asdict(), "id": tuple(order.id), "limits": tuple(order.limits), "env": env}
        return "start", order.key, words

    def _ask_news(self, place: Place) -> None:
        known = {key: (self._held[key].phase, self._held[key].offsets) for key in place.keys}
        self._places.ask(place, "news", self._places.driver, known, ASK_SECONDS)

    # ------------------------------------------------------------------ events

    def events(self, timeout_seconds: float | None) -> list[Event]:
        """Waits for events. **Raises** RayLost when the cluster is out of reach: what runs there is adopted later."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        watched = self.hear(0.0)
        while not self._told and not watched and (deadline is None or time.monotonic() < deadline):
            left = LOOK_SECONDS if deadline is None else deadline - time.monotonic()
            watched = self.hear(max(0.0, min(LOOK_SECONDS, left)))
        events = list(self._told)
        self._told.clear()
        return events

    def hear(self, wait_seconds: float) -> bool:
        """Takes in what places say, waiting so long for something; True when a watched descriptor is readable."""
        watched = False
        for key, _ in self._selector.select(wait_seconds):
            watched |= key.data == "watched"
        self._take_arrived()
        self._look_around()
        return watched

    def _take_arrived(self) -> None:
        for place, what, future in self._places.answers():
            error = future.exception()
            if error is not None:
                self._failed(place, error)
            elif what == "hello":
                self._greeted(place, future.result())
            elif what == "furnish":
                self._furnished(place, future.result())
            else:
                self._learn(place, future.result())

    def _greeted(self, place: Place, facts: Mapping[str, Any]) -> None:
        if facts["version"] != own_version():
            raise UsageError(
                f"the node {facts['host']} of the Ray cluster has Luthier {facts['version']}, this is {own_version()}; "
                "install the same version on every node"
            )
        place.here = facts["here"]
        code = None
        if not place.here and self._code is not None:
            if self._packed is None:
                self._packed = self._cluster.ray.put(self._code())
            code = self._packed
        environment = self._environment if place.here else None
        threads = max(1, int(self._needs.cpus))
        self._places.ask(place, "furnish", environment, threads, code, *self._work())

    def _work(self) -> tuple[Any, ...]:
        """What else a place needs, for anything but programs."""
        return ()

    def _furnished(self, place: Place, why_not: str) -> None:
        if why_not:
            raise UsageError(f"{why_not}; free some space there, or take that node out of the cluster")
        place.is_up = True
        place.since = time.monotonic()
        orders, place.waiting = place.waiting, []
        for order in orders:
            self._send_order(place, order)
        self._ask_news(place)

    def _learn(self, place: Place, news: Mapping[str, News]) -> None:
        for key, new in news.items():
            held = self._held.get(key)
            if held is not None:
                self._learn_of(held, new)
        self._ask_news(place)

    def _learn_of(self, held: _Held, new: News) -> None:
        if new.chunks:
            take_in(held.folder, new.chunks)
            for name, at, content in new.chunks:
                held.offsets[name] = at + len(content)
        if held.phase == WAITING and new.phase > WAITING:
            held.phase = RUNNING
            if new.began is not None:
                self._told.append(Started(held.id, new.began, new.pid))
        if new.phase == ENDED and new.end is not None and not new.more:
            ended = unpacked(held.id, held.folder, new.end, new.left)
            if self._outlives and not held.place.here:
                write_outcome(ended, new.pid)
            self._release(held)
            self._told.append(ended)
            self._places.say(held.place, ("taken", held.key))

    def _look_around(self) -> None:
        """Does what no answer brings: hears of attempts of this machine, passes words on, gives back what is not used."""
        now = time.monotonic()
        if self._nearby is not None:
            self._told += map(self._settled, self._nearby.events(0.0))
        due = [place for at, place in self._again if at <= now]
        self._again = [(at, place) for at, place in self._again if at > now]
        for place in due:
            self._ask_news(place)
        for held in list(self._held.values()):
            if not held.place.here and held.phase == RUNNING and not held.told_to_stop:
                self._pass_on(held)
        self._room.look(self._places.waits_since(), now)
        for place in self._places.idle(now - IDLE_SECONDS):
            self._leave_slot(place)
            self._places.give_back(place)

    def _pass_on(self, held: _Held) -> None:
        """Carries the word that an attempt is to end early to where it runs."""
        if _layout.ASKS in held.offsets:
            try:
                reason = Path(held.folder, _layout.SHOULD_STOP).read_text(encoding="utf-8").strip()
            except OSError:
                return
            held.told_to_stop = True
            self._places.say(held.place, ("tell", held.key, reason))

    def _leave_slot(self, place: Place) -> None:
        if self._slots.get(place.slot) is place:
            del self._slots[place.slot]

    # ------------------------------------------------------------------ what is lost

    def _failed(self, place: Place, error: BaseException) -> None:
        """A place did not answer: it is gone, or only out of reach for a moment, or all of Ray is."""
        errors = self._cluster.ray.exceptions
        if isinstance(error, errors.ActorUnavailableError):
            self._again.append((time.monotonic() + AGAIN_SECONDS, place))
            return
        if not isinstance(error, errors.RayActorError):
            if isinstance(error, errors.RayTaskError):
                raise error  # the seat has a fault
            self._places.is_gone = True
            raise gone(self._cluster.address, error)
        if "luthier" in str(error) and "ModuleNotFoundError" in str(error):
            raise UsageError(no_luthier(self._cluster.address))
        reason = f"{ENDING}: {first_sentence(str(error))}"
        self._places.forget(place)
        self._leave_slot(place)
        for key in [held.key for held in self._held.values() if held.place is place]:
            self._lose(self._held[key], reason)

    def _lose(self, held: _Held, reason: str) -> None:
        was_sent = all(order.key != held.key for order in held.place.waiting)
        self._release(held)
        if was_sent and held.place.here:
            # Its guardian ends what is left of it, and is waited for.
            if self._near().adopt(held.id, held.key, held.folder) is not Adoption.NEVER_BEGAN:
                self._lost[held.id] = reason
                return
            was_sent = False
        outcome = Outcome.LOST if was_sent else Outcome.INTERRUPTED
        self._told.append(Ended(held.id, Result(outcome, reason), held.folder))

    def _settled(self, event: Event) -> Event:
        """The end of an attempt of this machine as it is told: one whose place was lost was lost, unless it had ended."""
        reason = self._lost.pop(event.id, None)
        if reason is None or not isinstance(event, Ended):
            return event
        if event.result.outcome in (Outcome.INTERRUPTED, Outcome.LOST):
            return event._replace(result=Result(Outcome.LOST, reason, seconds=event.result.seconds))
        return event

    def _near(self) -> CommandRunner:
        if self._nearby is None:
            self._nearby = CommandRunner(self._root, self._environment)
        return self._nearby

    # ------------------------------------------------------------------ adoption

    def adopt(self, id: AttemptId, key: str, folder: str) -> Adoption:
        """Takes over an attempt: through its place, where it has one that lives, else through its folder."""
        try:
            mark = json.loads(Path(folder, _layout.RAY).read_bytes())
        except (OSError, ValueError):
            mark = None
        if mark is None:
            return self._near().adopt(id, key, folder)
        if not mark["here"] and (written := adopting.read_outcome(id, folder)) is not None:
            self._told.append(written)
            return Adoption.ENDED
        phase, place = self._places.seek(mark["seat"], mark["here"], key)
        if place is None:
            if mark["here"]:
                return self._near().adopt(id, key, folder)
            self._told.append(Ended(id, Result(Outcome.LOST, f"{ENDING} while no driver was there"), folder))
            return Adoption.LOST
        if phase < 0:
            return self._near().adopt(id, key, folder) if mark["here"] else Adoption.NEVER_BEGAN
        held = _Held(id, key, folder, place, max(phase, RUNNING) if phase else WAITING)
        held.phase = min(held.phase, RUNNING)
        held.offsets = {} if place.here else offsets(folder)
        self._held[key], self._keys[id] = held, key
        place.keys.add(key)
        self._ask_news(place)
        return Adoption.ENDED if phase == ENDED else Adoption.RUNNING

    # ------------------------------------------------------------------ the rest

    def watch(self, fd: int) -> None:
        """Makes `events` return early while `fd` is readable."""
        self._selector.register(fd, selectors.EVENT_READ, "watched")

    def unwatch(self, fd: int) -> None:
        """Forgets a watched descriptor."""
        self._selector.unregister(fd)

    def close(self, *, leave_running: bool) -> None:
        """Lets go: places where something runs stay for the next driver, the others are given back. May be repeated."""
        if self._is_closed:
            return
        self._is_closed = True
        if not self._places.is_gone:
            try:
                if not leave_running:
                    self._end_all()
                self._places.close()
            except (RayLost, UsageError):
                pass  # there is nobody to tell
        if self._nearby is not None:
            self._nearby.close(leave_running=leave_running)
        self._selector.close()
        self._places.shut()

    def _end_all(self) -> None:
        for id in list(self._keys):
            self.stop(id, Outcome.KILLED, "its driver was closed", 0.0, kill=True)
        deadline = time.monotonic() + CLOSE_SECONDS
        while (self._held or self._lost) and time.monotonic() < deadline:
            self.events(deadline - time.monotonic())
