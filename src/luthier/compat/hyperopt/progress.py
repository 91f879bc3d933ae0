"""The progress bar of `fmin`: drawn where standard error is a terminal, silent elsewhere.

A program may pass its own as `show_progressbar`: a context manager that takes `initial` and `total` and gives an
object with `update(n)`, whose `postfix` is set to the best loss so far.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["default_callback", "no_progress_callback"]


class Silence:
    """Takes what a progress bar is told, and shows nothing."""

    postfix = ""

    def update(self, n: int) -> None:
        """Nothing."""


class Bar:
    """A bar of rich's, told as hyperopt tells one."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress = progress
        self._task = task
        self.postfix = ""

    def update(self, n: int) -> None:
        """Moves the bar on by so many trials."""
        self._progress.update(self._task, advance=n, best=self.postfix)


@contextmanager
def no_progress_callback(initial: int, total: int) -> Iterator[Silence]:
    """No bar."""
    yield Silence()


@contextmanager
def default_callback(initial: int, total: int) -> Iterator[Any]:
    """A bar in a terminal, none elsewhere."""
    if not sys.stderr.isatty():
        yield Silence()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trials · {task.fields[best]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        known = None if total >= sys.maxsize else total
        yield Bar(progress, progress.add_task("", total=known, completed=initial, best="best loss: ?"))
