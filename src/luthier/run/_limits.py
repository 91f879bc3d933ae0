"""Says when an attempt has run too long, been silent too long, grown too large or lost its folder.

It looks and reports; ending the tree is the attempt's business. An attempt without limits costs a look a second after it
began, for the kernel's count of processes ended for lack of memory, and one every few seconds at its folder: without that,
nobody could find the attempt again or learn how it ended. Standard library only.
"""

from __future__ import annotations

import os

from luthier.run import _layout, _tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Watch", "duration", "kernel_kills"]

BASELINE_SECONDS = 1.0
MEMORY_SECONDS = 0.5
FOLDER_SECONDS = 5.0


def kernel_kills() -> int:
    """How many processes the kernel has ended for lack of memory, in our control group and on this machine."""
    total = 0
    for path, name in (
        ("/proc/vmstat", b"oom_kill "),
        ("/sys/fs/cgroup/memory.events", b"oom_kill "),
        ("/sys/fs/cgroup/memory/memory.oom_control", b"oom_kill "),
    ):
        try:
            with open(path, "rb", buffering=0) as file:
                content = b"\n" + file.read()
        except OSError:
            continue
        at = content.find(b"\n" + name)
        if at >= 0:
            total += int(content[at + 1 + len(name) :].split(None, 1)[0])
    return total


def duration(seconds: float) -> str:
    """A length of time for people: `90 s`, `2 h 5 min`."""
    if seconds < 120:
        return f"{seconds:g} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _size(size_bytes: int) -> str:
    """A size of memory for people: `60 MB`, `1.5 GB`."""
    amount, unit = (size_bytes / 1e9, "GB") if size_bytes >= 1e9 else (size_bytes / 1e6, "MB")
    return f"{amount:.0f} {unit}" if amount >= 10 else f"{amount:.1f} {unit}"


class Watch:
    """The limits of one attempt. Times are seconds of the monotonic clock.

    `lock` is the open `guardian.json`, once it is held. `peak_bytes` is the largest memory of the whole tree that was seen, 0 where nobody looked. `kernel_kills` is the
    kernel's count as it was early in the attempt.
    """

    __slots__ = (
        "_counted",
        "_find",
        "_folder",
        "_idle",
        "_look_at",
        "_memory",
        "_next_memory",
        "_sizes",
        "_sound_at",
        "_timeout",
        "_timeout_at",
        "kernel_kills",
        "lock",
        "peak_bytes",
    )

    def __init__(
        self,
        folder: bytes,
        now: float,
        limits: tuple[float | None, float | None, int | None],
        known_kills: int,
        find: Callable[[], list[int]],
    ) -> None:
        self._timeout, self._idle, self._memory = limits
        self._folder = folder
        self._find = find
        self._timeout_at = None if self._timeout is None else now + self._timeout
        self._sound_at = now
        self._sizes: tuple[int, ...] = ()
        self._next_memory = now
        self.kernel_kills = known_kills
        self._counted = False
        self.peak_bytes = 0
        self.lock = -1
        self._look_at = now + min(self._step(), BASELINE_SECONDS)

    def _step(self) -> float:
        """The longest time between two looks that still sees each limit in time."""
        steps = [FOLDER_SECONDS]
        if self._idle is not None:
            steps.append(max(0.05, self._idle / 10))
        if self._memory is not None:
            steps.append(MEMORY_SECONDS)
        return min(steps)

    def wake_at(self) -> float:
        """When `check` wants to be called next."""
        return self._look_at if self._timeout_at is None else min(self._look_at, self._timeout_at)

    def check(self, now: float) -> tuple[str, str] | None:
        """The outcome and the reason if a limit is passed, else None."""
        if now >= self._look_at:
            verdict = self._look(now)
            if verdict is not None:
                return verdict
        if self._timeout_at is not None and self._timeout is not None and now >= self._timeout_at:
            return "timed out", f"it ran longer than {duration(self._timeout)}"
        return None

    def _look(self, now: float) -> tuple[str, str] | None:
        if not self._counted:
            # The count at the start of a short attempt is the last one known; a longer one earns a fresh one.
            self._counted = True
            self.kernel_kills = kernel_kills()
        self._look_at = now + self._step()
        return self._deletion() or self._silence(now) or self._growth(now)

    def _deletion(self) -> tuple[str, str] | None:
        """A folder that was only moved still has the file, and who looks for the attempt there finds it."""
        if self.lock >= 0 and os.fstat(self.lock).st_nlink == 0:
            return "lost", _layout.DELETED
        return None

    def _silence(self, now: float) -> tuple[str, str] | None:
        if self._idle is None:
            return None
        sizes = []
        for name in (_layout.STDOUT, _layout.STDERR, _layout.METRIC_LINES):
            try:
                sizes.append(os.stat(self._folder + b"/" + name.encode()).st_size)
            except OSError:
                sizes.append(0)
        if tuple(sizes) != self._sizes:
            # The first look finds no earlier sizes: silence counts from the beginning, unless something is there.
            if self._sizes or any(sizes):
                self._sound_at = now
            self._sizes = tuple(sizes)
        if now - self._sound_at >= self._idle:
            return "timed out", f"it wrote nothing for {duration(self._idle)}"
        return None

    def _growth(self, now: float) -> tuple[str, str] | None:
        if self._memory is None or now < self._next_memory:
            return None
        self._next_memory = now + MEMORY_SECONDS * 0.9
        pids = self._find()
        size = _tree.resident_bytes(pids)
        if size > self._memory:
            # Pages shared by forked workers were counted for each of them: look again before ending anything.
            size = _tree.resident_bytes(pids, shared_once=True) or size
        self.peak_bytes = max(self.peak_bytes, size)
        if size > self._memory:
            return "out of memory", f"it held {_size(size)}, more than the {_size(self._memory)} it may"
        return None
