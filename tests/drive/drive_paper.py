"""A store on disk and a machine of paper: drives come, go and are killed without a process or a wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.description import Algorithm, Command, Description, Limits, Objective
from luthier.drive.alive import Alive
from luthier.drive.ends import Ending, Interrupts
from luthier.drive.listener import Ended, Listener
from luthier.drive.loop import Drive
from luthier.drive.slots import Slots
from luthier.drive.work import Commands
from luthier.run.folders import Folders
from luthier.run.runner import Order
from luthier.space import Space
from luthier.space.grammar import parse_params
from luthier.store import Claim, ExperimentRecord, Store, open_store
from luthier.testing.machine import FakeRunner, Machine, Script
from luthier.trial import AttemptId, Outcome, Point, Result


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

    def began(self, claim: Claim) -> None:
        self.claims.append(claim.id)
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
        wary: bool = False,
    ) -> Ending:
        """Drives to the end; when `at` raises, dies as by kill -9 and raises it."""
        record = self.store.experiment((record or self.open()).id)
        self.notes = Notes(at)
        worker, hold = self.alive.work()
        self.runner = FakeRunner(self.machine)
        try:
            ending = Drive(
                store=self.store,
                record=record,
                runner=self.runner,
                work=Commands(record.description, self.folders, record.created),
                folders=self.folders,
                alive=self.alive,
                worker=worker,
                slots=Slots([None] * slots if isinstance(slots, int) else slots),
                clock=self.machine.clock,
                listener=self.notes,
                interrupts=interrupts or Interrupts(),
                wary=wary,
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


HOLD = None


def failing(order: Order) -> Result:
    Path(order.folder, "stderr.log").write_text("no such file\n", encoding="utf-8")
    return Result(Outcome.FAILED, "exit code 1", exit_code=1, seconds=0.01)


class AtTrials:
    """A script with its own answer for some trials; the others go well."""

    def __init__(self, paper: Paper, **answers: Any) -> None:
        self.well = paper.script
        self.answers = {int(name[1:]): answer for name, answer in answers.items()}

    def __call__(self, order: Order) -> Result | None:
        answer = self.answers.get(order.id.trial, "well")
        if answer == "well":
            return self.well(order)
        return answer(order) if callable(answer) else answer


def die_at(what: str, place: int) -> Callable[[str], None]:
    """Kills the drive at the so manyth time that it says this word."""
    seen = [0]

    def at(now: str) -> None:
        seen[0] += now == what
        if now == what and seen[0] == place:
            raise Killed

    return at
