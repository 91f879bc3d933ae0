"""The small process that guardians are forked from.

It is started once by each driver and has loaded nothing but a handful of built-in modules, so a guardian costs a fork
of a few megabytes instead of a copy of the driver. It is a child subreaper too: when a guardian is killed, the
processes it guarded become children of the nursery, which ends exactly those and then tells the driver. It outlives
the driver for as long as a guardian works. Standard library only; `_socket` and `_signal` stand for `socket` and
`signal`, which would add 9 ms to every start for names it does not use.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import gc
import os
import select
import sys

from luthier.run import _tree
from luthier.run._guardian import Guardian, ignore_terminal, wake_on_children
from luthier.run._wire import Inbox, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Nursery", "main"]

PAUSE_MS = 10
CHUNK = 65536
SPACE_FOR_FDS = _socket.CMSG_SPACE(16 * 4)
CLOSED_ON_EXEC = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)


class Nursery:
    """The loop of the nursery. `link` is its end of the socket to the driver."""

    def __init__(self, link: _socket.socket) -> None:
        self._link: _socket.socket | None = link
        self._base = dict(os.environb)
        self._inbox = Inbox()
        self._fds: list[int] = []
        self._guardians: dict[int, int] = {}  # process: the driver's number for it
        self._bereft: list[int] = []  # guardians that died and whose orphans are being ended
        self._sweeping: list[str] = []
        self._wake = wake_on_children()
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)
        self._poll.register(link.fileno(), select.POLLIN)

    def serve(self) -> None:
        """Runs until the driver is gone and no guardian is left."""
        while self._link is not None or self._guardians or self._bereft or self._sweeping:
            busy = self._bereft or self._sweeping
            for fd, _ in self._poll.poll(PAUSE_MS if busy else None):
                if fd == self._wake:
                    os.read(fd, 4096)
                else:
                    self._receive()
            self._reap()
            if self._bereft:
                self._end_orphans()
            for key in self._sweeping[:]:
                self._sweep(key)

    def _receive(self) -> None:
        assert self._link is not None
        try:
            chunk, ancillary, _, _ = self._link.recvmsg(CHUNK, SPACE_FOR_FDS, CLOSED_ON_EXEC)
        except OSError:
            chunk, ancillary = b"", []
        for _, _, data in ancillary:
            for at in range(0, len(data) - 3, 4):
                fd = int.from_bytes(data[at : at + 4], sys.byteorder)
                os.set_inheritable(fd, False)
                self._fds.append(fd)
        if not chunk:
            self._poll.unregister(self._link.fileno())
            self._link.close()
            self._link = None
        for message in self._inbox.feed(chunk):
            if message[0] == "guard":
                self._fork(message[1], self._fds.pop(0))
            else:
                self._sweeping.append(message[1])

    def _fork(self, number: int, link: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._be_guardian(link)
        os.close(link)
        self._guardians[pid] = number

    def _be_guardian(self, link: int) -> None:
        """Never returns: the caller is the child of the fork."""
        code = 70
        try:
            if self._link is not None:
                self._link.close()
            for fd in (self._wake, *self._fds):
                os.close(fd)
            _signal.set_wakeup_fd(-1)
            _tree.be_subreaper()
            Guardian(link, self._base).serve()
            code = 0
        finally:
            if code:  # whatever it was: the nursery ends the orphans and the driver is told
                sys.excepthook(*sys.exc_info())
            os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._guardians:
                self._bereft.append(self._guardians.pop(pid))

    def _end_orphans(self) -> None:
        """Ends what dead guardians left: every child of ours that is no guardian, and all below it.

        The driver hears of a death only when nothing is left, so that a slot is never given away too early.
        """
        orphans = _tree.descendants(os.getpid(), skip=self._guardians)
        _tree.send(orphans, _signal.SIGKILL)
        if not orphans:
            for number in self._bereft:
                self._say("died", number)
            self._bereft.clear()

    def _sweep(self, key: str) -> None:
        """Ends the processes that carry the key of an attempt whose guardian and nursery were both lost."""
        found = _tree.marked(key)
        _tree.send(found, _signal.SIGKILL)
        if not found:
            self._sweeping.remove(key)
            self._say("swept", key)

    def _say(self, *message: Any) -> None:
        if self._link is not None:
            try:
                self._link.sendall(pack(message))
            except OSError:
                pass  # the driver is gone; the next poll says so


def main(fd: int) -> None:
    """Turns this process into a nursery that listens on `fd`."""
    os.set_inheritable(fd, False)
    # What the driver inherited from its shell, say the pipe it prints into, must not be held open by a long trial.
    os.closerange(fd + 1, os.sysconf("SC_OPEN_MAX"))
    ignore_terminal()
    _signal.signal(_signal.SIGTERM, _signal.SIG_IGN)  # it leaves when its guardians have
    _tree.be_subreaper()
    gc.freeze()
    Nursery(_socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fd)).serve()
    os._exit(0)  # there is nothing to put in order, and the driver waits for this
