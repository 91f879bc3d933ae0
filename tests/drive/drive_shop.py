"""A project folder with a program, and the real `luthier` in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from luthier.store import ExperimentRecord, Store, open_store

PATIENCE_SECONDS = 60.0


def until(condition: Callable[[], object], what: str = "", seconds: float = PATIENCE_SECONDS) -> None:
    """Waits until something holds, and fails when it takes far too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.005)


SEARCH = ("bayesian", "--param", "x=0:4", "--metric", "loss", "--minimize", "--seed", "3", "--no-check")
TRAIN = ("--", "sh", "train.sh", ":x:")
BOWL = 'awk -v x="$1" "BEGIN { print \\"loss: \\" (x - 1) * (x - 1) }"'
"""A search, its command and what that computes, for tests that move its record."""

RUN = """\
echo "$LUTHIER_TRIAL $LUTHIER_ATTEMPT $*" >> "$PROJECT/runs"
"""


class Shop:
    """A project folder with a program, and the real `luthier` in it. Every run of the program is a line in `runs`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs_file = root / "runs"
        self.luthier = (sys.executable, "-m", "luthier")
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("LUTHIER", "CUDA"))},
            "PROJECT": str(root),
            "NO_COLOR": "1",
        }
        self.started: list[subprocess.Popen[str]] = []

    def program(self, body: str, name: str = "train.sh") -> None:
        """Writes the program: it notes that it runs, then does `body`."""
        (self.root / name).write_text(RUN + body + "\n", encoding="utf-8")

    def start(self, *words: str, **options: object) -> subprocess.Popen[str]:
        """Starts `luthier` with these words."""
        process = subprocess.Popen(
            [*self.luthier, *words],
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,  # type: ignore[call-overload]
        )
        self.started.append(process)
        return process

    def run(self, *words: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Runs `luthier` with these words to its end."""
        return self.end(self.start(*words), code)

    def end(self, process: subprocess.Popen[str], code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Waits for the end of a `luthier` that was started."""
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert code is None or process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def kill(self, process: subprocess.Popen[str], after: float | None = None) -> bool:
        """Kills one with -9, at once or some time from now; False when it had ended by itself."""
        try:
            process.wait(after or 0.0)
            ended = True
        except subprocess.TimeoutExpired:
            process.kill()
            ended = False
        process.communicate(timeout=PATIENCE_SECONDS)
        return not ended

    def runs(self) -> list[tuple[int, int]]:
        """Trial and attempt of every run of the program, in the order they began."""
        if not self.runs_file.exists():
            return []
        lines = self.runs_file.read_text(encoding="utf-8").splitlines()
        return [(int(line.split()[0].partition(".")[2]), int(line.split()[1])) for line in lines]

    def runs_of(self, trial: int) -> int:
        return sum(number == trial for number, _ in self.runs())

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The record, to be read."""
        store = open_store(self.root / ".luthier", read_only=True)
        try:
            yield store
        finally:
            store.close()

    def record(self, experiment: int = 1) -> ExperimentRecord:
        with self.store() as store:
            return store.experiment(experiment)

    def configurations(self, experiment: int = 1) -> list[str]:
        with self.store() as store:
            trials = store.trials(experiment)
        return [json.dumps(t.configuration.texts()) if t.configuration else "" for t in trials]

    def outcomes(self, experiment: int = 1) -> dict[int, tuple[str, str]]:
        """Outcome and reason of every trial."""
        with self.store() as store:
            trials = store.trials(experiment)
        return {t.number: (str(t.result.outcome), t.result.reason) for t in trials if t.result}

    def until_runs(self, count: int) -> None:
        until(lambda: len(self.runs()) >= count, f"{count} runs; there are {len(self.runs())}")

    def audit(self, target: int, experiment: int = 1) -> dict[str, int]:
        """What must be zero at the end of every fault test, beside the exact number of finished trials.

        `twice` counts trials whose program was begun again though no earlier attempt was recorded as lost.
        """
        runs = Counter(number for number, _ in self.runs())
        with self.store() as store:
            record = store.experiment(experiment)
            trials = store.trials(experiment)
            held = len(store.held(experiment))
            lost = {t.number: store.lost(experiment, t.number) for t in trials}
        finished = [t for t in trials if t.result is not None]
        assert len(finished) == record.finished == target, f"{len(finished)} of {target}, {record}"
        return {
            "lost": sum(str(t.result.outcome) == "lost" for t in finished if t.result)
            + (target - len(trials)),
            "twice": sum(runs[t.number] > 1 + lost[t.number] for t in trials),
            "never": sum(runs[t.number] == 0 for t in trials),
            "leased": held + record.running + record.reserved,
        }

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None and not pipe.closed:
                    pipe.close()
            process.wait()
        self._end_guardians()

    def _end_guardians(self) -> None:
        """Whatever was left running in this folder: a test that failed must not disturb the next."""
        mark = f"PROJECT={self.root}".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        os.kill(int(entry.name), signal.SIGKILL)
                except OSError:
                    pass


def moved(shop: Shop, url: str, root: Path) -> Shop:
    """Copies the record of a shop to a server, where two workers run three trials that a person asks for; the shop there."""
    said = shop.run("store", "copy", ".luthier", url)
    assert "experiment 1: 4 trials, 4 points; all" in said.stderr
    assert "resume 1 --store" in said.stderr and "luthier:" not in said.stderr.split("go on there")[1]
    there = Shop(root)
    there.env = shop.env | {"LUTHIER_STORE": url}
    for x in (1, 2, 3):
        there.run("enqueue", "1", f"x={x}")
    workers = [there.start("worker", "-r", "1") for _ in range(2)]
    for worker in workers:
        there.end(worker)
    return there
