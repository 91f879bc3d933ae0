"""The least score there is, where a table or the makers of the problem know it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from bench.quality.problem import Problem
from bench.quality.problems import bbob, tables

__all__ = ["least_score"]


def least_score(problem: Problem) -> float | None:
    """The least score, None where nobody knows it."""
    kind, _, rest = problem.name.partition("-")
    if kind in tables.SOURCES:
        return min(float(np.mean(row)) for row in tables.table(*tables.named(problem.name)).values())
    if kind == "mixint":
        function, dimension = (int(part[1:]) for part in rest.split("-"))
        return least_mixed(function, dimension)
    return None


def least_mixed(function: int, dimension: int) -> float:
    """The value at the best parameter, which COCO writes into a file of the working directory and nowhere else."""
    known = bbob.mixed_function(function, dimension)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            known._best_parameter("print")
            best = np.loadtxt(next(Path(folder).iterdir()))
        finally:
            os.chdir(before)
    return float(known(best))
