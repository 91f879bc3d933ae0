"""Lets running attempts end early: one by its own hand where it asks for that, else by TERM; or all of them at once.

Who asks `luthier.should_stop()`, and every function that reports, is told and has the grace period to end by itself; after
that it is ended like the others. It must not know why an attempt is not worth going on with: that is `referee.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from luthier.clock import Clock
from luthier.drive.referee import Stop
from luthier.drive.slots import Slots
from luthier.drive.watching import Asked
from luthier.drive.work import Running
from luthier.run.runner import Runner
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["Leaving"]


class Leaving:
    """The attempts that are on their way out, until when, and why. `running` and `slots` are the drive's own."""

    def __init__(
        self,
        runner: Runner,
        clock: Clock,
        grace_seconds: float,
        running: Mapping[AttemptId, Running],
        slots: Slots,
    ) -> None:
        self._running = running
        self._slots = slots
        self._runner = runner
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._told: dict[AttemptId, tuple[Running, float, Stop]] = {}
        self._complete: dict[AttemptId, str] = {}

    def let_go(self, running: Running, stop: Stop) -> None:
        """Ends an attempt early."""
        if stop.completes:
            self._complete[running.id] = stop.reason
        if running.take_leave(stop.reason):
            self._told[running.id] = (running, self._clock.elapsed() + self._grace_seconds, stop)
        else:
            self._stop(running, stop.reason)

    def end_all(self, outcome: Outcome, reason: str, *, kill: bool) -> None:
        """Ends what runs. What was sent ahead is withdrawn first, so that it goes back to the queue unless it has begun."""
        self.withdraw_ahead()
        for running in self._running.values():
            self.end(running, outcome, reason, kill=kill)

    def end(self, running: Running, outcome: Outcome, reason: str, *, kill: bool) -> None:
        """Ends one that runs, unless it was asked as much before."""
        asked: Asked = "kill" if kill else "stop"
        if running.asked not in (asked, "kill"):
            running.asked = asked
            self._runner.stop(running.id, outcome, reason, self._grace_seconds, kill=kill)

    def end_alone(self, running: Running, outcome: Outcome, reason: str, *, kill: bool) -> None:
        """Ends one while others go on. Sent ahead and not begun, it goes back to the queue, where who asked finds it."""
        if running.id not in self._slots.ahead():
            self.end(running, outcome, reason, kill=kill)
        elif not running.asked:
            running.asked = "withdraw"
            self._runner.withdraw(running.id, "given back before it began")

    def withdraw_ahead(self) -> None:
        """Gives back the trials that were sent ahead and have not begun."""
        for id in self._slots.ahead():
            running = self._running[id]
            if not running.asked:
                running.asked = "withdraw"
                self._runner.withdraw(id, "given back before it began")

    def told(self, id: AttemptId) -> str | None:
        """Why an attempt was told to end; None where it was not."""
        known = self._told.get(id)
        return known[2].reason if known is not None else None

    def chase(self) -> None:
        """Ends those that were told and have not gone within their grace."""
        now = self._clock.elapsed()
        for running, until, stop in self._told.values():
            if now > until and running.asked != "stop":
                self._stop(running, stop.reason)

    def settled(self, id: AttemptId, result: Result) -> Result:
        """How an attempt ended: one that was told to end, and did so by itself with whatever exit code, was stopped; one
        that had come to its end has succeeded."""
        told, completes = self._told.pop(id, None), self._complete.pop(id, None)
        by_itself = result.outcome in (Outcome.SUCCEEDED, Outcome.FAILED) and result.signal is None
        if told is not None and by_itself:
            result = result._replace(outcome=Outcome.STOPPED, reason=told[2].reason)
        if completes is not None and result.outcome is Outcome.STOPPED and result.reason == completes:
            return result._replace(outcome=Outcome.SUCCEEDED)
        return result

    def _stop(self, running: Running, reason: str) -> None:
        running.asked = "stop"
        self._runner.stop(running.id, Outcome.STOPPED, reason, self._grace_seconds)
