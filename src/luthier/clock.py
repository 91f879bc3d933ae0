"""The only module that reads time.

Two clocks serve two needs. `now` is the calendar's: it is shown to people and never compared with a deadline.
`elapsed` counts seconds since this machine booted, sleep included; leases and time-outs rest on it, so no change
of the wall clock, daylight saving or time zone can end a lease early. It means nothing on another machine or after
a reboot, and therefore travels with `boot_id`. Tests pass a `FakeClock` and turn its hands.
"""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "FakeClock", "SetClock", "SystemClock"]


class Clock(Protocol):
    """Tells the time; everything that needs it is handed one of these."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC, for people."""

    def elapsed(self) -> float:
        """Seconds since this machine booted, for deadlines. Never goes back while the machine is up."""

    @property
    def boot_id(self) -> str:
        """The name of this boot: deadlines written under another name are void."""


class SystemClock:
    """Reads the machine's clocks.

    **Source** Linux `clock_gettime(2)`: CLOCK_BOOTTIME goes on during suspend, which CLOCK_MONOTONIC does not.
    Where it is missing (macOS), the monotonic clock stands in and suspended time is not counted.
    """

    def __init__(self) -> None:
        self._source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        self._boot_id: str | None = None

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def elapsed(self) -> float:
        """Seconds since boot."""
        return time.clock_gettime(self._source)

    @property
    def boot_id(self) -> str:
        """The kernel's identifier of this boot, or the boot's own minute where the kernel gives none."""
        if self._boot_id is None:
            try:
                with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                    self._boot_id = file.read().strip()
            except OSError:
                self._boot_id = f"booted-{round((self.now() - self.elapsed()) / 60)}"
        return self._boot_id


class SetClock(SystemClock):
    """A clock whose calendar can be set by hand, for what happened elsewhere; leases are counted in true time."""

    def __init__(self) -> None:
        super().__init__()
        self.set_to: float | None = None

    def now(self) -> float:
        """What it was set to, or else the machine's calendar."""
        return super().now() if self.set_to is None else self.set_to


class FakeClock:
    """Stands still until it is told to `advance`; for tests and simulation."""

    def __init__(self, now: float = 1_700_000_000.0, boot_id: str = "boot-1") -> None:
        self._now = now
        self._elapsed = 1000.0
        self._boot_id = boot_id

    def now(self) -> float:
        """The calendar time that was set."""
        return self._now

    def elapsed(self) -> float:
        """The time since boot that was set."""
        return self._elapsed

    @property
    def boot_id(self) -> str:
        """The name of the boot that was set."""
        return self._boot_id

    def advance(self, seconds: float) -> None:
        """Moves both clocks on by `seconds`."""
        self._now += seconds
        self._elapsed += seconds

    def step_wall(self, seconds: float) -> None:
        """Moves only the calendar, as an administrator or daylight saving would."""
        self._now += seconds

    def reboot(self, boot_id: str) -> None:
        """Begins another boot: the time since boot starts again at zero."""
        self._boot_id = boot_id
        self._elapsed = 0.0
