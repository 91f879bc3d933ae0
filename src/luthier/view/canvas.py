"""A canvas of characters, and lines upon it in braille: what charts made of text are drawn on.

Each character has a part, a word that says what it belongs to, so that whoever prints it can colour it. It must not know
what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby, pairwise

__all__ = ["Canvas", "Tint", "braille", "dots_of_course"]

Tint = Callable[[str, str], str]
"""Colours a run of characters that belong to one part."""

_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800


class Canvas:
    """Characters in rows, each with its part."""

    def __init__(self, height: int, width: int) -> None:
        self.cells: list[list[tuple[str, str]]] = [[(" ", "")] * width for _ in range(height)]

    def put(self, row: int, column: int, text: str, part: str) -> None:
        """Writes a text as far as the canvas reaches."""
        for offset, character in enumerate(text):
            if 0 <= row < len(self.cells) and 0 <= column + offset < len(self.cells[row]):
                self.cells[row][column + offset] = (character, part)

    def dot(self, row: int, column: int, bits: int, part: str) -> None:
        """Adds braille dots to those a character has, and makes it belong to this part."""
        before = ord(self.cells[row][column][0]) - _BLANK
        joined = bits | (before if 0 < before <= 0xFF else 0)
        self.cells[row][column] = (chr(_BLANK + joined), part)

    def foot(self, row: int, left: int, wide: int, ticks: Iterable[tuple[int, str]], notch: str) -> None:
        """Notches an axis that lies in this row at some columns, rising, and writes below it what each stands for, where its
        text touches no other and stays within the axis."""
        end = -1
        for column, text in ticks:
            self.put(row, column, notch, "axis")
            begin = min(max(column - len(text) // 2, end + 2), left + wide - len(text))
            if begin > end + 1 and begin <= column < begin + len(text):
                self.put(row + 1, begin, text, "axis")
                end = begin + len(text) - 1

    def lines(self, tint: Tint) -> list[str]:
        """The rows as text, blanks at their ends dropped."""
        return [_tinted(row, tint) for row in self.cells]


def _tinted(row: list[tuple[str, str]], tint: Tint) -> str:
    end = max((i + 1 for i, (character, _) in enumerate(row) if character != " "), default=0)
    runs = ((part, "".join(c for c, _ in run)) for part, run in groupby(row[:end], key=lambda cell: cell[1]))
    return "".join(tint(text, part) if part else text for part, text in runs)


def braille(dots: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The characters (row, column) that dots (x, y) fall into, two across and four down, with the bits they set."""
    cells: dict[tuple[int, int], int] = {}
    for x, y in dots:
        key = (y // 4, x // 2)
        cells[key] = cells.get(key, 0) | _BITS[x % 2][y % 4]
    return cells


def dots_of_course(places: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """The dots of a line through these places, without gaps."""
    places = list(places)
    yield from places[:1]
    for (x, y), (to_x, to_y) in pairwise(places):
        length = max(abs(to_x - x), abs(to_y - y))
        for k in range(1, length + 1):
            yield x + round((to_x - x) * k / length), y + round((to_y - y) * k / length)
