"""What reading reports and deciding on them costs: 1,000 trials of 1,000 points each, sixteen at a time, with `asha`.

    python bench/reporting.py [--trials 1000] [--points 1000]

Each trial's file grows by lines of JSON; every tenth of a second of the simulated clock the attempts are read as the loop
reads them: collected, made durable in SQLite, shown to the stopping rules. CPU seconds of this process are counted and set
against 2,000 points a second, the bar being a fifth of a core; memory is measured after the first hundred trials and at
the end, and may grow by 10 MB in between. Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from luthier.clock import SystemClock
from luthier.description import Algorithm, Command, Description, Objective, Stopping
from luthier.drive.planning import nonce, top_up
from luthier.drive.referee import Referee
from luthier.drive.watching import Watched
from luthier.run.folders import Folders
from luthier.space import Space
from luthier.space.grammar import parse_params
from luthier.store import open_store
from luthier.trial import Outcome, Result

AT_ONCE = 16
A_SECOND = 2000  # points, of all trials together
LOOKS = 10  # a second
MOST_SHARE = 0.2  # of a core
MOST_GROWN = 10.0  # megabytes after the first hundred trials


def describe(root: str, trials: int, stopping: Stopping) -> Description:
    """A random search over one range, whose loss falls."""
    space = Space(tuple(parse_params(("x=0.0:1.0",), ()).parameters))
    command = Command(("train", ":x:"), root)
    objective = Objective("loss", direction="minimize")
    return Description(root, space, Algorithm("random"), command, objective, trials, stopping=stopping)


def resident() -> int:
    """Bytes of memory this process has now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Bench:
    """The loop's reading half, without programs: lines are written here."""

    def __init__(self, root: str, trials: int, points: int, stopping: Stopping) -> None:
        self.points = points
        self.clock = SystemClock()
        self.store = open_store(Path(root) / "store")
        self.description = describe(root, trials, stopping)
        self.record, _ = self.store.open_experiment(self.description)
        self.folders = Folders(Path(root) / "store")
        self.referee = Referee(self.store, self.record.id, self.description, "bench", self.clock)
        self.running: dict[Watched, int] = {}
        self.read = self.stopped = self.ended = 0
        self.spent = 0.0

    def begin(self) -> None:
        """Claims a trial, if one is left."""
        top_up(self.store, self.record.id, self.description, 1, "bench", self.clock)
        for claim in self.store.claim(self.record.id, 1, "bench", nonce(), 600.0):
            folder = self.folders.attempt(*claim.id)
            os.makedirs(folder.path)
            self.referee.begin(claim.id.trial)
            self.running[Watched(claim, folder, self.description, 0)] = 0

    def write(self, running: Watched, lines: int) -> None:
        """Lets an attempt report its next points."""
        at = self.running[running]
        x = running.claim.configuration.values()["x"]
        with open(running.folder.metric_lines, "a", encoding="utf-8") as file:
            for step in range(at, at + lines):
                file.write(json.dumps({"step": step, "loss": x + 1 / (step + 1)}) + "\n")
        self.running[running] = at + lines

    def look(self, running: Watched) -> None:
        """Reads an attempt as the loop does, and ends it where its time has come."""
        began = time.process_time()
        points = running.collect(self.store, self.clock.now())
        stop = self.referee.hear(running, points)
        self.spent += time.process_time() - began
        self.read += len(points)
        if stop is not None or self.running[running] >= self.points:
            began = time.process_time()
            outcome = Outcome.STOPPED if stop else Outcome.SUCCEEDED
            value = running.summaries["loss"].last
            result = self.referee.ended(running, Result(outcome, stop.reason if stop else "", value))
            self.spent += time.process_time() - began
            self.store.finish(running.id, result)
            self.stopped += stop is not None
            self.ended += 1
            del self.running[running]

    def run(self, trials: int) -> int:
        """All trials; returns the memory after the first hundred."""
        lines, early = max(1, A_SECOND // LOOKS // AT_ONCE), 0
        while self.ended < trials:
            while len(self.running) < min(AT_ONCE, trials - self.ended):
                before = len(self.running)
                self.begin()
                if len(self.running) == before:
                    break
            for running in list(self.running):
                self.write(running, lines)
                self.look(running)
            if not early and self.ended >= min(100, trials // 2):
                early = resident()
            if sys.stderr.isatty():
                print(f"\r{self.ended} of {trials} trials, {self.read:,} points ", end="", file=sys.stderr)
        return early


def main() -> int:
    """Prints the figures against their bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument(
        "--rule", default="patience:points=100000", help="such as asha (default: one that stops none)"
    )
    options = parser.parse_args()
    missed = False
    for text in dict.fromkeys(("asha", options.rule)):
        with tempfile.TemporaryDirectory() as root:
            bench = Bench(root, options.trials, options.points, Stopping.of(text))
            early = bench.run(options.trials)
            late = resident()
            bench.store.close()
        share = bench.spent / bench.read * A_SECOND
        grown = (late - early) / 1e6
        missed |= share > MOST_SHARE or grown > MOST_GROWN
        print(
            f"{text:<24} {bench.read:>9,} points, {bench.stopped} trials stopped: "
            f"{bench.spent / bench.read * 1e6:.1f} us a point, {share:.1%} of a core at {A_SECOND:,} a second "
            f"(bar 20 %) {'MISSED' if share > MOST_SHARE else 'ok'}; memory grew by {grown:.1f} MB after the first "
            f"hundred (bar {MOST_GROWN:.0f} MB) {'MISSED' if grown > MOST_GROWN else 'ok'}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"peak memory {peak:.0f} MB")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
