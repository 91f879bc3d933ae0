"""Values as PostgreSQL takes them, and as they were.

A text can't hold NUL there: the control character SUB stands before what it stands for. Lists of numbers travel as the
text of an array, which is made in a fraction of the time that the library needs for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["columns", "read", "written"]


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one row."""
    return {name: _text(value) if type(value) is str else value for name, value in values.items()}


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values of many rows, an array for each name. All of a name are texts, or all are numbers."""
    return {name: _column([row[name] for row in rows]) for name in rows[0]}


def _column(values: list[Any]) -> Any:
    if any(type(value) is str for value in values):
        return [_text(value) if type(value) is str else value for value in values]
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _text(text: str) -> str:
    if "\0" in text or "\x1a" in text:
        return text.replace("\x1a", "\x1a1").replace("\0", "\x1a0")
    return text


def read(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row as it was written."""
    return tuple([_original(value) if type(value) is str and "\x1a" in value else value for value in row])


def _original(text: str) -> str:
    return text.replace("\x1a0", "\0").replace("\x1a1", "\x1a")
