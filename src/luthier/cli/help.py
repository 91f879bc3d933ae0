"""`luthier help`: explains a command, or the exit codes."""

from __future__ import annotations

import click

from luthier.cli.app import Example
from luthier.cli.index import COMMANDS, top_help
from luthier.cli.output import emit
from luthier.errors import UsageError

__all__ = ["EXIT_CODES", "command"]

CODES = ("codes", "exit-codes", "exit codes")
"""What one may call them."""

EXIT_CODES = """\
Exit codes:

    0  done; a search reached its target and at least one trial succeeded
    1  the search ended, and no trial succeeded; doctor: something must be mended;
       replay: a proposal differs; best --test: the command failed or reported no metric
    2  the words or a file can't be used, or the experiment is driven already
    3  the store can't be used, or the record went on without you (tell)
    4  there is no such experiment, trial, metric or best trial
   70  a bug in Luthier, with a traceback to report
  124  the search took the time it was given (--max-time)
  130  interrupted by Ctrl-C;  143  by TERM;  141  the reader of a pipe went away
"""


@click.command("help", cls=Example, example="luthier help best\nluthier help codes")
@click.argument("topics", metavar="[TOPIC]", nargs=-1)
@click.pass_context
def command(ctx: click.Context, topics: tuple[str, ...]) -> None:
    """Explains a command, or (luthier help codes) the exit codes."""
    topic = " ".join(topics) or None
    if topic is None or topic == "help":
        emit(top_help().removesuffix("\n"))
    elif topic in CODES:
        emit(EXIT_CODES.removesuffix("\n"))
    else:
        emit(_page(ctx.find_root(), topic))


def _page(root: click.Context, topic: str) -> str:
    from luthier.cli.app import app

    if topic not in COMMANDS:
        from luthier.space.nearest import hint

        raise UsageError(
            f"there is no command {topic!r}{hint(topic, [*COMMANDS, *CODES])}; see: luthier --help"
        )
    found = app.get_command(root, topic)
    assert found is not None, "COMMANDS names it"
    with click.Context(found, info_name=topic, parent=root, **found.context_settings) as ctx:
        return found.get_help(ctx)
