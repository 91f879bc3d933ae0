"""The options that make a trial run in stages, rungs of a budget or folds, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Any

import click

from luthier.description import Command, Stages
from luthier.errors import UsageError
from luthier.space import Space

__all__ = ["STAGES", "stages_of"]

F = Callable[..., Any]
ETA = 3.0
FOLD = "fold"
MOST = 64

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
    made = _budget(budget) if budget is not None else _folds(folds, command)
    if made.parameter in space.names:
        raise UsageError(
            f"{made.parameter} is a parameter and the name of the {option} as well; give one of them another name"
        )
    return made


def _folds(count: int, command: Command) -> Stages:
    stands = any(re.search(r":fold:|\{\{\s*fold\s*\}\}", word) for word in command.words)
    return Stages("folds", FOLD if stands else "", tuple(float(fold) for fold in range(count)))


def _budget(text: str) -> Stages:
    name, sign, rest = text.partition("=")
    parts = rest.split(":")
    how = "write NAME=MIN:MAX or NAME=MIN:MAX:ETA, such as epochs=1:81"
    if not sign or not name.strip() or len(parts) not in (2, 3):
        raise UsageError(f"--budget {text}: {how}")
    try:
        least, most, eta = float(parts[0]), float(parts[1]), float(parts[2]) if len(parts) == 3 else ETA
    except ValueError:
        raise UsageError(f"--budget {text}: MIN, MAX and ETA are numbers; {how}") from None
    if not (0 < least < most and isfinite(most)):
        raise UsageError(f"--budget {text}: MIN has to be above 0 and below MAX; {how}")
    if not (1 < eta and isfinite(eta)):
        raise UsageError(f"--budget {text}: ETA has to be above 1, such as 3; {how}")
    levels = _levels(least, most, eta, whole=least == int(least) and most == int(most))
    if len(levels) > MOST:
        raise UsageError(f"--budget {text}: these are {len(levels)} rungs; choose a larger ETA")
    return Stages("rungs", name.strip(), levels, eta)


def _levels(least: float, most: float, eta: float, *, whole: bool) -> tuple[float, ...]:
    """MIN, MIN · ETA, … and MAX, which takes the place of a last one that is close to it."""
    level, levels = least, list[float]()
    while level * eta**0.5 < most and len(levels) <= MOST:
        levels.append(float(round(level)) if whole else level)
        level *= eta
    return tuple(dict.fromkeys([*levels, most]))
