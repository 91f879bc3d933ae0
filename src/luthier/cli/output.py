"""How things are printed: tables, numbers, durations, colours and JSON documents.

One aligned table serves terminals and pipes alike; only a terminal has colours and cuts long lines. Numbers show
six significant digits here and are whole in JSON. JSON has no NaN or infinity: they are the strings "nan", "inf"
and "-inf". Data goes to standard output (`emit`, `emit_json`), messages to standard error (`say`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from luthier.errors import UsageError

__all__ = [
    "age",
    "can_print",
    "columns_of",
    "date",
    "duration",
    "emit",
    "emit_json",
    "emit_json_line",
    "ending",
    "many",
    "number",
    "one_line",
    "paint",
    "pairs",
    "say",
    "short",
    "size",
    "table",
    "terminal_width",
    "unwritten",
    "wrapped",
]

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def emit(text: str = "") -> None:
    """Prints data. **Raises** UsageError where standard output can't be written, as on a full disk."""
    _print(text)


def _print(text: str, *, flush: bool = False) -> None:
    try:
        print(text, file=sys.stdout, flush=flush)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(unwritten(error)) from error


def unwritten(error: OSError) -> str:
    """The sentence that standard output can't be written."""
    return f"standard output could not be written: {error.strerror or error}"


def say(message: str) -> None:
    """Prints a message for the person, never data."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        pass  # the data is still in its buffer: the end of the command says that it can't be written
    print(wrapped(message, sys.stderr), file=sys.stderr, flush=True)


def wrapped(text: str, stream: TextIO) -> str:
    """A message as a terminal is to show it: long lines go on at a word, two columns in. What holds a command to copy stays
    whole, and so does everything where the stream is no terminal."""
    room = _columns(stream)
    if room is None or all(len(line) <= room for line in text.split("\n")):
        return text
    import textwrap

    def folded(line: str) -> str:
        if len(line) <= room or "luthier " in line:
            return line
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        return textwrap.fill(
            line, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )

    return "\n".join(map(folded, text.split("\n")))


def emit_json(command: str, document: dict[str, Any], version: int = 1) -> None:
    """Prints one JSON document that begins with its schema, `luthier.<command>/<version>`."""
    import json

    whole = {"schema": f"luthier.{command}/{version}", **document}
    emit(json.dumps(_plain(whole), ensure_ascii=False, indent=2, allow_nan=False))


def emit_json_line(document: dict[str, Any]) -> None:
    """Prints one line of a JSON-lines stream, at once."""
    import json

    _print(json.dumps(_plain(document), ensure_ascii=False, allow_nan=False), flush=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value - value != 0:
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


# ---------------------------------------------------------------------- small texts


def number(value: float | None) -> str:
    """A number with six significant digits, `-` when there is none."""
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def short(values: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, str]:
    """A configuration's texts for a line or a table: drawn numbers with six significant digits, all else as written."""
    return {
        name: number(values[name]) if isinstance(values[name], float) and repr(values[name]) == text else text
        for name, text in texts.items()
    }


def pairs(texts: Mapping[str, str]) -> str:
    """A configuration on one line: `rate=0.01 cell=gru`."""
    return one_line(" ".join(f"{name}={text}" for name, text in texts.items()))


def many(count: int, one: str, more: str | None = None) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def ending(outcome: str | None, reason: str | None) -> str:
    """How a trial ended and why: `failed: it exited with code 1`, the outcome once where the reason begins with it."""
    if not reason or not outcome:
        return outcome or reason or "-"
    return reason if reason.startswith(outcome) else f"{outcome}: {reason}"


def duration(seconds: float | None) -> str:
    """`0.4s`, `8s`, `3m 05s`, `2h 07m`, `3d 04h`."""
    if seconds is None:
        return "-"
    if seconds < 0.95:
        return f"{max(seconds, 0):.1f}s"
    whole = round(seconds)
    for unit, small, length, part in (("d", "h", 86400, 3600), ("h", "m", 3600, 60), ("m", "s", 60, 1)):
        if whole >= length:
            return f"{whole // length}{unit} {whole % length // part:02d}{small}"
    return f"{whole}s"


def age(seconds: float) -> str:
    """The largest unit alone: `8s`, `3m`, `2h`, `5d`."""
    whole = max(int(seconds), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= length:
            return f"{whole // length}{unit}"
    return f"{whole}s"


def date(time: float | None) -> str:
    """A time as a date and hour of this machine's zone."""
    from datetime import UTC, datetime

    if time is None:
        return "-"
    return datetime.fromtimestamp(time, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def size(count_bytes: float) -> str:
    """`512 B`, `1.3 MB`, `20 GB`."""
    amount, unit = float(count_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"


# ---------------------------------------------------------------------- colours and tables


def _has_colours() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, *styles: str) -> str:
    """The text in these styles (bold, dim, red, green, yellow, blue, cyan), where colours are wanted."""
    if not styles or not _has_colours():
        return text
    return f"\x1b[{';'.join(_COLOURS[style] for style in styles)}m{text}\x1b[0m"


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    styles: Sequence[Sequence[str]] = (),
) -> str:
    """Rows under their heads, columns two spaces apart; the heads in `right` are aligned to the right.

    `styles` gives each row its styles. On a terminal a line is cut at its width; in a pipe it is whole.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max([columns_of(heads[i]), *(columns_of(row[i]) for row in cells)]) for i in range(len(heads))]
    room = terminal_width()
    lines = [paint(_cut(_line(heads, heads, widths, right), room), "bold")]
    for index, row in enumerate(cells):
        line = _cut(_line(row, heads, widths, right), room)
        lines.append(paint(line, *styles[index]) if index < len(styles) else line)
    return "\n".join(lines)


def _line(cells: Sequence[str], heads: Sequence[str], widths: Sequence[int], right: Sequence[str]) -> str:
    parts = []
    for cell, head, width in zip(cells, heads, widths, strict=True):
        gap = " " * (width - columns_of(cell))
        parts.append(gap + cell if head in right else cell + gap)
    return "  ".join(parts).rstrip()


def one_line(text: str) -> str:
    """Control characters made visible, so that no value can break the table or the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def columns_of(text: str) -> int:
    """How many columns a text takes on a terminal: of East Asian characters many take two, accents of their own none."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def can_print(characters: str, stream: TextIO | None = None) -> bool:
    """Whether the encoding of standard output, or of another stream, has these characters."""
    try:
        characters.encode(getattr(stream or sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def terminal_width() -> int | None:
    """How many columns standard output has; None where it is no terminal."""
    return _columns(sys.stdout)


def _columns(stream: TextIO) -> int | None:
    """How many columns a stream has; None where it is no terminal, or one that does not know."""
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def _cut(line: str, room: int | None) -> str:
    return line if room is None or len(line) <= room or room < 20 else line[: room - 1] + "…"
