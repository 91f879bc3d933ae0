"""The options that make a trial run in stages, rungs of a budget or folds, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from luthier.description import Command, Stages
from luthier.errors import UsageError
from luthier.job.stages import folds as folds_of
from luthier.job.stages import read_budget
from luthier.space import Space

__all__ = ["STAGES", "schedule", "stages_of"]

F = Callable[..., Any]

STAGES: list[Callable[[F], F]] = [
    click.option(
        "--budget",
        metavar="NAME=MIN:MAX[:ETA]",
        help="Begins each trial with a small budget and lets the best 1/ETA (default: 3) go on with ETA times as much, such "
        "as epochs=1:81; the command gets it as :epochs: and its checkpoint folder stays.",
    ),
    click.option(
        "--folds",
        type=click.IntRange(2, 1000),
        metavar="K",
        help="Runs the command once for each of K folds (:fold: or LUTHIER_FOLD, from 0) and averages the metric.",
    ),
]


def stages_of(options: dict[str, Any], command: Command, space: Space) -> Stages | None:
    """The stages that were asked for.

    **Raises** UsageError for a budget that can't be read, and for what does not go together.
    """
    budget, folds = options["budget"], options["folds"]
    if budget is None and folds is None:
        return None
    option = "--folds" if budget is None else "--budget"
    if budget is not None and folds is not None:
        raise UsageError("--budget and --folds both cut a trial into parts; choose one of them")
    if options["metric"] is None:
        raise UsageError(f"{option} needs a metric to compare trials by; add --metric NAME")
    if options["also"] or options["constraints"]:
        raise UsageError(f"{option} compares trials by one metric; leave --also and --constraint out")
    made = _budget(budget) if budget is not None else folds_of(folds, command)
    if made.parameter in space.names:
        raise UsageError(
            f"{made.parameter} is a parameter and the name of the {option} as well; give one of them another name"
        )
    return made


def schedule(stages: Stages | None) -> str | None:
    """The rungs of a budget in words, for the beginning of a search; None without any."""
    if stages is None or stages.kind != "rungs":
        return None
    levels = ", ".join(stages.text(at) for at in range(len(stages.levels)))
    return f"Budget: {stages.parameter} {levels}; of those that came to one, the best 1 in {stages.eta:g} go on to the next"


def _budget(text: str) -> Stages:
    try:
        return read_budget(text)
    except UsageError as problem:
        raise UsageError(f"--budget {text}: {problem}") from None
