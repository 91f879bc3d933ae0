"""Who tells a person what a search does: plain lines (`live.py`), or on a terminal those with a panel below (`screen.py`).

The panel is loaded only where standard error is a terminal, so that nobody else waits for it.
"""

from __future__ import annotations

import sys
from typing import TextIO

from luthier.cli.live import Lines

__all__ = ["listener_for"]


def listener_for(
    slots: int, *, check: bool, quiet: bool, rows: int = 0, stream: TextIO | None = None
) -> Lines:
    """Returns what suits the place standard error goes to. The first `rows` trials are shown as they begin."""
    out = stream or sys.stderr
    if quiet or not out.isatty():
        return Lines(slots, check=check, quiet=quiet, rows=0 if quiet else rows, stream=out)
    from luthier.cli.screen import Panel

    return Panel(slots, check=check, quiet=quiet, rows=rows, stream=out)
