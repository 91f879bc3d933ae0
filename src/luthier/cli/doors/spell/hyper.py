"""`spell hyper grid`, `random` and `bayesian`: they print the runs that were created and return; a driver runs them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import click

from luthier.cli.app import Example
from luthier.cli.doors.spell.options import MORE, SETTINGS, ask_for, command_options, wanted_of, with_all
from luthier.cli.doors.spell.printing import casting, params_of
from luthier.cli.options import Place
from luthier.cli.output import emit, say, table

__all__ = ["bayesian", "grid", "hyper", "random"]

F = Callable[..., Any]

GRID = """
luthier spell hyper grid --param rate=0.001,0.01,0.1,1 --param layers=2,3,5,10 -- \\
    python train.py --learning_rate :rate: --num_layers :layers:
"""
RANDOM = """
luthier spell hyper random --num-runs 10 --param rate=.001:1.0:log --param layers=2:100:linear:int \\
    --param cell=gru,lstm,rnn -- python train.py --learning_rate :rate: --num_layers :layers: --cell_type :cell:
"""
BAYESIAN = """
luthier spell hyper bayesian --num-runs 12 --parallel-runs 3 --metric keras/val_acc --metric-agg avg \\
    --param rate=.001:1.0 --param layers=2:100:int python train.py --learning_rate :rate: --num_layers :layers:
"""
AGGREGATES = click.Choice(["avg", "min", "max", "last"])


class _Hyper(click.Group):
    """Loads the file of the commands that look at searches when one of them is asked for."""

    _others = ("list", "describe", "stop", "kill", "archive", "download-metrics")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands there are."""
        return [*self.commands, *self._others]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A command by its name."""
        if name in self._others:
            module = importlib.import_module("luthier.cli.doors.spell.searches")
            found: click.Command = module.COMMANDS[name]
            return found
        return self.commands.get(name)


hyper = _Hyper(
    "hyper",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Begin hyperparameter searches, and look at them.",
)


_JSON = click.option(
    "--json-param",
    "json_params",
    multiple=True,
    metavar="NAME='[…]'",
    help="A parameter whose values are a JSON list.",
)
_OURS = with_all(
    click.option("--maximize/--minimize", "maximize", default=None, help="Which way is better (ours)."),
    click.option("--seed", type=int, metavar="N", help="Draws the same runs again (ours)."),
)
_OBJECTIVE = with_all(
    click.option("--metric", metavar="NAME", help="A metric to rank the runs by in luthier best (ours)."),
    click.option("-a", "--metric-agg", type=AGGREGATES, help="How its values become one (ours)."),
    click.option("-r", "--parallel-runs", type=click.IntRange(1), metavar="N", help="At once (ours)."),
)


def _param(form: str) -> Callable[[F], F]:
    return click.option("--param", "params", multiple=True, metavar=form, help="A parameter; repeat it.")


@hyper.command(cls=Example, context_settings=SETTINGS, example=GRID)
@_param("NAME=VALUE[,VALUE…]")
@_JSON
@with_all(*MORE)
@_OBJECTIVE
@_OURS
@command_options
def grid(**options: Any) -> int:
    """Creates a run for every combination of the values, the first parameter slowest."""
    return _cast("grid", options)


@hyper.command(cls=Example, context_settings=SETTINGS, example=RANDOM)
@click.option("-n", "--num-runs", type=click.IntRange(1), metavar="N", help="How many runs to create.")
@_param("NAME=VALUE[,VALUE…] | NAME=MIN:MAX[:SCALING[:TYPE]]")
@_JSON
@with_all(*MORE)
@_OBJECTIVE
@_OURS
@command_options
def random(**options: Any) -> int:
    """Creates runs with values drawn at random from lists and ranges."""
    return _cast("random", options)


@hyper.command(cls=Example, context_settings=SETTINGS, example=BAYESIAN)
@click.option("-n", "--num-runs", type=click.IntRange(1), metavar="N", help="How many runs, in all.")
@click.option("-r", "--parallel-runs", type=click.IntRange(1), metavar="N", help="How many at once, at most.")
@click.option("--metric", metavar="NAME", help="The metric to make as large as can be.")
@click.option("-a", "--metric-agg", type=AGGREGATES, help="How a run's values of it become one.")
@_param("NAME=MIN:MAX[:TYPE]")
@_OURS
@command_options
def bayesian(**options: Any) -> int:
    """Learns from the runs that ended where to look next; at most --parallel-runs at once."""
    return _cast("bayesian", options)


_NEEDED: dict[str, list[tuple[str, str, str, Any]]] = {
    "grid": [],
    "random": [("num_runs", "--num-runs", "Number of runs to create", click.IntRange(1))],
    "bayesian": [
        ("num_runs", "--num-runs", "Number of runs in all", click.IntRange(1)),
        ("parallel_runs", "--parallel-runs", "Number of runs at once", click.IntRange(1)),
        ("metric", "--metric", "Name of the metric to optimize", str),
        ("metric_agg", "--metric-agg", "How its values in a run become one", AGGREGATES),
    ],
}


def _cast(kind: str, options: dict[str, Any]) -> int:
    """Begins a search and shows the runs it created."""
    from luthier.cli.doors.spell.recipe import read_recipe, save_recipe
    from luthier.cli.doors.twins import twin_notice
    from luthier.compat.spell.beginning import begin

    place: Place = options["place"]
    if options["from_file"]:
        read_recipe(f"hyper {kind}", options)
    if options["save_command"]:
        return save_recipe(f"hyper {kind}", options)
    ask_for(_NEEDED[kind], options)
    wanted = wanted_of(kind, options)
    if options["show_native"]:
        return show_native(wanted, place)
    begun = begin(wanted, place.folder, emit, say)
    casting(f"hyperparameter search #{begun.record.id}")
    names = list(wanted.space.names)
    rows = []
    for trial in begun.first:
        assert trial.configuration is not None, "it was written"
        cells = params_of(trial.configuration.texts(), trial.configuration.values(), names)
        rows.append([*cells, str(trial.run_id)])
    emit(table([*names, "Run ID"], rows))
    if notice := twin_notice(place, begun.twin):
        say(notice)
    if options["verbose"]:
        say(f"The runs begin now. See them with: {place.hint(f'spell hyper describe {begun.record.id}')}")
    return 0


def show_native(wanted: Any, place: Place) -> int:
    """Prints the same as Luthier's own, and runs nothing."""
    from pathlib import Path

    from luthier.cli.native import show
    from luthier.compat.spell.asking import described

    made = described(wanted, place.folder, Path.cwd())
    for line in made.notices:
        say(line)
    show(made.description)
    return 0
