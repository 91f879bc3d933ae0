"""The driver's ends of the sockets: one to the nursery, one to each guardian.

They never block the driver: what a socket won't take at once is kept and sent when it will. They start processes and
carry messages; what a message means is known in `command`. `_socket` stands for `socket`, which would add 2 ms to
every start for names it does not use.
"""

from __future__ import annotations

import _socket
import os
import select
import selectors
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.run._wire import Inbox, pack

__all__ = ["Link", "NurseryProcess"]

CHUNK = 32768  # below the size from which malloc asks the kernel for each buffer
CHANNEL = 3

# The package's own __init__ files are stepped over, so that nothing they may ever import can slow the start.
BOOT = """
import sys
def package(name, path):
    module = sys.modules[name] = type(sys)(name)
    module.__path__ = [path]
package("luthier", sys.argv[1])
package("luthier.run", sys.argv[1] + "/run")
from luthier.run._nursery import main
main({channel})
"""


class Link:
    """One end of a stream of messages. `lost` is set once the other end is gone."""

    def __init__(self, end: _socket.socket, selector: selectors.BaseSelector) -> None:
        end.setblocking(False)
        self._end = end
        self._selector = selector
        self._inbox = Inbox()
        self._unsent = b""
        self._events = selectors.EVENT_READ
        self.lost = False
        selector.register(end, self._events, self)

    def send(self, message: tuple[Any, ...]) -> None:
        """Sends a message, or keeps it until there is room. Does nothing when the other end is gone."""
        self._unsent += pack(message)
        self.flush()

    def send_fd(self, message: tuple[Any, ...], fd: int) -> None:
        """Sends a message with a descriptor. Only for the few that always fit."""
        try:
            self._end.sendmsg([pack(message)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _as_int(fd))])
        except OSError:
            self.lost = True

    def flush(self) -> None:
        """Sends what was kept."""
        try:
            while self._unsent and not self.lost:
                self._unsent = self._unsent[self._end.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""  # the loss itself is seen when reading, after what the other end said last
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        if events != self._events and not self.lost:
            self._events = events
            self._selector.modify(self._end, events, self)

    def receive(self) -> list[tuple[Any, ...]]:
        """The messages that have arrived. Sets `lost` at the end of the stream."""
        try:
            chunk = self._end.recv(CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
        return self._inbox.feed(chunk)

    def wait(self, seconds: float) -> None:
        """Waits until something can be received."""
        _wait_for(self._end.fileno(), seconds)

    def close(self) -> None:
        """Lets go of the socket; the other end sees it. May be repeated."""
        self.lost = True
        if self._end.fileno() >= 0:
            self._selector.unregister(self._end)
            self._end.close()


def _wait_for(fd: int, seconds: float) -> None:
    """Waits until a descriptor is readable. By poll: select knows no descriptor above 1023."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.poll(seconds * 1000)


def _as_int(fd: int) -> bytes:
    """A descriptor as C has it, which is how it travels."""
    return fd.to_bytes(4, sys.byteorder)


class NurseryProcess:
    """The nursery as its driver has it. It is started and not waited for: messages lie in the socket meanwhile."""

    def __init__(self, environment: Mapping[str, str], log: Path, selector: selectors.BaseSelector) -> None:
        ours, theirs = _socket.socketpair()
        package = str(Path(__file__).parent.parent)
        argv = [sys.executable, "-S", "-E", "-s", "-c", BOOT.format(channel=CHANNEL), package]
        to_log = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions: list[tuple[Any, ...]] = [
            # Above the numbers it is given below, so that no action overwrites what a later one needs.
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), CHANNEL),
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), to_log, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        try:
            self.pid = self._spawn(argv, environment, actions)
        finally:
            theirs.close()
        self.link = Link(ours, selector)

    @staticmethod
    def _spawn(argv: list[str], environment: Mapping[str, str], actions: list[tuple[Any, ...]]) -> int:
        default = [signal.SIGPIPE, signal.SIGXFSZ]
        try:
            return os.posix_spawn(
                argv[0],
                argv,
                environment,
                file_actions=actions,
                setsid=True,
                setsigmask=[],
                setsigdef=default,
            )
        except NotImplementedError:
            return os.posix_spawn(
                argv[0],
                argv,
                environment,
                file_actions=actions,
                setpgroup=0,
                setsigmask=[],
                setsigdef=default,
            )

    def guard(self, number: int, selector: selectors.BaseSelector) -> Link:
        """Asks for a guardian and returns the socket to it; orders may be sent before it exists."""
        ours, theirs = _socket.socketpair()
        self.link.send_fd(("guard", number), theirs.fileno())
        theirs.close()
        return Link(ours, selector)

    def sweep(self, key: str) -> None:
        """Asks for every process that carries an attempt's key to be ended."""
        self.link.send(("sweep", key))

    def reap(self, wait_seconds: float = 0.0) -> bool:
        """Takes in the nursery's process if it ends within this time. True when it has."""
        deadline = time.monotonic() + wait_seconds
        try:
            while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._wait_for_end(left)
        except ChildProcessError:
            pass
        return True

    def _wait_for_end(self, seconds: float) -> None:
        """Waits until the nursery's process ends; where there is no pidfd (macOS), a moment at most."""
        if not hasattr(os, "pidfd_open"):
            time.sleep(min(seconds, 0.001))
            return
        pidfd = os.pidfd_open(self.pid)
        try:
            _wait_for(pidfd, seconds)
        finally:
            os.close(pidfd)
