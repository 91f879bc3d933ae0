"""A made-up record that looks like real work, the same every time: what pictures of the page are taken of.

It holds a search that stops the poor trials at rungs, with curves, logs and two goals; one that failed half of the time; and
one that is over. It knows no browser. `test_web_browser_pictures.py` shows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import exp, log10
from pathlib import Path
from random import Random

from luthier.clock import FakeClock, SystemClock
from luthier.description import Algorithm, Command, Description, Objective
from luthier.run.folders import Folders
from luthier.schedule import Stopping
from luthier.space import Categorical, Configuration, Float, Integer, Parameter, Space
from luthier.store import Claim
from luthier.store.sqlite import SqliteStore
from luthier.trial import Outcome, Point, Proposal, Result

ETA, EPOCHS, SLOTS = 3, 27, 4
SECONDS_AN_EPOCH = 1.7
BEGAN_BEFORE_SECONDS = 3000.0
ROUND_SECONDS = 600.0
"""So long before now it all began, and at a round moment: what is told of time takes as much room each time."""

SPACE = Space(
    [
        Parameter("rate", Float(1e-4, 1e-1, "log")),
        Parameter("width", Integer(16, 256)),
        Parameter("dropout", Float(0.0, 0.6)),
        Parameter("optimizer", Categorical.of(["adam", "sgd", "rmsprop"])),
    ]
)


@dataclass
class _Run:
    """A trial on its way."""

    claim: Claim
    quality: float
    speed: float
    epoch: int = 0


Look = Callable[[_Run, float], str | None]
"""Judges a run by its value: why it ends now, or None."""


class Gallery:
    """A store on disk and its folders, filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.clock = FakeClock(SystemClock().now() // ROUND_SECONDS * ROUND_SECONDS - BEGAN_BEFORE_SECONDS)
        self.store = SqliteStore(folder / "store.db", self.clock)
        self.folders = Folders(folder)
        self._nonces = (f"nonce {k}" for k in count())
        self._dice = Random("gallery")
        self._rungs: dict[int, list[float]] = {}
        with self.store.together():  # one wait for the disk
            self.experiments = {"whole": self.whole(), "rungs": self.rungs(), "rough": self.rough()}
        self.store.close()

    def describe(self, name: str, trials: int, **more: object) -> Description:
        """A search over the space."""
        words = ("python", "train.py", *(f"--{name}=:{name}:" for name in SPACE.names))
        command = Command(words, "/home/ada/fashion")
        return Description(
            "/home/ada/fashion",
            SPACE,
            Algorithm("bayesian"),
            command,
            Objective("accuracy"),
            trials,
            name=name,
            labels={"data": "fashion-mnist"},
            **more,  # type: ignore[arg-type]
        )

    # ------------------------------------------------------------------ the experiments

    def whole(self, trials: int = 40) -> int:
        """A search that ran every trial to its end, over long ago."""
        e = self.store.open_experiment(self.describe("baseline", trials), fresh=True)[0].id
        self._drive(e, trials)
        return e

    def rungs(self, trials: int = 60) -> int:
        """A search with two goals that stops the poor trials at 1, 3 and 9 epochs."""
        rule = Stopping("asha", {"eta": ETA, "min_resource": 1, "max_resource": EPOCHS})
        goals = (Objective("milliseconds", direction="minimize"),)
        what = self.describe("wider nets, stopped at rungs", trials, stopping=rule, also=goals)
        e = self.store.open_experiment(what, fresh=True)[0].id
        self._drive(e, trials, self._looked_at)
        return e

    def _drive(self, e: int, trials: int, looked_at: Look | None = None) -> None:
        """Some trials at a time, an epoch of each in turn, until all are over."""
        running: list[_Run] = []
        left = trials
        while left or running:
            while left and len(running) < SLOTS:
                running.append(self._begun(e))
                left -= 1
            self.clock.advance(SECONDS_AN_EPOCH / SLOTS)
            run = running.pop(0)
            if self._goes_on(run, looked_at):
                running.append(run)

    def rough(self) -> int:
        """One that goes wrong half of the time."""
        e = self.store.open_experiment(self.describe("with augmentation", 24), fresh=True)[0].id
        for k in range(14):
            run = self._begun(e)
            self.clock.advance(14.0)
            if k % 2:
                files = self.folders.attempt(e, k, 1)
                Path(files.path).mkdir(parents=True, exist_ok=True)
                text = 'Traceback (most recent call last):\n  File "train.py", line 41, in <module>\n    images = load(path)\nFileNotFoundError: augmented/train.npz\n'
                Path(files.stderr).write_text(text, encoding="utf-8")
                reason = "exit code 1: FileNotFoundError: augmented/train.npz"
                self.store.finish(run.claim.id, Result(Outcome.FAILED, reason, exit_code=1))
            else:
                self.store.finish(
                    run.claim.id, Result(Outcome.SUCCEEDED, "the program ended", run.quality, exit_code=0)
                )
        return e

    # ------------------------------------------------------------------ the life of a trial

    def _begun(self, e: int) -> _Run:
        """A trial more, the nearer to what is good the later it comes."""
        dice, nonce = self._dice, next(self._nonces)
        [reserved] = self.store.reserve(e, 1, "desk", nonce)
        focus = min(0.8, reserved.number / 45)
        rate = 10 ** (-2.4 + (1 - focus) * dice.uniform(-1.6, 1.4) + dice.gauss(0, 0.12))
        width = round((1 - focus) * dice.randint(16, 256) + focus * min(256, dice.gauss(190, 25)))
        dropout = round(
            min(0.6, max(0.0, (1 - focus) * dice.uniform(0, 0.6) + focus * dice.gauss(0.22, 0.06))), 4
        )
        optimizer = dice.choices(["adam", "sgd", "rmsprop"], [1 + 3 * focus, 1, 1])[0]
        values = {
            "rate": min(0.1, max(1e-4, rate)),
            "width": width,
            "dropout": dropout,
            "optimizer": optimizer,
        }
        quality = 0.93 - 0.055 * (log10(rate) + 2.4) ** 2 - 0.25 * (dropout - 0.2) ** 2 - 4 / width
        quality += {"adam": 0.0, "sgd": -0.02, "rmsprop": -0.008}[optimizer] + dice.gauss(0, 0.004)
        guess = {"mean": quality + dice.gauss(0, 0.01), "deviation": 0.012} if reserved.number > 7 else {}
        seen = self.store.revision() if guess else 0
        proposal = Proposal(Configuration(values), "bayesian", reserved.ordinal, seen, **guess)
        self.store.propose(e, nonce, [(reserved.number, proposal)])
        [claim] = self.store.claim(e, 1, "desk" if reserved.number % 2 else "rack", next(self._nonces))
        return _Run(claim, quality, 0.2 + width / 300)

    def _goes_on(self, run: _Run, looked_at: Look | None) -> bool:
        """An epoch of a trial; whether another one follows."""
        run.epoch += 1
        id, dice = run.claim.id, self._dice
        value = run.quality - (run.quality - 0.1) * exp(-run.epoch / 3.2) + dice.gauss(0, 0.006)
        took = 2.0 + run.speed * 6 + dice.gauss(0, 0.15)
        now = self.clock.now()
        points = [Point("accuracy", run.epoch, value, now), Point("milliseconds", run.epoch, took, now)]
        self.store.report(id, 2 * (run.epoch - 1), points)
        if id.trial == 17 and run.epoch == 5:
            reason = "exit code 137: the kernel ended it, for the machine was out of memory"
            self.store.finish(id, Result(Outcome.OUT_OF_MEMORY, reason, exit_code=137))
            return False
        stopped = looked_at(run, value) if looked_at else None
        if stopped is None and run.epoch < EPOCHS:
            return True
        self._end(
            run,
            Outcome.STOPPED if stopped else Outcome.SUCCEEDED,
            stopped or "the program ended",
            value,
            took,
        )
        return False

    def _looked_at(self, run: _Run, value: float) -> str | None:
        """Why a trial ends at a rung; None where it goes on."""
        if run.epoch not in (1, 3, 9):
            return None
        at = self._rungs.setdefault(run.epoch, [])
        at.append(value)
        rank, kept = sorted(at, reverse=True).index(value) + 1, -(-len(at) // ETA)
        reason = f"{value:.4g} at step {run.epoch} is rank {rank} of {len(at)}; the best {kept} go on"
        stops = len(at) >= ETA and rank > max(kept, len(at) * 0.55)
        self.store.note_decision(run.claim.id, "asha", run.epoch, reason, stops=stops)
        return f"asha: {reason}" if stops else None

    def _end(self, run: _Run, outcome: Outcome, reason: str, value: float, took: float) -> None:
        goals = len(self.store.experiment(run.claim.id.experiment).description.objectives)
        result = Result(
            outcome,
            reason,
            value,
            exit_code=0,
            seconds=run.epoch * SECONDS_AN_EPOCH,
            values=(value, took)[:goals],
            curve=((float(run.epoch), value),),
        )
        self.store.finish(run.claim.id, result)
        files = self.folders.attempt(run.claim.id.experiment, run.claim.id.trial, 1)
        Path(files.outputs).mkdir(parents=True, exist_ok=True)
        Path(files.outputs, "result.json").write_text(json.dumps({"accuracy": value}), encoding="utf-8")
        lines = [
            f"\x1b[2mepoch {k:2}\x1b[0m  accuracy \x1b[32m{run.quality * (1 - exp(-k / 3.2)):.4f}\x1b[0m  {took:.2f} ms"
            for k in range(1, run.epoch + 1)
        ]
        Path(files.stdout).write_text(
            "\n".join(["reading fashion-mnist: 60,000 images", *lines, ""]), encoding="utf-8"
        )
