"""All problems, by name. Which half a problem belongs to is in its name (`Problem.half`), never chosen."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from bench.quality.problem import Problem
from bench.quality.problems import analytic, bbob, failing, tables, training

__all__ = ["PARALLEL", "all_problems"]

PARALLEL = (
    "bbob-f03-d05",
    "bbob-f08-d05",
    "bbob-f12-d05",
    "bbob-f17-d05",
    "bbob-f21-d02",
    "bbob-f10-d10",
    "bbob-f13-d10",
    "bbob-f24-d05",
    "mixint-f15-d05",
    "nb201-cifar100",
    "hpobench-segment",
    "mixint-f08-d05",
    "hpolib-slice",
    "hpobench-phoneme",
    "optimizer-tree",
    "svm-tree-heart",
    "svm-tree-sonar",
)
"""The problems that are also searched by four workers."""


@cache
def all_problems() -> dict[str, Problem]:
    """Every problem of every family, by name."""
    rooms = (bbob, analytic, failing, tables, training)
    alone = {problem.name: problem for room in rooms for problem in room.problems()}
    crowd = [replace(alone[name], name=f"{name}@4", family="parallel", workers=4) for name in PARALLEL]
    return {**alone, **{problem.name: problem for problem in crowd}}
