"""The last lines of a program's output, safe to show in a message or a table.

It reads a bounded piece from the end of a file and escapes what a terminal would act on. It does not look for
secrets, and it does not know why it is asked.
"""

from __future__ import annotations

import os

from luthier.metrics.follow import visible
from luthier.metrics.lines import clean

__all__ = ["tail_of"]


def tail_of(path: str | os.PathLike[str], lines: int = 20, max_bytes: int = 8192) -> str:
    """Returns the last lines of the file at `path`, at most `max_bytes` of it; "" where nothing can be read.

    Colours are taken off, progress that was overwritten is left out, other control characters are written as
    `\\x07`.
    """
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, size - max_bytes))
            text = file.read(max_bytes).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
    found = text.rstrip("\r\n").split("\n")
    if start > 0 and len(found) > 1:
        del found[0]  # its beginning is missing
    shown = [_escaped(clean(visible(line))).rstrip() for line in found]
    return "\n".join(shown[-lines:]) if lines > 0 else ""


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c == "\t" else _code(ord(c)) for c in line)


def _code(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
