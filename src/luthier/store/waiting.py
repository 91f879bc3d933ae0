"""Waiting for the next change of a record: by asking again and again, or by listening to the server that makes it.

It lets views follow a search as it happens. Nothing that decides waits here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any

from luthier.clock import SystemClock

__all__ = ["POLL_SECONDS", "Ear", "polled", "waited"]

POLL_SECONDS = 0.1
_CLOCK = SystemClock()


def waited(revision: Callable[[], int], since: int, seconds: float, pause: Callable[[float], None]) -> int:
    """The newest revision, as soon as it is above `since` or the time is over; between two looks, `pause` is told how much of
    the time is left."""
    begun = _CLOCK.elapsed()
    while (newest := revision()) <= since and (left := seconds - (_CLOCK.elapsed() - begun)) > 0:
        pause(left)
    return newest


def polled(left: float) -> None:
    """The pause of a store that can't call."""
    time.sleep(min(left, POLL_SECONDS))


class Ear:
    """A session of its own that hears when an event was committed. Where it can't listen (the connection is lost, another
    thread does), it lets a little time go by."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._session: Any = None
        self._process = os.getpid()
        self._guard = Lock()

    def pause(self, left: float) -> None:
        """Returns when something was heard, or the time is over, or sooner: at once when it has only begun to listen, for
        what happened before was not heard."""
        if not self._guard.acquire(blocking=False):
            polled(left)
            return
        try:
            if self._session is None or self._session.closed:
                self._session = self._connect()
                self._session.execute("LISTEN luthier")
            else:
                for _ in self._session.notifies(timeout=left, stop_after=1):
                    pass
        except Exception:  # noqa: BLE001 (whatever is wrong with the connection, the next look says it)
            self.close()
            polled(left)
        finally:
            self._guard.release()

    def close(self) -> None:
        """Listens no more; may be repeated."""
        session, self._session = self._session, None
        if session is not None and os.getpid() == self._process:
            with suppress(Exception):
                session.close()
