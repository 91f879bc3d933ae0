"""A world in which time passes only when everybody sleeps, and in which one seed decides everything.

An `Actor` is ordinary code on a thread of its own that calls `sleep` where the real one would wait. Only one of them ever
runs: who goes to sleep hands the turn to whoever wakes next, and the clock jumps there. So any two runs of a world are
the same to the last step, a minute of it takes as long as what is done in it, and a stop may be made between any two calls of
code that knows nothing of all this. It knows no machines and no store: those are `hosts.py` and `link.py`.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from random import Random

from luthier.clock import FakeClock

__all__ = ["Actor", "Forever", "Killed", "World"]

STACK_BYTES = 512 * 1024
"""Enough for a drive; a world may have ten thousand of them."""


class Killed(BaseException):
    """An actor's end by kill -9: nothing that it has in memory is used again."""


class Forever(AssertionError):
    """Somebody waits for something that will never happen."""


class Actor:
    """Somebody who acts by himself. `frozen_until` is when he goes on, where he was stopped as by SIGSTOP."""

    def __init__(self, world: World, name: str, body: Callable[[Actor], None]) -> None:
        self.name = name
        self.is_killed = False
        self.frozen_until = 0.0
        self._world = world
        self._body = body
        self._turn = _thread.allocate_lock()
        self._turn.acquire()

    def sleep(self, seconds: float) -> None:
        """Lets the others go on; returns when so much time has passed, or more. **Raises** Killed if he is no more."""
        self._world.wake_at(self._world.time + seconds, self)
        self._world.pass_on(self)
        if self.is_killed:
            raise Killed(self.name)
        if self._world.wakes > self._world.most_wakes:
            raise Forever(
                f"it goes on after {self._world.time:.0f} s of simulated time; {self.name} still waits"
            )

    def give(self) -> None:
        """Gives him the turn."""
        self._turn.release()

    def await_turn(self) -> None:
        """Waits for the turn."""
        self._turn.acquire()

    def run(self) -> None:
        """What his thread does."""
        self.await_turn()
        try:
            if not self.is_killed:
                self._body(self)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 (told by whoever runs the world)
            self._world.fail(self, error)
        self._world.leave(self)


class World:
    """Time, the dice, and what is going to happen. `clock` is the true one, from which all others are told; who has
    not come to an end after `most_wakes` never will."""

    def __init__(self, seed: int, clock: FakeClock, most_wakes: int) -> None:
        self.dice = Random(seed)
        self.clock = clock
        self.time = 0.0
        self.wakes = 0
        self.told: list[tuple[float, str]] = []
        self.most_wakes = most_wakes
        self._agenda: list[tuple[float, int, Actor | Callable[[], None]]] = []
        self._places = count()  # who was entered first comes first: never a matter of how objects compare
        self._actors: dict[Actor, None] = {}
        self._error: BaseException | None = None
        self._over = _thread.allocate_lock()
        self._over.acquire()

    def begin(self, name: str, body: Callable[[Actor], None], after: float = 0.0) -> Actor:
        """Brings somebody in who begins to act some time from now."""
        actor = Actor(self, name, body)
        self._actors[actor] = None
        with _small_stacks():
            _thread.start_new_thread(actor.run, ())
        self.wake_at(self.time + after, actor)
        return actor

    def at(self, seconds: float, happens: Callable[[], None]) -> None:
        """Has something happen some time from now, which takes no time itself."""
        self.wake_at(self.time + seconds, happens)

    def tell(self, what: str) -> None:
        """Keeps a line of what happened, for who wants to see it."""
        self.told.append((self.time, what))

    def run(self) -> None:
        """Lets everything happen. **Raises** what an actor raised; Forever where it does not end."""
        self.pass_on(None)
        self._over.acquire()
        if self._error is not None:
            raise self._error

    # ------------------------------------------------------------------ what actors call

    def wake_at(self, time: float, what: Actor | Callable[[], None]) -> None:
        """Enters something in the agenda."""
        heappush(self._agenda, (time, next(self._places), what))

    def pass_on(self, me: Actor | None) -> None:
        """Hands the turn to whoever is next; returns when it has come back to `me`."""
        following = self._next()
        if following is me and me is not None:
            return
        if following is None:
            self._over.release()
        else:
            following.give()
        if me is not None:
            me.await_turn()

    def leave(self, actor: Actor) -> None:
        """Takes out somebody who has come to his end."""
        del self._actors[actor]
        self.pass_on(None)

    def fail(self, actor: Actor, error: BaseException) -> None:
        """Ends the world for an actor's error: everybody else is killed, so that no thread stays."""
        self._error = self._error or error
        self._agenda.clear()
        for other in self._actors:
            if other is not actor:
                other.is_killed, other.frozen_until = True, 0.0
                self.wake_at(self.time, other)

    def _next(self) -> Actor | None:
        """Lets time pass until somebody wakes; None when nobody ever will."""
        while self._agenda:
            time, _, what = heappop(self._agenda)
            self.clock.advance(max(0.0, time - self.time))
            self.time = max(self.time, time)
            if not isinstance(what, Actor):
                what()
            elif what.frozen_until > self.time:
                self.wake_at(what.frozen_until, what)
            else:
                self.wakes += 1
                return what
        return None


@contextmanager
def _small_stacks() -> Iterator[None]:
    before = threading.stack_size(STACK_BYTES)
    try:
        yield
    finally:
        threading.stack_size(before)
