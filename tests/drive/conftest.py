"""What the tests of the drive share: drives on a machine of paper, and the real command line in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from luthier.description import Algorithm, Command, Description, Limits, Objective
from luthier.drive.alive import Alive
from luthier.drive.listener import Ended, Listener
from luthier.drive.loop import Drive, Ending, Interrupts
from luthier.drive.slots import Slots
from luthier.run.folders import Folders
from luthier.run.runner import Order
from luthier.space import Space
from luthier.space.grammar import parse_params
from luthier.store import ExperimentRecord, Store, open_store
from luthier.testing.machine import FakeRunner, Machine, Script
from luthier.trial import AttemptId, Outcome, Point, Result

PATIENCE_SECONDS = 60.0


def until(condition: Callable[[], object], what: str = "", seconds: float = PATIENCE_SECONDS) -> None:
    """Waits until something holds, and fails when it takes far too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.005)


# ---------------------------------------------------------------------- on paper


class Killed(BaseException):
    """A driver's end by kill -9, on paper: nothing that it has in memory is used again."""


def went_well(order: Order) -> Result:
    """The script of a program that is quick and reports its trial's number as `loss`."""
    Path(order.folder, "stdout.log").write_text(f"loss: {order.id.trial}\n", encoding="utf-8")
    return Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=0.01)


class Notes(Listener):
    """Keeps what it hears; `at` is called with a word for everything that happens."""

    def __init__(self, at: Callable[[str], None] | None = None) -> None:
        self.endings: list[Ended] = []
        self.texts: list[str] = []
        self.claims: list[AttemptId] = []
        self.points: list[Point] = []
        self.adopted = 0
        self.beats = 0
        self._at = at or (lambda what: None)

    def opened(self, record: ExperimentRecord, adopted: int) -> None:
        self.adopted = adopted
        self._at("opened")

    def began(self, claim: object) -> None:
        self.claims.append(claim.id)  # type: ignore[attr-defined]
        self._at("began")

    def reported(self, id: AttemptId, points: Sequence[Point]) -> None:
        self.points += points
        self._at("reported")

    def ended(self, ended: Ended) -> None:
        self.endings.append(ended)
        self._at("ended")

    def beat(self, record: ExperimentRecord) -> None:
        self.beats += 1
        self._at("beat")

    def note(self, text: str) -> None:
        self.texts.append(text)


@dataclass
class Paper:
    """A store on disk, and a machine of paper that drives come and go on."""

    root: Path
    script: Script = went_well
    machine: Machine = field(init=False)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.machine = Machine(self._ask)
        self.folders = Folders(self.root)
        self.alive = Alive(self.root)
        self.store = open_store(self.root, self.machine.clock)
        self.notes = Notes()

    def _ask(self, order: Order) -> Result | None:
        return self.script(order)

    def describe(
        self,
        params: Sequence[str] = ("x=1,2,3,4,5,6",),
        *,
        algorithm: str = "grid",
        trials: int | None = None,
        objective: Objective | None = Objective("loss", direction="minimize"),
        **limits: object,
    ) -> Description:
        space = Space(tuple(parse_params(tuple(params), ()).parameters))
        names = " ".join(f":{name}:" for name in space.names)
        command = Command(("train", *names.split()), str(self.root))
        return Description(
            str(self.root),
            space,
            Algorithm(algorithm),
            command,
            objective,
            trials,
            limits=Limits(**limits),  # type: ignore[arg-type]
        )

    def open(self, description: Description | None = None, **options: bool) -> ExperimentRecord:
        return self.store.open_experiment(description or self.describe(), **options)[0]

    def drive(
        self,
        record: ExperimentRecord | None = None,
        *,
        slots: int | list[tuple[str, ...] | None] = 1,
        at: Callable[[str], None] | None = None,
        interrupts: Interrupts | None = None,
        first_alone: bool = False,
    ) -> Ending:
        """Drives to the end; when `at` raises, dies as by kill -9 and raises it."""
        record = record or self.open()
        self.notes = Notes(at)
        worker, hold = self.alive.work()
        try:
            ending = Drive(
                store=self.store,
                record=self.store.experiment(record.id),
                runner=FakeRunner(self.machine),
                folders=self.folders,
                alive=self.alive,
                worker=worker,
                slots=Slots([None] * slots if isinstance(slots, int) else slots),
                clock=self.machine.clock,
                listener=self.notes,
                interrupts=interrupts or Interrupts(),
                first_alone=first_alone,
            ).run()
        except BaseException:
            hold.leave()
            raise
        hold.release()
        return ending

    def states(self, experiment: int = 1) -> Counter[str]:
        return Counter(str(trial.state) for trial in self.store.trials(experiment))

    def outcomes(self, experiment: int = 1) -> list[str]:
        return [
            str(trial.result.outcome) if trial.result else str(trial.state)
            for trial in self.store.trials(experiment)
        ]

    def texts(self, experiment: int = 1) -> list[tuple[str, ...]]:
        return [
            tuple(trial.configuration.texts().values()) if trial.configuration else ()
            for trial in self.store.trials(experiment)
        ]


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[Paper]:
    made = Paper(tmp_path / "store")
    yield made
    made.store.close()


# ---------------------------------------------------------------------- the real command line

RUN = """\
echo "$LUTHIER_TRIAL $LUTHIER_ATTEMPT $*" >> "$PROJECT/runs"
"""


class Shop:
    """A project folder with a program, and the real `luthier` in it. Every run of the program is a line in `runs`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs_file = root / "runs"
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
            [sys.executable, "-m", "luthier", *words],
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


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def wait_until() -> Callable[..., None]:
    return until


@pytest.fixture
def killed() -> type[BaseException]:
    return Killed
