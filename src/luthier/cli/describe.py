"""From the words of `grid`, `random` and `check` to a description: the options they share, and what they mean.

It reads parameter files and refuses what can't work, before anything is stored or run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from luthier import metrics
from luthier.cli.keeping import KEEPING, keeping_of
from luthier.cli.quantities import DURATION, SIZE
from luthier.cli.stages import STAGES, stages_of
from luthier.cli.stopping import STOPPING, goal_of, stopping_of
from luthier.description import Algorithm, Command, Constraint, Description, Limits, Objective, Stages
from luthier.errors import UsageError
from luthier.job.checking import find_program, try_listed_values, unknown_in_folder
from luthier.run.render import check_command
from luthier.space import Parameter, Space
from luthier.space.grammar import parse_params

__all__ = [
    "Asked",
    "check_measuring",
    "check_objectives",
    "describe",
    "labels_of",
    "search_options",
    "space_of",
]

F = Callable[..., Any]

_OPTIONS: list[Callable[[F], F]] = [
    click.option(
        "-P",
        "--param",
        "params",
        multiple=True,
        metavar="NAME=…",
        help="A parameter: NAME=V,V,… or NAME=MIN:MAX[:SCALING[:TYPE]] or NAME=normal(MEAN,DEVIATION). Repeat it.",
    ),
    click.option(
        "--json-param",
        "json_params",
        multiple=True,
        metavar="NAME='[…]'",
        help="A parameter whose values are a JSON list; they keep their JSON types.",
    ),
    click.option(
        "--params",
        "params_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Parameters from a JSON or YAML file.",
    ),
    click.option(
        "-m", "--metric", metavar="NAME", help="The metric to optimize. Without it, the exit status decides."
    ),
    click.option(
        "--metric-agg",
        type=click.Choice(["last", "min", "max", "avg"]),
        default="last",
        show_default=True,
        help="How a trial's values of the metric become one.",
    ),
    click.option(
        "--maximize/--minimize",
        "maximize",
        default=None,
        help="Which way is better (default: by the name of the metric; a loss or an error is minimized).",
    ),
    click.option(
        "--also",
        multiple=True,
        metavar="WAY:METRIC",
        help="A further objective, such as minimize:latency: the search looks for the best trade-offs.",
    ),
    click.option(
        "--constraint",
        "constraints",
        multiple=True,
        metavar="LIMIT",
        help="What a metric has to keep, such as 'memory <= 4e9': only trials that do count as good.",
    ),
    click.option(
        "--metric-pattern",
        "patterns",
        multiple=True,
        metavar="REGEX",
        help="How to find metrics in output lines: NAME=REGEX, or a REGEX with named groups.",
    ),
    click.option(
        "--tensorboard-dir",
        metavar="DIR",
        help="Where the command writes TensorBoard event files, if not in ./runs or ./logs; they are read as metrics.",
    ),
    click.option("-n", "--num-runs", type=click.IntRange(1), metavar="N", help="How many trials, in all."),
    click.option(
        "-r",
        "--parallel-runs",
        type=click.IntRange(1),
        metavar="N",
        help="How many side by side (default: one a core).",
    ),
    click.option(
        "--gpus-per-run",
        type=float,
        default=0.0,
        metavar="N",
        help="GPUs of each trial; a fraction shares one.",
    ),
    click.option(
        "--cpus-per-run", type=float, metavar="N", help="Caps each trial's threads (default: a fair share)."
    ),
    click.option("--memory", type=SIZE, metavar="SIZE", help="Ends a trial that uses more, such as 4G."),
    click.option(
        "--timeout", type=DURATION, metavar="TIME", help="Ends a trial that runs longer, such as 2h."
    ),
    click.option(
        "--idle-timeout", type=DURATION, metavar="TIME", help="Ends a trial that is silent for longer."
    ),
    click.option(
        "--grace",
        type=DURATION,
        default=10.0,
        metavar="TIME",
        help="How long a trial has between TERM and KILL (default: 10s).",
    ),
    *STOPPING,
    *STAGES,
    click.option(
        "--max-attempts",
        type=click.IntRange(1),
        default=3,
        show_default=True,
        metavar="N",
        help="Attempts of a trial whose machine or worker is lost.",
    ),
    click.option(
        "--retry-failed",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="Further attempts of a trial that fails (default: none).",
    ),
    click.option(
        "--on-driver-loss",
        type=click.Choice(["continue", "stop"]),
        default="continue",
        show_default=True,
        help="What running trials do when Luthier itself is killed.",
    ),
    click.option(
        "--as-args", is_flag=True, help="Append every parameter without a placeholder as --name=value."
    ),
    click.option(
        "--from-env", is_flag=True, help="The program reads LUTHIER_PARAM_* or LUTHIER_PARAMS itself."
    ),
    click.option(
        "--seed", type=int, metavar="N", help="The same seed and record give the same trials (default: 0)."
    ),
    *KEEPING,
    click.option("--name", metavar="NAME", help="Names the experiment."),
    click.option(
        "--label", "labels", multiple=True, metavar="KEY=VALUE", help="Notes something with the experiment."
    ),
    click.option("--on-finish", metavar="CMD", help="A shell command to run when the search has ended."),
    click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True),
]


def search_options(function: F) -> F:
    """Gives a click command the options every search has, and the command line that follows them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


class Asked(NamedTuple):
    """A description, whether its seed was named, and what the user should be told before it runs: what may be wrong, and
    what was taken for granted."""

    description: Description
    seed_named: bool
    warnings: list[str]
    notes: tuple[str, ...] = ()


def space_of(params: tuple[str, ...], json_params: tuple[str, ...], file: Path | None) -> Space:
    """Builds the space from the command line and a parameter file, in that order of declaration.

    **Raises** SpaceError naming the parameter that can't be searched.
    """
    parameters: list[Parameter] = []
    if file is not None:
        from luthier.job.parameters import load_parameters

        parameters += load_parameters(file).parameters
    parameters += parse_params(params, json_params).parameters
    if not parameters:
        raise UsageError(
            "no parameter to search; add --param NAME=V,V,… (repeat it for each), or --params FILE"
        )
    return Space(tuple(parameters))


def describe(
    algorithm: Algorithm, project: Path, options: dict[str, Any], early_stopping: str = "none"
) -> Asked:
    """Builds the description of a search from its options. `early_stopping` is the rule of its command where none is named.

    **Raises** UsageError, SpaceError or CommandError with one sentence about the first thing that can't work.
    """
    space = space_of(options["params"], options["json_params"], options["params_file"])
    command = _command(options)
    stages = stages_of(options, command, space)
    names = (*space.names, stages.parameter) if stages and stages.parameter else space.names
    check_measuring(command)
    warnings = check_command(command, names) + unknown_in_folder(command, names)
    find_program(command)
    try_listed_values(command, space, names)
    if options["name"] is not None and not options["name"].strip():
        raise UsageError("--name is empty; give the experiment a name, or leave the option out")
    objective, hint = _objective(options)
    also = tuple(map(Objective.of, options["also"]))
    constraints = tuple(map(Constraint.of, options["constraints"]))
    check_objectives(algorithm, objective, also, constraints)
    description = Description(
        project=str(project),
        space=space,
        algorithm=algorithm,
        command=command,
        objective=objective,
        also=also,
        constraints=constraints,
        trials=options["num_runs"],
        seed=options["seed"] or 0,
        limits=_limits(options),
        name=options["name"],
        labels=labels_of(options["labels"]),
        on_finish=options["on_finish"],
        stopping=stopping_of(options, objective, _default(early_stopping, stages)),
        stages=stages,
        goal=goal_of(options, objective),
        keeping=keeping_of(options),
    )
    notes = direction_notes(objective, options["maximize"])
    return Asked(description, options["seed"] is not None, warnings + ([hint] if hint else []), notes)


def _command(options: dict[str, Any]) -> Command:
    """The command as it was typed: several words are run as they are, one with blanks by a shell."""
    words = options["command"]
    return Command(
        words=words,
        directory=os.getcwd(),
        shell=len(words) == 1 and any(c.isspace() for c in words[0].strip()),
        as_args=options["as_args"],
        from_environment=options["from_env"],
        patterns=options["patterns"],
        tensorboard=options["tensorboard_dir"],
    )


def _default(early_stopping: str, stages: Stages | None) -> str:
    """Trials of a budget need no rule beside their rungs."""
    return "none" if stages is not None and stages.kind == "rungs" else early_stopping


def _objective(options: dict[str, Any]) -> tuple[Objective | None, str | None]:
    metric, maximize = options["metric"], options["maximize"]
    if metric is None:
        if maximize is not None:
            raise UsageError("--maximize and --minimize need a metric; add --metric NAME")
        return None, None
    is_small = metrics.is_made_small(metric) if maximize is None else not maximize
    objective = Objective(metric, options["metric_agg"], "minimize" if is_small else "maximize")
    hint = None
    if maximize is None and not is_small and objective.aggregate == "min":
        hint = "--metric-agg min takes each trial's smallest value and still maximizes; add --minimize to look for small"
    return objective, hint


def direction_notes(objective: Objective | None, maximize: bool | None) -> tuple[str, ...]:
    """Says that the name of a metric decided which way is better, where nobody did."""
    if objective is None or maximize is not None or objective.direction == "maximize":
        return ()
    name = objective.metric
    return (f"{name} is made as small as can be, for it is named like a loss; --maximize makes it large",)


def check_measuring(command: Command) -> None:
    """**Raises** UsageError for a pattern that can't find anything, and for a folder without a name."""
    for pattern in command.patterns:
        metrics.read_pattern(pattern)
    if command.tensorboard is not None and not command.tensorboard.strip():
        raise UsageError("--tensorboard-dir is empty; name a folder, or leave the option out")


def check_objectives(
    algorithm: Algorithm,
    objective: Objective | None,
    also: Sequence[Objective],
    constraints: Sequence[Constraint],
) -> None:
    """**Raises** UsageError for objectives and constraints that don't go together, or not with the algorithm."""
    option = "--also" if also else "--constraint"
    if (also or constraints) and objective is None:
        raise UsageError(f"{option} needs a first objective; add --metric NAME")
    if (also or constraints) and algorithm.name == "cmaes":
        raise UsageError(
            f"cmaes follows one objective and nothing else; leave {option} out, or use tune or tpe"
        )
    metrics_named = [each.metric for each in (objective, *also) if each]
    for name in metrics_named:
        if metrics_named.count(name) > 1:
            raise UsageError(f"{name} is an objective twice; name each metric once")


def _limits(options: dict[str, Any]) -> Limits:
    return Limits(
        parallel=options["parallel_runs"],
        gpus=options["gpus_per_run"],
        cpus=options["cpus_per_run"],
        memory_bytes=options["memory"],
        timeout_seconds=options["timeout"],
        idle_timeout_seconds=options["idle_timeout"],
        grace_seconds=options["grace"],
        max_attempts=options["max_attempts"],
        retry_failed=options["retry_failed"],
        on_driver_loss=options["on_driver_loss"],
    )


def labels_of(texts: Sequence[str]) -> dict[str, str]:
    """What was noted with `--label`. **Raises** UsageError for what is no KEY=VALUE."""
    labels = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not key or not sign:
            raise UsageError(f"--label {text}: write KEY=VALUE")
        labels[key] = value
    return labels
