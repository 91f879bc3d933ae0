"""One search of one problem, simulated: workers take trials, results come back as the trials' lengths have it.

A trial's noise and length depend on the problem, the seed and the trial's number only, so all peers meet the same
luck. Waiting is simulated: nothing here sleeps.
"""

from __future__ import annotations

import heapq
import json
import math
import time
import warnings
from typing import Any

from bench.quality import peers
from bench.quality.problem import Failed, Problem

__all__ = ["play"]


def play(problem: Problem, peer: str, seed: int, budget: int | None = None) -> dict[str, Any]:
    """The record of a search.

    `steps` is the score of the best observed configuration as (trials finished, score) where it changed, empty before
    the first success; `failed` the finished places of the failures; `repeats` how many trials had the values of an
    earlier one; `p50` and `p95` the seconds of a proposal with the telling of a result, over the trials.
    """
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            **_played(problem, peer, seed, budget or problem.budget),
            "wall": rounded(time.perf_counter() - began),
        }


def _played(problem: Problem, peer: str, seed: int, budget: int) -> dict[str, Any]:
    search = peers.make(peer)(problem, seed)
    running: list[tuple[float, int]] = []
    values: dict[int, dict[str, Any]] = {}
    spent = [0.0] * budget
    steps: list[tuple[int, float]] = []
    failed: list[int] = []
    least, now, asked, done, left = math.inf, 0.0, 0, 0, budget
    while left or running:
        while left and len(running) < problem.workers:
            asked += 1
            start = time.perf_counter()
            try:
                given = search.ask(asked)
            except peers.Exhausted:
                left = 0
                break
            spent[asked - 1] += time.perf_counter() - start
            values[asked] = {d.name: given[d.name] for d in active(problem, given)}
            heapq.heappush(running, (now + problem.seconds(seed, asked), asked))
            left -= 1
        if not running:
            break
        now, trial = heapq.heappop(running)
        done += 1
        loss = observed(problem, values[trial], seed, trial)
        start = time.perf_counter()
        search.tell(trial, loss, problem.seconds(seed, trial))
        spent[trial - 1] += time.perf_counter() - start
        if loss is None:
            failed.append(done)
        elif loss < least:
            least = loss
            steps.append((done, rounded(problem.score(values[trial]))))
    return {
        "version": search.version,
        "trials": done,
        "steps": [(a, b) for i, (a, b) in enumerate(steps) if not i or steps[i - 1][1] != b],
        "failed": failed,
        "repeats": done - len({json.dumps(v, sort_keys=True) for v in values.values()}),
        "p50": rounded(quantile(spent[:done], 0.5)),
        "p95": rounded(quantile(spent[:done], 0.95)),
    }


def active(problem: Problem, given: Any) -> list[Any]:
    """The dimensions that exist beside the values given, whatever else a flat optimizer gave."""
    found: list[Any] = []
    kept: dict[str, Any] = {}
    for dim in problem.dims:
        if dim.exists(kept):
            kept[dim.name] = given[dim.name]
            found.append(dim)
    return found


def observed(problem: Problem, values: dict[str, Any], seed: int, trial: int) -> float | None:
    """The loss of a trial, None when it fails."""
    try:
        return problem.observe(values, seed, trial)
    except Failed:
        return None


def quantile(seconds: list[float], q: float) -> float:
    """The q-quantile of the numbers, 0 of none."""
    ordered = sorted(seconds)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def rounded(number: float) -> float:
    """Six digits are kept."""
    return float(f"{number:.6g}")
