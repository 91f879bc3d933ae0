"""What good and ordinary mean on every problem: the least score known, and what random search has after a tenth.

They turn scores into regrets (`scoring.py`) and are kept in `levels.json`, made by `python -m bench.quality levels`.
The ordinary level is the median of the best of n random configurations, n a tenth of the budget, from order
statistics of many draws; failed draws count as infinitely bad.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.quality.problem import Failed, Problem, generator
from bench.quality.problems import all_problems
from bench.quality.problems.exact import least_score
from luthier.search.random import drawn
from luthier.space import Configuration

__all__ = ["level_of", "levels", "make_levels"]

FILE = Path(__file__).with_name("levels.json")


@cache
def levels() -> dict[str, dict[str, Any]]:
    """All levels that were made."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text()) if FILE.is_file() else {}
    return found


def level_of(problem: Problem) -> tuple[float, float]:
    """(least, ordinary) of a problem. **Raises** KeyError where `levels` was not run since the problem changed."""
    kept = levels().get(problem.base)
    if kept is None or kept["digest"] != digest(problem):
        raise KeyError(f"{problem.base} has no level yet; run `python -m bench.quality levels`")
    return kept["best"], kept["ordinary"]


def digest(problem: Problem) -> str:
    """The digest of the problem as one worker searches it."""
    return all_problems()[problem.base].digest


def make_levels(seen: dict[str, float]) -> None:
    """Makes the levels that are missing; `seen` are the least scores in the results, which may be less than known."""
    made = dict(levels())
    for problem in all_problems().values():
        if problem.workers > 1:
            continue
        kept = made.get(problem.name)
        if kept is None or kept["digest"] != problem.digest:
            print(problem.name, flush=True)
            kept = made[problem.name] = made_level(problem)
        kept["best"] = min(kept["best"], seen.get(problem.name, math.inf))
    FILE.write_text(
        json.dumps({name: made[name] for name in sorted(made) if name in all_problems()}, indent=1) + "\n"
    )


def made_level(problem: Problem) -> dict[str, Any]:
    """The level of one problem."""
    draws = [drawn(problem.space, 20, k) for k in range(1, problem.draws + 1)]
    scores = np.array([score(problem, c) for c in draws])
    few = max(3, problem.budget // 10)
    ordinary = float(np.quantile(scores, 1.0 - 0.5 ** (1.0 / few), method="lower"))
    best = problem.best
    if best is None:
        best = least_score(problem)
    if best is None:
        best = climbed(problem, draws, scores)
    return {"digest": problem.digest, "best": best, "ordinary": ordinary}


def score(problem: Problem, configuration: Configuration) -> float:
    """The score, infinite where it fails."""
    try:
        return problem.score(configuration.values())
    except Failed:
        return math.inf


def climbed(problem: Problem, draws: list[Configuration], scores: np.ndarray) -> float:
    """The least score that a long, plain local search finds from the best draws."""
    chance = generator(problem.name, "climb")
    space = problem.space
    order = np.argsort(scores)[:10]
    kept = [(float(scores[i]), np.nan_to_num(space.encode([draws[i]])[0], nan=0.5)) for i in order]
    for step in range(2 * problem.draws):
        at = int(chance.integers(len(kept)))
        reach = 0.3 * 10 ** (-3.0 * step / (2 * problem.draws))
        moved = kept[at][1] + reach * chance.standard_normal(len(space.dimensions)) * (
            chance.uniform(size=len(space.dimensions)) < 0.5
        )
        row = np.clip(moved, 0.0, 1.0)
        value = score(problem, space.decode(row[None, :])[0])
        if value <= kept[at][0]:
            kept[at] = (value, row)
    return min(value for value, _ in kept)
