"""Who is alive on this machine: one locked file for each driver and each worker.

The kernel drops a lock when its process dies, however it dies, so a lock says more than a process number that may
have been given to somebody else. A worker that holds its lock is alive; what a dead one left behind may be taken
over at once, without waiting for its leases to run out. The locks are this machine's: where the store is on a server,
a worker that has none here is on another machine, and only its leases tell whether it lives.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from luthier.errors import AliveError
from luthier.store import Held
from luthier.store.address import address_of

__all__ = ["ASKED", "Alive", "Hold", "asks"]

ASKED = "ask:"
"""Begins the names of workers that are other programs (`luthier ask`, `Experiment.ask`). No lock has such a name: only their
leases tell whether they live."""


def asks(worker: str | None) -> bool:
    """Whether a worker is another program, which asked for its trials and runs them itself."""
    return worker is not None and worker.startswith(ASKED)


class Hold:
    """A lock that is held until `release`, or until this process is gone."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd: int | None = fd

    def release(self) -> None:
        """Removes the file and drops the lock; may be repeated."""
        if self._fd is not None:
            self.path.unlink(missing_ok=True)
            self.leave()

    def leave(self) -> None:
        """Drops the lock and leaves the file, as a death would: what is still held is to be taken over."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _lock(path: Path) -> int | None:
    """Creates and locks a file; None when another process holds it."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _lock_fd(fd):
            os.close(fd)
            return None
        try:
            if os.fstat(fd).st_ino == os.stat(path).st_ino:
                return fd
        except FileNotFoundError:
            pass
        os.close(fd)  # its former holder removed the file meanwhile: lock the new one


def _lock_fd(fd: int) -> bool:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            # Somebody who only looks holds it shared for a moment; a holder never lets us share it.
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return False


def _is_held(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(fd)


class Alive:
    """This machine's locks beside one store, in its folder `locks/`. Where the store is on a server (`is_shared`), several
    machines may share the folder as well, so each has a folder for its own."""

    def __init__(self, folder: Path) -> None:
        self.is_shared = address_of(folder) is not None
        self._folder = folder / "locks"
        if self.is_shared:
            self._folder /= os.uname().nodename

    def drive(self, experiment: int) -> Hold:
        """Becomes the driver of an experiment.

        **Raises** AliveError while another process is.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"driver-{experiment}"
        fd = _lock(path)
        if fd is None:
            raise self._already(experiment)
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        return Hold(path, fd)

    def _already(self, experiment: int) -> AliveError:
        path = self._folder / f"driver-{experiment}"
        pid = (path.read_text(encoding="ascii").strip() if path.exists() else "") or "unknown"
        return AliveError(
            f"experiment {experiment} is already being driven by process {pid}; follow it with "
            f"'luthier logs {experiment} -f', end it with 'luthier stop {experiment}', or add --new to start another"
        )

    def refuse_driven(self, experiment: int) -> None:
        """Makes sure that nobody drives the experiment.

        **Raises** AliveError while a living process does.
        """
        if self.is_driven(experiment):
            raise self._already(experiment)

    def is_driven(self, experiment: int) -> bool:
        """Whether a living process drives the experiment."""
        return _is_held(self._folder / f"driver-{experiment}")

    def work(self, tags: Sequence[str] = ()) -> tuple[str, Hold]:
        """Becomes a worker: returns its name, never used before or after, and the lock that shows it is alive. `tags` say
        what kind of machine it is."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}"
        path = self._folder / f"worker-{name}"
        fd = os.open(f"{path}.new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(fd, "".join(f"{tag}\n" for tag in tags).encode())
        os.rename(f"{path}.new", path)  # nobody sees the file before it is locked
        return name, Hold(path, fd)

    def tags(self) -> set[str]:
        """What the living workers of this machine call themselves."""
        found: set[str] = set()
        for path in self._folder.glob("worker-*"):
            if path.name.endswith(".new") or not _is_held(path):
                continue
            try:
                found.update(path.read_text(encoding="utf-8").splitlines())
            except OSError:
                continue  # it has just left
        return found

    def is_working(self, worker: str) -> bool:
        """Whether the worker of this name is alive on this machine."""
        return _is_held(self._folder / f"worker-{worker}")

    def guards(self, folder: str) -> bool:
        """Whether a living guardian of this machine works in an attempt's folder."""
        from luthier.run.adopted import is_guarded  # whoever only asks who drives needs none of it

        return is_guarded(folder)

    def is_elsewhere(self, worker: str) -> bool:
        """Whether a worker that holds something is on another machine. Who dies here leaves its file."""
        return self.is_shared and not (self._folder / f"worker-{worker}").exists()

    def lives(self, held: Held) -> bool:
        """Whether the worker that holds an attempt may go on with it: one that is elsewhere as long as it has its lease."""
        return not held.lapsed if self.is_elsewhere(held.worker) else self.is_working(held.worker)

    def dead_workers(self) -> list[str]:
        """The workers that went away without a word and have not been buried."""
        names = [path.name.removeprefix("worker-") for path in self._folder.glob("worker-*")]
        return [name for name in names if not name.endswith(".new") and not self.is_working(name)]

    def bury(self, worker: str) -> None:
        """Forgets a dead worker, once nothing is held in its name."""
        (self._folder / f"worker-{worker}").unlink(missing_ok=True)
