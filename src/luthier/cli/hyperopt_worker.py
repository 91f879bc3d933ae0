"""`luthier hyperopt-worker`: evaluates the trials of a hyperopt program, as hyperopt-mongo-worker does there."""

from __future__ import annotations

import click

from luthier.cli.app import Example

__all__ = ["command"]

_EXAMPLE = """\
luthier hyperopt-worker --mongo localhost:27017/my_db --exp-key exp1
luthier hyperopt-worker --help
"""


@click.command(
    "hyperopt-worker",
    cls=Example,
    example=_EXAMPLE,
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(store: str | None, words: tuple[str, ...]) -> int:
    """Works on the trials of a `luthier.compat.hyperopt.MongoTrials`, with hyperopt-mongo-worker's options.

    It leaves when no fmin has been there for a while, or as its options say.
    """
    from luthier.compat.hyperopt.worker import main

    before = ("--store", store) if store is not None else ()
    return main([*before, *words], prog="luthier hyperopt-worker")
