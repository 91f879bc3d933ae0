"""Whole searches on Ray, by the command line: the same trials as here, through kills, in the middle, with the page's words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("ray") is None:
    pytest.skip("needs Ray", allow_module_level=True)

from rays import place_of_all, shared_ray, until

from luthier.store import open_store

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("ray")]

TRAIN = """
import os, sys, time
rate = float(sys.argv[1])
while len(sys.argv) > 2 and not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
print("loss:", (rate - 0.3) ** 2)
"""

PAGE = """
import os
import ray
ray.init("ray://" + os.environ["RAY_HEAD_SERVICE_HOST"] + ":" + os.environ["RAY_HEAD_SERVICE_PORT"])
@ray.remote
def square(x):
    return x * x
print("loss:", ray.get(square.remote(4)))
"""


@pytest.fixture(scope="session")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with shared_ray(place_of_all(tmp_path_factory.getbasetemp())) as found:
        yield found


class Shop:
    """A project of a test's own, and Luthier in it, which finds Ray by the variables of the workshop's page."""

    def __init__(self, root: Path, address: str) -> None:
        self.root = root
        host, _, port = address.removeprefix("ray://").partition(":")
        self.environment = {**os.environ, "RAY_HEAD_SERVICE_HOST": host, "RAY_HEAD_SERVICE_PORT": port}
        (root / "train.py").write_text(TRAIN)

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "luthier", *words]

    def run(self, *words: str) -> str:
        done = subprocess.run(
            self.words(*words),
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def trials(self, id: int = 1) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("show", str(id), "--json"))["trials"]
        return sorted(found, key=lambda trial: int(trial["number"]))


@pytest.fixture
def shop(tmp_path: Path, ray: dict[str, Any]) -> Shop:
    return Shop(tmp_path, ray["address"])


def _search(*words: str, way: str = "bayesian", runs: int = 5) -> list[str]:
    asked = [
        way,
        "--num-runs",
        str(runs),
        "--metric",
        "loss",
        "--minimize",
        "--param",
        "rate=0.1:1.0",
        "--seed",
        "7",
    ]
    return [*asked, "--quiet", "--no-check", *words, "--", sys.executable, "-S", "train.py", ":rate:"]


def test_one_after_the_other_this_machine_a_worker_and_ray_give_the_same_trials(shop: Shop) -> None:
    """Check 73: the variables name the Ray; without it, and by a worker, the results are the same."""
    shop.run(*_search("--parallel-runs", "1"))
    store = open_store(shop.root / ".luthier")
    record, is_new = store.open_experiment(store.experiment(1).description, fresh=True)
    store.close()
    assert (record.id, is_new) == (2, True)
    shop.run("worker", "2", "--quiet", "-r", "1")
    shop.run(*_search("--parallel-runs", "1", "--new", "--on", "ray"))
    found = [[(trial["values"], trial["value"]) for trial in shop.trials(id)] for id in (1, 2, 3)]
    assert len(found[0]) == 5
    assert found[0] == found[1] == found[2]
    on_ray = [len(list(shop.root.glob(f".luthier/trials/{id}/*/attempt-1/ray.json"))) for id in (1, 2, 3)]
    assert on_ray == [0, 0, 5]
    assert not (shop.root / ".luthier" / "drivers" / "ray.log").exists()  # none was started: it was that one


def test_an_experiment_goes_on_with_ray_on_other_machines_in_the_middle(shop: Shop) -> None:
    shop.run(*_search("--parallel-runs", "1", way="random", runs=2))
    shop.run(
        *_search(
            "--on", "ray", "--ray-resources", "elsewhere=1", "--parallel-runs", "2", way="random", runs=4
        )
    )
    trials = shop.trials()
    assert [trial["outcome"] for trial in trials] == ["succeeded"] * 4
    places = sorted(shop.root.glob(".luthier/trials/1/*/attempt-1/ray.json"))
    assert [json.loads(place.read_text())["here"] for place in places] == [False, False]


@pytest.mark.fault
@pytest.mark.parametrize("node", ["here", "elsewhere"])
def test_the_same_command_goes_on_after_its_driver_was_killed(
    node: str, shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    go = tmp_path_factory.mktemp("outside") / "go"  # what is in the project is another file elsewhere
    words = [
        *_search("--on", "ray", "--ray-resources", f"{node}=1", "--parallel-runs", "2", way="random"),
        str(go),
    ]
    driver = subprocess.Popen(shop.words(*words), cwd=shop.root, env=shop.environment)
    try:
        until(
            lambda: len(list(shop.root.glob(".luthier/trials/1/*/attempt-1/stderr.log"))) == 2, "two run", 150
        )
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    go.touch()
    shop.run(*words)
    trials = shop.trials()
    assert [trial["outcome"] for trial in trials] == ["succeeded"] * 5
    # Those that ran were taken over, none ran twice.
    assert len(list(shop.root.glob(".luthier/trials/1/*/attempt-*"))) == 5


def test_the_words_of_the_page_connect_from_a_trial(shop: Shop) -> None:
    (shop.root / "train.py").write_text(PAGE)
    words = [
        "--on",
        "ray",
        "--ray-resources",
        "here=1",
        "--metric",
        "loss",
        "--param",
        "rate=1,2",
        "--quiet",
        "--num-runs",
        "1",
    ]
    # Now and then Ray's head fails to start a client's server; Luthier's own connection is tried again by itself.
    shop.run(
        "grid", *words, "--retry-failed", "2", "--from-env", "--", sys.executable, "-W", "ignore", "train.py"
    )
    assert [trial["value"] for trial in shop.trials()][:1] == [16]
