"""Whether this machine can do what Luthier needs: one finding for each thing, with what to do about it.

`bad` means that searches will not work here, `warn` that something optional is missing or weaker. Every check looks
at the real thing: a file is written, a process is opened, a library is found.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from luthier.clock import SystemClock
from luthier.errors import LuthierError

__all__ = ["Finding", "Health", "examine"]

_LOW_BYTES = 1 << 30
_OLDEST_SQLITE = (3, 35, 0)  # RETURNING, which our statements use, came with SQLite 3.35
_EXTRAS = {
    "pandas": ("pandas", "tables of an experiment in Python"),
    "parquet": ("pyarrow", "export as Parquet"),
    "plot": ("plotly", "Plotly figures; PNG files take resvg-py, which comes with it"),
    "scikit-learn": ("sklearn", "the templates digits and mnist"),
}


class Health(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one thing."""

    name: str
    health: Health
    text: str


def examine(folder: Path) -> list[Finding]:
    """Examines this machine and the place of a store; changes nothing. A check that fails is itself a finding."""
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("python", _python),
        ("platform", _platform),
        ("sqlite", _sqlite),
        ("store", lambda: _store(folder)),
        ("disk", lambda: _disk(folder)),
        ("processes", _processes),
        ("gpus", _gpus),
        ("extras", _extras),
        ("clock", _clock),
    ]
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += check()
        except (OSError, sqlite3.Error, LuthierError) as error:
            found.append(Finding(name, Health.BAD, str(error)))
    return found


def _python() -> Iterator[Finding]:
    yield Finding("python", Health.OK, f"{platform.python_version()} at {sys.executable}")


def _platform() -> Iterator[Finding]:
    from luthier.run.platform import cores, require_platform

    require_platform()
    text = f"{platform.system()} {platform.release()}, {platform.machine()}, {cores()} cores"
    if sys.platform == "linux":
        yield Finding("platform", Health.OK, text)
    else:
        yield Finding(
            "platform", Health.WARN, f"{text}; trials that leave their session on purpose are not found here"
        )


def _sqlite() -> Iterator[Finding]:
    is_old = sqlite3.sqlite_version_info < _OLDEST_SQLITE
    need = "; 3.35 or newer is needed, use a newer Python" if is_old else ""
    yield Finding("sqlite", Health.BAD if is_old else Health.OK, f"{sqlite3.sqlite_version}{need}")


def _store(folder: Path) -> Iterator[Finding]:
    from luthier.store.address import address_of
    from luthier.store.location import filesystem_type, is_store, refuse_network

    kind = filesystem_type(_existing(folder))
    where = f"{folder} on {kind or 'an unknown file system'}"
    if address_of(folder) is None:  # else only folders of trials are kept here
        refuse_network(folder, kind)
    with tempfile.TemporaryFile(dir=_existing(folder)) as file:
        file.write(b"luthier")
        clock = SystemClock()
        before = clock.elapsed()
        file.flush()
        os.fsync(file.fileno())
        seconds = clock.elapsed() - before
    slow = (
        f"; a write takes {seconds * 1000:.0f} ms, so short trials will wait for the disk"
        if seconds > 0.1
        else ""
    )
    state = "" if is_store(folder) else ", not made yet"
    yield Finding("store", Health.WARN if slow else Health.OK, f"{where}{state}, writable{slow}")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())


def _disk(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(_existing(folder)).free
    text = f"{free / 1e9:.1f} GB free"
    if free < _LOW_BYTES:
        advice = "free some, for instance with: luthier gc ID --keep-checkpoints best:3"
        yield Finding("disk", Health.WARN, f"{text}; {advice}")
    else:
        yield Finding("disk", Health.OK, text)


def _processes() -> Iterator[Finding]:
    if sys.platform != "linux":
        yield Finding(
            "processes", Health.WARN, "process groups only; every descendant is found on Linux alone"
        )
        return
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        advice = "Linux 5.3 or newer is needed, and a sandbox that allows it"
        yield Finding("processes", Health.BAD, f"pidfd_open does not work ({error.strerror}); {advice}")
        return
    if not Path("/proc/self/environ").exists():
        yield Finding("processes", Health.BAD, "/proc is not mounted; trials' processes could not be found")
        return
    import ctypes

    get_child_subreaper, flag = 37, ctypes.c_int()
    if ctypes.CDLL(None, use_errno=True).prctl(get_child_subreaper, ctypes.byref(flag), 0, 0, 0):
        yield Finding(
            "processes", Health.BAD, "the kernel has no child subreaper; Linux 3.4 or newer is needed"
        )
        return
    yield Finding(
        "processes", Health.OK, "pidfd and child subreaper work: every process of a trial can be ended"
    )


def _gpus() -> Iterator[Finding]:
    from luthier.run.gpus import discover

    try:
        devices = discover(os.environ, timeout_seconds=10.0)
    except LuthierError as error:
        yield Finding("gpus", Health.WARN, str(error))
        return
    memory = ", ".join(f"{device.name}: {device.memory_mib} MiB" for device in devices)
    yield Finding("gpus", Health.OK, f"{len(devices)} ({memory})" if devices else "none found by nvidia-smi")


def _extras() -> Iterator[Finding]:
    for extra, (module, use) in _EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        how = f"pip install '{extra if extra == 'scikit-learn' else f'luthier[{extra}]'}'"
        text = f"{module} is installed: {use}" if there else f"{module} is missing, needed for {use}: {how}"
        yield Finding(f"extra {extra}", Health.OK if there else Health.WARN, text)


def _clock() -> Iterator[Finding]:
    clock = SystemClock()
    year = time.gmtime(clock.now()).tm_year
    if year < 2025:
        yield Finding(
            "clock", Health.WARN, f"it is {year}, says this machine; set its clock, for the dates of trials"
        )
    elif not hasattr(time, "CLOCK_BOOTTIME"):
        yield Finding(
            "clock", Health.WARN, "no clock counts while this machine sleeps; leases end later by that time"
        )
    else:
        yield Finding("clock", Health.OK, f"right, and counts sleep; this boot is {clock.boot_id[:8]}")
