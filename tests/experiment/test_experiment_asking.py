"""Trials that programs ask for: whose they are, and that none is lost with its program."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.clock import SystemClock
from luthier.drive.listener import Listener
from luthier.drive.planning import ask
from luthier.errors import ConflictError
from luthier.experiment import asking
from luthier.experiment.asking import Waiting

SPACE = {"x": luthier.integers(1, 40)}


def x_of(x: int) -> float:
    return float(x)


def asked_by_another(store: Path, then: str) -> str:
    """Another program asks for a trial, prints its number and does something else."""
    program = textwrap.dedent(f"""
        import os, sys, luthier
        experiment = luthier.Experiment.open({str(store)!r})
        print(experiment.ask().number, flush=True)
        {then}
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("then", ["os._exit(1)", "pass"])
def test_what_a_dead_program_had_asked_for_is_given_to_the_next(tmp_path: Path, then: str) -> None:
    with luthier.Experiment.create(SPACE, trials=2, store=tmp_path) as experiment:
        assert asked_by_another(tmp_path, then) == "1"
        again = experiment.ask()
        assert again is not None and (again.number, again.attempt) == (1, 2)
        experiment.tell(again, 3.0)
        assert asked_by_another(tmp_path, then) == "2"
        experiment.run(x_of, workers=0, progress=False)
        assert experiment.ended == "met" and len(experiment) == 2
    assert len(list((tmp_path / "locks").glob("worker-*"))) == 1, "the dead are buried"


def test_a_program_keeps_its_own_whatever_it_asks_and_through_whatever_it_tells(tmp_path: Path) -> None:
    with luthier.Experiment.create(SPACE, trials=3, store=tmp_path) as experiment:
        first, second = experiment.ask(), experiment.ask()
        assert first is not None and second is not None and first.number != second.number
    with luthier.Experiment.open(tmp_path) as again:
        third = again.ask()
        assert third is not None and third.number == 3
        again.tell(first, 1.0)
        again.give_back(second)
        assert [t.state for t in again.trials] == ["finished", "queued", "running"]


def test_a_living_program_keeps_its_trials_for_their_lease_or_while_it_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = luthier.Experiment.create(SPACE, trials=3, store=tmp_path)
    monkeypatch.setattr(asking, "ASKED_SECONDS", -1.0)  # over at once
    silent, talks = experiment.ask(), experiment.ask()
    monkeypatch.undo()
    assert silent is not None and talks is not None
    experiment.report(talks, 0, loss=1.0)
    lapsed = {held.id.trial for held in experiment._store.held(experiment.id) if held.lapsed}
    assert lapsed == {silent.number}
    assert asked_by_another(tmp_path, "experiment.close()") == str(silent.number)
    with pytest.raises(ConflictError, match="no longer yours"):
        experiment.tell(silent, 1.0)
    experiment.tell(talks, 1.0)
    experiment.close()


def test_what_the_command_line_asked_for_stays_its_own(tmp_path: Path) -> None:
    """`luthier ask` ends at once, so that its process says nothing."""
    experiment = luthier.Experiment.create(SPACE, trials=2, store=tmp_path)
    [claim] = ask(experiment._store, experiment.id, 1, "ask:here:1", 3600.0, SystemClock())
    mine = experiment.ask()
    assert mine is not None and mine.number != claim.id.trial
    assert experiment.ask() is None
    experiment.close()


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("shown", [False, True])
def test_a_drive_that_waits_for_an_asked_trial_says_so(
    durable: bool,
    shown: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    experiment = luthier.Experiment.create(SPACE, trials=3, store=tmp_path if durable else None)
    held = experiment.ask()
    assert held is not None
    say = Waiting._say

    def say_and_give_back(self: Waiting, *what: Any) -> None:
        say(self, *what)
        experiment.give_back(held)

    monkeypatch.setattr(Waiting, "_say", say_and_give_back)
    monkeypatch.setattr(asking, "LOOK_SECONDS", 0.0)
    experiment.run(x_of, workers=0, progress=shown)
    assert len(experiment) == 3
    said = capsys.readouterr().err
    assert (
        said.count("luthier: only waiting for trial 1, which was asked for and not told; this program holds")
        == 1
    )
    assert "give_back(asked)" in said
    experiment.close()


def test_waiting_passes_on_all_that_a_listener_hears() -> None:
    verbs = {name for name in vars(Listener) if not name.startswith("_")}
    assert verbs <= set(vars(Waiting))
