"""What Luthier costs beside the trials themselves, against `xargs -P 2` and bare Python in the same run.

    python bench/overhead.py [--trials 200] [--rounds 5]

Each round runs both sides in turn; the medians of the ratios are printed with the bar they have to meet. Two slots fill two
cores, so a round in which other programs, or other guests of the host, had more than a twentieth of a core tells of them
and not of us: it is told and made again, as long as a quiet one is to be had. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTHON = sys.executable
LUTHIER = str(Path(PYTHON).with_name("luthier"))
DISTURBED = 0.05  # of a core
MOST_TRIES = 5
# Compiled files are kept between runs, as they are for users, whatever this shell says.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def measured(words: list[str], cwd: str, stdin: str | None = None) -> tuple[float, float]:
    """Wall seconds and CPU seconds (all descendants that were waited for) of a command that must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        words, cwd=cwd, input=stdin, env=ENVIRONMENT, text=True, capture_output=True, check=False
    )
    wall = time.perf_counter() - began
    wait_for_orphans()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{words} failed: {done.stderr[-2000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def adopt_orphans() -> None:
    """Makes this process the parent of whatever the commands leave behind, so that its CPU is counted as well."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def wait_for_orphans() -> None:
    """Waits until nothing of the last command is alive."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def luthier(program: list[str], trials: int, root: str) -> tuple[float, float]:
    """A grid of `trials` runs of a program that ignores its parameter, in a folder of its own."""
    values = ",".join(str(i) for i in range(trials))
    words = [LUTHIER, "grid", "--param", f"i={values}", "--from-env", "--parallel-runs", "2", "--quiet", "--"]
    return measured([*words, *program], tempfile.mkdtemp(dir=root))


def xargs(program: list[str], trials: int) -> tuple[float, float]:
    """The same number of runs by xargs, two at a time."""
    numbers = "\n".join(str(i) for i in range(trials))
    line = ["xargs", "-P", "2", "-I{}", *program]
    return measured(line, os.getcwd(), numbers)


def line(name: str, ratios: list[float], bar: float, unit: str = "x") -> bool:
    """Prints one figure with its bar; False when it is missed."""
    median = statistics.median(ratios)
    good = median <= bar
    spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
    print(
        f"{name:<58} {median:8.2f} {unit:<3} (range {spread}, bar {bar:g}) {'ok' if good else 'MISSED'}",
        flush=True,
    )
    return good


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    # Removed at the end only: ext4 makes files slowly for a while after many were deleted.
    root = tempfile.mkdtemp(prefix="luthier-bench-")
    try:
        return compare(asked.trials, asked.rounds, root)
    finally:
        shutil.rmtree(root)


def busy() -> float:
    """CPU seconds that all programs of this machine have had, and those the host gave to other guests; 0 where it is not told."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, soft, stolen = (int(word) for word in file.readline().split()[1:9])
    except OSError:
        return 0.0
    return (user + nice + system + irq + soft + stolen) / os.sysconf("SC_CLK_TCK")


def ratios(n: int, program: list[str], rounds: int, root: str) -> tuple[list[float], list[float]]:
    """Wall seconds by Luthier over those by xargs: of the quiet rounds, and of those that were disturbed."""
    quiet: list[float] = []
    disturbed: list[float] = []
    while len(quiet) < rounds and len(quiet) + len(disturbed) < MOST_TRIES * rounds:
        before, began = busy(), time.perf_counter()
        ours, by_us = luthier(program, n, root)
        theirs, by_them = xargs(program, n)
        others = busy() - before - by_us - by_them
        is_quiet = others < DISTURBED * (time.perf_counter() - began)
        (quiet if is_quiet else disturbed).append(ours / theirs)
    return quiet, disturbed


def compare(n: int, rounds: int, root: str) -> int:
    """Runs the rounds and prints the figures."""
    nothing, true = [PYTHON, "-c", "pass"], [shutil.which("true") or "/bin/true"]
    adopt_orphans()
    luthier(true, 4, root)
    walls, disturbed = ratios(n, nothing, rounds, root)
    if disturbed:
        print(
            f"{len(disturbed)} rounds were disturbed (median {statistics.median(disturbed):.2f}) and don't count"
        )
    if not walls:
        print(
            "no round was quiet, so that nothing can be said; try it when the machine has nothing else to do"
        )
        return 1
    cpus, helps = [], []
    for _ in range(rounds):
        cpus.append((luthier(true, n, root)[1] - xargs(true, n)[1]) / n * 1000)
        bare = min(measured(nothing, ".")[0] for _ in range(5))
        helps.append(min(measured([LUTHIER, "--help"], ".")[0] for _ in range(5)) / bare)
    good = [
        line(f"{n} trials of `python -c pass` on two slots, wall / xargs -P 2", walls, 1.15),
        line("CPU of Luthier per trial of `true`, all processes", cpus, 5.0, "ms"),
        line("luthier --help / python -c pass", helps, 3.0),
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
