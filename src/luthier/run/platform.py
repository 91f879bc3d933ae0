"""Says on which systems programs can be run, what is weaker where, and how many cores there are for them.

Linux has everything. macOS has these limits: a process that leaves its process group on purpose (a daemon) is not
found when its trial ends; an attempt that is adopted is watched by its lock twice a second; lost attempts are not
swept, because a process's environment can't be read; memory ended by the system is reported as a failure; the peak
memory is that of the largest process. Windows has neither process groups nor `fork`: it is refused.
"""

from __future__ import annotations

import os
import sys

from luthier.errors import UsageError

__all__ = ["cores", "require_platform"]

GROUPS = "/sys/fs/cgroup"
"""Where Linux shows control groups."""
OWN_GROUP = "/proc/self/cgroup"


def require_platform() -> None:
    """Makes sure that programs can be run here.

    **Raises** UsageError on Windows.
    """
    if sys.platform == "win32" or not hasattr(os, "posix_spawn"):
        raise UsageError(
            "Luthier runs trials on Linux and macOS: Windows has no way to end everything a program has started. "
            "Use it inside WSL 2, where it works in full"
        )


def cores() -> int:
    """How many cores this process may keep busy: those it may run on, or fewer where its control group (of a container, a
    pod, a batch job) is given less of their time. At least 1.

    **Source** Linux `sched_getaffinity(2)`; `cpu.max` in the kernel's cgroup-v2.rst, `cpu.cfs_quota_us` in sched-bwc.rst.
    """
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([here, *_quotas()])))


def _quotas() -> list[float]:
    """How many cores' time each control group above this process may use at most, of those that say."""
    try:
        with open(OWN_GROUP, encoding="utf-8") as file:
            path = next((line[3:].strip() for line in file if line.startswith("0::")), "/")
    except OSError:
        return []
    found = []
    while True:
        folder = GROUPS + path.rstrip("/")
        found += _quota(_words(f"{folder}/cpu.max"))
        if path in ("/", ""):
            break
        path = os.path.dirname(path)
    older = f"{GROUPS}/cpu/cpu.cfs"
    return found + _quota(_words(f"{older}_quota_us") + _words(f"{older}_period_us"))


def _quota(words: list[str]) -> list[float]:
    """Cores, of microseconds of a core's time in a period of so many; nothing without a limit."""
    if len(words) != 2 or not all(word.isdecimal() for word in words) or not int(words[1]):
        return []  # `max` and -1 are no limit
    return [int(words[0]) / int(words[1])]


def _words(file: str) -> list[str]:
    try:
        with open(file, encoding="ascii") as opened:
            return opened.read().split()
    except OSError:
        return []
