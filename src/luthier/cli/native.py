"""`--show-native`, on the native searches and every door: a search as Luthier's own users write it; nothing runs.

The file comes first, on standard output, so that `… --show-native > search.yaml` keeps it; the command line that is
the same search follows on standard error, or what of it only a file can say.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.output import emit, say

if TYPE_CHECKING:
    from luthier.description import Description
    from luthier.space import Configuration

__all__ = ["show", "with_show_native"]


def with_show_native(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--show-native`; the command gets `show_native`."""
    return click.option(
        "--show-native",
        is_flag=True,
        help="Only print this search as a file of 'luthier run', and as a native command line.",
    )(function)


def show(description: Description, tries: Iterable[Configuration] = ()) -> int:
    """Prints the file and the command line that are this search, and returns the exit code.

    **Raises** UsageError for what no file can say, such as a Python function.
    """
    from luthier.job.native import native_yaml
    from luthier.job.reading import is_same
    from luthier.job.spoken import command_line

    own = tuple(tries)
    text = native_yaml(description, own)
    emit(text.removesuffix("\n"))
    if not is_same(text, description):
        say(
            "warning: this file is a search like it, but not the very same one: the record would take it for another"
        )
    spoken = command_line(description, own)
    if spoken.words is None:
        say(f"No command line says all of it ({spoken.why}); the file does: luthier run FILE")
        return 0
    assert description.command is not None
    folder = description.command.directory
    here = "" if Path(folder) == Path(os.getcwd()) else f"cd {shlex.quote(folder)} && "
    say(f"The same as a command line:\n  {here}luthier {shlex.join(spoken.words)}")
    return 0
