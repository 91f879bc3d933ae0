"""The options about what is kept of the code, and whether results of identical trials are taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from luthier.description import Keeping
from luthier.errors import UsageError

__all__ = ["KEEPING", "keeping_of"]

KEEPING: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = [
    click.option(
        "--snapshot/--no-snapshot",
        "snapshot",
        default=None,
        help="Keep the code of the project's folder with the trials (default: where it is small).",
    ),
    click.option(
        "--reuse",
        is_flag=True,
        help="Don't run a trial that is identical to a finished one: take its result.",
    ),
]


def keeping_of(options: dict[str, Any]) -> Keeping:
    """What was asked for. **Raises** UsageError where it can't be had together."""
    asked: bool | None = options["snapshot"]
    if options["reuse"] and asked is False:
        raise UsageError(
            "--reuse compares the code, which --no-snapshot does not keep; leave one of them out"
        )
    return Keeping("small" if asked is None else "all" if asked else "none", options["reuse"])
