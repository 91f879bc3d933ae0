"""Columns as one block of bytes that a page uses as it is: reading 22 MB of JSON would keep it still for a second.

A block is the length of its head (4 bytes, little-endian), the head as JSON, and the arrays the head tells the places of. The
head is the document with another value for each column: `{"numbers": AT, "codes": AT, "wide": 1|2|4, "words": [...]}`. `numbers` are
doubles, NaN where there is no number; where `codes` has another value than 0, the cell is `words[code - 1]` and no number.
Either may be missing, and a column of nothing has neither. Places are counted from the end of the head and divide by 8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.web.wire import packed

__all__ = ["KIND", "PARTS", "block", "curves_block"]

KIND = "application/vnd.luthier.columns"
PARTS = ("columns", "parameters", "metrics", "objective")
_PLAIN = {int, float, type(None)}
_NONE = type(None)
_REST = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}


class _Arrays:
    """Arrays one after the other, each at a place that divides by 8."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def put(self, array: NDArray[Any]) -> int:
        """Adds one; returns its place."""
        begin, data = self._at, array.tobytes()
        self._parts.append(data + bytes(-len(data) % 8))
        self._at += len(self._parts[-1])
        return begin

    def under(self, head: dict[str, Any]) -> bytes:
        """All of them, below a head that tells their places."""
        told = packed(head)
        told += b" " * (-(len(told) + 4) % 8)
        return b"".join((len(told).to_bytes(4, "little"), told, *self._parts))


def block(document: dict[str, Any]) -> bytes:
    """A document with columns as one block."""
    arrays = _Arrays()
    head = {name: value for name, value in document.items() if name not in PARTS}
    for part in PARTS:
        head[part] = {name: _column(cells, arrays.put) for name, cells in document[part].items()}
    return arrays.under(head)


def curves_block(document: dict[str, Any]) -> bytes:
    """Curves as one block: `steps` and `values` are places of doubles, NaN where there is no number."""
    arrays = _Arrays()
    places = {name: arrays.put(_doubles(document[name])) for name in ("steps", "values")}
    return arrays.under({**document, **places})


def _column(cells: list[Any], put: Any) -> dict[str, Any]:
    kinds = set(map(type, cells))
    if kinds <= _PLAIN:
        return {} if kinds <= {_NONE} else {"numbers": put(_doubles(cells))}
    if kinds <= {str, _NONE}:
        known: dict[Any, int] = {None: 0}
        codes = [known.setdefault(cell, len(known)) for cell in cells]
        texts = list(known)[1:]
        return {**_codes(codes, len(known), put), "words": texts}
    words: dict[Any, int] = {}
    # Numbers and others: each number that JSON can't tell, each truth and each text is a word. Not every 1 is the same one.
    codes = [
        0
        if cell is None or type(cell) in (int, float)
        else words.setdefault((type(cell), cell), len(words) + 1)
        for cell in cells
    ]
    found = {"numbers": put(_doubles(cells)), **_codes(codes, len(words) + 1, put)}
    return {**found, "words": [word for _, word in words]}


def _doubles(cells: list[Any]) -> NDArray[np.float64]:
    if set(map(type, cells)) <= _PLAIN:
        return np.array(cells, dtype="<f8")
    return np.array([_REST.get(one) if type(one) is str else one for one in cells], dtype="<f8")


def _codes(codes: list[int], n: int, put: Any) -> dict[str, int]:
    wide = 1 if n <= 1 << 8 else 2 if n <= 1 << 16 else 4
    return {"codes": put(np.array(codes, dtype=f"<u{wide}")), "wide": wide}
