"""The tasks of Gradient's door: real processes that are stopped, killed and left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from luthier.cli.doors.gradient.record import Room, tunings
from luthier.cli.doors.gradient.standing import standing_of
from luthier.cli.doors.gradient.stopping import stop

pytestmark = pytest.mark.fault
WAITS = "trap 'exit 0' TERM; echo up; : > up.$$; while :; do sleep 0.05; done"


class Door:
    """The command line in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "luthier", "gradient", *words],
            cwd=self.folder,
            env={**os.environ, "LUTHIER_CONTAINER_ENGINE": "none", **env},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done
        return done

    def run(
        self,
        tuning: str = WAITS,
        worker: str = WAITS,
        *more: str,
        verb: str = "run",
        workers: int = 2,
        **env: str,
    ) -> Room:
        commands = ["--tuningCommand", tuning, "--workerCommand", worker, "--workerCount", str(workers)]
        machine = ["--workerContainer", "image", "--workerMachineType", "K80"]
        said = self("experiments", "hyperparameters", verb, *commands, *machine, *more, **env)
        return Room(self.folder / ".luthier", said.stdout.split()[4])

    def state(self, room: Room) -> dict[str, Any]:
        return asdict(standing_of(room, room.read()))


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    for room, tuning in tunings(tmp_path / ".luthier"):
        stop(room, tuning)


def until(is_so: Callable[[], object], what: str = "it never came") -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def up(room: Room) -> list[Path]:
    """A file for each process of a task that has begun to wait."""
    return sorted(room.path.glob("tasks/*/workspace/up.*"))


def pid_of(path: Path) -> int:
    return int(path.suffix[1:])


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_workers_end_with_the_tuning_command(door: Door) -> None:
    room = door.run(
        "while ! [ -e ../../worker-1/workspace/ready ]; do sleep 0.02; done", f": > ready; {WAITS}"
    )
    until(lambda: not room.is_supervised)
    said = door.state(room)
    assert said["state"] == "stopped"
    assert [job["state"] for job in said["jobs"]] == ["stopped"] * 4
    assert said["jobs"][1]["reason"] == "the tuning command has ended"
    assert not any(is_alive(pid_of(path)) for path in up(room))


def test_stop_ends_all_and_start_begins_all_anew(door: Door) -> None:
    room = door.run()
    until(lambda: len(up(room)) == 3)
    first = [pid_of(path) for path in up(room)]
    again = door("experiments", "start", "--id", room.id, code=2)
    assert f"experiment {room.id} is running already" in again.stderr
    kept = door("experiments", "delete", "--id", room.id, code=2)
    assert "end it first with: luthier gradient experiments stop --id" in kept.stderr
    assert door("experiments", "stop", "--id", room.id).stdout == "Experiment stopped\n"
    assert not any(map(is_alive, first))
    said = door.state(room)
    assert said["state"] == "canceled" and {job["state"] for job in said["jobs"][:3]} == {"canceled"}
    assert not stop(room, room.read())  # nothing is left to be stopped
    assert (
        door("experiments", "hyperparameters", "start", "--id", room.id).stdout
        == "Hyperparameter tuning started\n"
    )
    until(lambda: len(up(room)) == 6)
    assert door.state(room)["state"] == "running"
    logs = door("jobs", "logs", "--id", f"{room.id}-server")
    door("experiments", "stop", "--id", room.id)
    assert logs.stdout.count("| up ") == 2
    assert door("experiments", "delete", "--id", room.id).stdout == "Experiment deleted\n"
    assert not room.path.exists()


def test_a_worker_that_dies_is_begun_again_and_one_that_leaves_is_not(door: Door) -> None:
    room = door.run(worker='case "$INDEX" in 1) exit 0;; esac; ' + WAITS)
    until(lambda: len(up(room)) == 2)
    [first] = room.path.glob("tasks/worker-1/workspace/up.*")
    os.kill(pid_of(first), signal.SIGKILL)
    until(lambda: len(up(room)) == 3, "it was not begun again")
    jobs = {job["task"]: job for job in door.state(room)["jobs"]}
    assert (jobs["worker-1"]["state"], jobs["worker-1"]["begun"]) == ("running", 2)
    assert (jobs["worker-2"]["state"], jobs["worker-2"]["begun"]) == ("stopped", 1)


def test_a_worker_that_can_t_work_is_not_begun_for_ever(door: Door) -> None:
    room = door.run(worker="echo no; exit 3", workers=1)
    until(lambda: [job["begun"] for job in door.state(room)["jobs"]][1] == 3)
    until(lambda: door.state(room)["jobs"][1]["exit_code"] == 3)
    assert door.state(room)["state"] == "running"


def test_when_the_supervisor_is_killed_the_tasks_go_on_and_can_be_taken_over_or_stopped(door: Door) -> None:
    room = door.run(workers=1)
    until(lambda: len(up(room)) == 2)
    os.kill(supervisor_of(room), signal.SIGKILL)
    until(lambda: not room.is_supervised)
    said = door.state(room)
    assert said["state"] == "error" and "its tasks go on; go on with: luthier gradient" in said["reason"]
    assert {job["state"] for job in said["jobs"][:2]} == {"running"}
    door("experiments", "start", "--id", room.id)
    assert door.state(room)["state"] == "running"
    assert len(up(room)) == 2 and all(is_alive(pid_of(path)) for path in up(room))
    os.kill(supervisor_of(room), signal.SIGKILL)
    until(lambda: not room.is_supervised)
    assert door("experiments", "stop", "--id", room.id).stdout == "Experiment stopped\n"
    assert not any(is_alive(pid_of(path)) for path in up(room))
    assert door.state(room)["state"] == "canceled"


def supervisor_of(room: Room) -> int:
    return int((room.path / "lock").read_text())


def test_a_task_has_what_gradient_set_and_what_the_user_gave(door: Door) -> None:
    secret = json.dumps({"EPOCHS": 3, "NAME": "a b", "API_KEY": "hunter2"})
    ask = "import luthier, sys, sysconfig; print(sys.prefix); print(sysconfig.get_path('purelib'))"
    show = 'for n in MONGO_DB_HOST MONGO_DB_PORT EXPERIMENT_NAME TYPE INDEX EPOCHS NAME API_KEY PS_MODEL_PATH; do eval "echo $n=\\$$n"; done; pwd'
    show += f'; python -c "{ask}"; pip --version'
    room = door.run(show, "true", "--experimentEnv", secret, "--modelPath", "/m", workers=1)
    until(lambda: not room.is_supervised)
    [out] = room.path.glob("tasks/server/attempt-1/stdout.log")
    *told, prefix, packages, pip = out.read_text().splitlines()
    home = str(room.path / "tasks" / "server" / "python")  # what it installs stays there
    assert prefix == home and packages.startswith(home) and pip.startswith("pip ")
    assert told == [
        "MONGO_DB_HOST=localhost",
        "MONGO_DB_PORT=27017",
        f"EXPERIMENT_NAME={room.id}",
        "TYPE=ps",
        "INDEX=0",
        "EPOCHS=3",
        "NAME=a b",
        "API_KEY=hunter2",
        "PS_MODEL_PATH=/m",
        str(room.path / "tasks" / "server" / "workspace"),
    ]
    out.unlink()
    assert _grep(door.folder, b"hunter2") == []
    missing = door("experiments", "start", "--id", room.id, code=2)
    assert "export API_KEY=…" in missing.stderr
    door("experiments", "start", "--id", room.id, API_KEY="again")
    until(lambda: not room.is_supervised)
    assert "API_KEY=again" in room.path.joinpath("tasks/server/attempt-2/stdout.log").read_text()


def test_keys_and_passwords_are_written_nowhere(door: Door) -> None:
    secrets = (
        "--apiKey",
        "--workspacePassword",
        "--workerRegistryPassword",
        "--hyperparameterServerRegistryPassword",
    )
    room = door.run("true", "true", *(word for flag in secrets for word in (flag, "hunter2")), verb="create")
    assert door.state(room)["state"] == "created"
    assert _grep(door.folder, b"hunter2") == []
    assert (room.path.stat().st_mode & 0o077, (room.path / "experiment.json").stat().st_mode & 0o077) == (
        0,
        0,
    )


FETCHES = """
import sys
from luthier.cli import main
from luthier.cli.doors.gradient import creating

def fetch(source, into):
    into.mkdir()
    (into / "half").write_text("x")
    print("up", flush=True)
    sys.stdin.read()

creating.fetch = fetch
main(["gradient", *sys.argv[1:]])
"""
"""Never ends fetching a workspace."""


def test_what_a_killed_create_has_fetched_is_swept_by_the_next(door: Door) -> None:
    words = "experiments hyperparameters create --tuningCommand true --workerCommand true --workerCount 1"
    words += " --workerContainer image --workerMachineType K80"
    environment = {**os.environ, "LUTHIER_CONTAINER_ENGINE": "none"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        [sys.executable, "-c", FETCHES, *words.split()], cwd=door.folder, env=environment, **pipes
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        [left] = door.folder.glob(".luthier/gradient/es*")
        first = door.run(verb="create")
        assert (left / "workspace" / "half").exists(), "its maker lives"
        process.kill()
    second = door.run(verb="create")
    assert sorted(door.folder.glob(".luthier/gradient/es*")) == sorted([first.path, second.path])
    assert not any((room.path / "creating").exists() for room in (first, second))


def _grep(folder: Path, text: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]
