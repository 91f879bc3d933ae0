"""The project of the folder a command is typed in."""

from __future__ import annotations

from pathlib import Path

from luthier.cli.doors.riseml.config import FILE
from luthier.errors import UsageError

__all__ = ["project_here"]


def project_here() -> str | None:
    """The project that the riseml.yml here names; None without one, or where it can't be read."""
    if not Path(FILE).is_file():
        return None
    from luthier.cli.doors.riseml.config import read_job

    try:
        return read_job(FILE).project
    except UsageError:
        return None
