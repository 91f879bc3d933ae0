"""Makes domains of the words and numbers that the two grammars share.

`grammar.py` (command line) and `declared.py` (parsed files) read different notations of the same things and meet
here, so that a range, a distribution or a list means the same wherever it was written. Errors are one sentence
without the parameter's name, which the caller puts in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from luthier.errors import SpaceError
from luthier.space.choices import Categorical, Constant
from luthier.space.domains import Domain
from luthier.space.nearest import hint
from luthier.space.normal import LogNormal, Normal
from luthier.space.ranges import Float, Integer
from luthier.space.scaling import SCALINGS
from luthier.space.value import Value

__all__ = ["DISTRIBUTIONS", "Family", "as_scaling", "as_type", "distributed", "listed", "ranged"]

TYPES = {"int": "int", "integer": "int", "float": "float"}


class Family(NamedTuple):
    """What the name of a distribution stands for: a range with a scaling and type, or one of the normals."""

    shape: Literal["range", "normal", "lognormal"]
    scaling: str | None = None
    type: str | None = None


DISTRIBUTIONS: dict[str, Family] = {
    "int": Family("range", "linear", "int"),
    "logint": Family("range", "log", "int"),
    "lognormal": Family("lognormal"),
    "loguniform": Family("range", "log"),
    "normal": Family("normal"),
    "qlognormal": Family("lognormal"),
    "qloguniform": Family("range", "log"),
    "qnormal": Family("normal"),
    "quniform": Family("range", "linear"),
    "uniform": Family("range", "linear"),
    "uniformint": Family("range", "linear", "int"),
}
"""Names as in hyperopt, but for `loguniform`: its bounds are the values themselves, not their logarithms."""


def as_scaling(word: str) -> str:
    """A scaling by name."""
    if word not in SCALINGS:
        raise SpaceError(f"scaling {word!r} is unknown; write {', '.join(SCALINGS)}{hint(word, SCALINGS)}")
    return word


def as_type(word: str) -> str:
    """A type by name: `int` or `float`."""
    if word not in TYPES:
        raise SpaceError(f"type {word!r} is unknown; write int or float{hint(word, TYPES)}")
    return TYPES[word]


def ranged(low: float, high: float, scaling: str | None, type: str | None, step: float | None) -> Domain:
    """A range. Without a type it is one of floats, unless it has a step and all three numbers are written as integers."""
    if type is None:
        whole = step is not None and all(isinstance(n, int) for n in (low, high, step))
        type = "int" if whole else "float"
    made: Any = Integer if type == "int" else Float
    domain: Domain = made(low, high, scaling or "linear", step)
    return domain


def distributed(
    word: str, numbers: Sequence[float], scaling: str | None, type: str | None, step: float | None
) -> Domain:
    """A distribution by name: `numbers` are MIN and MAX, or mean and deviation."""
    if word not in DISTRIBUTIONS:
        known = ", ".join(DISTRIBUTIONS)
        raise SpaceError(f"distribution {word!r} is unknown{hint(word, DISTRIBUTIONS)}; write one of {known}")
    family = DISTRIBUTIONS[word]
    bounds = "MIN and MAX" if family.shape == "range" else "mean and deviation"
    if len(numbers) != 2:
        raise SpaceError(f"{word} takes two numbers, {bounds}, and got {len(numbers)}")
    if word.startswith("q") and step is None:
        raise SpaceError(f"{word} needs a step; write it as q=…")
    first, second = numbers
    if family.shape == "range":
        return ranged(first, second, scaling or family.scaling, type or family.type, step)
    if scaling is not None:
        raise SpaceError(f"{word} has no scaling; leave {scaling!r} out")
    made = Normal if family.shape == "normal" else LogNormal
    return made(first, second, step, "int" if type == "int" else "float")


def listed(values: Sequence[Value]) -> Domain:
    """A list of values; a single one is a constant."""
    return Constant(tuple(values)) if len(values) == 1 else Categorical(tuple(values))
