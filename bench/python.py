"""How many trials a second a Python function of no work gets, beside Optuna in the same run.

    python bench/python.py [--rounds 5] [--trials 200000] [--durable 4000] [--only memory|durable|import]

Random search of a function of two numbers. In memory: Luthier's default, one worker process a core, beside Optuna's
default, one thread (its threads share one interpreter, so more make it no faster; the figure with as many as cores is
printed as well). Durable: a new SQLite file each time, every trial committed before the search ends. Each figure is a
whole process but for its start: from the call to its return, worker processes and files included. Rounds take turns, so
that a busy machine disturbs both alike; medians of the rounds' ratios are printed with the bars. Then what importing
costs, and the memory of a process that has tuned. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

MEMORY_BAR, DURABLE_BAR = 10.0, 20.0

LUTHIER = """
import luthier
def f(x, y):
    return (x - 0.3) ** 2 + (y - 0.7) ** 2
space = {"x": luthier.uniform(0, 1), "y": luthier.uniform(0, 1)}
def search(n, place, jobs):
    store = place + "/runs" if place else None
    done = luthier.minimize(f, space, n, algorithm="random", store=store, workers=jobs, progress=False)
    return len(done), done.best.value
"""

OPTUNA = """
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
def f(trial):
    x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
    return (x - 0.3) ** 2 + (y - 0.7) ** 2
def search(n, place, jobs):
    storage = f"sqlite:///{place}/runs.db" if place else None
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler())
    study.optimize(f, n_trials=n, n_jobs=jobs or 1)
    return len(study.trials), study.best_value
"""

TIMED = """
import json, resource, sys, time
n, place, jobs = json.loads(sys.argv[1])
began = time.perf_counter()
count, best = search(n, place, jobs)
seconds = time.perf_counter() - began
assert count == n and best < 0.5, (count, best)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([n / seconds, peak]))
"""

IMPORT = "import time; began = time.process_time(); {what}; print(time.process_time() - began)"


def measured(
    program: str, trials: int, *, durable: bool = False, jobs: int | None = None
) -> tuple[float, float]:
    """Trials a second, and the peak memory of the process in MB."""
    with tempfile.TemporaryDirectory() as place:
        what = json.dumps([trials, place if durable else "", jobs])
        words = [sys.executable, "-W", "ignore", "-c", program + TIMED, what]
        rate, peak = json.loads(
            subprocess.run(words, check=True, capture_output=True, text=True, cwd=place).stdout
        )
    return rate, peak


def compared(rounds: int, ours: int, theirs: int, *, durable: bool) -> tuple[float, float, float]:
    """The medians of our rate, theirs, and the ratio."""
    pairs = []
    for _ in range(rounds):
        mine, other = measured(LUTHIER, ours, durable=durable), measured(OPTUNA, theirs, durable=durable)
        pairs.append((mine[0], other[0], mine[0] / other[0]))
    mine_all, other_all, ratios = zip(*pairs, strict=True)
    return statistics.median(mine_all), statistics.median(other_all), statistics.median(ratios)


def imported(what: str) -> float:
    """CPU milliseconds an import takes, the least of several."""
    words = [sys.executable, "-c", IMPORT.format(what=what)]
    times = [
        float(subprocess.run(words, check=True, capture_output=True, text=True).stdout) for _ in range(7)
    ]
    return 1000 * min(times)


def main() -> int:
    """Prints the figures with their bars."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=200_000)
    parser.add_argument("--durable", type=int, default=4000)
    parser.add_argument("--only", choices=("memory", "durable", "import"))
    asked = parser.parse_args()
    missed = 0
    if asked.only in (None, "memory"):
        mine, other, ratio = compared(asked.rounds, asked.trials, max(500, asked.trials // 40), durable=False)
        missed += ratio < MEMORY_BAR
        print(f"in memory   {mine:9,.0f} a second, Optuna {other:7,.0f}: {ratio:5.1f} x (bar {MEMORY_BAR:g})")
        threads, _ = measured(OPTUNA, max(500, asked.trials // 40), jobs=os.cpu_count())
        here, _ = measured(LUTHIER, asked.trials // 10, jobs=0)
        print(
            f"            {here:9,.0f} in the calling process; Optuna with {os.cpu_count()} threads {threads:,.0f}"
        )
    if asked.only in (None, "durable"):
        mine, other, ratio = compared(
            asked.rounds, asked.durable, max(100, asked.durable // 20), durable=True
        )
        missed += ratio < DURABLE_BAR
        print(
            f"durable     {mine:9,.0f} a second, Optuna {other:7,.0f}: {ratio:5.1f} x (bar {DURABLE_BAR:g})"
        )
    if asked.only in (None, "import"):
        for name in ("luthier", "luthier; luthier.minimize", "optuna"):
            print(f"import {name:25} {imported('import ' + name):7.1f} ms of CPU")
        peaks = measured(LUTHIER, 1000)[1], measured(OPTUNA, 1000)[1]
        print(f"peak memory of 1,000 trials: {peaks[0]:.0f} MB, Optuna {peaks[1]:.0f} MB")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
