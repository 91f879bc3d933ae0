"""Gradient's tables: columns between bars, a rule under the first row, a title in the upper rule.

On a terminal that is too narrow the last column is cut; in a pipe everything is whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luthier.cli.output import columns_of, one_line, terminal_width

__all__ = ["boxed"]

LEAST = 10


def boxed(rows: Sequence[Sequence[Any]], title: str = "") -> str:
    """The rows, of which the first stands above the rule; None is shown as it is in Gradient's tables."""
    cells = [[one_line(str(cell)) for cell in row] for row in rows]
    widths = [max(map(columns_of, column)) for column in zip(*cells, strict=True)]
    room = terminal_width()
    if room is not None and sum(widths) + 3 * len(widths) + 1 > room:
        widths[-1] = max(LEAST, room - sum(widths[:-1]) - 3 * len(widths) - 1)
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    head = "+" + title + rule[len(title) + 1 :] if len(title) + 2 <= len(rule) else rule
    lines = [head]
    for number, row in enumerate(cells):
        lines.append("| " + " | ".join(_filled(c, w) for c, w in zip(row, widths, strict=True)) + " |")
        if number == 0 and len(cells) > 1:
            lines.append(rule)
    return "\n".join([*lines, rule])


def _filled(cell: str, width: int) -> str:
    if columns_of(cell) > width:
        cell = cell[: width - 3] + "..."
    return cell + " " * (width - columns_of(cell))
