"""kaos's tables: a rule between all rows, cells in the middle, several lines in a cell.

An odd rest goes to the right of a text of odd width and to the left of one of even width; that is what its page shows.
"""

from __future__ import annotations

from collections.abc import Sequence

from luthier.cli.output import columns_of, one_line

__all__ = ["boxed"]


def boxed(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> str:
    """A table with all its rules. Lines of a cell are parted by newlines; a cell with fewer lines than its row is filled up."""
    lines = [[_lines(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(columns_of(line) for row in lines for line in row[i]) for i in range(len(heads))]
    if title is not None:
        whole = sum(widths) + 3 * (len(widths) - 1)
        widths[-1] += max(0, columns_of(title) - whole)
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    out = [rule] if title is None else [*_titled(title, len(rule)), rule]
    for row in lines:
        for i in range(max(map(len, row))):
            cells = [
                _centred(cell[i] if i < len(cell) else "", width)
                for cell, width in zip(row, widths, strict=True)
            ]
            out.append("|" + "|".join(f" {cell} " for cell in cells) + "|")
        out.append(rule)
    return "\n".join(out)


def _titled(title: str, width: int) -> list[str]:
    return ["+" + "-" * (width - 2) + "+", f"| {_centred(title, width - 4)} |"]


def _lines(cell: str) -> list[str]:
    """Control characters are made visible, so that no value breaks the table."""
    return [one_line(line) for line in cell.split("\n")]


def _centred(text: str, width: int) -> str:
    size = columns_of(text)
    rest = width - size
    left = rest // 2 if rest % 2 == 0 or size % 2 else rest // 2 + 1
    return " " * left + text + " " * (rest - left)
