"""The recorded curves and folds as tables that a search can look up, and synthetic curves that cross."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from math import inf, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from luthier.description import Algorithm
from luthier.history import History
from luthier.search import searcher
from luthier.space import Categorical, Configuration, Float, Integer, Parameter, Space

__all__ = [
    "CHECKED", "CONFIGURATIONS", "CROSSING", "DATA", "EPOCHS", "FOLDS", "SPACES", "TUNED", "Table", "configurations",
    "crossing", "folded", "tables",
]  # fmt: skip

TUNED = ("vehicle", "german", "phoneme", "segment", "spambase")
"""The data sets the rules were tuned on; the others were looked at when they were done."""

CHECKED = ("vowel", "satimage", "contraceptive", "pima", "optdigits")
CLASSES = {
    "vehicle": 4, "german": 2, "phoneme": 2, "segment": 7, "spambase": 2,
    "vowel": 11, "satimage": 6, "contraceptive": 3, "pima": 2, "optdigits": 10,
}  # fmt: skip
DATA = tuple(CLASSES)
CROSSING = "crossing"
CONFIGURATIONS, EPOCHS, FOLDS = 200, 50, 5

Array = NDArray[np.float64]

SPACES = {
    "mlp": Space(
        [
            Parameter("rate", Float(1e-5, 1.0, "log")),
            Parameter("alpha", Float(1e-6, 10.0, "log")),
            Parameter("width", Integer(2, 96, "log")),
            Parameter("layers", Integer(1, 3)),
            Parameter("batch", Integer(16, 128, "log")),
            Parameter("activation", Categorical.of(["relu", "tanh", "logistic"])),
            Parameter("solver", Categorical.of(["adam", "sgd"])),
        ]
    ),
    "sgd": Space(
        [
            Parameter("rate", Float(1e-5, 10.0, "log")),
            Parameter("alpha", Float(1e-7, 1.0, "log")),
            Parameter("loss", Categorical.of(["log_loss", "modified_huber"])),
            Parameter("penalty", Categorical.of(["l2", "l1", "elasticnet"])),
            Parameter("schedule", Categorical.of(["constant", "invscaling", "optimal"])),
            Parameter("average", Categorical.of([False, True])),
        ]
    ),
    "svm": Space([Parameter("C", Float(1e-3, 1e3, "log")), Parameter("gamma", Float(1e-4, 10.0, "log"))]),
    "forest": Space(
        [
            Parameter("trees", Integer(3, 30, "log")),
            Parameter("features", Float(0.05, 1.0)),
            Parameter("leaf", Integer(1, 30, "log")),
            Parameter("depth", Integer(1, 20, "log")),
            Parameter("criterion", Categorical.of(["gini", "entropy"])),
        ]
    ),
}


@cache
def configurations(model: str) -> list[Configuration]:
    """The configurations that were recorded, in their order."""
    made = searcher(Algorithm("sobol")).propose(SPACES[model], History(), 1, range(1, CONFIGURATIONS + 1))
    return [proposal.configuration for proposal in made]


@dataclass(frozen=True, eq=False)
class Table:
    """Losses of listed configurations, point by point. `losses` (configurations, points), less being better; `aggregate`
    says how points become the objective."""

    name: str
    space: Space
    listed: tuple[Configuration, ...]
    losses: Array
    aggregate: str = "last"
    guessing: float = inf

    @property
    def points(self) -> int:
        return self.losses.shape[1]

    @cached_property
    def finals(self) -> Array:
        """What each configuration ends with; NaN as the worst."""
        ends = self.losses.mean(axis=1) if self.aggregate == "avg" else self.losses[:, -1]
        return np.where(np.isfinite(ends), ends, np.inf)

    @cached_property
    def range(self) -> float:
        """From the best end to the worst, but not beyond what guessing reaches: a loss that diverged says nothing of what
        a difference means."""
        return float(np.minimum(self.finals, self.guessing).max() - self.finals.min())

    @cached_property
    def _units(self) -> tuple[Array, NDArray[np.bool_]]:
        named = np.array([isinstance(p.domain, Categorical) for p in self.space.parameters])
        return self.space.encode(self.listed), named

    def row(self, configuration: Configuration) -> int:
        """The listed configuration that is nearest; another category is half a side away."""
        X, named = self._units
        apart = np.abs(X - self.space.encode([configuration]))
        apart[:, named] = 0.5 * (apart[:, named] > 1e-9)
        return int(np.argmin((apart**2).sum(axis=1)))


@cache
def recorded(data: str) -> dict[str, Array]:
    """The tables of a data set, as they were recorded."""
    with np.load(Path(__file__).parent / f"{data}.npz") as file:
        return {name: file[name].astype(np.float64) for name in file.files}


def tables(data: str) -> list[Table]:
    """The curves of a data set: the log loss of both models, and the error."""
    made = []
    for model in ("mlp", "sgd"):
        listed = tuple(configurations(model))
        for at, metric in enumerate(("error", "loss")):
            losses = recorded(data)[model][:, at]
            guessing = log(CLASSES[data]) if metric == "loss" else 1 - 1 / CLASSES[data]
            made.append(Table(f"{data} {model} {metric}", SPACES[model], listed, losses, guessing=guessing))
    return made


def folded(data: str) -> list[Table]:
    """The error of both models in each of five folds."""
    return [
        Table(f"{data} {model}", SPACES[model], tuple(configurations(model)), recorded(data)[model], "avg")
        for model in ("svm", "forest")
    ]


def crossing() -> list[Table]:
    """Curves that cross: who learns fast ends early and badly, and the best of all are among the slowest.

    A loss falls from 1 towards `floor` as exp(-t / slowness) or as (1 + t / slowness)^-2; the floor is least where `x` is 0.7 and
    `y` 0.3, and is the lower the slower a trial learns. Some noise on each point.
    """
    axes = Space([Parameter(name, Float(0.0, 1.0)) for name in ("x", "y", "slow")])
    made = searcher(Algorithm("sobol")).propose(axes, History(), 1, range(1, CONFIGURATIONS + 1))
    listed = tuple(proposal.configuration for proposal in made)
    x, y, slow = (np.array([c.values()[name] for c in listed]) for name in ("x", "y", "slow"))
    floor = 0.1 + 0.6 * ((x - 0.7) ** 2 + (y - 0.3) ** 2) + 0.25 * (1.0 - slow) ** 2
    t = np.arange(1, EPOCHS + 1)
    exponential = np.exp(-t / (1.0 + 24.0 * slow[:, None]))
    power = (1.0 + t / (1.0 + 10.0 * slow[:, None])) ** -2.0
    chance = np.random.default_rng(6)
    return [
        Table(
            f"{CROSSING} {name}",
            axes,
            listed,
            floor[:, None] + (1.0 - floor[:, None]) * falls + chance.normal(0.0, 0.005, falls.shape),
        )
        for name, falls in (("exponential", exponential), ("power", power))
    ]
