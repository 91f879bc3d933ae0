"""What a trial on Ray costs with Luthier, beside a bare `ray.remote` call and beside Ray Tune, in the same run.

    python bench/ray_overhead.py [--trials 100] [--tuned 8] [--rounds 3]

All sides run the same program, `true`, one after the other on one Ray of this machine: Luthier as a command (`luthier grid --on ray`)
and from a Python function (`luthier.minimize(…, on="ray")`), the others from a function. Each round runs all sides in turn;
medians are printed with the bars that both of Luthier's have to meet: at most 20 ms a trial above the one, at least ten times less
than the other. Starting and connecting are left out on every side. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from luthier.run.ray_local import LocalRay, Node
from luthier.run.ray_where import variables

LUTHIER = str(Path(sys.executable).with_name("luthier"))
ABOVE_BAR_SECONDS = 0.020
TIMES_BAR = 10.0

BARE = """
import subprocess, sys, time
from luthier.run.ray_where import connect
ray = connect(sys.argv[1]).ray
@ray.remote
def trial(i): return subprocess.run(["true"]).returncode
ray.get([trial.remote(i) for i in range(4)])
began = time.perf_counter()
for i in range(int(sys.argv[2])): ray.get(trial.remote(i))
print((time.perf_counter() - began) / int(sys.argv[2]))
"""

TUNE = """
import os, subprocess, sys, time
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
from luthier.run.ray_where import connect
ray = connect(sys.argv[1]).ray
from ray import tune
@ray.remote(num_cpus=0)
def search(trials, place):
    def trial(configuration):
        subprocess.run(["true"])
        tune.report({"done": 1})
    began = time.perf_counter()
    tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space={"i": tune.grid_search(list(range(trials)))},
        tune_config=tune.TuneConfig(max_concurrent_trials=1),
        run_config=tune.RunConfig(storage_path=place, verbose=0),
    ).fit()
    return time.perf_counter() - began
few, many = 2, int(sys.argv[2]) + 2
first = ray.get(search.remote(few, sys.argv[3]))
print((ray.get(search.remote(many, sys.argv[3])) - first) / (many - few))
"""

FUNCTION = """
import subprocess, sys, luthier
from pathlib import Path
from luthier.store import open_store
def trial(i):
    subprocess.run(["true"])
    return i
trials = int(sys.argv[2])
options = {"algorithm": "grid", "early_stopping": "none", "workers": 1, "progress": False, "on": "ray"}
space = {"i": luthier.integers(0, trials - 1)}
luthier.minimize(trial, space, trials, ray_address=sys.argv[1], store=sys.argv[3], **options)
store = open_store(Path(sys.argv[3]))
ends = sorted(one.ended for one in store.trials(1) if one.result and one.result.outcome == "succeeded")
store.close()
assert len(ends) == trials, f"{len(ends)} of {trials} trials ended"
print((ends[-1] - ends[0]) / (trials - 1))
"""


def of_program(code: str, *words: str) -> float:
    """The seconds that a program of one of the others prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"it failed: {done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def of_luthier(address: str, trials: int, root: str) -> float:
    """Seconds from the end of one trial to the end of the next, a whole search long."""
    folder = tempfile.mkdtemp(dir=root)
    values = ",".join(str(i) for i in range(trials))
    words = [LUTHIER, "grid", "--on", "ray", "--ray-address", address, "--param", f"i={values}", "--from-env"]
    words += ["--parallel-runs", "1", "--no-check", "--no-snapshot", "--quiet", "--", "true"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"luthier failed: {done.stderr[-2000:]}")
    ends = sorted(
        json.loads(path.read_text())["ended"]
        for path in Path(folder, ".luthier/trials").glob("*/*/attempt-1/outcome.json")
    )
    if len(ends) != trials:
        raise SystemExit(f"{len(ends)} of {trials} trials ended")
    return float(ends[-1] - ends[0]) / (trials - 1)


def main() -> int:
    """Runs the rounds and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--tuned", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    found: dict[str, list[float]] = {"bare": [], "luthier": [], "function": [], "tune": []}
    with tempfile.TemporaryDirectory() as root:
        ray = LocalRay(Path(root, "ray.log"), [Node(4)])
        try:
            ray.wait()
            os.environ.update(variables(ray.address))
            for number in range(asked.rounds):
                found["bare"].append(of_program(BARE, ray.address, str(asked.trials)))
                found["luthier"].append(of_luthier(ray.address, asked.trials, root))
                folder = f"{root}/function-{number}"
                found["function"].append(of_program(FUNCTION, ray.address, str(asked.trials), folder))
                found["tune"].append(of_program(TUNE, ray.address, str(asked.tuned), f"{root}/tune-{number}"))
        finally:
            ray.end()
    return 0 if told(found) else 1


def told(found: dict[str, list[float]]) -> bool:
    """Prints what was found; whether all bars are met."""
    for name, seconds in found.items():
        spread = f"{min(seconds) * 1e3:.1f}-{max(seconds) * 1e3:.1f}"
        print(f"{name:<10} {statistics.median(seconds) * 1e3:9.1f} ms a trial (range {spread})")
    bare, tune = statistics.median(found["bare"]), statistics.median(found["tune"])
    good = True
    for name in ("luthier", "function"):
        ours = statistics.median(found[name])
        above, times = ours - bare, tune / ours
        first, second = above <= ABOVE_BAR_SECONDS, times >= TIMES_BAR
        good &= first and second
        print(
            f"{name}: {above * 1e3:.1f} ms above a bare call (bar {ABOVE_BAR_SECONDS * 1e3:g}) {'ok' if first else 'MISSED'}; "
            f"{times:.1f} x less than Ray Tune (bar {TIMES_BAR:g}) {'ok' if second else 'MISSED'}"
        )
    return good


if __name__ == "__main__":
    sys.exit(main())
