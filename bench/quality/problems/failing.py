"""Problems where a part of the space fails: half of it, a corner of 12 %, all but a ball, some categories.

The least score is the least among those that do not fail; where the optimum itself lies in the failing part, it is
found by `levels`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench.quality.problem import Failed, Problem, choice, generator, integer, number
from bench.quality.problems.bbob import bare, numeric

__all__ = ["problems"]

Values = Mapping[str, Any]


def problems() -> list[Problem]:
    """All of them. Those with 150 trials are held to the bars on failures, too: the tags name the bar."""
    found = []
    for function, dimension in ((8, 3), (10, 4), (15, 5), (21, 3)):
        found.append(half(function, dimension))
    for function, dimension in ((3, 4), (6, 5), (14, 3), (17, 5)):
        found.append(corner(function, dimension))
    for function, dimension in ((12, 3), (20, 4)):
        found.append(ball(function, dimension))
    return [*found, memory("memory-a", 0.6), memory("memory-b", 0.8)]


def fails_where(
    problem: Problem, name: str, fails: Callable[[np.ndarray], bool], bar: str, **other: Any
) -> Problem:
    """The problem with a part that fails; `fails` is given the values in [0, 1]."""

    def score(values: Values) -> float:
        if fails((np.array([values[d.name] for d in problem.dims]) + 5.0) / 10.0):
            raise Failed
        return problem.score(values)

    return replace(problem, name=name, score=score, tags=frozenset({bar}), **other)


def half(function: int, dimension: int) -> Problem:
    """Beyond a plane through the middle everything fails; the optimum lies in the rest, now near the plane, now far."""
    name = f"half-fails-f{function:02}-d{dimension:02}"
    normal = generator(name).standard_normal(dimension)
    normal /= np.linalg.norm(normal)
    best = (np.asarray(bare(function, dimension).best_parameter()) + 5.0) / 10.0
    if normal @ (best - 0.5) > 0:
        normal = -normal
    return fails_where(
        numeric(name, function, dimension, 150, family="failing"),
        name,
        lambda u: bool(normal @ (u - 0.5) > 0),
        "half",
    )


def corner(function: int, dimension: int) -> Problem:
    """A corner in two of the dimensions, 12 % of the space, fails; the optimum may lie near it."""
    name = f"corner-fails-f{function:02}-d{dimension:02}"
    a, b = generator(name).permutation(dimension)[:2]
    side = 1.0 - np.sqrt(0.12)
    best = (np.asarray(bare(function, dimension).best_parameter()) + 5.0) / 10.0
    flip = np.where(best > 0.6, -1.0, 1.0)  # the corner that the optimum is not in

    def fails(u: np.ndarray) -> bool:
        turned = np.where(flip > 0, u, 1.0 - u)
        return bool(turned[a] > side and turned[b] > side)

    return fails_where(numeric(name, function, dimension, 150, family="failing"), name, fails, "corner")


def ball(function: int, dimension: int) -> Problem:
    """Everything fails but a ball; its best point lies towards its border."""
    name = f"ball-f{function:02}-d{dimension:02}"
    chance = generator(name)
    best = (np.asarray(bare(function, dimension).best_parameter()) + 5.0) / 10.0
    away = chance.standard_normal(dimension)
    middle = np.clip(best + 0.3 * away / np.linalg.norm(away), 0.2, 0.8)
    whole = numeric(name, function, dimension, 80, family="failing")
    inside = bool(np.linalg.norm(best - middle) <= 0.42)
    return fails_where(
        whole,
        name,
        lambda u: bool(np.linalg.norm(u - middle) > 0.42),
        "ball",
        best=whole.best if inside else None,
    )


def memory(name: str, room: float) -> Problem:
    """A network that runs out of memory where it gets good: wide, deep and in large batches, the more with one kind."""
    chance = generator(name)
    weights = chance.uniform(0.5, 1.5, size=3)
    dims = (
        integer("width", 16, 2048, log=True),
        integer("depth", 1, 12),
        integer("batch", 8, 1024, log=True),
        number("rate", 1e-5, 1.0, log=True),
        choice("kind", "plain", "attention", "recurrent"),
    )
    cost = {"plain": 0.0, "attention": 0.35, "recurrent": 0.15}
    gain = {"plain": 0.25, "attention": 0.0, "recurrent": 0.1}

    def score(v: Values) -> float:
        width, batch = np.log(v["width"] / 16) / np.log(128), np.log(v["batch"] / 8) / np.log(128)
        depth, rate = (v["depth"] - 1) / 11, (np.log10(v["rate"]) + 5) / 5
        if (width * weights[0] + depth * weights[1] + batch * weights[2]) / 3 + cost[v["kind"]] > room:
            raise Failed
        best_rate = 0.7 - 0.3 * depth + 0.15 * batch
        return float(
            gain[v["kind"]]
            + 1.2 * (1 - width) ** 2
            + 0.8 * (0.8 - depth) ** 2
            + 0.3 * (0.6 - batch) ** 2
            + 4 * (rate - best_rate) ** 2
        )

    return Problem(name, "failing", dims, score, 80, tags=frozenset({"memory"}))
