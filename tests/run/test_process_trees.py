"""F15: eight shapes of process trees, six endings; nothing is left, and the outcome has the right word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from luthier.description import Limits
from luthier.run.runner import Adoption
from luthier.trial import Outcome

GRACE = 0.3
SHAPES = (
    "fork.py",
    "double_fork.py",
    "new_session.py",
    "ignores_term.py",
    "pipeline.sh",
    "spawn.py",
    "c_call.py",
    "stopped.py",
)
DRIVER = Path(__file__).parent / "driver.py"

shapes = pytest.mark.parametrize("shape", SHAPES)


@shapes
def test_finish(bench: Any, shape: str) -> None:
    order = bench.shape(shape, limits=Limits(grace_seconds=GRACE), FINISHES="1")
    bench.started(order)
    assert bench.alive(order.key)
    Path(order.folder, "outputs/finish").touch()
    result = bench.ended().result
    assert bench.alive(order.key) == []
    assert (result.outcome, result.exit_code) == (Outcome.SUCCEEDED, 0)
    if shape != "c_call.py":
        assert "left behind" in result.reason


@shapes
@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.STOPPED, "stopped by luthier stop"),
        (Outcome.STOPPED, "its loss is above the median"),
        (Outcome.INTERRUPTED, "Ctrl-C"),
    ],
    ids=["stop", "prune", "ctrl-c"],
)
def test_stop(bench: Any, shape: str, outcome: Outcome, reason: str) -> None:
    order = bench.shape(shape)
    bench.started(order)
    bench.runner.stop(order.id, outcome, reason, GRACE)
    result = bench.ended().result
    assert bench.alive(order.key) == []
    assert (result.outcome, result.reason) == (outcome, reason)


@shapes
def test_time_out(bench: Any, shape: str) -> None:
    order = bench.shape(shape, limits=Limits(timeout_seconds=0.8, grace_seconds=GRACE))
    bench.started(order)
    result = bench.ended().result
    assert bench.alive(order.key) == []
    assert result.outcome is Outcome.TIMED_OUT


def drive(bench: Any, order: Any, on_driver_loss: str) -> subprocess.Popen[str]:
    """Another driver that runs this order, up to the moment its program stands."""
    driver = subprocess.Popen(
        [sys.executable, str(DRIVER), str(bench.root), order.key, on_driver_loss, str(GRACE), *order.argv],
        env={**os.environ, **order.env},
        stdout=subprocess.PIPE,
        text=True,
    )
    bench.until_up(order)
    return driver


def kill(driver: subprocess.Popen[str]) -> None:
    """Kills a driver outright; its output must end with it, whoever goes on."""
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=10)


@shapes
def test_driver_killed_and_the_attempt_is_adopted(bench: Any, shape: str) -> None:
    order = bench.shape(shape, FINISHES="1")
    kill(drive(bench, order, "continue"))
    before = bench.alive(order.key)
    assert before
    assert bench.runner.adopt(order.id, order.key, order.folder) is Adoption.RUNNING
    assert bench.alive(order.key) == before, "it was restarted or touched"
    Path(order.folder, "outputs/finish").touch()
    ended = bench.ended()
    assert bench.alive(order.key) == []
    assert ended.result.outcome is Outcome.SUCCEEDED
    assert ended.began is not None


@shapes
def test_driver_killed_and_the_attempt_is_to_be_stopped(bench: Any, shape: str) -> None:
    order = bench.shape(shape)
    kill(drive(bench, order, "stop"))
    assert bench.runner.adopt(order.id, order.key, order.folder) in (Adoption.RUNNING, Adoption.ENDED)
    result = bench.ended().result
    assert bench.alive(order.key) == []
    assert result.outcome is Outcome.INTERRUPTED
    assert "driver was lost" in result.reason


@shapes
def test_adopted_and_killed(bench: Any, shape: str) -> None:
    order = bench.shape(shape)
    kill(drive(bench, order, "continue"))
    assert bench.runner.adopt(order.id, order.key, order.folder) is Adoption.RUNNING
    bench.runner.stop(order.id, Outcome.KILLED, "killed by luthier kill", 0.0, kill=True)
    result = bench.ended().result
    assert bench.alive(order.key) == []
    assert (result.outcome, result.reason) == (Outcome.KILLED, "killed by luthier kill")
