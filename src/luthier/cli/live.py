"""Chooses how a search is shown while it runs: by lines alone, or on a terminal with a live panel below them."""

from __future__ import annotations

import sys
from typing import TextIO

from luthier.cli.lines import Lines

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
