"""The lines and tables of Spell's door: plain columns, aligned to the left, numbers with six digits."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.cli.options import Place
from luthier.cli.output import can_print, emit, number, one_line, short, table
from luthier.compat.spell.looking import RunRow
from luthier.store import ExperimentRecord

__all__ = ["casting", "container_of", "facts", "length", "params_of", "rows_of_runs", "sparkle"]


def casting(what: str) -> None:
    """`💫 Casting hyperparameter search #59…`; on a terminal that has no such characters, without."""
    emit(f"💫 Casting {what}…" if can_print("💫…") else f"Casting {what}...")
    sys.stdout.flush()


def sparkle(text: str, sign: str = "✨") -> str:
    """A line of Spell's with its sign in front, where it can be shown."""
    return f"{sign} {text}" if can_print(sign) else text


def params_of(texts: Mapping[str, str], values: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """A run's parameters as cells: drawn numbers with six significant digits, all else as written."""
    shown = short(values, texts)
    return [shown.get(name, "") for name in names]


def rows_of_runs(rows: Sequence[RunRow], names: Sequence[str]) -> str:
    """The table below `describe`."""
    heads = ["Run ID", "Status", "Duration", *names]
    return table(
        heads,
        [[str(r.id), r.shown_status, length(r.seconds), *params_of(r.texts, r.values, names)] for r in rows],
    )


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and what they are, one a line."""
    width = max(len(name) for name, _ in pairs)
    for name, text in pairs:
        emit(f"{name:<{width}}  {one_line(text)}".rstrip())


def container_of(place: Place, record: ExperimentRecord) -> str:
    """The image that runs of an experiment are in, or why they are in none."""
    from luthier.drive.containing import is_being_made, why_without

    environment = record.description.environment
    if environment is None or environment.image is None:
        return "--"
    if why := why_without(record, place.folder):
        return f"none: {why}"
    return f"{environment.image} (being made)" if is_being_made(record, place.folder) else environment.image


def length(seconds: float | None) -> str:
    """How long something took: `12.3s`, `3m05s`, `2h07m`; `--` where it has not begun."""
    if seconds is None:
        return "--"
    if seconds < 60:
        return f"{number(round(seconds, 1))}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"
