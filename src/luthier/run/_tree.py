"""Finds every process that descends from another, and the ones that carry an attempt's marker.

A guardian is a child subreaper, so whatever a trial forks, daemonises or moves to another session stays its
descendant. Linux is read from /proc; elsewhere `ps` is asked. Nothing here decides what to do with a process.
Standard library only: the nursery imports this.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["be_subreaper", "boot_id", "descendants", "marked", "resident_bytes", "send", "started"]

LINUX = sys.platform.startswith("linux")
PR_SET_CHILD_SUBREAPER = 36
PAGE = os.sysconf("SC_PAGE_SIZE")


def be_subreaper() -> None:
    """Makes the caller the parent of every orphan among its descendants, so that none can slip away.

    Elsewhere than on Linux it does nothing: there, a process that leaves its group on purpose is not found.
    """
    if LINUX:
        import _ctypes  # `ctypes` itself adds 1.4 ms, for which the first trial would wait

        prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # None is this program
        if _ctypes.call_function(prctl, (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) != 0:
            raise OSError("prctl(PR_SET_CHILD_SUBREAPER) was refused")


def _read(path: str) -> bytes:
    """The content of a small file of /proc, empty when the process has gone."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(fd, 65536)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _families() -> dict[int, list[int]]:
    """Every process of this machine under its parent, without those that are dead and only wait to be reaped."""
    families: dict[int, list[int]] = {}
    if not LINUX:
        for pid, parent in _parents_from_ps():
            families.setdefault(parent, []).append(pid)
        return families
    for name in os.listdir("/proc"):
        if name.isdigit():
            # The name in parentheses may hold anything, also parentheses: what counts follows the last one.
            _, found, rest = _read(f"/proc/{name}/stat").rpartition(b")")
            if found:
                state, parent_text, _ = rest.split(None, 2)
                if state not in b"ZX":
                    families.setdefault(int(parent_text), []).append(int(name))
    return families


def _parents_from_ps() -> list[tuple[int, int]]:
    import subprocess

    listing = subprocess.run(["/bin/ps", "-axo", "pid=,ppid="], capture_output=True, check=False).stdout
    return [(int(pid), int(parent)) for pid, parent in (line.split() for line in listing.splitlines())]


def _children(pid: int) -> list[int]:
    """The children of one process, by the kernel's own list (absent from kernels without CONFIG_PROC_CHILDREN)."""
    found = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    for thread in threads:
        found += [int(child) for child in _read(f"/proc/{pid}/task/{thread}/children").split()]
    return found


_LISTS_CHILDREN = os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children")


def descendants(root: int, skip: Container[int] = ()) -> list[int]:
    """The processes below `root`, parents before children, without those in `skip` and what is below them.

    **Cost** a few microseconds for each process of the tree where the kernel lists children, for each process of
    the machine where it does not.
    """
    if _LISTS_CHILDREN:
        below = _children
    else:
        families = _families()

        def below(pid: int) -> list[int]:
            return families.get(pid, [])

    found = [pid for pid in below(root) if pid not in skip]
    for pid in found:  # grows while it is walked: breadth first
        found += [child for child in below(pid) if child not in skip]
    return found


def marked(key: str) -> list[int]:
    """The living processes whose environment carries the key of an attempt, and all that descends from them."""
    if not LINUX:
        return []
    from luthier.run._layout import MARKER

    mark = f"{MARKER}={key}".encode() + b"\0"
    families = _families()
    here = os.getpid()
    found = [
        pid
        for pids in families.values()
        for pid in pids
        if pid != here and mark in _read(f"/proc/{pid}/environ") + b"\0"
    ]
    known = set(found)
    for pid in found:
        for child in families.get(pid, []):
            if child not in known:
                known.add(child)
                found.append(child)
    return found


def send(pids: list[int], number: int) -> None:
    """Sends one signal to each process that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            pass  # gone meanwhile, or not ours (a set-uid program): the next pass looks again


def resident_bytes(pids: list[int], *, shared_once: bool = False) -> int:
    """The memory held by these processes together.

    With `shared_once` pages shared between them are counted in proportion (PSS), which costs the kernel a walk
    through the page tables; without, they are counted for each process.
    """
    total = 0
    for pid in pids:
        if shared_once:
            for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
                if line.startswith(b"Pss:"):
                    total += int(line.split()[1]) * 1024
        else:
            fields = _read(f"/proc/{pid}/statm").split()
            total += int(fields[1]) * PAGE if fields else 0
    return total


def started(pid: int) -> int:
    """When a process began, in clock ticks since boot: with the pid and the boot it names a process for ever.
    0 where it can't be known."""
    _, found, rest = _read(f"/proc/{pid}/stat").rpartition(b")")
    return int(rest.split()[19]) if found else 0


def boot_id() -> str:
    """The kernel's name of this boot, empty where it gives none."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()
