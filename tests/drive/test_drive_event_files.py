"""Event files of unchanged scripts: real processes write them beside one another, and each trial gets its own."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from drive_shop import Shop, until

from luthier.description import Algorithm, Command, Description
from luthier.errors import LuthierError
from luthier.run import _tree
from luthier.run.footprint import Footprint
from luthier.space import Float, Parameter, Space

# What libraries do, without the libraries: PyTorch names the process and opens the file for each write; tensorboardX
# names none and keeps the file open; TensorFlow does both. Nothing of it knows of Luthier's folders.
PROGRAM = """\
import os, sys, time
from luthier.view.tensorboard import encoding

style, folder, value = sys.argv[1], sys.argv[2], float(sys.argv[3])
os.makedirs(folder, exist_ok=True)
process = "" if style == "tensorboardX" else f".{os.getpid()}.0"
path = f"{folder}/events.out.tfevents.{int(time.time())}.{os.uname().nodename}{process}"

def record(step, tag="loss"):
    return encoding.scalar(time.time(), step, tag, value + step)

with open(path, "wb") as file:
    file.write(encoding.beginning(time.time()))
if style == "PyTorch":
    for step in range(3):
        with open(path, "ab") as file:
            file.write(record(step))
        time.sleep(0.15)
else:
    with open(path, "ab", buffering=0) as file:
        for step in range(3):
            file.write(record(step))
            time.sleep(0.15)
        while os.environ.get("WAIT") and not os.path.exists("go"):
            time.sleep(0.01)
        if os.environ.get("WAIT"):
            for step in range(3, 6):
                file.write(record(step))
"""


@pytest.fixture
def program(shop: Shop) -> Shop:
    (shop.root / "train.py").write_text(PROGRAM)
    return shop


def curves(shop: Shop, metric: str = "loss") -> dict[int, list[tuple[float, float]]]:
    with shop.store() as store:
        numbers = [trial.number for trial in store.trials(1)]
        return {n: [(p.step, p.value) for p in store.points(1, n, metric)] for n in numbers}


def search(style: str, folder: str, *more: str) -> list[str]:
    words = ["grid", "--param", "value=10,20,30,40", "-r", "2", "--metric", "loss", "--no-check", *more]
    return [*words, "--", sys.executable, "train.py", style, folder, ":value:"]


def own(value: int, steps: int = 3) -> list[tuple[float, float]]:
    return [(step, value + step) for step in range(steps)]


@pytest.mark.parametrize(
    ("style", "folder"),
    [("PyTorch", "runs"), ("PyTorch", "logs/same"), ("tensorboardX", "any/:value:"), ("TensorFlow", "any")],
)
def test_trials_that_write_beside_one_another_get_their_own(program: Shop, style: str, folder: str) -> None:
    program.run(*search(style, folder))
    assert curves(program) == {n: own(10 * n) for n in range(1, 5)}
    with program.store() as store:
        assert store.trial(1, 4).result.value == 42  # type: ignore[union-attr]
    links = [each for each in (program.root / ".luthier").rglob("*tfevents*") if each.is_symlink()]
    assert len(links) == 4 and all(link.resolve().is_relative_to(program.root) for link in links)


def test_a_folder_of_another_name_is_named(program: Shop) -> None:
    said = program.run(*search("PyTorch", "boards/:value:"), code=None).stderr
    assert "it reported no loss" in said
    program.run(*search("PyTorch", "boards/:value:", "--tensorboard-dir", "boards"))
    with program.store() as store:
        assert [trial.result.value for trial in store.trials(2) if trial.result] == [12, 22, 32, 42]


def test_reading_anothers_event_file_is_not_writing_it(program: Shop) -> None:
    (program.root / "runs").mkdir()
    (program.root / "runs" / "events.out.tfevents.9999999999.else").write_bytes(b"")
    words = [
        "grid",
        "--param",
        "a=1",
        "--",
        "sh",
        "-c",
        "exec 3< runs/events.out.tfevents.9999999999.else; sleep 0.5; echo loss: $0",
        ":a:",
    ]
    program.run(*words)
    assert not list((program.root / ".luthier" / "trials").rglob("*tfevents*"))


@pytest.mark.fault
def test_a_driver_that_dies_amid_a_file_costs_no_point_and_doubles_none(program: Shop) -> None:
    program.env["WAIT"] = "1"
    words = search("tensorboardX", "any/:value:")
    driver = program.start(*words)

    def are_half_done() -> bool:
        try:
            found = curves(program)
        except LuthierError:  # its store is still being made
            return False
        return [len(found.get(n, ())) for n in (1, 2)] == [3, 3]

    until(are_half_done, "half of two curves")
    program.kill(driver)
    (program.root / "go").touch()
    program.run(*words)
    assert curves(program) == {n: own(10 * n, 6) for n in range(1, 5)}
    assert {outcome for outcome, _ in program.outcomes().values()} == {"succeeded"}


def test_check_says_which_name_of_keras_serves(program: Shop) -> None:
    """The names and folders of Keras's callback; check 82."""
    (program.root / "train.py").write_text(
        PROGRAM.replace('tag="loss"', 'tag="epoch_accuracy"').replace("sys.argv[2]", "'logs/validation'")
    )
    command = [
        "--param",
        "value=1,2",
        "--metric",
        "keras/val_acc",
        "--",
        sys.executable,
        "train.py",
        "TensorFlow",
    ]
    said = program.run("check", *command, "x", ":value:").stdout
    assert "keras/val_acc is met by validation/epoch_accuracy" in said
    assert "validation/epoch_accuracy = 3, from event files" in said
    told = json.loads(program.run("check", "--json", *command, "x", ":value:").stdout)
    assert told["objective"] == "validation/epoch_accuracy"
    program.run("grid", *command, "x", ":value:")
    with program.store() as store:
        assert [trial.result.value for trial in store.trials(1) if trial.result] == [3, 4]


def test_the_folder_is_part_of_what_a_search_is_only_where_it_is_named() -> None:
    plain = Command(("train", ":a:"), "/project")
    named = plain._replace(tensorboard="boards")
    assert "tensorboard" not in plain.to_dict() and named.to_dict()["tensorboard"] == "boards"
    space = Space((Parameter("a", Float(0.0, 1.0)),))
    whole = Description("/project", space, Algorithm("random"), plain)
    other = whole._replace(command=named)
    assert whole.identity() != other.identity()
    assert Description.from_dict(other.to_dict()) == other and Description.from_dict(whole.to_dict()) == whole


@pytest.mark.skipif(not _tree.LINUX, reason="only Linux tells what a process has open")
def test_a_guardian_that_has_gone_on_to_another_attempt_tells_nothing(tmp_path: Path) -> None:
    """It is named in the folder of the attempt that has ended, and its processes are the next one's."""
    file, guardian = tmp_path / "tfevents", tmp_path / "guardian.json"
    here = os.getpid()
    named = {"pid": here, "started": _tree.started(here), "boot_id": _tree.boot_id()}
    guardian.write_text(json.dumps(named))
    writes = ["sh", "-c", 'exec 5> "$0"; echo; exec sleep 60', str(file)]
    child = subprocess.Popen(writes, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        traces = Footprint(str(tmp_path))
        assert traces.open_files("tfevents") == [] and not traces.pids
        with open(guardian, "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert traces.open_files("tfevents") == [str(file)] and child.pid in traces.pids
        named["started"] -= 1  # another process has the number now
        guardian.write_text(json.dumps(named))
        with open(guardian, "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert Footprint(str(tmp_path)).open_files("tfevents") == []
    finally:
        child.kill()
        child.communicate()
