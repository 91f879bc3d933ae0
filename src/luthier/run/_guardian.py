"""Guards one slot: runs attempt after attempt, and never leaves a process behind.

It is forked by the nursery and speaks with the driver over one socket. The next order is sent ahead, so that the gap
between two attempts needs no answer from the driver. When the driver is gone (the socket ends) the orders not begun
are dropped, the running attempt is finished or ended as it asked for, and the guardian leaves. A TERM ends the running
attempt, with the word another driver left in `request.json`. It must not know the store or the search.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import select

from luthier.run import _layout, _tree
from luthier.run._attempt import Attempt, never_began
from luthier.run._limits import kernel_kills
from luthier.run._order import Order
from luthier.run._wire import Inbox, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Guardian", "ignore_terminal", "wake_on_children"]

CHUNK = 32768  # below the size from which malloc asks the kernel for each buffer


def ignore_terminal() -> None:
    """Makes the caller deaf to what a terminal sends."""
    for name in ("SIGINT", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU"):
        _signal.signal(getattr(_signal, name), _signal.SIG_IGN)


def wake_on_children(*more: tuple[int, Any]) -> int:
    """Returns a descriptor that becomes readable when a child ends or one of the signals in `more` arrives."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    _signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
    for number, handler in more:
        _signal.signal(number, handler)
    return reading


class Guardian:
    """The loop of one guardian. `link` is its end of the socket to the driver."""

    def __init__(self, link: int, base: dict[bytes, bytes]) -> None:
        self._link = link
        self._base = base
        self._inbox = Inbox()
        self._queue: list[Order] = []
        self._attempt: Attempt | None = None
        self._events: list[tuple[Any, ...]] = []
        self._alone = False  # the driver is gone
        self._termed = False
        self._kills = kernel_kills()
        pid = os.getpid()
        self._identity = f'"pid": {pid}, "started": {_tree.started(pid)}, "boot_id": "{_tree.boot_id()}"'
        self._wake = wake_on_children((_signal.SIGTERM, self._on_term))
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)
        self._poll.register(link, select.POLLIN)

    def _on_term(self, number: int, frame: object) -> None:
        self._termed = True

    def serve(self) -> None:
        """Runs until the driver is gone and no attempt is left."""
        while True:
            if self._attempt is None and self._queue:
                self._listen(
                    0
                )  # an order may have been withdrawn, or the driver lost, while the last one ended
                if self._queue:
                    self._begin()
                    continue
            self._report()
            if self._attempt is None and (self._alone or self._termed):
                return
            wait = None if self._attempt is None else self._attempt.wait_seconds()
            due = self._listen(None if wait is None else int(wait * 1000) + 1)
            if self._termed:
                self._obey_term()
            if due and self._attempt is not None:
                self._attempt.tend()
            self._collect()

    def _begin(self) -> None:
        order = self._queue.pop(0)
        self._attempt = self._made(order)
        self._attempt.begin(self._base, self._identity)
        if self._attempt.pid:
            self._events.append(("started", order.key, self._attempt.began, self._attempt.pid))
        self._collect()

    def _made(self, order: Order) -> Attempt:
        if not order.closing:
            return Attempt(order, self._kills)
        from luthier.run._contained import Contained  # few run in containers

        return Contained(order, self._kills, self._base)

    def _collect(self) -> None:
        if self._attempt is not None and self._attempt.ended is not None:
            self._events.append(self._attempt.ended)
            self._kills = self._attempt.kernel_kills
            self._attempt = None

    def _listen(self, timeout_ms: int | None) -> bool:
        """Waits and hears the driver. True when the attempt is to be looked at: a child ended, or time is up."""
        ready = self._poll.poll(timeout_ms)
        due = not ready
        for fd, _ in ready:
            if fd == self._wake:
                os.read(fd, 4096)
                due = True
            else:
                self._receive()
        return due

    def _receive(self) -> None:
        try:
            chunk = os.read(self._link, CHUNK)
        except OSError:
            chunk = b""
        if not chunk:
            self._forsaken()
        for message in self._inbox.feed(chunk):
            match message:
                case ("run", *order):
                    self._queue.append(Order(*order))
                case ("stop", key, outcome, reason, grace, kill):
                    self._stop(key, outcome, reason, grace, kill)
                case ("withdraw", key, reason):
                    self._withdraw(key, "interrupted", reason)
                case _:
                    raise AssertionError("the driver sent no order")

    def _stop(self, key: str, outcome: str, reason: str, grace: float, kill: bool) -> None:
        if self._attempt is not None and self._attempt.order.key == key:
            self._attempt.end(outcome, reason, grace, kill)
            self._collect()
        else:
            self._withdraw(key, outcome, reason)

    def _withdraw(self, key: str, outcome: str, reason: str) -> None:
        for order in self._queue:
            if order.key == key:
                self._queue.remove(order)
                self._events.append(never_began(key, outcome, reason))
                return

    def _forsaken(self) -> None:
        """The driver is gone: nothing new is begun, and the running attempt goes on or ends, as it was ordered."""
        if not self._alone:
            self._alone = True
            self._poll.unregister(self._link)
            os.close(self._link)
            self._queue.clear()
            if self._attempt is not None and self._attempt.order.on_driver_loss == "stop":
                reason = "its driver was lost, and it was to be stopped then"
                self._attempt.end("interrupted", reason, self._attempt.order.grace, kill=False)

    def _obey_term(self) -> None:
        """Ends the attempt as a driver that adopted it has written, or as interrupted where nobody has."""
        self._termed = self._attempt is None or not self._requested()
        if self._termed:
            reason = "its guardian was asked to end"
            self._events += [never_began(order.key, "interrupted", reason) for order in self._queue]
            self._queue.clear()
            if self._attempt is not None:
                self._attempt.end("interrupted", reason, self._attempt.order.grace, kill=False)

    def _requested(self) -> bool:
        assert self._attempt is not None
        path = self._attempt.order.folder + b"/" + _layout.REQUEST.encode()
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            return False
        import json

        asked = json.loads(content)
        self._attempt.end(asked["outcome"], asked["reason"], asked["grace_seconds"], asked["kill"])
        return True

    def _report(self) -> None:
        if self._events and not self._alone:
            message = b"".join([pack(event) for event in self._events])
            try:
                while message:
                    message = message[os.write(self._link, message) :]
            except OSError:
                self._forsaken()
        self._events.clear()
