"""The functions of the COCO platform: bbob for numbers, bbob-mixint for mixed spaces, and noise upon bbob.

An instance shifts the optimum at random, so that nothing is won by beginning in the middle. The noise has the shapes
of bbob-noisy (Gaussian, uniform and rare large outliers), but comes from the trial's own generator.

**Source** Hansen and others (2009), RR-6829 and RR-6869; Tušar and others (2019), bbob-mixint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import cocoex
import numpy as np

from bench.quality.problem import Dim, Problem, integer, number

__all__ = ["numeric", "problems"]

# (function, dimension, budget)
NUMERIC = (
    (2, 10, 100),
    (3, 5, 75),
    (5, 5, 40),
    (6, 5, 75),
    (7, 3, 50),
    (8, 5, 75),
    (9, 10, 100),
    (10, 5, 75),
    (10, 10, 100),
    (11, 3, 50),
    (12, 5, 75),
    (13, 10, 100),
    (14, 3, 50),
    (15, 5, 75),
    (17, 5, 75),
    (18, 10, 100),
    (20, 3, 50),
    (21, 2, 40),
    (21, 5, 75),
    (22, 5, 75),
    (23, 2, 40),
    (24, 5, 75),
)
HIGH = (
    (1, 20),
    (3, 20),
    (6, 40),
    (8, 20),
    (9, 20),
    (10, 20),
    (11, 20),
    (12, 40),
    (13, 20),
    (15, 20),
    (17, 20),
    (21, 20),
    (24, 20),
)
MIXINT = ((2, 5), (3, 5), (8, 5), (10, 10), (15, 5), (17, 10), (21, 5))
# (function, dimension, shape of the noise, its strength)
NOISY = (
    (1, 5, "gauss", 1.0),
    (6, 3, "gauss", 0.5),
    (8, 3, "uniform", 1.0),
    (10, 3, "gauss", 0.7),
    (14, 5, "outliers", 0.2),
    (17, 3, "gauss", 0.3),
    (20, 2, "uniform", 0.5),
    (21, 3, "outliers", 0.2),
)


def problems() -> list[Problem]:
    """Every problem that rests on COCO."""
    found = [numeric(f"bbob-f{f:02}-d{d:02}", f, d, budget) for f, d, budget in NUMERIC]
    found += [numeric(f"bbob-f{f:02}-d{d:02}", f, d, 100, family="high-dimensional") for f, d in HIGH]
    found += [mixint(f, d) for f, d in MIXINT]
    found += [noisy(f, d, shape, strength) for f, d, shape, strength in NOISY]
    return found


@cache
def bare(function: int, dimension: int) -> cocoex.BareProblem:
    """The function in an instance of its own, not the same for all."""
    return cocoex.BareProblem("bbob", function, dimension, 1 + (7 * function + dimension) % 15)


def loss(function: int, dimension: int) -> Callable[[Mapping[str, Any]], float]:
    """The function of the values x0, x1, …"""
    names = [f"x{i}" for i in range(dimension)]
    return lambda values: float(bare(function, dimension)(np.array([values[name] for name in names])))


def box(dimension: int) -> tuple[Dim, ...]:
    """The usual box."""
    return tuple(number(f"x{i}", -5.0, 5.0) for i in range(dimension))


def numeric(name: str, function: int, dimension: int, budget: int, family: str = "numeric") -> Problem:
    """One function of numbers."""
    best = float(bare(function, dimension).best_value())
    return Problem(name, family, box(dimension), loss(function, dimension), budget, best=best)


def noisy(function: int, dimension: int, shape: str, strength: float) -> Problem:
    """One function under noise that grows with the distance from the best value."""
    best = float(bare(function, dimension).best_value())
    clean = loss(function, dimension)

    def seen(values: Mapping[str, Any], chance: np.random.Generator) -> float:
        """Multiplicative noise, and a little that does not vanish."""
        gap = clean(values) - best
        match shape:
            case "gauss":
                gap *= float(np.exp(strength * chance.standard_normal()))
            case "uniform":
                gap *= float(chance.uniform() ** strength * 1.5)
            case _:
                if chance.uniform() < strength:
                    gap *= 1.0 + abs(float(chance.standard_cauchy())) * 2.0
        return best + gap + 0.01 * float(chance.standard_normal())

    name = f"noisy-{shape}-f{function:02}-d{dimension:02}"
    return Problem(name, "noisy", box(dimension), clean, 20 * dimension + 20, noisy=seen, best=best)


@cache
def suite(dimension: int) -> Any:
    """The mixed-integer functions of one dimension."""
    return cocoex.Suite("bbob-mixint", "", f"dimensions:{dimension} instance_indices:1-5")


@cache
def mixed_function(function: int, dimension: int) -> Any:
    """One of them."""
    number_of = f"bbob-mixint_f{function:03}_i{1 + function % 5:02}_d{dimension:02}"
    return suite(dimension).get_problem(number_of)


def mixint(function: int, dimension: int) -> Problem:
    """One function of integers and numbers; its least value was computed by `levels`."""
    known = mixed_function(function, dimension)
    lows, highs, whole = known.lower_bounds, known.upper_bounds, known.number_of_integer_variables
    dims = tuple(
        integer(f"x{i}", int(lows[i]), int(highs[i]))
        if i < whole
        else number(f"x{i}", float(lows[i]), float(highs[i]))
        for i in range(dimension)
    )

    def value(values: Mapping[str, Any]) -> float:
        return float(mixed_function(function, dimension)(np.array([float(values[d.name]) for d in dims])))

    budget = 75 if dimension < 10 else 100
    return Problem(f"mixint-f{function:02}-d{dimension:02}", "mixed", dims, value, budget)
