"""What one proposal costs, against Optuna's samplers in the same run, each on one thread of one process.

    python bench/cost.py [--sizes 100,300,1000] [--asks 20] [--without-optuna]

Ten dimensions, half of them on a log scale, and a smooth loss with noise. At every size the history holds that many
results; then proposals are asked for one by one, each told before the next. Our algorithms are given the record as
the engine gives it. Counted is the CPU time of the process, which on one thread is the time it takes on an idle
machine, so that a busy one disturbs little; but for one line, the wall time while every core runs a trial. Medians and 95th percentiles are printed with the bars they have to meet.
Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

# The package sets one thread for all libraries before it loads numpy.
from bench.quality.peers import make
from bench.quality.peers.luthier_search import Luthier
from bench.quality.problem import Problem, generator, number

DIMENSIONS = 10
SIZES = (10, 100, 300, 1000)
LARGE = 10_000
BUSY = "GP, busy cores"


class Cost(NamedTuple):
    """Seconds of a proposal: the median and the 95th percentile."""

    p50: float
    p95: float


def problem(budget: int) -> Problem:
    """Ten numbers, every other on a log scale."""
    dims = tuple(
        number(f"x{i}", 1e-4, 1.0, log=True) if i % 2 else number(f"x{i}", 0.0, 1.0)
        for i in range(DIMENSIONS)
    )
    centre = generator("cost").uniform(0.2, 0.8, size=DIMENSIONS)

    def score(values: Any) -> float:
        total = 0.0
        for i, dim in enumerate(dims):
            unit = (math.log10(values[dim.name]) + 4) / 4 if dim.log else values[dim.name]
            total += (1 + i) * (unit - centre[i]) ** 2
        return total + 0.1 * math.sin(8 * total)

    return Problem("cost", "numeric", dims, score, budget)


def measured(peer: str, size: int, asks: int, clock: Callable[[], float] = time.process_time) -> Cost:
    """The cost of a proposal after `size` results, in seconds of the clock: CPU seconds if none is given."""
    task = problem(size + asks)
    search: Any = make(peer)(task, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        FILLERS[type(search).__name__](search, task, size)
        spent = []
        for trial in range(size + 1, size + asks + 1):
            began = clock()
            values = search.ask(trial)
            spent.append(clock() - began)
            search.tell(trial, task.score(values), 60.0)
    ordered = sorted(spent[1:])  # the first may load modules
    return Cost(ordered[len(ordered) // 2], ordered[int(0.95 * (len(ordered) - 1))])


@contextmanager
def busy_cores() -> Iterator[None]:
    """Every core has a trial of its own to run, which never waits for anything."""
    trials = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for trial in trials:
            trial.kill()
            trial.wait()


def fill_luthier(search: Luthier, task: Problem, size: int) -> None:
    """Results of random configurations."""
    chosen, search.searcher = search.searcher, Luthier(task, 1, "random").searcher
    for trial in range(1, size + 1):
        search.tell(trial, task.score(search.ask(trial)), 60.0)
    search.searcher = chosen


def fill_optuna(search: Any, task: Problem, size: int) -> None:
    """The same number of results of random configurations, put into the study."""
    import optuna

    chance = generator("cost", "fill", size)
    spaces = {d.name: optuna.distributions.FloatDistribution(d.low, d.high, log=d.log) for d in task.dims}
    for _ in range(size):
        values = {
            d.name: 10 ** chance.uniform(-4, 0) if d.log else float(chance.uniform()) for d in task.dims
        }
        search.study.add_trial(
            optuna.create_trial(params=values, distributions=spaces, value=task.score(values))
        )


FILLERS: dict[str, Callable[[Any, Problem, int], None]] = {"Luthier": fill_luthier, "Optuna": fill_optuna}


def row(name: str, size: int, cost: Cost) -> None:
    """Prints one measurement."""
    print(
        f"{name:<18} n = {size:>6}   p50 {cost.p50 * 1e3:9.2f} ms   p95 {cost.p95 * 1e3:9.2f} ms", flush=True
    )


def bar(text: str, value: float, most: float, unit: str = "x") -> bool:
    """Prints one bar; False when it is missed."""
    good = value <= most
    print(f"{text:<58} {value:8.3f} {unit:<3} (bar {most:g}) {'ok' if good else 'MISSED'}", flush=True)
    return good


def main() -> int:
    """Measures, prints, judges."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--asks", type=int, default=20)
    parser.add_argument("--gp", default="luthier:bayesian")
    parser.add_argument("--tpe", default="luthier:tpe")
    parser.add_argument("--without-optuna", action="store_true")
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    peers = [asked.gp, asked.tpe, "luthier:auto"]
    if not asked.without_optuna:
        peers += ["optuna-gp", "optuna-tpe"]
    costs: dict[tuple[str, int], Cost] = {}
    for size in sizes:
        for peer in peers:
            # Optuna's GP takes seconds there, and no bar rests on it.
            if peer == "optuna-gp" and size > 300:
                continue
            costs[peer, size] = measured(
                peer, size, max(6, asked.asks // 4) if peer == "optuna-gp" else asked.asks
            )
            row(peer, size, costs[peer, size])
    if sizes[-1] >= 1000:
        costs[asked.tpe, LARGE] = measured(asked.tpe, LARGE, asked.asks)
        row(asked.tpe, LARGE, costs[asked.tpe, LARGE])
    with busy_cores():
        costs[BUSY, 500] = measured(asked.gp, 500, asked.asks, time.perf_counter)
    row(BUSY, 500, costs[BUSY, 500])
    return 0 if judged(costs, asked.gp, asked.tpe) else 1


def judged(costs: dict[tuple[str, int], Cost], gp: str, tpe: str) -> bool:
    """Every bar whose measurements were made."""
    good = True
    for size in (100, 300):
        if (gp, size) in costs and ("optuna-gp", size) in costs:
            ratio = costs[gp, size].p50 / costs["optuna-gp", size].p50
            good &= bar(f"GP / Optuna's GPSampler, p50 at n = {size}", ratio, 0.05)
    if (gp, 1000) in costs:
        good &= bar("GP, p50 at n = 1,000", costs[gp, 1000].p50 * 1e3, 60.0, "ms")
    good &= bar("GP beside trials on all cores, wall p95 at n = 500", costs[BUSY, 500].p95 * 1e3, 300.0, "ms")
    if (tpe, 1000) in costs and ("optuna-tpe", 1000) in costs:
        good &= bar(
            "TPE / Optuna's TPESampler, p50 at n = 1,000",
            costs[tpe, 1000].p50 / costs["optuna-tpe", 1000].p50,
            0.1,
        )
    if (tpe, LARGE) in costs and (tpe, 1000) in costs:
        growth = costs[tpe, LARGE].p50 / costs[tpe, 1000].p50
        good &= bar("TPE, p50 at n = 10,000 / at n = 1,000", growth, 1.5)
    return good


if __name__ == "__main__":
    sys.exit(main())
