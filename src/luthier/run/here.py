"""Calls a Python function in this very process, one call at a time: for programs whose function changes their own state.

Nothing is guarded here: a function that ends the process ends the search, and no limit on time or memory can be kept.
Ctrl-C during a call is the call's: it ends as interrupted, and those after it are not begun.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from luthier.run.calls import Call, Heed, ReportedPoint
from luthier.run.runner import Adoption, Ended, Event
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["HereRunner"]

TOGETHER_SECONDS = 0.005
"""Short calls are made for so long before their ends are told."""


class HereRunner:
    """A `Runner` of calls without workers. `work` is what each call calls."""

    def __init__(self, work: Callable[..., tuple[str, str, float | None]]) -> None:
        self._work = work
        self._calls: deque[Call] = deque()
        self._ended: deque[Event] = deque()
        self._points: dict[AttemptId, list[ReportedPoint]] = {}
        self.heed: Heed | None = None

    def start(self, order: Call) -> None:
        """Keeps a call for `events`."""
        self._calls.append(order)

    def stop(
        self, id: AttemptId, outcome: Outcome, reason: str, grace_seconds: float, *, kill: bool = False
    ) -> None:
        """Ends a call that has not begun; none is running while anybody could ask."""
        self._take_back(id, Result(outcome, reason))

    def withdraw(self, id: AttemptId, reason: str) -> None:
        """Takes a call back."""
        self._take_back(id, Result(Outcome.INTERRUPTED, reason))

    def reported(self, id: AttemptId) -> list[ReportedPoint]:
        """What a call has reported since this was last asked."""
        return self._points.pop(id, [])

    def events(self, timeout_seconds: float | None) -> list[Event]:
        """Makes calls, at least one, and tells how they ended."""
        if not self._calls and not self._ended:
            time.sleep(timeout_seconds or 0.0)  # others have what is left
        until = time.perf_counter() + TOGETHER_SECONDS
        while self._calls:
            ended = self._one(self._calls.popleft())
            self._ended.append(ended)
            if ended.result.outcome is Outcome.INTERRUPTED:
                given_back = Result(Outcome.INTERRUPTED, "given back before it began")
                self._ended += [Ended(call.id, given_back, call.folder) for call in self._calls]
                self._calls.clear()
            if time.perf_counter() > until:
                break
        events = list(self._ended)
        self._ended.clear()
        return events

    def adopt(self, id: AttemptId, key: str, folder: str) -> Adoption:
        """A call dies with its process: there is nothing to take over."""
        return Adoption.NEVER_BEGAN

    def watch(self, fd: int) -> None:
        """Nothing is waited for here."""

    def unwatch(self, fd: int) -> None:
        """Nothing is waited for here."""

    def close(self, *, leave_running: bool) -> None:
        """Forgets the calls that have not begun."""
        self._calls.clear()

    def _one(self, call: Call) -> Ended:
        name = f"{call.id.experiment}.{call.id.trial}"

        def tell(points: list[Any]) -> str | bool:
            self._points.setdefault(call.id, []).extend(points)
            return (self.heed(call.id) if self.heed else None) or True

        began, clock, used = time.time(), time.perf_counter(), time.process_time()
        outcome, reason, value = self._work(call.values, call.seed, name, call.folder, tell)
        seconds, used = time.perf_counter() - clock, time.process_time() - used
        result = Result(Outcome(outcome), reason, value, None, None, seconds, None, used)
        return Ended(call.id, result, call.folder, began, began + seconds)

    def _take_back(self, id: AttemptId, result: Result) -> None:
        for call in self._calls:
            if call.id == id:
                self._calls.remove(call)
                self._ended.append(Ended(id, result, call.folder))
                return
