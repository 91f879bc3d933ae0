"""`luthier bayesian` and `luthier tune`: the searches that learn from every result.

What they have to be told (how many trials, which metric) is asked for at a terminal, and an error elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from luthier.cli.app import Example
from luthier.cli.describe import F, search_options, space_of
from luthier.cli.options import Id
from luthier.cli.search import SETTINGS, running_options, search, search_from
from luthier.cli.source import needs_command, with_source
from luthier.cli.tries import with_tries
from luthier.cli.warm_start import numbers, with_warm_start
from luthier.description import Algorithm, Limits
from luthier.drive.session import parallel_slots
from luthier.errors import UsageError
from luthier.job.sections import complete_bayesian
from luthier.search import ALGORITHMS, LEARNING

__all__ = ["COMMANDS", "bayesian", "tune"]

BAYESIAN = """
luthier bayesian --num-runs 12 --parallel-runs 3 --metric keras/val_acc --metric-agg avg \\
    --param rate=.001:1.0 --param layers=2:100:int -- \\
    python train.py --learning_rate :rate: --num_layers :layers:
"""

TUNE = """
luthier tune --num-runs 50 --metric loss --minimize --param rate=1e-5:1:log --param cell=gru,lstm \\
    --try rate=0.01,cell=gru -- python train.py --rate :rate: --cell :cell:
"""

_LEARNING: list[Callable[[F], F]] = [
    click.option(
        "--acquisition",
        type=click.Choice(["ucb", "ei"]),
        help="What a proposal is to make large: an upper confidence bound (default) or the expected improvement.",
    ),
    click.option(
        "--kappa",
        type=click.FloatRange(0, min_open=True),
        metavar="NUMBER",
        help="How many deviations beyond the mean ucb looks; more explores more (default: 2).",
    ),
    click.option(
        "--repeats", is_flag=True, help="Let the same configuration run again, where results are noisy."
    ),
    with_tries,
    with_warm_start,
]


def _learning_options(function: F) -> F:
    for option in reversed(_LEARNING):
        function = option(function)
    return function


@click.command(cls=Example, context_settings=SETTINGS, example=BAYESIAN)
@_learning_options
@with_source
@running_options
@search_options
def bayesian(**options: Any) -> int:
    """Learns from every result where to look next, by a Gaussian process; --num-runs says how many trials.

    Ranges are written NAME=MIN:MAX[:TYPE], or with a scaling (linear, log, reverse_log) before the type; lists and files of
    parameters go too. It maximizes the metric, but minimizes a loss or an error; --maximize and --minimize decide. At most
    --parallel-runs trials run at once: with fewer each proposal has seen more results. Type the same command again to go on.
    """
    if options["source"] is not None:
        return search_from("bayesian", options)
    needs_command(options)
    _ask_for(["num_runs", "metric"], options)
    algorithm, tries = _algorithm("bayesian", options)
    return search(algorithm, options, tries, rows=True)


@click.command(cls=Example, context_settings=SETTINGS, example=TUNE)
@click.option(
    "--algorithm",
    type=click.Choice(["auto", "bayesian", "tpe", "cmaes", "sobol", "random", "grid"]),
    default="auto",
    show_default=True,
    help="Pins the algorithm, instead of leaving the choice to Luthier.",
)
@_learning_options
@with_source
@running_options
@search_options
def tune(algorithm: str, **options: Any) -> int:
    """Chooses the algorithm itself, by the space, the budget and what the results are like, and says which and why.

    It maximizes the metric, but minimizes one that is named like a loss or an error; --maximize and --minimize decide.
    Type the same command again to go on; with a larger --num-runs it goes further.
    """
    if options["source"] is not None:
        return search_from(algorithm, options)
    needs_command(options)
    needed = ["metric"] if algorithm in LEARNING else []
    if space_of(options["params"], options["json_params"], options["params_file"]).count() is None:
        needed.insert(0, "num_runs")
    _ask_for(needed, options)
    chosen, tries = _algorithm(algorithm, options)
    return search(chosen, options, tries, early_stopping="auto")


def _algorithm(name: str, options: dict[str, Any]) -> tuple[Algorithm, tuple[str, ...]]:
    """The algorithm with the settings that were given, and the configurations to begin with; takes them from `options`.

    **Raises** UsageError for an option that means nothing to this algorithm.
    """
    warm_start: tuple[Id, ...] = options.pop("warm_start")
    tries: tuple[str, ...] = options.pop("tries")
    given = {
        "acquisition": options.pop("acquisition"),
        "kappa": options.pop("kappa"),
        "repeats": options.pop("repeats") or None,
        "warm_start": numbers(warm_start) or None,
    }
    settings = {setting: value for setting, value in given.items() if value is not None}
    for setting in settings:
        if setting not in ALGORITHMS[name]:
            option = setting.replace("_", "-")
            takers = [other for other in ALGORITHMS if setting in ALGORITHMS[other]]
            raise UsageError(
                f"--{option} means nothing to the algorithm {name}; leave it out, or choose {' or '.join(takers)}"
            )
    if name == "grid" and tries:
        raise UsageError("--try means nothing to a grid, which runs every combination; leave it out")
    if name == "bayesian":
        if settings.get("acquisition") == "ei" and "kappa" in settings:
            raise UsageError("--kappa belongs to --acquisition ucb; leave it out, or choose that")
        complete_bayesian(settings)
    return Algorithm(name, settings), tries


# ---------------------------------------------------------------------- what is missing

_WORDS = {"num_runs": "--num-runs", "metric": "--metric"}
_EXAMPLES = {"num_runs": "--num-runs 20", "metric": "--metric accuracy"}


def _ask_for(needed: list[str], options: dict[str, Any]) -> None:
    """Asks for what is needed and was not given, and while at it for the rest of what Spell's page names.

    **Raises** UsageError where there is nobody to ask.
    """
    missing = [name for name in needed if options[name] is None]
    if not missing:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        words = " and ".join(_WORDS[name] for name in missing)
        example = " ".join(_EXAMPLES[name] for name in missing)
        are = "is missing; add it" if len(missing) == 1 else "are missing; add them"
        raise UsageError(f"{words} {are}, such as {example}")
    if "num_runs" in missing:
        options["num_runs"] = click.prompt("How many trials, in all", type=click.IntRange(1), err=True)
    if options["parallel_runs"] is None:
        slots = len(parallel_slots(Limits()))
        question = "How many side by side"
        options["parallel_runs"] = click.prompt(question, slots, type=click.IntRange(1), err=True)
    if "metric" in missing:
        options["metric"] = click.prompt("Which metric to optimize", err=True)
    if options["metric"] is not None and _is_default("metric_agg"):
        question = "How a trial's values of it become one"
        kinds = click.Choice(["last", "min", "max", "avg"])
        options["metric_agg"] = click.prompt(question, "last", type=kinds, err=True)


def _is_default(option: str) -> bool:
    return click.get_current_context().get_parameter_source(option) is ParameterSource.DEFAULT


COMMANDS = {"bayesian": bayesian, "tune": tune}
