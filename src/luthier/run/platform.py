"""Says on which systems programs can be run, and what is weaker where.

Linux has everything. macOS has these limits: a process that leaves its process group on purpose (a daemon) is not
found when its trial ends; an attempt that is adopted is watched by its lock twice a second; lost attempts are not
swept, because a process's environment can't be read; memory ended by the system is reported as a failure; the peak
memory is that of the largest process. Windows has neither process groups nor `fork`: it is refused.
"""

from __future__ import annotations

import os
import sys

from luthier.errors import UsageError

__all__ = ["require_platform"]


def require_platform() -> None:
    """Makes sure that programs can be run here.

    **Raises** UsageError on Windows.
    """
    if sys.platform == "win32" or not hasattr(os, "posix_spawn"):
        raise UsageError(
            "Luthier runs trials on Linux and macOS: Windows has no way to end everything a program has started. "
            "Use it inside WSL 2, where it works in full"
        )
