"""What fault tests need: processes that are really killed, a ledger that survives them, and a line of figures.

Nothing here is imported outside tests. A process is made by `fork`, so that hundreds cost little; the caller must not
hold an open store across it. `record` prints the one line that every fault test owes and, where LUTHIER_FAULT_LOG
names a file, adds it there as JSON, from which `docs/reliability.md` is made. `make nightly` asks for the larger figures
of `scaled`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from luthier.store.postgres_connection import PostgresConnection
from luthier.store.sqlite_connection import SqliteConnection

__all__ = [
    "Ledger",
    "Moment",
    "count_commits",
    "die",
    "die_at_commit",
    "fork",
    "kill",
    "record",
    "scaled",
    "wait",
]

Moment = Literal["before", "after"]

# Read once: tests take our variables out of the environment while they run.
_LOG = os.environ.get("LUTHIER_FAULT_LOG")


def record(name: str, **figures: Any) -> None:
    """Tells the figures of one fault test."""
    shown = " · ".join(f"{key.replace('_', ' ')} {value}" for key, value in figures.items())
    sys.stdout.write(f"\n{name}: {shown}\n")
    sys.stdout.flush()
    if _LOG:
        with open(_LOG, "a", encoding="utf-8") as file:
            file.write(json.dumps({"test": name, **figures}) + "\n")


def scaled(ci: int, nightly: int) -> int:
    """How often a fault is tried: less on every commit, more at night."""
    return nightly if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else ci


def fork(body: Callable[[], object]) -> int:
    """Runs `body` in a child process and returns its number. The child ends with 0, or with 1 and a traceback."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        body()
        code = 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def wait(pid: int) -> int:
    """Waits for a child; returns its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(pid: int) -> int:
    """Ends a child as nothing can prevent, and waits for it."""
    os.kill(pid, signal.SIGKILL)
    return wait(pid)


def die() -> None:
    """Ends this process as a power cut would: no handler, no `finally`, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


class Ledger:
    """Lines that processes leave behind for whoever counts afterwards. One write each, so a killed process leaves
    whole lines or none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, *words: Any) -> None:
        """Adds a line."""
        os.write(self._fd, (json.dumps(words) + "\n").encode())

    def lines(self) -> list[list[Any]]:
        """All lines so far, in the order they were written."""
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]


@contextmanager
def _watched(hook: Callable[[Moment], None]) -> Iterator[None]:
    """Calls `hook` before and after every durable commit of this process's stores, for as long as the body lasts."""
    with ExitStack() as undo:
        for kind in (SqliteConnection, PostgresConnection):
            undo.callback(setattr, kind, "transaction", kind.transaction)
            setattr(kind, "transaction", _hooked(kind.transaction, hook))  # noqa: B010
        yield


def _hooked(original: Any, hook: Callable[[Moment], None]) -> Any:
    @contextmanager
    def transaction(self: SqliteConnection | PostgresConnection, *, narrow: bool = False) -> Iterator[None]:
        is_part = self.in_transaction
        with original(self, narrow=narrow):
            yield
            if not is_part:
                hook("before")
        if not is_part:
            hook("after")

    return transaction


@contextmanager
def count_commits() -> Iterator[list[int]]:
    """Counts the commits of the body in the one number of the list it gives."""
    counted = [0]

    def hook(moment: Moment) -> None:
        counted[0] += moment == "after"

    with _watched(hook):
        yield counted


@contextmanager
def die_at_commit(place: int, moment: Moment) -> Iterator[None]:
    """Ends this process right before or after its commit number `place`, counted from 1."""
    counted = [0]

    def hook(now: Moment) -> None:
        counted[0] += now == "before"
        if counted[0] == place and now == moment:
            die()

    with _watched(hook):
        yield
