"""The stages a person asks for: the rungs of a budget, `epochs=1:81:3`, and folds, for files and the command line."""

from __future__ import annotations

import re
from math import isfinite

from luthier.description import Command, Stages
from luthier.errors import UsageError

__all__ = ["ETA", "FOLD", "MOST", "folds", "levels", "read_budget", "rungs"]

ETA = 3.0
FOLD = "fold"
MOST = 64
HOW = "write NAME=MIN:MAX or NAME=MIN:MAX:ETA, such as epochs=1:81"


def folds(count: int, command: Command) -> Stages:
    """So many folds; the command is told by `:fold:`, or by its environment alone."""
    stands = any(re.search(r":fold:|\{\{\s*fold\s*\}\}", word) for word in command.words)
    return Stages("folds", FOLD if stands else "", tuple(float(fold) for fold in range(count)))


def read_budget(text: str) -> Stages:
    """Reads `epochs=1:81:3`. **Raises** UsageError without the name of an option or a place, which the caller knows."""
    name, sign, rest = text.partition("=")
    parts = rest.split(":")
    if not sign or not name.strip() or len(parts) not in (2, 3):
        raise UsageError(HOW)
    try:
        least, most, eta = float(parts[0]), float(parts[1]), float(parts[2]) if len(parts) == 3 else ETA
    except ValueError:
        raise UsageError(f"MIN, MAX and ETA are numbers; {HOW}") from None
    return rungs(name.strip(), least, most, eta)


def rungs(name: str, least: float, most: float, eta: float) -> Stages:
    """The rungs from MIN to MAX. **Raises** UsageError where they are none, or too many."""
    if not (0 < least < most and isfinite(most)):
        raise UsageError(f"MIN has to be above 0 and below MAX; {HOW}")
    if not (1 < eta and isfinite(eta)):
        raise UsageError(f"ETA has to be above 1, such as 3; {HOW}")
    made = levels(least, most, eta)
    if len(made) > MOST:
        raise UsageError(f"these are {len(made)} rungs; choose a larger ETA")
    if len(made) < 2:
        raise UsageError(
            f"from {least:g} to {most:g} there is only one rung; begin lower, or with a smaller ETA"
        )
    return Stages("rungs", name, made, eta)


def levels(least: float, most: float, eta: float) -> tuple[float, ...]:
    """MIN, MIN · ETA, … and MAX, which takes the place of a last one that is close to it. Whole between whole ones."""
    whole = least == int(least) and most == int(most)
    level, made = least, list[float]()
    while level * eta**0.5 < most and len(made) <= MOST:
        made.append(float(round(level)) if whole else level)
        level *= eta
    return tuple(dict.fromkeys([*made, most]))
