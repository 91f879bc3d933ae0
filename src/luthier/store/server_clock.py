"""The server's calendar, told on a client whose own may be hours off.

It is measured once a connection and goes on with the client's time since boot, which nobody steps. So what workers on
many machines write is in one time, at no cost. Leases are not counted on it: the server itself reckons those.
"""

from __future__ import annotations

from luthier.clock import Clock

__all__ = ["ServerClock"]


class ServerClock:
    """`local`, with the server's `now`."""

    def __init__(self, local: Clock) -> None:
        self._local = local
        self._ahead = local.now() - local.elapsed()

    def measured(self, asked: float, seconds: float) -> None:
        """Takes note that the server said `seconds` in answer to a question put at `asked` of the local `elapsed`."""
        self._ahead = seconds - (asked + self._local.elapsed()) / 2

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC, by the server."""
        return self._ahead + self._local.elapsed()

    def elapsed(self) -> float:
        """Seconds since this machine booted."""
        return self._local.elapsed()

    @property
    def boot_id(self) -> str:
        """This machine's boot. No lease of a server's store rests on it."""
        return self._local.boot_id
