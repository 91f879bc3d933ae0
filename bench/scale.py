"""A store of 100,000 finished trials with 10 points each: what looking at it costs, and what a claim costs.

    python bench/scale.py [--trials 100000] [--points 10]

Commands are timed as users run them, whole processes. A claim is compared with the same claim in a store of 100 trials,
in turn, in this run. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from luthier.store import open_store
from luthier.testing.fill import fill
from luthier.trial import Outcome, Result

LUTHIER = str(Path(sys.executable).with_name("luthier"))
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
CLAIMS = 200


def command_seconds(words: list[str], folder: Path, rounds: int = 5) -> float:
    """The median wall time of a command, after one run that is not counted."""
    walls = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run(
            [LUTHIER, *words, "--store", str(folder)],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        walls.append(time.perf_counter() - began)
    return statistics.median(walls[1:])


def claim_seconds(small: Path, large: Path) -> tuple[float, float]:
    """The median time of one claim in each store, taken in turn. Every claim finds one queued trial."""
    stores = [open_store(folder) for folder in (small, large)]
    times: list[list[float]] = [[], []]
    for turn in range(CLAIMS):
        for place, store in enumerate(stores):
            store.retry(1, turn % 100 + 1)
            began = time.perf_counter()
            claims = store.claim(1, 1, "bench", f"claim-{turn}")
            times[place].append(time.perf_counter() - began)
            store.finish(claims[0].id, Result(Outcome.SUCCEEDED, "", value=0.5))
    for store in stores:
        store.close()
    return statistics.median(times[0]), statistics.median(times[1])


def line(name: str, value: float, bar: float, unit: str) -> bool:
    """Prints one figure with its bar; False when it is missed."""
    good = value <= bar
    print(f"{name:<58} {value:8.3f} {unit} (bar {bar:g}) {'ok' if good else 'MISSED'}", flush=True)
    return good


def main() -> int:
    """Fills two stores, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=10)
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="luthier-bench-"))
    try:
        large, small = root / "large", root / "small"
        began = time.perf_counter()
        fill(large / "store.db", asked.trials, asked.points)
        fill(small / "store.db", 100, asked.points)
        size = (large / "store.db").stat().st_size / 1e6
        print(
            f"filled {asked.trials} trials x {asked.points} points, {size:.0f} MB, in {time.perf_counter() - began:.0f} s"
        )
        pages = [["list"], ["best", "1"], ["show", "1"], ["show", "1", "--page", "2000"]]
        pages += [["show", "1", "--sort", "loss"]]
        good = [
            line("luthier " + " ".join(words), command_seconds(words, large), 0.3, "s") for words in pages
        ]
        few, many = claim_seconds(small, large)
        good.append(line(f"a claim with {asked.trials} trials / with 100", many / few, 1.5, "x"))
        return 0 if all(good) else 1
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main())
