"""Functions of our own: categories that act in pairs, trees of conditions, and few dimensions that matter among many.

Their constants come from generators of their names; where the least value is known by construction it is given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations, product
from typing import Any

import numpy as np

from bench.quality.problem import Dim, Problem, choice, generator, integer, number

__all__ = ["problems"]

Values = Mapping[str, Any]


def problems() -> list[Problem]:
    """All of them."""
    return [
        pairs("pairs-6x4", 6, 4, 60),
        pairs("pairs-8x3", 8, 3, 75),
        pairs("pairs-5x6", 5, 6, 60),
        pairs("pairs-12x2", 12, 2, 75),
        optimizer_tree("optimizer-tree", 75),
        optimizer_tree("optimizer-tree-b", 75),
        nested_tree("nested-tree", 80),
        layers("layers-tree", 75),
        layers("layers-tree-b", 75),
        mixed_bowl("mixed-bowl-4", 4, 75),
        mixed_bowl("mixed-bowl-8", 8, 60),
        embedded("embedded-branin-d25", 25, "branin"),
        embedded("embedded-branin-d40", 40, "branin"),
        embedded("embedded-hartmann-d30", 30, "hartmann"),
        embedded("embedded-hartmann-d40", 40, "hartmann"),
    ]


def pairs(name: str, width: int, values: int, budget: int) -> Problem:
    """Categories with an effect each and one for each pair; all are tried once to know the least."""
    chance = generator(name)
    single = chance.standard_normal((width, values))
    couples = list(combinations(range(width), 2))
    double = {pair: 0.5 * chance.standard_normal((values, values)) for pair in couples}
    words = tuple("abcdefgh"[:values])
    dims = tuple(choice(f"c{i}", *words) for i in range(width))

    def total(at: tuple[int, ...]) -> float:
        return float(
            sum(single[i, v] for i, v in enumerate(at)) + sum(double[p][at[p[0]], at[p[1]]] for p in couples)
        )

    def score(given: Values) -> float:
        return total(tuple(words.index(given[d.name]) for d in dims))

    everything = np.array(list(product(range(values), repeat=width)))
    sums = sum(single[i, everything[:, i]] for i in range(width)) + sum(
        double[a, b][everything[:, a], everything[:, b]] for a, b in couples
    )
    return Problem(name, "categorical", dims, score, budget, best=float(np.min(sums)))


def valley(x: float, best: float, width: float, sharp: float = 2.0) -> float:
    """A smooth valley at `best`, 0 there and steeper above it than below, as learning rates have it."""
    away = (x - best) / width
    return float(abs(away) ** sharp * (1.5 if away > 0 else 1.0) / (1.0 + 0.2 * abs(away)))


def optimizer_tree(name: str, budget: int) -> Problem:
    """Three optimizers with parameters of their own upon two that all share; one is a little better than the rest."""
    chance = generator(name)
    at = {
        key: float(chance.uniform(0.15, 0.85)) for key in ("sgd", "adam", "rms", "m", "b1", "d", "decay", "w")
    }
    floor = dict(zip(("sgd", "adam", "rms"), chance.permutation([0.0, 0.05, 0.2]).tolist(), strict=True))
    dims = (
        choice("optimizer", "sgd", "adam", "rms"),
        number("rate", 1e-5, 1.0, log=True),
        integer("width", 8, 512, log=True),
        number("momentum", 0.0, 0.99, when=("optimizer", ("sgd",))),
        choice("nesterov", "no", "yes", when=("optimizer", ("sgd",))),
        number("beta", 0.5, 0.999, when=("optimizer", ("adam",))),
        number("decay", 1e-6, 1e-1, log=True, when=("optimizer", ("adam", "rms"))),
    )

    def score(v: Values) -> float:
        kind = v["optimizer"]
        rate = (math.log10(v["rate"]) + 5) / 5
        width = math.log(v["width"] / 8) / math.log(64)
        loss = floor[kind] + 0.8 * valley(width, at["w"], 0.6)
        if kind == "sgd":
            # More momentum wants a smaller rate.
            wanted = at["sgd"] - 0.3 * (v["momentum"] / 0.99 - at["m"])
            loss += valley(rate, wanted, 0.25) + valley(v["momentum"] / 0.99, at["m"], 0.5)
            loss += 0.0 if v["nesterov"] == "yes" else 0.05
        else:
            decay = (math.log10(v["decay"]) + 6) / 5
            loss += valley(rate, at[kind], 0.3) + 0.5 * valley(decay, at["decay"], 0.5)
            loss += valley((v["beta"] - 0.5) / 0.499, at["b1"], 0.6) if kind == "adam" else 0.0
        return loss

    return Problem(name, "conditional", dims, score, budget)


def nested_tree(name: str, budget: int) -> Problem:
    """Two levels of choices; every leaf is a valley of its own, with a depth of its own."""
    chance = generator(name)
    trees = {"forest": ("gini", "entropy"), "boost": ("exact", "hist", "approx"), "net": ("relu", "tanh")}
    dims: list[Dim] = [choice("model", *trees), number("share", 0.1, 1.0)]
    depth: dict[tuple[str, str], float] = {}
    centre: dict[str, float] = {"share": float(chance.uniform(0.2, 0.9))}
    levels = chance.permutation(7) * 0.06
    for model, kinds in trees.items():
        dims.append(choice(f"{model}_kind", *kinds, when=("model", (model,))))
        for kind in kinds:
            depth[model, kind] = float(levels[len(depth)])
            for part in ("a", "b"):
                dims.append(number(f"{kind}_{part}", 0.0, 1.0, when=(f"{model}_kind", (kind,))))
                centre[f"{kind}_{part}"] = float(chance.uniform(0.1, 0.9))

    def score(v: Values) -> float:
        model = v["model"]
        kind = v[f"{model}_kind"]
        a, b = (v[f"{kind}_{part}"] - centre[f"{kind}_{part}"] for part in ("a", "b"))
        bend = 3.0 * a * a + 2.0 * (b + 0.5 * a) ** 2 + 0.15 * (1 - math.cos(9 * a))
        return depth[model, kind] + bend + 0.5 * (v["share"] - centre["share"]) ** 2

    return Problem(name, "conditional", tuple(dims), score, budget, best=0.0)


def layers(name: str, budget: int) -> Problem:
    """One to four layers, each with a width and a dropout that exist only with it."""
    chance = generator(name)
    wanted = chance.uniform(0.2, 0.8, size=(4, 2))
    gain = (0.5, 0.2, 0.0, 0.08)
    dims: list[Dim] = [choice("layers", 1, 2, 3, 4), number("rate", 1e-4, 1.0, log=True)]
    for i in range(4):
        there = ("layers", tuple(range(i + 1, 5))) if i else None
        dims.append(integer(f"width{i}", 4, 256, log=True, when=there))
        dims.append(number(f"dropout{i}", 0.0, 0.8, when=there))

    def score(v: Values) -> float:
        n = v["layers"]
        loss = gain[n - 1] + 2.0 * valley((math.log10(v["rate"]) + 4) / 4, 0.75 - 0.1 * n, 0.5)
        for i in range(n):
            width = math.log(v[f"width{i}"] / 4) / math.log(64)
            loss += (valley(width, wanted[i, 0], 0.5) + 0.5 * valley(v[f"dropout{i}"], wanted[i, 1], 0.6)) / n
        return loss

    return Problem(name, "conditional", tuple(dims), score, budget)


def mixed_bowl(name: str, kinds: int, budget: int) -> Problem:
    """Two categories that move the valley of four numbers, one integer among them; some kinds have it elsewhere."""
    chance = generator(name)
    words = tuple("abcdefgh"[:kinds])
    shift = chance.uniform(0.1, 0.9, size=(kinds, 3))
    shift[1::2] = shift[::2] + 0.05 * chance.standard_normal((kinds // 2, 3))  # neighbours in kind are alike
    floor = np.sort(chance.exponential(0.3, size=kinds))[chance.permutation(kinds)]
    other = {"low": 0.0, "mid": 0.1, "high": 0.4}
    dims = (
        choice("kind", *words),
        choice("level", *other),
        number("x", 0.0, 1.0),
        number("y", 1e-4, 1.0, log=True),
        integer("n", 1, 30),
    )

    def score(v: Values) -> float:
        at = words.index(v["kind"])
        point = np.array([v["x"], (math.log10(v["y"]) + 4) / 4, (v["n"] - 1) / 29]) - shift[at]
        rough = 0.1 * float(np.sum(1 - np.cos(4 * np.pi * point)))
        return float(floor[at] + other[v["level"]] + 4 * point @ point + 3 * point[0] * point[1] + rough)

    return Problem(name, "mixed", dims, score, budget)


def embedded(name: str, dimension: int, kind: str) -> Problem:
    """A known function of two or six of the dimensions; the others do nothing. Which, and where, comes by chance."""
    chance = generator(name)
    inner = 2 if kind == "branin" else 6
    chosen = chance.permutation(dimension)[:inner]
    shift = chance.uniform(-0.15, 0.15, size=inner)
    dims = tuple(number(f"x{i}", 0.0, 1.0) for i in range(dimension))

    def score(v: Values) -> float:
        point = np.array([v[f"x{i}"] for i in chosen]) + shift
        outside = float(np.sum(np.maximum(0.0, np.abs(point - 0.5) - 0.5)))
        point = np.clip(point, 0.0, 1.0)
        return (branin(point) if kind == "branin" else hartmann(point)) + 5.0 * outside

    return Problem(
        name, "high-dimensional", dims, score, 100, best=0.397887 if kind == "branin" else -3.322368
    )


def branin(u: np.ndarray) -> float:
    """Branin's function on the unit square."""
    x, y = 15 * u[0] - 5, 15 * u[1]
    bend = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return float(bend**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10)


def hartmann(u: np.ndarray) -> float:
    """Hartmann's function of six dimensions on the unit cube."""
    A = np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    )
    P = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    return -float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-np.sum(A * (u - P) ** 2, axis=1)))
