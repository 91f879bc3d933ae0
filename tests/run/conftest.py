"""What the tests of the runner share: finding an attempt's processes by their environment, independently of `_tree`,
and a small bench on which attempts are set up."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from luthier.description import Limits
from luthier.run.command import CommandRunner
from luthier.run.environment import attempt_environment
from luthier.run.folders import AttemptFolder, Folders
from luthier.run.runner import Ended, Order
from luthier.trial import AttemptId

NO_LIMITS = Limits()
SHAPES = Path(__file__).parent / "shapes"


def alive(key: str) -> list[str]:
    """The living processes that carry an attempt's key: `pid: command line`."""
    found = []
    mark = f"LUTHIER_ATTEMPT_KEY={key}".encode()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append(f"{process.name}: {(process / 'cmdline').read_bytes()!r}")
            except OSError:
                pass  # it has just ended
    return found


def until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Waits until something holds, and fails when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.005)


class Bench:
    """Attempts set up in a folder of the test's own, and the runner they run on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders = Folders(root)
        self.runner = CommandRunner(root)
        self.keys: list[str] = []
        self._ends: list[Ended] = []
        self.alive = alive
        self.until = until

    def order(
        self,
        *argv: str,
        trial: int = 1,
        attempt: int = 1,
        slot: int = 0,
        limits: Limits = NO_LIMITS,
        **env: str,
    ) -> Order:
        """An order with everything a program finds, its folder prepared."""
        id = AttemptId(1, trial, attempt)
        folder = self.folder(trial, attempt)
        folder.prepare(argv=argv, cwd=str(self.root), texts={}, values={})
        key = f"{os.getpid()}-{self.root.name}-{trial}-{attempt}"
        self.keys.append(key)
        added = attempt_environment(id, key, trial, 7, folder, texts={}, values={})
        return Order(id, key, argv, {**added, **env}, str(self.root), folder.path, limits, slot)

    def python(self, code: str, *args: str, **options: object) -> Order:
        """An order for a Python program given as text."""
        return self.order(sys.executable, "-S", "-c", code, *args, **options)  # type: ignore[arg-type]

    def shape(self, name: str, **options: object) -> Order:
        """An order for one of the process trees in `shapes/`."""
        program = ("sh",) if name.endswith(".sh") else (sys.executable, "-S")
        env = {"SHAPES": str(SHAPES), "PYTHON": sys.executable}
        return self.order(*program, str(SHAPES / name), **env, **options)  # type: ignore[arg-type]

    def folder(self, trial: int = 1, attempt: int = 1) -> AttemptFolder:
        """The files of an attempt."""
        return self.folders.attempt(1, trial, attempt)

    def started(self, order: Order) -> None:
        """Starts an order and waits until its program has printed or its shape stands."""
        self.runner.start(order)
        self.until_up(order)

    def until_up(self, order: Order) -> None:
        """Waits until the program of an order has printed or its shape stands."""
        files = [Path(order.folder, "stdout.log"), Path(order.folder, "outputs/ready")]
        until(
            lambda: (files[0].exists() and files[0].stat().st_size) or files[1].exists(),
            f"{order.argv} is up: {Path(order.folder, 'stderr.log')}",
        )

    def ended(self, seconds: float = 20.0) -> Ended:
        """The next end."""
        deadline = time.monotonic() + seconds
        while True:
            if self._ends:
                return self._ends.pop(0)
            self._ends += [event for event in self.runner.events(0.2) if isinstance(event, Ended)]
            assert self._ends or time.monotonic() < deadline, f"no attempt ended within {seconds:g} s"

    def guardian_log(self) -> str:
        """What the nursery and guardians complained of."""
        return (self.root / "guardian.log").read_text()

    def pid_of_guardian(self, order: Order) -> int:
        """The guardian of a running attempt."""
        import json

        pid = json.loads(Path(order.folder, "guardian.json").read_text())["pid"]
        assert isinstance(pid, int)
        return pid


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    try:
        yield bench
    finally:
        bench.runner.close(leave_running=False)
        for key in bench.keys:
            for process in alive(key):
                os.kill(int(process.partition(":")[0]), 9)
