"""`luthier grid` and `luthier random`: describe a search, go on with it or begin it, and say what was found."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from luthier.cli.app import Example
from luthier.cli.describe import Asked, F, describe, search_options
from luthier.cli.options import Place, as_json, with_store
from luthier.cli.output import emit, many, say, short, table
from luthier.cli.searching import How, conduct
from luthier.description import Algorithm
from luthier.drive.alive import Alive
from luthier.drive.session import parallel_slots
from luthier.errors import UsageError
from luthier.history import History
from luthier.run.render import render
from luthier.search import searcher
from luthier.space import Configuration
from luthier.store.location import FOLDER

__all__ = ["COMMANDS", "grid", "random"]

SETTINGS = {"allow_interspersed_args": False}

GRID = """
luthier grid --param rate=0.001,0.01,0.1,1 --param layers=2,3,5,10 --metric accuracy -- \\
    python train.py --learning_rate :rate: --num_layers :layers:
"""

RANDOM = """
luthier random --num-runs 10 --param rate=.001:1.0:log --param layers=2:100:linear:int \\
    --param cell=gru,lstm,rnn --metric loss --minimize -- \\
    python train.py --learning_rate :rate: --num_layers :layers: --cell_type :cell:
"""


_RUNNING: list[Callable[[F], F]] = [
    click.option("--new", "fresh", is_flag=True, help="Start another experiment, even if this one exists."),
    click.option("--detach", is_flag=True, help="Run in the background; see it with list and logs -f."),
    click.option(
        "--check/--no-check",
        "check",
        default=True,
        help="Let the first trial go alone and look at it (default: yes).",
    ),
    click.option(
        "--dry-run", is_flag=True, help="Only show the trials that would run, and the first command."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Only failures and the result."),
    as_json,
    with_store,
]


def _running_options(function: F) -> F:
    for option in reversed(_RUNNING):
        function = option(function)
    return function


@click.command(cls=Example, context_settings=SETTINGS, example=GRID)
@_running_options
@search_options
def grid(**options: Any) -> int:
    """Tries every combination of the listed values, in the order they are declared: the first parameter slowest.

    Type the same command again to go on where it stopped. Everything after the options, or after --, is the command;
    :NAME: and {{NAME}} in it are replaced by each trial's values.
    """
    return _search(Algorithm("grid"), options)


@click.command(cls=Example, context_settings=SETTINGS, example=RANDOM)
@click.option(
    "--sequence",
    type=click.Choice(["random", "sobol"]),
    default="random",
    show_default=True,
    help="How points are drawn: independently, or evenly by a scrambled Sobol sequence.",
)
@click.option("--repeats", is_flag=True, help="Let a finite space give the same configuration twice.")
@_running_options
@search_options
def random(sequence: str, repeats: bool, **options: Any) -> int:
    """Draws configurations at random from lists, ranges and distributions; --num-runs says how many.

    Type the same command again to go on; with a larger --num-runs it goes further.
    """
    if sequence == "sobol" and repeats:
        raise UsageError("--repeats goes with --sequence random; a Sobol sequence never repeats a point")
    name = "sobol" if sequence == "sobol" else "random"
    return _search(Algorithm(name, {"repeats": True} if repeats else {}), options)


def _search(algorithm: Algorithm, options: dict[str, Any]) -> int:
    place: Place = options["place"]
    project = place.folder.parent if place.folder.name == FOLDER else Path.cwd()
    asked = describe(algorithm, project, options)
    if algorithm.name == "grid":
        asked.description.space.finite_count()
    if asked.description.target() is None:
        raise UsageError("--num-runs is missing: say how many trials to draw, such as --num-runs 20")
    for warning in asked.warnings:
        say(f"warning: {warning}")
    _say_size(asked)
    if options["dry_run"]:
        return _show_plan(asked)
    parallel_slots(asked.description.limits)  # refuses GPUs that are not there, before anything is written
    with place.change(create=True) as store:
        any_seed = not asked.seed_named
        with store.together():
            record, created = store.open_experiment(
                asked.description, fresh=options["fresh"], any_seed=any_seed
            )
            Alive(place.folder).refuse_driven(record.id)  # and so its new budget is not written either
        how = How(options["detach"], options["check"], options["quiet"], options["as_json"])
        return conduct(store, place.folder, record, how, created=created)


def _short(configuration: Configuration) -> dict[str, str]:
    return short(configuration.values(), configuration.texts())


def _say_size(asked: Asked) -> None:
    """Says how large the search is before anything runs, and when a budget is larger than the space."""
    description = asked.description
    count, wanted = description.space.count(), description.trials
    if description.algorithm.name == "grid" and count is not None:
        sizes = " × ".join(f"{p.name} {p.domain.count()}" for p in description.space.parameters)
        shown = f"{many(count, 'combination')} ({sizes})"
        say(shown if not wanted or wanted >= count else f"{shown}; the first {wanted} will run")
    elif (
        count is not None and wanted and count < wanted and not description.algorithm.settings.get("repeats")
    ):
        say(
            f"The space has only {many(count, 'configuration')}: each will run once, and no more than that; "
            "with --repeats some would be drawn again."
        )


def _show_plan(asked: Asked, most: int = 1000) -> int:
    """Prints the configurations a search begins with, and the first one's command."""
    description = asked.description
    assert description.command is not None
    target = description.target() or most
    proposals = searcher(description.algorithm).propose(
        description.space, History(), description.seed, range(1, min(target, most) + 1)
    )
    names = list(description.space.names)
    emit(table(names, [[_short(p.configuration).get(name, "-") for name in names] for p in proposals]))
    if target > most:
        say(f"(the first {most} of {target})")
    words = render(description.command, proposals[0].configuration.texts(), description.space.names)
    say(f"The first command: {shlex.join(words)}")
    return 0


COMMANDS = {"grid": grid, "random": random}
