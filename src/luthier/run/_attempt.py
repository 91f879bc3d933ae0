"""One attempt under guard: from the order to the outcome on disk.

The lock on `guardian.json` is taken before the program begins and kept until every process of it is dead and
`outcome.json` is written, so that whoever finds the lock free may read the end. Its guardian is a child subreaper:
when `wait` knows no more children, nothing that descends from the program is alive, wherever it hid. This file must
not know the driver or the socket. Standard library only; it reads time itself because it runs in another process
than `clock` and can't afford its import.
"""

from __future__ import annotations

import fcntl
import os
import time
from _json import encode_basestring_ascii as quoted  # `json` costs 6 ms at the start of every driver
from _signal import SIGCONT, SIGKILL, SIGTERM  # type: ignore[import-not-found]

from luthier.run import _layout, _spawn, _tree
from luthier.run._limits import Watch, kernel_kills
from luthier.run._order import Order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Attempt", "never_began"]

LEFTOVER_SECONDS = 2.0
FIRST_KILL_PAUSE = 0.005
LONGEST_KILL_PAUSE = 0.5
OUTCOME = b"/" + _layout.OUTCOME.encode()
GUARDIAN = b"/" + _layout.GUARDIAN.encode()


def never_began(key: str, outcome: str, reason: str) -> tuple[Any, ...]:
    """The message that says how an order ended that was not begun."""
    return ("ended", key, outcome, reason, None, None, None, None, None, None, None)


class Attempt:
    """A running program with all that descends from it.

    `ended` is the message for the driver once the tree is dead, None before.
    """

    def __init__(self, order: Order, known_kills: int) -> None:
        self.order = order
        self.ended: tuple[Any, ...] | None = None
        self.began = time.time()
        self.pid = 0
        self._clock = time.monotonic()
        self._lock = -1
        self._status: int | None = None
        self._verdict: tuple[str, str] | None = None
        self._asked = False
        self._left_behind = 0
        self._kill_at: float | None = None
        self._kill_pause = FIRST_KILL_PAUSE
        self._cpu = 0.0
        self._peak = 0
        self._watch = Watch(order.folder, self._clock, order.limits, known_kills, self._descendants)

    @property
    def kernel_kills(self) -> int:
        """The newest known count of the kernel's kills for lack of memory."""
        return self._watch.kernel_kills

    def begin(self, base: dict[bytes, bytes], identity: str) -> None:
        """Claims the folder and starts the program.

        **Holds** on return either the program runs and the lock is held, or `ended` says why not. A folder another
        guardian or driver has claimed is never run in.
        """
        order = self.order
        try:
            self._lock = os.open(
                order.folder + GUARDIAN, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644
            )
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(self._lock, f'{{"key": {quoted(order.key)}, {identity}}}\n'.encode())
            self._watch.lock = self._lock
        except FileExistsError:
            self.ended = never_began(
                order.key, "lost", "its folder was already claimed, so it was not run again"
            )
            return
        except OSError as error:
            folder = os.fsdecode(order.folder)
            self.ended = never_began(order.key, "lost", f"{folder} could not be written: {error.strerror}")
            return
        try:
            self.pid = _spawn.spawn(order, {**base, **order.env})
        except _spawn.CannotStart as error:
            self._conclude("failed", str(error))

    def end(self, outcome: str, reason: str, grace: float, kill: bool) -> None:
        """Ends the tree: TERM to every process, KILL after `grace` seconds; KILL at once with `kill`.

        **Holds** may be repeated; a kill shortens the grace of an earlier stop. A limit that was passed first keeps
        its word, and so does a program that ended by itself before it was asked.
        """
        if self.ended is not None:
            return
        if self._status is None and (self._verdict is None or self._asked):
            self._verdict = (outcome, reason)
            self._asked = True
        self._end(grace, kill)

    def _end(self, grace: float, kill: bool) -> None:
        now = time.monotonic()
        if kill or grace <= 0:
            self._kill_at = now
            self.tend()
        elif self._kill_at is None:
            self._kill_at = now + grace
            self._ask()
        else:
            self._kill_at = min(self._kill_at, now + grace)

    def _ask(self) -> None:
        """Asks every process to end."""
        pids = self._descendants()
        _tree.send(pids, SIGTERM)
        _tree.send(pids, SIGCONT)  # a stopped process hears TERM only when it goes on

    def tend(self) -> None:
        """Does what is due: reaps, looks at the limits, goes on killing. Sets `ended` when nothing is left."""
        if self._reap():
            self._finish()
            return
        now = time.monotonic()
        if self._kill_at is None:
            if self._status is not None:
                self._left_behind = len(self._descendants())
                self._end(min(self.order.grace, LEFTOVER_SECONDS), kill=False)
            else:
                self._verdict = self._watch.check(now)
                if self._verdict is not None:
                    self._end(self.order.grace, kill=False)
        while self._kill_at is not None and now >= self._kill_at:
            # What forks faster than we list is caught by the next pass; the pause grows for what can't die yet.
            _tree.send(self._descendants(), SIGKILL)
            if self._reap():
                self._finish()
                return
            self._kill_at = now + self._kill_pause
            self._kill_pause = min(self._kill_pause * 2, LONGEST_KILL_PAUSE)

    def wait_seconds(self) -> float | None:
        """How long `tend` need not be called unless a child ends; None for as long as it takes."""
        at = self._kill_at
        if at is None and self._status is None:
            at = self._watch.wake_at()
        return None if at is None else max(0.0, at - time.monotonic())

    def _descendants(self) -> list[int]:
        return _tree.descendants(os.getpid())

    def _reap(self) -> bool:
        """Takes in every process that has ended. True when none is left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return False
            self._took(pid, status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)

    def _took(self, pid: int, status: int, cpu: float, peak: int) -> None:
        """Counts a process that has ended."""
        if pid == self.pid:
            self._status = status
        self._cpu += cpu
        self._peak = max(self._peak, peak)

    def _code(self) -> int:
        """How the program ended: its exit code, or a signal as a negative number."""
        return os.waitstatus_to_exitcode(self._status or 0)

    def _finish(self) -> None:
        code = self._code()
        if not _tree.LINUX:
            _spawn.end_group(self.pid)  # orphans are not ours there: what stayed in the group goes with it
        if self._verdict is None:
            self._conclude(*self._judge(code), code)
        else:
            self._conclude(*self._verdict, code)

    def _judge(self, code: int) -> tuple[str, str]:
        """The outcome and reason of a program that nobody asked to end."""
        if code == 0:
            return "succeeded", "it exited with code 0" + self._remark()
        if code in (-SIGKILL, 128 + SIGKILL) and kernel_kills() > self._watch.kernel_kills:
            return "out of memory", "the kernel ended it because memory ran out"
        if code > 0:
            return "failed", f"it exited with code {code}" + self._remark()
        return (
            "failed",
            f"it was ended by {_spawn.signal_name(-code)}, which Luthier did not send" + self._remark(),
        )

    def _remark(self) -> str:
        if not self._left_behind:
            return ""
        if self._left_behind == 1:
            return "; 1 process it left behind was ended"
        return f"; {self._left_behind} processes it left behind were ended"

    def _conclude(self, outcome: str, reason: str, code: int | None = None) -> None:
        """Writes `outcome.json` and lets go of the lock, in this order.

        **Holds** the file is there whole or not at all whatever is killed; it is not synced, because the durable
        truth is the store and a power cut also voids every lease.
        """
        ended = time.time()
        seconds = round(time.monotonic() - self._clock, 6)
        exit_code = code if code is not None and code >= 0 else None
        number = -code if code is not None and code < 0 else None
        peak = max(self._peak * (1024 if _tree.LINUX else 1), self._watch.peak_bytes)
        cpu = round(self._cpu, 6)
        text = (
            f'{{"outcome": "{outcome}", "reason": {quoted(reason)}, "exit_code": {_json(exit_code)}, '
            f'"signal": {_json(number)}, "seconds": {seconds}, "cpu_seconds": {cpu}, "peak_bytes": {peak}, '
            f'"began": {self.began!r}, "ended": {ended!r}, "pid": {self.pid}}}\n'
        )
        try:
            path = self.order.folder + OUTCOME
            fd = os.open(path + b".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            os.write(fd, text.encode())
            os.close(fd)
            os.rename(path + b".new", path)
        except OSError:
            pass  # a full disk: the driver is told by the socket all the same
        os.close(self._lock)
        fields = (exit_code, number, seconds, cpu, peak, self.began, ended)
        self.ended = ("ended", self.order.key, outcome, reason, *fields)


def _json(number: int | None) -> str:
    return "null" if number is None else str(number)
