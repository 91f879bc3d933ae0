"""Many trials to columns at once: what a plain row of the store is in each column of the page.

Works on whole columns, for a step of Python in each cell of a hundred thousand rows is what a first look would wait for. One
trial after the other, as they change, is `columns.py`'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from luthier.space import Configuration
from luthier.store.plain_rows import PlainTrial
from luthier.web.wire import number

__all__ = ["Shape", "filled"]

_PLACES = {name: place for place, name in enumerate(PlainTrial._fields)}


class Shape(NamedTuple):
    """What an experiment's columns go by: its parameters, each with whether it is a number, and how many goals it has."""

    parameters: Sequence[tuple[str, bool]]
    goals: int


def filled(
    rows: Sequence[Sequence[Any]], shape: Shape, spent: Mapping[int, Any]
) -> tuple[list[list[Any]], list[int]]:
    """The fixed columns of plain rows, in `columns.py`'s order, and the revision of each row. `spent` has the seconds of
    trials whose last attempt does not tell them."""
    known: dict[Any, Any] = {}
    plain = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in _PLACES]
    of = {name: plain[place] for name, place in _PLACES.items()}
    is_over = [state == "finished" for state in of["state"]]
    has_result = [outcome is not None for outcome in of["outcome"]]
    seconds = [number(cell) if there else None for cell, there in zip(of["seconds"], has_result, strict=True)]
    if spent:
        seconds = [number(spent.get(one, cell)) for one, cell in zip(of["number"], seconds, strict=True)]
    nothing = [None] * len(rows)
    columns: list[list[Any]] = [
        of["number"],
        _once(of["state"], known),
        [_one(cell, known) if over else None for cell, over in zip(of["outcome"], is_over, strict=True)],
        of["stage"],
        of["attempt"],
        of["created"],
        of["began"],
        of["ended"],
        seconds,
        _once(of["worker"], known),
        nothing,
        list(nothing),
        [_one(cell, known) if over else None for cell, over in zip(of["reason"], is_over, strict=True)],
    ]
    columns += _parameters(of["configuration"], shape.parameters, known)
    columns += _goals(of["value"], of["aims"], has_result, shape.goals)
    return columns, of["revision"]


def _once(cells: list[Any], known: dict[Any, Any]) -> list[Any]:
    """The same texts, each kept once."""
    return [known.setdefault(cell, cell) for cell in cells]


def _one(cell: Any, known: dict[Any, Any]) -> Any:
    return known.setdefault(cell, cell)


def _parameters(
    texts: list[str | None], parameters: Sequence[tuple[str, bool]], known: dict[Any, Any]
) -> list[list[Any]]:
    """A column for each parameter: a number, or the text of the value."""
    wholes = _read(texts)
    values = [whole["values"] for whole in wholes]
    columns = []
    for name, is_number in parameters:
        if is_number:
            columns.append([one.get(name) for one in values])
            continue
        # A text whose written form is not kept is written as it is.
        columns.append(
            [
                known.setdefault(cell, cell)
                if type(cell := one.get(name)) is str and "texts" not in whole
                else _written(whole, name)
                for one, whole in zip(values, wholes, strict=True)
            ]
        )
    return columns


def _written(whole: Mapping[str, Any], name: str) -> str | None:
    if name not in whole["values"]:
        return None
    return Configuration(whole["values"], whole.get("texts"))[name].text


def _read(texts: list[str | None]) -> list[dict[str, Any]]:
    """Configurations as they were stored, all in one go."""
    joined = "[" + ",".join('{"values":{}}' if text is None else text for text in texts) + "]"
    try:
        found: list[dict[str, Any]] = msgspec.json.decode(joined)
    except (
        msgspec.DecodeError,
        UnicodeEncodeError,
    ):  # half a character, which JSON may hold and UTF-8 may not
        found = json.loads(joined)
    return found


def _goals(values: list[Any], aims: list[str | None], has_result: list[bool], goals: int) -> list[list[Any]]:
    """A column for each goal; of more than one goal all values stand in `aims`."""
    if goals == 0:
        return []
    columns: list[list[Any]] = [
        [_number(cell) if there else None for cell, there in zip(values, has_result, strict=True)]
    ]
    columns += [[None] * len(values) for _ in range(goals - 1)]
    for place, text in enumerate(aims):
        several = json.loads(text).get("values") if text is not None and has_result[place] else None
        if several:
            for column, k in zip(columns, range(goals), strict=True):
                column[place] = number(several[k]) if k < len(several) else None
    return columns


def _number(cell: float | str | None) -> float | str | None:
    return number(cell if cell is None else float(cell))
