"""A machine that is made of paper: attempts that never run, and a script that says how each would end.

For tests of the drive and for simulation; instant and deterministic. A `Machine` outlives its drivers, as processes
do: what a driver left running on it is adopted by the next `FakeRunner`. Time passes only when nothing else happens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from luthier.clock import FakeClock
from luthier.run.runner import Adoption, Ended, Event, Order, Started
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["FakeRunner", "Machine", "Script"]

Script = Callable[[Order], Result | None]
"""How an attempt ends, None for one that goes on until it is asked to end. It may write into the attempt's folder,
and is asked again each time something might have happened."""

MOST_IDLE_TURNS = 2000
"""A driver that waits longer than this for nothing waits for ever."""


class Machine:
    """What lives when drivers die. `begun` are all attempts whose program was ever started, in order."""

    def __init__(self, script: Script, clock: FakeClock | None = None) -> None:
        self.script = script
        self.clock = clock or FakeClock()
        self.begun: list[AttemptId] = []
        self.running: dict[AttemptId, Order] = {}
        self.ended: dict[AttemptId, Ended] = {}

    def begin(self, order: Order) -> Started:
        """Starts the program of an order."""
        self.begun.append(order.id)
        self.running[order.id] = order
        return Started(order.id, self.clock.now(), len(self.begun))

    def tend(self, id: AttemptId) -> Ended | None:
        """Lets an attempt go on; its end, if this is it."""
        result = self.script(self.running[id])
        return None if result is None else self.end(id, result)

    def end(self, id: AttemptId, result: Result) -> Ended:
        """Ends an attempt."""
        order, now = self.running.pop(id), self.clock.now()
        self.ended[id] = Ended(id, result, order.folder, now - (result.seconds or 0.0), now)
        return self.ended[id]


class FakeRunner:
    """A `Runner` on a machine of paper. Dropping it without a word is what a killed driver does."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._slots: dict[int, deque[Order]] = {}
        self._adopted: list[AttemptId] = []
        self._events: list[Event] = []
        self._idle = 0

    def start(self, order: Order) -> None:
        """Begins an attempt, or lets it wait behind the others of its slot."""
        orders = self._slots.setdefault(order.slot, deque())
        orders.append(order)
        if len(orders) == 1:
            self._events.append(self.machine.begin(order))

    def stop(
        self, id: AttemptId, outcome: Outcome, reason: str, grace_seconds: float, *, kill: bool = False
    ) -> None:
        """Ends an attempt at once."""
        if id in self.machine.running:
            self._over(self.machine.end(id, Result(outcome, reason)))
        else:
            self._withdraw(id, outcome, reason)

    def withdraw(self, id: AttemptId, reason: str) -> None:
        """Takes back an order that has not begun."""
        if id not in self.machine.running:
            self._withdraw(id, Outcome.INTERRUPTED, reason)

    def _withdraw(self, id: AttemptId, outcome: Outcome, reason: str) -> None:
        for orders in self._slots.values():
            for order in list(orders):
                if order.id == id:
                    orders.remove(order)
                    self._events.append(Ended(id, Result(outcome, reason), order.folder))

    def _over(self, ended: Ended) -> None:
        self._events.append(ended)
        if ended.id in self._adopted:
            self._adopted.remove(ended.id)
        for orders in self._slots.values():
            if orders and orders[0].id == ended.id:
                orders.popleft()
                if orders:
                    self._events.append(self.machine.begin(orders[0]))

    def events(self, timeout_seconds: float | None) -> list[Event]:
        """Lets each running attempt go on once; when none has ended, the time-out passes."""
        heads = [orders[0].id for orders in self._slots.values() if orders]
        for id in [*heads, *self._adopted]:
            if id in self.machine.running and (ended := self.machine.tend(id)) is not None:
                self._over(ended)
        events, self._events = self._events, []
        self._idle = 0 if events else self._idle + 1
        assert self._idle < MOST_IDLE_TURNS, "the drive waits for something that will never happen"
        if not events:
            self.machine.clock.advance(timeout_seconds or 0.0)
        return events

    def adopt(self, id: AttemptId, key: str, folder: str) -> Adoption:
        """Takes over what another runner began on this machine."""
        if id in self.machine.running:
            self._adopted.append(id)
            return Adoption.RUNNING
        if id in self.machine.ended:
            self._events.append(self.machine.ended[id])
            return Adoption.ENDED
        return Adoption.NEVER_BEGAN

    def watch(self, fd: int) -> None:
        """Nothing is watched: a driver in a test is told by its script."""

    def unwatch(self, fd: int) -> None:
        """Nothing is watched."""

    def close(self, *, leave_running: bool) -> None:
        """Lets go of everything; with `leave_running=False` after killing it."""
        for id in [] if leave_running else list(self.machine.running):
            self.machine.end(id, Result(Outcome.KILLED, "its driver was closed"))
        self._slots.clear()
        self._adopted.clear()
