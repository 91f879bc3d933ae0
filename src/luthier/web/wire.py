"""How values travel to the page: JSON, columns rather than rows, and every number in full.

JSON has no NaN and no infinities, so they travel as the texts `nan`, `inf` and `-inf`, and a missing value as null; the page
tells them apart again. Nothing here knows what is sent.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

__all__ = ["number", "numbers", "packed", "plain"]

_ENCODER = msgspec.json.Encoder()


def number(value: float | None) -> float | str | None:
    """A number as it travels."""
    if value is None or isfinite(value):
        return value
    return "nan" if value != value else "inf" if value > 0 else "-inf"


def numbers(values: Any) -> list[float | str | None]:
    """Many numbers, of a list or an array, as they travel."""
    return [number(float(value)) for value in values]


def plain(value: Any) -> Any:
    """Any JSON value with its numbers as they travel."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def packed(document: Any) -> bytes:
    """A document as JSON. Lone surrogates, which no text on the wire can hold, are replaced."""
    try:
        return _ENCODER.encode(document)
    except UnicodeEncodeError:
        return _ENCODER.encode(_mended(document))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_mended(name): _mended(part) for name, part in value.items()}
    return [_mended(part) for part in value] if isinstance(value, (list, tuple)) else value
