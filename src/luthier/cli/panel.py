"""The live panel as a picture of rich: a head with a bar, the best so far, and the running trials in aligned columns.

Every text is a `Text`, never a string: rich reads strings as markup or not by what is printed above the panel just then.
And what is drawn is asked for at that moment: rich draws the panel again with each line above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.table import Table

__all__ = ["Drawn", "Head", "aligned", "picture"]

_GAP = "  "


class Drawn:
    """What rich keeps of the panel: where to ask for it."""

    def __init__(self, draw: Callable[[], Table]) -> None:
        self._draw = draw

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        """Draws it as it is now; the name is rich's."""
        yield self._draw()


class Head(NamedTuple):
    """How a search stands: `target` is None where it has no end, `left` is empty where nothing is known of it."""

    experiment: int
    algorithm: str
    finished: int
    target: int | None
    running: int
    left: str
    best: str


def picture(head: Head, rows: Sequence[Sequence[str]], more: int) -> Table:
    """The panel: the head, and one line for each of `rows`; `more` trials run that have none."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    first = Table.grid(padding=(0, 1))
    for _ in range(5):
        first.add_column(no_wrap=True)
    count = f"{head.finished} of {head.target}" if head.target is not None else f"{head.finished}"
    first.add_row(
        Text.assemble((str(head.experiment), "bold"), " ", head.algorithm),
        ProgressBar(total=head.target or 1, completed=head.finished, width=24),
        Text(count),
        Text(f"{head.running} running"),
        Text(head.left),
    )
    grid = Table.grid()
    grid.add_column(no_wrap=True, overflow="ellipsis")
    grid.add_row(first)
    lines = [head.best] if head.best else []
    lines += aligned(rows)
    if more > 0:
        lines.append(f"  and {more} more")
    for line in lines:
        grid.add_row(Text(line, no_wrap=True, overflow="ellipsis"))
    return grid


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose cells stand below one another; a column in which all are empty takes no room."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = [place for place, width in enumerate(widths) if width]
    return [_GAP.join(row[place].ljust(widths[place]) for place in shown).rstrip() for row in rows]
