"""Runs any program on a Ray cluster: the near end, which the drive takes for any other runner.

Each slot is a place that Ray gives on some node (`ray_seat.py`), made when the slot gets its first order and used again,
for it takes Ray seconds to start a process. On the driver's own machine an attempt runs in its own folder, as it would
without Ray; elsewhere in a folder there, and what it writes is brought here as it grows (`ray_files.py`). Where an attempt
runs is written into its folder, so that the next driver finds it. It must not know the store or what a result means.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from luthier.errors import UsageError
from luthier.run import _layout
from luthier.run import adopted as adopting
from luthier.run.command import CommandRunner
from luthier.run.ray_code import Code
from luthier.run.ray_files import News, offsets, take_in, to_take_along
from luthier.run.ray_seat import ENDED, RUNNING, WAITING, Message, Seat, machine
from luthier.run.ray_where import NAMESPACE, Cluster, Needs, RayLost, folder_facts, variables
from luthier.run.runner import Adoption, Ended, Event, Order, Started
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["RayRunner"]

ASK_SECONDS = 8.0
LOOK_SECONDS = 0.2
IDLE_SECONDS = 15.0  # a place without an order for so long is given back
ANSWER_SECONDS = 60.0
CLOSE_SECONDS = 15.0
AGAIN_SECONDS = 1.0
ENDING = "its place on Ray was lost"


@dataclass(eq=False)
class _Place:
    """One seat as the driver knows it. `waiting` are orders that have not been sent: it is not there yet."""

    name: str
    handle: Any
    slot: int
    is_up: bool = False
    here: bool = True
    waiting: list[Order] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    sent: int = 0
    since: float = 0.0


@dataclass(eq=False)
class _Held:
    """An attempt whose end has not been told."""

    id: AttemptId
    key: str
    folder: str
    place: _Place
    phase: int = WAITING
    offsets: dict[str, int] = field(default_factory=dict)
    told_to_stop: bool = False


class RayRunner:
    """A `Runner` of programs on Ray. `root` is the store's folder, `environment` what every program inherits on this machine;
    `code` gives the code for other machines. **Raises** UsageError where no node can ever give what an attempt `needs`."""

    def __init__(
        self,
        cluster: Cluster,
        root: str | Path,
        environment: Mapping[str, str],
        needs: Needs,
        code: Callable[[], Code] | None = None,
    ) -> None:
        self._cluster, self._root, self._needs = cluster, str(root), needs
        self._variables = variables(cluster.address)
        self._environment = {**environment, **self._variables}
        self._code, self._packed = code, None
        self._driver = secrets.token_hex(8)
        self._arrived: deque[tuple[_Place, str, Future[Any]]] = deque()
        self._again: list[tuple[float, _Place]] = []
        self._told: deque[Event] = deque()
        self._held: dict[str, _Held] = {}
        self._keys: dict[AttemptId, str] = {}
        self._slots: dict[int, _Place] = {}
        self._places: dict[str, _Place] = {}
        self._lost: dict[AttemptId, str] = {}  # whose guardians end them, for their places are gone
        self._refs: deque[Any] = deque(maxlen=64)  # to let go of one waits for an answer
        self._nearby: CommandRunner | None = None
        self._is_gone = False
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = os.pipe()
        for fd in (self._wake, self._waker):
            os.set_blocking(fd, False)
        self._selector.register(self._wake, selectors.EVENT_READ, "wake")

    # ------------------------------------------------------------------ orders

    def start(self, order: Order) -> None:
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
            self._send(held.place, ("stop", held.key, str(outcome), reason, float(grace_seconds), kill))

    def withdraw(self, id: AttemptId, reason: str) -> None:
        """Takes an order back if it has not begun."""
        held = self._held.get(self._keys.get(id, ""))
        if held is not None and not self._take_back(held, Result(Outcome.INTERRUPTED, reason)):
            self._send(held.place, ("withdraw", held.key, reason))

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

    def _open(self, slot: int) -> _Place:
        name = f"luthier-{secrets.token_hex(8)}"
        with _Reaching(self):
            made = self._cluster.ray.remote(Seat).options(
                name=name, namespace=NAMESPACE, lifetime="detached", max_restarts=0, **self._needs.options()
            )
            place = _Place(name, made.remote(), slot)
        self._slots[slot] = self._places[name] = place
        self._ask(place, "hello", self._root, *folder_facts(self._root), machine())
        return place

    def _ask(self, place: _Place, what: str, *words: Any) -> None:
        """Calls a place; the answer arrives in `events`."""

        def arrived(future: Future[Any]) -> None:
            self._arrived.append((place, what, future))
            try:
                os.write(self._waker, b".")
            except OSError:
                pass  # it is full, so it wakes; or closed, so nobody waits

        with _Reaching(self):
            getattr(place.handle, what).remote(*words).future().add_done_callback(arrived)

    def _send(self, place: _Place, *messages: Message) -> None:
        with _Reaching(self):
            self._refs.append(place.handle.do.remote(self._driver, place.sent, messages))
            place.sent += 1

    def _send_order(self, place: _Place, order: Order) -> None:
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
        env = {**self._variables, **order.env}
        words = {**order._asdict(), "id": tuple(order.id), "limits": astuple(order.limits), "env": env}
        self._send(place, ("start", order.key, words, files))

    def _ask_news(self, place: _Place) -> None:
        known = {key: (self._held[key].phase, self._held[key].offsets) for key in place.keys}
        self._ask(place, "news", self._driver, known, ASK_SECONDS)

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
            if key.data == "wake":
                os.read(self._wake, 4096)
            else:
                watched = True
        self._take_arrived()
        self._look_around()
        return watched

    def _take_arrived(self) -> None:
        while self._arrived:
            place, what, future = self._arrived.popleft()
            if place.name not in self._places:
                continue
            error = future.exception()
            if error is not None:
                self._failed(place, error)
            elif what == "hello":
                self._greeted(place, future.result())
            elif what == "furnish":
                self._furnished(place, future.result())
            else:
                self._learn(place, future.result())

    def _greeted(self, place: _Place, facts: Mapping[str, Any]) -> None:
        from luthier import __version__

        if facts["version"] != __version__:
            raise UsageError(
                f"the node {facts['host']} of the Ray cluster has Luthier {facts['version']}, this is {__version__}; "
                "install the same version on every node"
            )
        place.here = facts["here"]
        code = None
        if not place.here and self._code is not None:
            if self._packed is None:
                self._packed = self._cluster.ray.put(self._code())
            code = self._packed
        threads = max(1, int(self._needs.cpus))
        self._ask(place, "furnish", self._environment if place.here else None, threads, code)

    def _furnished(self, place: _Place, why_not: str) -> None:
        if why_not:
            raise UsageError(f"{why_not}; free some space there, or take that node out of the cluster")
        place.is_up = True
        place.since = time.monotonic()
        orders, place.waiting = place.waiting, []
        for order in orders:
            self._send_order(place, order)
        self._ask_news(place)

    def _learn(self, place: _Place, news: Mapping[str, News]) -> None:
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
        if held.phase == WAITING and new.began is not None:
            self._told.append(Started(held.id, new.began, new.pid))
            held.phase = RUNNING
        if new.phase == ENDED and new.end is not None and not new.more:
            ended = _ended(held, new.end, new.left)
            if not held.place.here:
                _write_outcome(ended, new.pid)
            self._release(held)
            self._told.append(ended)
            self._send(held.place, ("taken", held.key))

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
        for place in list(self._slots.values()):
            if place.is_up and not place.keys and now - place.since > IDLE_SECONDS:
                self._give_back(place)

    def _pass_on(self, held: _Held) -> None:
        """Carries the word that an attempt is to end early to where it runs."""
        if _layout.ASKS in held.offsets:
            try:
                reason = Path(held.folder, _layout.SHOULD_STOP).read_text(encoding="utf-8").strip()
            except OSError:
                return
            held.told_to_stop = True
            self._send(held.place, ("tell", held.key, reason))

    def _give_back(self, place: _Place) -> None:
        self._forget(place)
        with _Reaching(self):
            self._refs.append(place.handle.leave.remote())

    def _forget(self, place: _Place) -> None:
        self._places.pop(place.name, None)
        if self._slots.get(place.slot) is place:
            del self._slots[place.slot]

    # ------------------------------------------------------------------ what is lost

    def _failed(self, place: _Place, error: BaseException) -> None:
        """A place did not answer: it is gone, or only out of reach for a moment, or all of Ray is."""
        errors = self._cluster.ray.exceptions
        if isinstance(error, errors.ActorUnavailableError):
            self._again.append((time.monotonic() + AGAIN_SECONDS, place))
            return
        if not isinstance(error, errors.RayActorError):
            if isinstance(error, errors.RayTaskError):
                raise error  # the seat has a fault
            self._is_gone = True
            raise _gone(self._cluster.address, error)
        if "luthier" in str(error) and "ModuleNotFoundError" in str(error):
            raise UsageError(
                f"a node of the Ray cluster at {self._cluster.address} has no Luthier: install the same version on every node"
            )
        reason = f"{ENDING}: {_first_sentence(str(error))}"
        self._forget(place)
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
        phase, place = self._seek(mark, key)
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

    def _seek(self, mark: Mapping[str, Any], key: str) -> tuple[int, _Place | None]:
        """The phase of an attempt and its place; none where that is gone."""
        ray = self._cluster.ray
        place = self._places.get(mark["seat"])
        with _Reaching(self):
            try:
                if place is None:
                    handle = ray.get_actor(mark["seat"], namespace=NAMESPACE)
                    place = _Place(mark["seat"], handle, -1, is_up=True, here=mark["here"])
                phase = ray.get(place.handle.adopt.remote(self._driver, key), timeout=ANSWER_SECONDS)
            except (ValueError, ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError):
                return -1, None
        self._places[place.name] = place
        return phase, place

    # ------------------------------------------------------------------ the rest

    def watch(self, fd: int) -> None:
        """Makes `events` return early while `fd` is readable."""
        self._selector.register(fd, selectors.EVENT_READ, "watched")

    def unwatch(self, fd: int) -> None:
        """Forgets a watched descriptor."""
        self._selector.unregister(fd)

    def close(self, *, leave_running: bool) -> None:
        """Lets go: places where something runs stay for the next driver, the others are given back. May be repeated."""
        if self._waker < 0:
            return
        if not self._is_gone:
            try:
                if not leave_running:
                    self._end_all()
                self._let_go()
            except (RayLost, UsageError):
                pass  # there is nobody to tell
        if self._nearby is not None:
            self._nearby.close(leave_running=leave_running)
        self._selector.close()
        os.close(self._wake)
        waker, self._waker = self._waker, -1
        os.close(waker)

    def _end_all(self) -> None:
        for id in list(self._keys):
            self.stop(id, Outcome.KILLED, "its driver was closed", 0.0, kill=True)
        deadline = time.monotonic() + CLOSE_SECONDS
        while (self._held or self._lost) and time.monotonic() < deadline:
            self.events(deadline - time.monotonic())

    def _let_go(self) -> None:
        ray, leaving = self._cluster.ray, []
        with _Reaching(self):
            for place in self._places.values():
                if not place.is_up:
                    ray.kill(place.handle)
                elif not place.keys:
                    leaving.append(place.handle.leave.remote())
            if leaving:
                ray.wait(leaving, num_returns=len(leaving), timeout=CLOSE_SECONDS)
        self._places.clear()
        self._slots.clear()


class _Reaching:
    """Turns the errors of a Ray that is out of reach into one that says so."""

    def __init__(self, runner: RayRunner) -> None:
        self._runner = runner

    def __enter__(self) -> None:
        if self._runner._is_gone:
            raise _gone(self._runner._cluster.address, None)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ConnectionError | RuntimeError) and not isinstance(error, NotImplementedError):
            self._runner._is_gone = True
            raise _gone(self._runner._cluster.address, error) from error


def _gone(address: str, error: BaseException | None) -> RayLost:
    why = f" ({_first_sentence(str(error))})" if error is not None and str(error) else ""
    return RayLost(
        f"the Ray cluster at {address} can't be reached any more{why}; nothing that was recorded is lost. When it is back, "
        "type the same command again: trials that still run there are taken up, the others run again"
    )


def _first_sentence(text: str) -> str:
    """The line of Ray's message that says what happened, without the advice after it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = next(
        (line for line in lines if "because" in line or "node" in line.lower()),
        lines[0] if lines else "no reason given",
    )
    return told.split(" Worker exit type")[0].split(" Some common causes")[0].rstrip(". ")[:300]


def _ended(held: _Held, end: tuple[Any, ...], left: str) -> Ended:
    outcome, reason, exit_code, number, seconds, peak, cpu, began, ended = end
    said = f"{reason}; {left}" if left else reason
    result = Result(Outcome(outcome), said, None, exit_code, number, seconds, peak, cpu)
    return Ended(held.id, result, held.folder, began, ended)


def _write_outcome(event: Ended, pid: int) -> None:
    """Leaves the end in the folder, as the guardian does here, before its place forgets it."""
    r = event.result
    content: dict[str, Any] = {
        "outcome": str(r.outcome),
        "reason": r.reason,
        "exit_code": r.exit_code,
        "signal": r.signal,
    }
    content |= {"seconds": r.seconds, "cpu_seconds": r.cpu_seconds, "peak_bytes": r.peak_bytes}
    content |= {"began": event.began, "ended": event.ended, "pid": pid}
    path = Path(event.folder, _layout.OUTCOME)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content) + "\n", encoding="utf-8")
    new.replace(path)
