"""Runs TensorBoard over a folder of runs, on this machine only, and ends it again.

The folder may be a mirror of an experiment or any other. TensorBoard runs in a process of its own and a session of its own,
so that a Ctrl-C is heard by Luthier alone, which then ends it. Where Luthier itself is killed, Linux ends it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from luthier.errors import LuthierError, UsageError

__all__ = ["Server", "require_tensorboard", "serving"]

START_SECONDS = 60.0
END_SECONDS = 5.0

# Asks Linux for a TERM when the parent dies, and becomes the program whose words follow. A program of its own, since nothing
# but exec is safe in the child of a process with threads. The parent may have died just before: then it is another one by now.
BOOT = """
import os, sys
parent, *words = sys.argv[1:]
if sys.platform.startswith("linux"):
    import ctypes, signal
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != int(parent):
        sys.exit(1)
os.execv(words[0], words)
"""

_URL = re.compile(r"https?://\S+")


def require_tensorboard() -> None:
    """Makes sure that TensorBoard can be run. **Raises** UsageError naming the extra."""
    spec = find_spec("tensorboard")
    if spec is None or spec.origin is None:
        raise UsageError(
            "TensorBoard is not installed; install it with: pip install 'luthier[tensorboard]', or write the log "
            "folder alone with --once and look at it elsewhere"
        )


class Server:
    """A TensorBoard that runs. `url` is where."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.url = ""
        self._process = process
        self._said: deque[str] = deque(maxlen=20)
        self._is_up = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether it still serves."""
        return self._process.poll() is None

    def failure(self) -> LuthierError:
        """Why it is over, in its own last words."""
        words = [line for line in self._said if line and not line.startswith(("NOTE:", "W0", "I0"))]
        return UsageError(f"TensorBoard ended: {words[-1] if words else 'it said nothing'}")

    def wait_until_up(self, seconds: float = START_SECONDS) -> None:
        """Waits until it answers. **Raises** UsageError where it ends instead."""
        self._is_up.wait(seconds)
        if not self.url:
            raise self.failure()

    def close(self) -> None:
        """Ends it. May be repeated."""
        if self.is_running():
            self._process.terminate()
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._listener.join()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said.append(line.strip())
            found = _URL.search(line) if "TensorBoard " in line and not self.url else None
            if found is not None:
                self.url = found[0]
                self._is_up.set()
        self._process.stderr.close()
        self._is_up.set()


@contextmanager
def serving(directory: Path, port: int | None = None) -> Iterator[Server]:
    """TensorBoard over `directory` while the body runs: at `port`, any free one where it is 0, the first free one from
    6006 where it is None.

    **Holds** it is gone when the body is left, however it is. **Raises** UsageError where it is not installed or can't
    begin, such as on a port that is taken.
    """
    require_tensorboard()
    words = [
        sys.executable,
        "-P",
        "-m",
        "tensorboard.main",
        "--logdir",
        str(directory),
        "--host",
        "127.0.0.1",
    ]
    words += ["--reload_interval", "2"]
    if port is not None:
        words += ["--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", BOOT, str(os.getpid()), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    server = Server(process)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.close()
