"""The places a driver has on Ray, and the calls to them: what is asked is answered later, in `answers`.

Answers arrive in a thread of Ray's; a descriptor tells when there are any. A call that can't be made because all of Ray is
out of reach raises RayLost. What is said to a place, and what its answers mean, is the runner's.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from luthier.errors import UsageError
from luthier.run.ray_endings import gone
from luthier.run.ray_seat import Message, Seat
from luthier.run.ray_where import NAMESPACE, Cluster, Needs
from luthier.run.runner import Order

__all__ = ["Answer", "Place", "Places", "no_luthier"]

ANSWER_SECONDS = 60.0
LEAVE_SECONDS = 15.0


@dataclass(eq=False)
class Place:
    """One seat as the driver knows it, `asked` for at some time. `waiting` are orders that have not been sent: it is not there
    yet. `keys` are those of the attempts it has; it has had none `since`."""

    name: str
    handle: Any
    slot: int
    is_up: bool = False
    here: bool = True
    waiting: list[Order] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    sent: int = 0
    since: float = 0.0
    asked: float = field(default_factory=time.monotonic)


Answer = tuple[Place, str, Future[Any]]


class Places:
    """The places of one driver, by name. They `outlive` it or Ray ends them with it."""

    def __init__(self, cluster: Cluster, needs: Needs, *, outlive: bool = True) -> None:
        self.cluster = cluster
        self._lifetime = "detached" if outlive else None
        self.driver = secrets.token_hex(8)
        self.is_gone = False
        self._needs = needs
        self._known: dict[str, Place] = {}
        self._arrived: deque[Answer] = deque()
        self._refs: deque[Any] = deque(maxlen=64)  # to let go of one waits for an answer
        self._wake, self._waker = os.pipe()
        for fd in (self._wake, self._waker):
            os.set_blocking(fd, False)

    def fileno(self) -> int:
        """Readable when there are answers."""
        return self._wake

    def answers(self) -> Iterator[Answer]:
        """What has arrived, from places that are still known."""
        try:
            os.read(self._wake, 4096)
        except BlockingIOError:
            pass
        while self._arrived:
            answer = self._arrived.popleft()
            if answer[0].name in self._known:
                yield answer

    def make(self, slot: int) -> Place:
        """Asks Ray for a place; it is there when it answers."""
        name = f"luthier-{secrets.token_hex(8)}"
        with self._reaching():
            seat = self.cluster.ray.remote(Seat).options(
                name=name,
                namespace=NAMESPACE,
                lifetime=self._lifetime,
                max_restarts=0,
                **self._needs.options(),
            )
            place = self._known[name] = Place(name, seat.remote(), slot)
        return place

    def seek(self, name: str, here: bool, key: str) -> tuple[int, Place | None]:
        """The phase of an attempt that another driver sent to a place, and that place; none where it is gone."""
        ray, place = self.cluster.ray, self._known.get(name)
        with self._reaching():
            try:
                if place is None:
                    handle = ray.get_actor(name, namespace=NAMESPACE)
                    place = Place(name, handle, -1, is_up=True, here=here)
                phase = ray.get(place.handle.adopt.remote(self.driver, key), timeout=ANSWER_SECONDS)
            except (ValueError, ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError):
                return -1, None
        self._known[name] = place
        return phase, place

    def end(self, name: str) -> None:
        """Ends a place that another driver had, with all that runs there."""
        ray = self.cluster.ray
        with self._reaching():
            try:
                ray.kill(ray.get_actor(name, namespace=NAMESPACE))
            except (ValueError, ray.exceptions.RayActorError):
                pass  # it is gone

    def ask(self, place: Place, what: str, *words: Any) -> None:
        """Calls a place; the answer comes with `answers`."""

        def arrived(future: Future[Any]) -> None:
            self._arrived.append((place, what, future))
            try:
                os.write(self._waker, b".")
            except OSError:
                pass  # it is full, so it wakes; or closed, so nobody waits

        with self._reaching():
            getattr(place.handle, what).remote(*words).future().add_done_callback(arrived)

    def say(self, place: Place, *messages: Message) -> None:
        """Says something to a place, after all that was said before; no answer comes."""
        with self._reaching():
            self._refs.append(place.handle.do.remote(self.driver, place.sent, messages))
            place.sent += 1

    def idle(self, since: float) -> list[Place]:
        """The places that are there and have had nothing to do `since`."""
        return [one for one in self._known.values() if one.is_up and not one.keys and one.since < since]

    def waits_since(self) -> float | None:
        """When the place was asked for for which orders wait longest; None where none do."""
        return min((one.asked for one in self._known.values() if one.waiting), default=None)

    def lack(self) -> str:
        """Why no node can give a place, now; empty where one can."""
        with self._reaching():
            try:
                return self.cluster.lack(self._needs)
            except Exception as error:  # gRPC's own, or a ValueError of its closed channel
                raise ConnectionError(str(error)) from error

    def give_back(self, place: Place) -> None:
        """Lets a place go that is not needed any more."""
        self.forget(place)
        with self._reaching():
            self._refs.append(place.handle.leave.remote())

    def forget(self, place: Place) -> None:
        """Takes a place as gone."""
        self._known.pop(place.name, None)

    def close(self) -> None:
        """Gives back every place where nothing runs; the others stay for the next driver, or end."""
        ray, leaving = self.cluster.ray, []
        with self._reaching():
            for place in self._known.values():
                if not place.is_up or (place.keys and self._lifetime is None):
                    ray.kill(place.handle)
                elif not place.keys:
                    leaving.append(place.handle.leave.remote())
            if leaving:
                ray.wait(leaving, num_returns=len(leaving), timeout=LEAVE_SECONDS)

    def shut(self) -> None:
        """Closes the descriptors. Answers that come later are lost."""
        self._known.clear()
        os.close(self._wake)
        waker, self._waker = self._waker, -1
        os.close(waker)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Turns the errors of a Ray that is out of reach into one that says so."""
        address = self.cluster.address
        if self.is_gone:
            raise gone(address, None)
        try:
            yield
        except ModuleNotFoundError as error:
            raise UsageError(no_luthier(address)) from error
        except (ConnectionError, RuntimeError) as error:
            self.is_gone = True
            raise gone(address, error) from error


def no_luthier(address: str) -> str:
    """Says that a node lacks Luthier."""
    return f"a node of the Ray cluster at {address} has no Luthier: install the same version on every node, the head too"
