"""An attempt whose program runs in a container: the process that is started is the engine's command, not the program.

So a TERM is sent by the engine, to the container by its name: its command passes one on too, but not where it runs without
root. A KILL is the engine's as well: its own words end the container and remove it. They are also run when its command
was killed or failed, for the container may be alive then.
Whatever still descends from the guardian afterwards is killed as always: with podman that is the program itself.
Loaded by a guardian when it first needs it. Standard library only.
"""

from __future__ import annotations

import os
import time
from _signal import SIGKILL, SIGTERM  # type: ignore[import-not-found]

from luthier.run import _layout, _tree
from luthier.run._attempt import Attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from luthier.run._order import Order

__all__ = ["Contained"]

LEAVE_SECONDS = 10.0
"""How long an engine may take to put away a container that has ended."""

PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 1.0
MOST_TRIES = 3
REFUSED = 125
"""What both engines exit with when they themselves failed."""

SIGNALLED = 128


class Contained(Attempt):
    """A running container with all that descends from it. `base` is the environment of the engine's command."""

    def __init__(self, order: Order, known_kills: int, base: dict[bytes, bytes]) -> None:
        super().__init__(order, known_kills)
        self._environment = {**base, **order.env}
        self._asker = 0  # the engine's command that asks the program to end, while it runs
        self._closer = 0  # the engine's command that ends the container, while it runs
        self._closer_until = 0.0
        self._tries = 0
        self._is_closed = False
        self._is_open = False  # whether the container may be alive though its command is not

    def tend(self) -> None:
        """Does what is due: reaps, looks at the limits, closes the container. Sets `ended` when nothing is left."""
        now = time.monotonic()
        if self._reap() and not self._still_open(now):
            self._finish()
            return
        if self._closer:
            if now >= self._closer_until:
                _tree.send(self._descendants(), SIGKILL)  # an engine that does not answer
                self._closer_until = now + PAUSE_SECONDS
            return
        if self._kill_at is None:
            if self._status is not None:
                self._kill_at = now if self._is_open else now + LEAVE_SECONDS
            else:
                self._verdict = self._watch.check(now)
                if self._verdict is not None:
                    self._end(self.order.grace, kill=False)
        if self._kill_at is not None and now >= self._kill_at:
            self._kill(now)

    def wait_seconds(self) -> float | None:
        """How long `tend` need not be called unless a child ends; None for as long as it takes."""
        if self._closer:
            return max(0.0, self._closer_until - time.monotonic())
        return super().wait_seconds()

    def _ask(self) -> None:
        """Asks the program to end, once: the engine tells the first process inside, and that tells all."""
        words = self.order.closing
        self._asker = self._engine((*words[: words.index(b"rm")], b"kill", b"--signal", b"TERM", words[-1]))
        if not self._asker:
            self._ask_command()

    def _ask_command(self) -> None:
        """Ends the engine's command: there is no container that could be asked, or not yet."""
        self._is_open = True
        _tree.send([self.pid], SIGTERM)

    def _kill(self, now: float) -> None:
        """Ends the container by name, and then what is left."""
        self._is_open = True
        if self._still_open(now):
            return
        _tree.send(self._descendants(), SIGKILL)
        self._kill_at = now + PAUSE_SECONDS

    def _still_open(self, now: float) -> bool:
        """Whether the container may be alive; if so, it is being closed on return."""
        if not self._is_open or self._is_closed or (self._tries >= MOST_TRIES and not self._closer):
            return False
        if not self._closer:
            self._close(now)
        return bool(self._closer)

    def _close(self, now: float) -> None:
        self._tries += 1
        self._closer = self._engine(self.order.closing)
        self._closer_until = now + PATIENCE_SECONDS

    def _engine(self, words: tuple[bytes, ...]) -> int:
        """Starts a command of the engine and returns its process; 0 where the engine is gone."""
        null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
        try:
            return os.posix_spawn(words[0], words, self._environment, file_actions=null)
        except OSError:
            return 0  # what descends from us is killed all the same

    def _took(self, pid: int, status: int, cpu: float, peak: int) -> None:
        """Counts a process that has ended, but not the engine's own commands."""
        if pid == self._closer:
            self._closer = 0
            self._is_closed = status == 0
            if self._kill_at is not None:
                self._kill_at = time.monotonic() + (PAUSE_SECONDS if self._is_closed else 0.0)
        elif pid == self._asker:
            self._asker = 0
            if status and self._status is None:
                self._ask_command()
        elif pid == self.pid:
            self._status = status
            code = os.waitstatus_to_exitcode(status)
            self._is_open = self._is_open or code < 0 or code == REFUSED
        else:
            super()._took(pid, status, cpu, peak)

    def _code(self) -> int:
        """The program's exit code as the engine tells it; a signal is told as 128 and its number."""
        code = super()._code()
        return SIGNALLED - code if SIGNALLED < code <= SIGNALLED + 64 else code

    def _judge(self, code: int) -> tuple[str, str]:
        if code in (REFUSED, REFUSED + 1, REFUSED + 2) and (said := self._engine_said()):
            return "failed", f"its container could not run it: {said}"
        return super()._judge(code)

    def _engine_said(self) -> str:
        """The last line on standard error, where it is the engine's own."""
        try:
            with open(self.order.folder + b"/" + _layout.STDERR.encode(), "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        for begin in ("Error: ", "docker: ", "Error response from daemon: "):
            if said.startswith(begin):
                return said.removeprefix(begin)[:300]
        return ""
