"""The workshop's Ray labs on the cluster of `luthier ray up`, as a participant types them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from luthier.run.ray_local import free_port
from luthier.store import open_store

if find_spec("ray") is None:
    pytest.skip("needs Ray", allow_module_level=True)

WORKSHOP = Path(__file__).parents[2] / "examples" / "workshop"

pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("ray")]


def typed(*words: str, cwd: Path, environment: dict[str, str], tries: int = 3) -> str:
    """What is printed. Now and then Ray's head fails to start a client's server: then it is typed again."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "Starting Ray client server failed" in done.stderr and tries:
        return typed(*words, cwd=cwd, environment=environment, tries=tries - 1)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment after `luthier ray up` and `eval "$(luthier ray env)"`."""
    place = tempfile.mkdtemp(prefix="lab-", dir="/tmp")  # a socket's path is short
    environment = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    environment["TMPDIR"] = place
    folder = tmp_path_factory.mktemp("up")
    up = ("-m", "luthier", "ray", "up", "--nodes", "2", "--cpus", "1", "--port", str(free_port()))
    try:
        typed(*up, cwd=folder, environment=environment)
        exported = typed("-m", "luthier", "ray", "env", cwd=folder, environment=environment)
        for line in exported.splitlines():
            name, _, text = line.removeprefix("export ").partition("=")
            environment[name] = shlex.split(text)[0]
        assert {"RAY_HEAD_SERVICE_HOST", "RAY_HEAD_SERVICE_PORT"} <= environment.keys()
        yield environment
    finally:
        typed("-m", "luthier", "ray", "down", cwd=folder, environment=environment)
        shutil.rmtree(place, ignore_errors=True)


def test_lab_00_tasks_wait_for_tasks_and_an_actor_takes_its_calls_in_turn(
    shell: dict[str, str], tmp_path: Path
) -> None:
    said = typed(str(WORKSHOP / "ray_lab00.py"), cwd=tmp_path, environment=shell)
    assert said.splitlines() == [
        "nodes: 2, CPUs: 2",
        "the same sum as one after the other: True",
        "calls of the actor, each at its turn: [1, 2, 3, 4]; total: 10",
    ]


def test_lab_01_random_search_asha_and_tpe_find_configurations_whose_score_can_be_had_again(
    shell: dict[str, str], tmp_path: Path
) -> None:
    words = (str(WORKSHOP / "ray_lab01.py"), "--trials", "2", "--epochs", "16")
    said = typed(*words, cwd=tmp_path, environment=shell)
    assert re.findall(r"^(\w+): (\d+) trials", said, re.M) == [("random", "2"), ("asha", "4"), ("tpe", "2")]
    assert "columns trial, step, metrics.accuracy" in said
    assert "the same: True" in said
    assert (tmp_path / "curves.svg").read_text().startswith("<")
    assert len(list(tmp_path.glob("lab01/trials/*/*/attempt-1/ray.json"))) == 8  # they ran there
    store = open_store(tmp_path / "lab01", read_only=True)
    lengths = {trial.number: len(store.points(2, trial.number)) for trial in store.trials(2)}
    stopped = {t.number for t in store.trials(2) if t.result and t.result.outcome == "stopped"}
    store.close()
    assert all(lengths[number] in (1, 4) for number in stopped)  # at the rungs
    assert all(length == 16 for number, length in lengths.items() if number not in stopped)
