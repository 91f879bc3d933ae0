"""The tasks of Gradient's door in containers: inside where the image can load Luthier, else here, and that is said.

They run with the engine of this machine on an image made of its own shell, whose `python3` is a stand-in; where no engine
works they are skipped.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import container_image
import pytest

from luthier.cli.doors.gradient.record import Room

pytestmark = pytest.mark.fault
NAME = "luthier-test-gradient:1"


def image() -> str:
    """An image with a `python3` that agrees to everything."""
    engine = container_image.engine()
    if subprocess.run(engine.words("image", "inspect", NAME), capture_output=True).returncode:
        made = io.BytesIO(container_image._archive())
        with tarfile.open(fileobj=made, mode="a") as tar:
            entry = tarfile.TarInfo("bin/python3")
            text = b"#!/bin/sh\necho stand-in $*\n"
            entry.size, entry.mode = len(text), 0o755
            tar.addfile(entry, io.BytesIO(text))
        subprocess.run(
            engine.words("import", "-", NAME), input=made.getvalue(), check=True, capture_output=True
        )
    return NAME


def gradient(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "luthier", "gradient", "experiments", *words],
        cwd=folder,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == code, done
    return done


def finished(folder: Path, image: str, tuning: str, worker: str, *more: str) -> Room:
    """An experiment of one worker that has ended."""
    commands = ["--tuningCommand", tuning, "--workerCommand", worker, "--workerCount", "1"]
    machine = ["--workerContainer", image, "--workerMachineType", "K80", *more]
    said = gradient(folder, "hyperparameters", "run", *commands, *machine)
    room = Room(folder / ".luthier", said.stdout.split()[4])
    deadline = time.monotonic() + 60
    while room.is_supervised:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return room


def told(room: Room, task: str) -> list[str]:
    return (room.path / "tasks" / task / "attempt-1" / "stdout.log").read_text().splitlines()


def test_a_task_runs_in_its_container_and_ends_with_it(tmp_path: Path) -> None:
    look = (
        '[ -e /usr/bin/env ] || echo inside; echo "$EXPERIMENT_NAME"; ls "$LUTHIER_STORE/store.db"; pwd; '
        "hyperopt-mongo-worker --mongo x/y; "
        "until [ -e ../../worker-1/up ]; do sleep 0.1; done"
    )
    room = finished(
        tmp_path, image(), look, ': > "$LUTHIER_STORE/gradient/$EXPERIMENT_NAME/tasks/worker-1/up"; sleep 600'
    )
    home = room.path / "tasks" / "server"
    assert told(room, "server") == [
        "inside",
        room.id,
        str(room.store / "store.db"),
        str(home / "workspace"),
        "stand-in -m luthier.compat.hyperopt.worker --mongo x/y",
    ]
    assert room.read().no_container is None
    assert room.read_tasks()["worker-1"].runs[-1].reason == "the tuning command has ended"
    assert not [name for name in container_image.containers() if room.id in name]
    assert not (home / "python").exists()


def test_an_image_without_python_is_done_without_and_that_is_said(tmp_path: Path) -> None:
    room = finished(
        tmp_path, container_image.image(), "python -c 'import hyperopt; print(hyperopt.__name__)'", "true"
    )
    assert told(room, "server") == ["luthier.compat.hyperopt"]
    details = gradient(tmp_path, "details", "--id", room.id)
    said = "warning: the image has no Python 3.11 with NumPy, SciPy and cloudpickle"
    assert said in details.stderr and "the tasks run on this machine" in details.stderr


def test_with_strict_it_is_an_error(tmp_path: Path) -> None:
    room = finished(tmp_path, container_image.image(), "touch x", "true", "--strict")
    details = gradient(tmp_path, "details", "--id", room.id)
    assert "State error: the image" in details.stderr and "can't be used" in details.stderr
    assert not room.read_tasks()
