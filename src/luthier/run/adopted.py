"""What a driver can learn of, and do to, an attempt it has only the folder of.

The lock on `guardian.json` tells everything: while it is held a guardian lives and the attempt runs; when it is free,
`outcome.json` is final, and if that is missing the attempt was lost. The guardian's process is named by pid, start
and boot together, and held by a pidfd, so that no stranger with a reused number is ever signalled.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

from luthier.run import _layout, _tree
from luthier.run.runner import Adoption, Ended
from luthier.trial import AttemptId, Outcome, Result

__all__ = ["Adopted", "is_guarded", "lost", "probe", "read_outcome"]


def read_outcome(id: AttemptId, folder: str) -> Ended | None:
    """The end of an attempt as its guardian wrote it, None where there is none."""
    try:
        with open(Path(folder, _layout.OUTCOME), encoding="utf-8") as file:
            content: dict[str, Any] = json.load(file)
        result = Result(
            Outcome(content["outcome"]),
            content["reason"],
            exit_code=content["exit_code"],
            signal=content["signal"],
            seconds=content["seconds"],
            peak_bytes=content["peak_bytes"],
            cpu_seconds=content["cpu_seconds"],
        )
        return Ended(id, result, folder, content["began"], content["ended"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a file cut short by a power failure is no outcome


def lost(id: AttemptId, folder: str) -> Ended:
    """The end of an attempt whose guardian died: what it wrote last, or lost."""
    written = read_outcome(id, folder)
    if written is not None:
        return written
    died = "its guardian died, so how it ended is not known"
    return Ended(id, Result(Outcome.LOST, died if os.path.isdir(folder) else _layout.DELETED), folder)


def probe(folder: str) -> tuple[Adoption, int]:
    """Says where an attempt stands, and a pidfd of its guardian if it is running (-1 where there are none).

    **Holds** after NEVER_BEGAN the folder is claimed: a guardian that comes late refuses to run in it.
    """
    path = Path(folder, _layout.GUARDIAN)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        return Adoption.NEVER_BEGAN, -1
    except FileExistsError:
        pass
    except FileNotFoundError:
        return Adoption.NEVER_BEGAN, -1  # without its folder nothing can begin
    with open(path, "rb") as file:
        for _ in range(3):
            if not _is_locked(file.fileno()):
                break
            pidfd = _open(file.read())
            if _is_locked(file.fileno()):
                return Adoption.RUNNING, pidfd
            if pidfd >= 0:
                os.close(pidfd)
            file.seek(0)
        if Path(folder, _layout.OUTCOME).exists():
            return Adoption.ENDED, -1
        return (Adoption.LOST if file.read().strip() else Adoption.NEVER_BEGAN), -1


def is_guarded(folder: str) -> bool:
    """Whether a living guardian works in this folder. Changes nothing there."""
    try:
        with open(f"{folder}/{_layout.GUARDIAN}", "rb") as file:
            return _is_locked(file.fileno())
    except OSError:
        return False


def _is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False


def _open(content: bytes) -> int:
    """A pidfd of the process that `guardian.json` names, -1 where it can't be had."""
    try:
        named = json.loads(content)
        pidfd = os.pidfd_open(named["pid"]) if sys.platform == "linux" else -1
    except (OSError, ValueError, KeyError):
        return -1
    # Compared after it is open: the number can't be given to another process any more without our noticing.
    if pidfd >= 0 and (_tree.started(named["pid"]), _tree.boot_id()) != (named["started"], named["boot_id"]):
        os.close(pidfd)
        return -1
    return pidfd


def _pid_here(folder: str) -> int | None:
    """The process that guards a folder, where it is one of this machine: the number alone may be a stranger's here."""
    try:
        named = json.loads(Path(folder, _layout.GUARDIAN).read_bytes())
        is_here = (_tree.started(named["pid"]), _tree.boot_id()) == (named["started"], named["boot_id"])
        return int(named["pid"]) if is_here else None
    except (OSError, ValueError, KeyError):
        return None


class Adopted:
    """A running attempt of another driver. `pidfd` becomes readable when its guardian has left."""

    def __init__(self, id: AttemptId, key: str, folder: str, pidfd: int) -> None:
        self.id = id
        self.key = key
        self.folder = folder
        self.pidfd = pidfd

    def is_over(self) -> bool:
        """Whether its guardian has let go of the folder, alive or dead."""
        return not is_guarded(self.folder)

    def has_left(self) -> bool:
        """Whether the guardian's process has ended (False where that can't be known)."""
        return self.pidfd >= 0 and bool(select.select([self.pidfd], [], [], 0)[0])

    def stop(self, outcome: Outcome, reason: str, grace_seconds: float, kill: bool) -> None:
        """Leaves the request in the folder and wakes the guardian with a TERM."""
        request = {"outcome": outcome, "reason": reason, "grace_seconds": grace_seconds, "kill": kill}
        path = Path(self.folder, _layout.REQUEST)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(request), encoding="utf-8")
        new.replace(path)
        if self.pidfd >= 0:
            try:
                signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)
            except ProcessLookupError:
                pass  # it has just left
        elif not self.is_over() and (pid := _pid_here(self.folder)) is not None:
            os.kill(pid, signal.SIGTERM)  # no pidfd here, but it holds the lock: it is the one

    def close(self) -> None:
        """Lets go of the guardian."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1


def ask_guardian(
    id: AttemptId, folder: str, outcome: Outcome, reason: str, grace_seconds: float, *, kill: bool
) -> bool:
    """Asks whoever guards this folder to end its attempt; False when nobody does, or only on another machine that sees the
    folder too."""
    if not is_guarded(folder) or _pid_here(folder) is None:
        return False
    state, pidfd = probe(folder)
    if state is not Adoption.RUNNING:
        return False
    adopted = Adopted(id, "", folder, pidfd)
    try:
        adopted.stop(outcome, reason, grace_seconds, kill)
    finally:
        adopted.close()
    return True
