"""Turns Ctrl-C and TERM into counts that the drive heeds.

The first ends the search in good order, the second kills the trials, a third leaves at once. What is said meanwhile is
the caller's.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from luthier.drive.ends import Interrupts
from luthier.errors import Interrupted
from luthier.run.runner import Runner

__all__ = ["interruptible"]


@contextmanager
def interruptible(
    runner: Runner | None,
    tell: Callable[[int], None],
    *,
    raises: Callable[[], bool] | None = None,
    drains: Callable[[], None] | None = None,
) -> Iterator[Interrupts]:
    """Hears the signals for as long as the body runs, and has the `runner` wake up at them (`Interrupts.watched_by`); outside the main thread, which alone may, it hears nothing.

    `tell` is called with the count at the first two. Where `raises` answers true, as while a function is called in this
    very process, it is interrupted there as well. With `drains`, which is called then, the first TERM is no count, but asks
    for nothing new to begin.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Interrupts()
        return
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    interrupts = Interrupts(fd=reading)
    interrupts.watched_by(runner)
    heard = _counting(interrupts, tell, raises, drains)
    before = {name: signal.signal(name, heard) for name in (signal.SIGINT, signal.SIGTERM)}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield interrupts
    finally:
        signal.set_wakeup_fd(wakeup)
        for name, handler in before.items():
            if handler is not None:  # None: it was not set from Python
                signal.signal(name, handler)
        interrupts.watched_by(None)
        os.close(reading)
        os.close(writing)


def _counting(
    interrupts: Interrupts,
    tell: Callable[[int], None],
    raises: Callable[[], bool] | None,
    drains: Callable[[], None] | None,
) -> Callable[[int, object], None]:
    """The handler of both signals."""

    def heard(number: int, frame: object) -> None:
        interrupts.signals += 1
        if drains is not None and number == signal.SIGTERM and not interrupts.drains and not interrupts.count:
            interrupts.drains = True
            drains()
            return
        interrupts.count += 1
        if interrupts.count == 1 and number == signal.SIGTERM:
            interrupts.by = "TERM"
        if interrupts.count > 2:
            raise KeyboardInterrupt
        tell(interrupts.count)
        if raises is not None and raises():
            raise Interrupted

    return heard
