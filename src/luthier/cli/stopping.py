"""The options that end trials, or the whole search, early, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import click

from luthier.cli.quantities import DURATION
from luthier.description import Goal, Objective, Stopping
from luthier.errors import UsageError

__all__ = ["STOPPING", "check_conditions", "check_goal", "goal_of", "stopping_of"]

F = Callable[..., Any]

STOPPING: list[Callable[[F], F]] = [
    click.option(
        "--early-stopping",
        metavar="RULE[:NAME=VALUE,…]",
        help="Ends poor trials early: auto, asha, hyperband, median, curve, patience, folds or none "
        "(default: auto with tune, else none). Such as asha:eta=3.",
    ),
    click.option(
        "--stop-condition",
        "conditions",
        multiple=True,
        metavar="'METRIC OP VALUE[:MIN_INDEX]'",
        help="Ends a trial as soon as this holds, such as 'val_loss > 5:3'; join with &&; up to five, any ends it.",
    ),
    click.option(
        "--target", type=float, metavar="VALUE", help="Ends the search once a trial's objective is this good."
    ),
    click.option(
        "--max-time",
        type=DURATION,
        metavar="TIME",
        help="Ends the search after so long, such as 2h; running trials go back to the queue (exit code 124).",
    ),
    click.option(
        "--no-progress",
        type=click.IntRange(1),
        metavar="N",
        help="Ends the search when N trials in a row were no better than the best before them.",
    ),
]


def stopping_of(options: dict[str, Any], objective: Objective | None, default: str) -> Stopping | None:
    """The rule and the conditions that were asked for; `default` is the rule of this command where none is named.

    **Raises** UsageError for what no rule understands, and for a rule without a metric to go by.
    """
    text, conditions = options["early_stopping"], options["conditions"]
    if text is None and (default == "none" or objective is None):
        if not conditions:
            return None
        text = "none"
    stopping = Stopping.of(text or default, conditions)
    from luthier.stopping import stopping_rule

    stopping_rule(stopping.rule, stopping.settings)
    check_conditions(conditions)
    if stopping.rule != "none" and objective is None:
        raise UsageError("--early-stopping needs a metric to compare trials by; add --metric NAME")
    return stopping if stopping.rule != "none" or conditions else None


def check_conditions(texts: Sequence[str]) -> None:
    """Makes sure that conditions can be read. **Raises** UsageError that names the option beside the words of Spell."""
    from luthier.stopping import Conditions

    try:
        Conditions.of(texts)
    except UsageError as error:
        raise UsageError(f"--stop-condition: {error}") from None


def goal_of(options: dict[str, Any], objective: Objective | None) -> Goal | None:
    """When the whole search may end early.

    **Raises** UsageError where there is no metric to tell.
    """
    goal = Goal(options["target"], options["max_time"], options["no_progress"])
    check_goal(goal, objective)
    return goal if goal != Goal() else None


def check_goal(goal: Goal, objective: Objective | None) -> None:
    """**Raises** UsageError where there is no metric to tell, and for a target that no number reaches."""
    for option, given in (("--target", goal.value), ("--no-progress", goal.no_progress)):
        if given is not None and objective is None:
            raise UsageError(f"{option} needs a metric; add --metric NAME")
    if goal.value is not None and not isfinite(goal.value):
        raise UsageError(
            f"--target {goal.value:g} is not a finite number; leave it out for a search without a target"
        )
