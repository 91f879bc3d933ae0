"""Runs a Python function: warm worker processes, one a slot, that call it trial after trial.

Each worker is a program like any other (`CommandRunner`): it has a guardian that ends it with everything it started,
knows its limits and outlives nothing. What happens to a call when its worker dies is decided here: the call it was in
has ended as the worker did, those after it go to a fresh worker, and those before it whose answer was lost run again.
The work is pickled by the caller and unpickled by our own children only. It must not know the store or what a result
means.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import deque
from pathlib import Path
from typing import Any

from luthier.errors import UsageError
from luthier.run._links import Link
from luthier.run._reception import Reception
from luthier.run.calls import (
    DOOR,
    GRACE_SECONDS,
    LATER,
    WORK,
    Call,
    CallingWorker,
    Heed,
    Over,
    Program,
    ReportedPoint,
    Together,
    furnish,
)
from luthier.run.command import CommandRunner
from luthier.run.rooms import Room
from luthier.run.runner import Adoption, Ended, Event
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["FunctionRunner"]

CLOSE_SECONDS = 5.0


class FunctionRunner:
    """A `Runner` of calls. `payload` is the pickled work, `commands` runs the workers and is closed by its owner; they are
    processes of this `program`, or of the one that is given. Where `heed` is set before the first call, a call that reports
    waits for what it says."""

    def __init__(self, payload: bytes, commands: CommandRunner, program: Program | None = None) -> None:
        self._commands = commands
        self._program = program
        self._room = Room()
        furnish(Path(self._room.name), payload, program or Program.own())
        self._reception = Reception(f"{self._room.name}/{DOOR}")
        commands.watch(self._reception.fileno())
        self._workers: dict[int, CallingWorker] = {}
        self._by_id: dict[AttemptId, CallingWorker] = {}
        self._places: dict[AttemptId, tuple[CallingWorker, int]] = {}
        self._callers: dict[Link, CallingWorker] = {}
        self._events: deque[Event] = deque()
        self._over: list[Over] = []
        self._points: dict[AttemptId, list[ReportedPoint]] = {}
        self.heed: Heed | None = None
        self._is_loaded = False
        self._numbers = 0
        self._made = 0

    # ------------------------------------------------------------------ the verbs of a runner

    def start(self, order: Call | Together) -> None:
        """Hands a call, or many, to the worker of its slot."""
        worker = self._workers.get(order.slot) or self._open(order)
        self._give(worker, order)

    def stop(
        self, id: AttemptId, outcome: Outcome, reason: str, grace_seconds: float, *, kill: bool = False
    ) -> None:
        """Ends a call: one that runs with its worker, which is replaced; one that waits never begins."""
        place = self._places.get(id)
        if place is None:
            return
        worker, number = place
        current = worker.current()[0]
        # One that was sent and is the next may begin this very moment, or its worker is still loading.
        is_next = current not in worker.calls and number == min(worker.calls)
        if number not in worker.unsent and (current == number or is_next):
            worker.asked = (number, outcome, reason)
            self._commands.stop(worker.id, outcome, reason, grace_seconds, kill=kill)
        else:
            self._take_back(worker, number, Result(outcome, reason))

    def withdraw(self, id: AttemptId, reason: str) -> None:
        """Takes a call back if it has not begun."""
        place = self._places.get(id)
        if place is not None:
            self._take_back(*place, Result(Outcome.INTERRUPTED, reason))

    def over(self, timeout_seconds: float) -> list[Over]:
        """Waits for many calls to end together, where nothing else is under way."""
        self.events(0.0 if self._over else timeout_seconds)
        over, self._over = self._over, []
        return over

    def reported(self, id: AttemptId) -> list[ReportedPoint]:
        """What a call has reported since this was last asked."""
        return self._points.pop(id, [])

    def events(self, timeout_seconds: float | None) -> list[Event]:
        """Waits for calls to end."""
        until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        for worker in list(self._workers.values()):
            self._send(worker)
        self._look()
        while not self._events and not self._over:
            left = None if until is None else max(0.0, until - time.monotonic())
            waits = [seconds for seconds in (left, self._deadline()) if seconds is not None]
            heard = self._commands.events(min(waits, default=None))
            for event in heard:
                if isinstance(event, Ended):
                    self._worker_ended(event)
            is_ours = self._look() | self._enforce_limits()
            if not heard and not is_ours:
                break  # it is time, or a descriptor of the caller's is readable
        events = list(self._events)
        self._events.clear()
        return events

    def adopt(self, id: AttemptId, key: str, folder: str) -> Adoption:
        """A call dies with its driver: there is nothing to take over."""
        return Adoption.NEVER_BEGAN

    def watch(self, fd: int) -> None:
        """Makes `events` return early while `fd` is readable."""
        self._commands.watch(fd)

    def unwatch(self, fd: int) -> None:
        """Forgets a watched descriptor."""
        self._commands.unwatch(fd)

    def close(self, *, leave_running: bool) -> None:
        """Lets go of the workers, which end: at once, or with their guardians' grace. May be repeated."""
        for worker in list(self._by_id.values()):
            if not leave_running:
                self._commands.stop(worker.id, Outcome.KILLED, "its driver was closed", 0.0, kill=True)
            self._hang_up(worker)
        until = time.monotonic() + CLOSE_SECONDS
        while self._by_id and not leave_running and time.monotonic() < until:
            for event in self._commands.events(CLOSE_SECONDS):
                if isinstance(event, Ended):  # its folder is in ours, which is removed below
                    self._by_id.pop(event.id, None)
        self._by_id.clear()
        self._workers.clear()
        for link in self._callers:
            link.close()
        self._callers.clear()
        if self._reception.is_open:
            self._commands.unwatch(self._reception.fileno())
            self._reception.close()
            self._room.cleanup()

    # ------------------------------------------------------------------ workers

    def _open(self, order: Call | Together) -> CallingWorker:
        self._made += 1
        slot = order.slot
        id = AttemptId(0, slot, self._made)
        room = Path(self._room.name)
        folder = room / f"worker-{self._made}"
        folder.mkdir(mode=0o700)
        worker = CallingWorker(slot, id, secrets.token_hex(16), folder / "note", folder)
        self._commands.start(
            worker.order(order, room, self._program.folder if self._program else os.getcwd())
        )
        self._workers[slot] = self._by_id[id] = worker
        return worker

    def _give(self, worker: CallingWorker, call: Call | Together) -> None:
        self._numbers += 1
        worker.calls[self._numbers] = call
        worker.unsent.append(self._numbers)
        self._places[call.id] = (worker, self._numbers)

    def _send(self, worker: CallingWorker) -> None:
        """Sends what its worker was not sent yet, in one piece."""
        if worker.link is None or not worker.unsent:
            return
        calls: list[tuple[Any, ...]] = []
        for number in worker.unsent:
            call = worker.calls[number]
            if isinstance(call, Together):
                calls.append((number, call.what))
                continue
            name = f"{call.id.experiment}.{call.id.trial}"
            calls.append((number, name, dict(call.values), call.seed, call.folder, call.eager))
        worker.unsent.clear()
        worker.link.send(("calls", calls))

    def _take_back(self, worker: CallingWorker, number: int, result: Result) -> None:
        if number in worker.unsent:
            worker.unsent.remove(number)
            self._conclude(worker, number, result)
        elif number not in worker.taken_back:
            worker.taken_back[number] = result
            if worker.link is not None:
                worker.link.send(("drop", [number]))

    # ------------------------------------------------------------------ hearing

    def _look(self) -> bool:
        """Reads what has arrived from the workers and sends on what was kept; whether there was anything."""
        heard = self._reception.look()
        for link, token in heard.came:
            self._greet(link, token)
        for link in heard.speaking:
            self._hear(link)
        return heard.is_anything

    def _greet(self, link: Link, token: str) -> None:
        """Hands the work to who has come; only to who knows a token of ours."""
        asked = token.encode()
        known = (w for w in self._by_id.values() if secrets.compare_digest(w.token.encode(), asked))
        worker = next(known, None)
        if worker is None:
            link.close()
            return
        worker.link, self._callers[link] = link, worker
        link.send(("work", f"{self._room.name}/{WORK}", self.heed is not None))
        self._send(worker)

    def _hear(self, link: Link) -> None:
        worker = self._callers[link]
        for message in link.receive():
            match message:
                case ("ended", results):
                    worker.is_heard = self._is_loaded = True
                    for result in results:
                        self._answered(worker, *result)
                case ("stretched", number, *columns):
                    worker.is_heard = self._is_loaded = True
                    call = worker.calls.pop(number)
                    self._places.pop(call.id, None)
                    self._over.append(Over(call.id, tuple(columns)))
                case ("points", number, points):
                    self._reported(worker, link, number, points)
                case ("broken", why) if not self._is_loaded:
                    raise UsageError(
                        f"the function could not be loaded in a worker process: {why}; "
                        "define it in a module that can be imported, or run it in this process with workers=0"
                    )
        if link.lost:
            self._hang_up(worker)

    def _reported(self, worker: CallingWorker, link: Link, number: int, points: list[ReportedPoint]) -> None:
        """Keeps what a call reported; where it waits for an answer, it gets one."""
        call = worker.calls.get(number)
        if call is not None:
            self._points.setdefault(call.id, []).extend(points)
        if self.heed is not None and not link.lost:
            reason = None if call is None or number in worker.taken_back else self.heed(call.id)
            if reason is not LATER:
                link.send(("answer", number, reason or ""))

    def answer(self, id: AttemptId, reason: str) -> None:
        """Answers a call that has reported and was told LATER."""
        worker, number = self._places.get(id, (None, 0))
        if worker is not None and worker.link is not None:
            worker.link.send(("answer", number, reason))

    def _answered(
        self,
        worker: CallingWorker,
        number: int,
        status: str,
        reason: str,
        value: float | None,
        seconds: float,
        used: float,
        began: float,
        peak: int | None,
    ) -> None:
        if number not in worker.calls:
            return
        if status == "dropped":
            self._conclude(worker, number, worker.taken_back[number])
            return
        call = worker.calls.pop(number)
        assert isinstance(call, Call), "many calls answer with columns"
        self._places.pop(call.id, None)
        result = Result(Outcome(status), reason, value, None, None, seconds, peak, used)
        self._events.append(Ended(call.id, result, call.folder, began, began + seconds))

    def _conclude(
        self, worker: CallingWorker, number: int, result: Result, began: float | None = None
    ) -> None:
        call = worker.calls.pop(number)
        self._places.pop(call.id, None)
        if isinstance(call, Together):
            self._over.append(Over(call.id, (), worker.current()[2], result))
            return
        ended = None if began is None else time.time()
        self._events.append(Ended(call.id, result, call.folder, began, ended))

    # ------------------------------------------------------------------ ends

    def _worker_ended(self, event: Ended) -> None:
        """A worker's process is gone, and everything it had started."""
        worker = self._by_id.pop(event.id, None)
        if worker is None:
            return
        until = time.monotonic() + CLOSE_SECONDS
        while worker.link is not None and time.monotonic() < until:  # what it said last comes first
            worker.link.wait(1.0)
            self._hear(worker.link)
        self._hang_up(worker)
        if self._workers.get(worker.slot) is worker:
            del self._workers[worker.slot]
        current, since, _ = worker.current()
        left = sorted(worker.calls)
        for number in left:
            if worker.asked is not None and worker.asked[0] == number:
                began = time.time() - (time.monotonic() - since) if number == current else None
                self._conclude(worker, number, worker.blamed(event.result, number, since), began)
            elif number in worker.taken_back and number != current:
                self._conclude(worker, number, worker.taken_back[number])
            elif number in worker.unsent or number > current:
                continue
            elif number < current:
                lost = "its answer was lost when a later call ended the worker"
                self._conclude(worker, number, Result(Outcome.INTERRUPTED, lost))
            else:
                began = time.time() - (time.monotonic() - since)
                self._conclude(worker, number, worker.blamed(event.result, number, since), began)
        waiting = [worker.calls.pop(number) for number in sorted(worker.calls)]
        if waiting and not worker.is_heard and not current and worker.asked is None:
            first = waiting.pop(0)  # it never began a call: something before it ends every worker
            reason = f"the worker process ended before it could call the function: {event.result.reason}"
            self._give(worker, first)
            memory = event.result.outcome is Outcome.OUT_OF_MEMORY
            outcome = Outcome.OUT_OF_MEMORY if memory else Outcome.FAILED
            self._conclude(worker, self._numbers, event.result._replace(outcome=outcome, reason=reason))
        for call in waiting:
            self.start(call)

    def _hang_up(self, worker: CallingWorker) -> None:
        if worker.link is not None:
            del self._callers[worker.link]
            worker.link.close()
            worker.link = None

    # ------------------------------------------------------------------ limits

    def _timed(self) -> list[tuple[CallingWorker, int, float]]:
        """The running calls that have a time limit, with the seconds they have left."""
        timed = ((worker, worker.timed()) for worker in self._workers.values())
        return [(worker, *left) for worker, left in timed if left is not None]

    def _deadline(self) -> float | None:
        left = [seconds for _, _, seconds in self._timed()]
        return max(0.0, min(left)) if left else None

    def _enforce_limits(self) -> bool:
        """Ends the calls that ran for too long; whether there were any."""
        ended = False
        for worker in self._workers.values():
            number = worker.current()[0] if worker.taken_back and worker.asked is None else 0
            result = worker.taken_back.get(number) if number in worker.calls else None
            if result is not None and result.outcome is not Outcome.INTERRUPTED:  # it began before it heard
                self._end(worker, number, result.outcome, result.reason, GRACE_SECONDS)
                ended = True
        for worker, number, left in self._timed():
            if left <= 0:
                call = worker.calls[number]
                reason = f"it ran longer than its limit of {call.limits.timeout_seconds:g} s"
                self._end(
                    worker, number, Outcome.TIMED_OUT, reason, min(call.limits.grace_seconds, GRACE_SECONDS)
                )
                ended = True
        return ended

    def _end(self, worker: CallingWorker, number: int, outcome: Outcome, reason: str, grace: float) -> None:
        """Ends a worker for the sake of the call it is in."""
        worker.asked = (number, outcome, reason)
        self._commands.stop(worker.id, outcome, reason, grace)
