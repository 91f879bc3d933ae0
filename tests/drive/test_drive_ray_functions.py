"""Python functions on Ray: what they can do here they can do there, and it is told in the same words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.errors import UsageError

if find_spec("ray") is None:
    pytest.skip("needs Ray", allow_module_level=True)

from rays import place_of_all, seat_above, shared_ray, until

from luthier.run.ray_where import connect

pytestmark = [pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="session")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with shared_ray(place_of_all(tmp_path_factory.getbasetemp())) as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the search is started in."""
    place = tmp_path / "project"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture(scope="module")
def connected(ray: dict[str, Any]) -> Iterator[Any]:
    """The library, with a connection of the program's own: searches use that, for it takes Ray seconds to make one."""
    cluster = connect(ray["address"])
    yield cluster.ray
    cluster.close()


def on(node: str) -> dict[str, Any]:
    """The options for workers on the node of a name."""
    return {"on": "ray", "ray_resources": {node: 0.5}, "progress": False}


def told(experiment: luthier.Experiment) -> list[tuple[Any, ...]]:
    """All that does not depend on where and when trials ran."""
    return [
        (trial.values, trial.outcome, trial.value, trial.reason, trial.metrics) for trial in experiment.trials
    ]


def test_one_after_the_other_ray_gives_the_trials_decisions_and_words_of_this_machine(
    connected: Any, project: Path, tmp_path: Path
) -> None:
    (project / "beside.py").write_text("TARGET = 0.3\n")
    best = [0.7]

    def train(rate: float, width: int) -> dict[str, float]:
        from beside import TARGET  # of the project: elsewhere it is in the copy of it

        kept = luthier.checkpoint_dir() / "state"
        kept.write_text("kept")
        print("at", rate)
        if width == 3:
            raise ValueError(f"no width {width}")
        if width == 4:
            print("last words", flush=True)
            os._exit(3)
        if width == 5:
            time.sleep(60)
        for step in range(9):
            luthier.report(step=step, loss=abs(rate - TARGET) + best[0] / (step + 1))
        return {"loss": abs(rate - TARGET), "size": width}

    space = {"rate": luthier.uniform(0, 1), "width": luthier.integers(1, 5)}
    sys.path.insert(0, str(project))
    try:
        options: dict[str, Any] = {"trials": 8, "seed": 26, "workers": 1, "timeout": 1.0}
        options |= {"algorithm": "random", "early_stopping": "asha:min_resource=1,eta=2", "new": True}
        local = luthier.minimize(train, space, store=tmp_path / "local", progress=False, **options)
        for node in ("here", "elsewhere"):
            far = luthier.minimize(train, space, store=tmp_path / node, **options, **on(node))
            assert told(far) == told(local)
            _kept_its_files(far, tmp_path / node)
    finally:
        sys.path.remove(str(project))
    outcomes = {trial.outcome for trial in far.trials}
    assert outcomes == {"succeeded", "stopped", "failed", "timed out"}
    assert any("ValueError: no width 3 (test_drive_ray_functions.py" in trial.reason for trial in far.trials)
    assert not list(project.glob("**/state"))


def _kept_its_files(far: luthier.Experiment, store: Path) -> None:
    """Checkpoints and outputs of calls, wherever they ran, are where they are looked for."""
    for trial in far.trials:
        folder = store / "trials" / str(far.id) / str(trial.number)
        assert (folder / "checkpoint" / "state").read_text() == "kept"
        said = (folder / "attempt-1" / "stdout.log").read_text()
        assert said.startswith(f"at {trial.params['rate']}")
        assert ("last words" in said) == (trial.params["width"] == 4)


@pytest.mark.fault
def test_a_call_that_loses_its_place_runs_again_and_the_others_go_on(
    connected: Any, project: Path, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    def unlucky(x: int) -> int:
        with open(marks / str(x), "a") as file:
            file.write("x")
        if x == 3 and (marks / "3").read_text() == "x":
            os.kill(seat_above(os.getpid()), signal.SIGKILL)
            time.sleep(60)
        return x

    done = luthier.maximize(
        unlucky,
        {"x": luthier.integers(1, 8)},
        algorithm="grid",
        workers=2,
        store=tmp_path / "store",
        **on("here"),
    )
    assert [trial.outcome for trial in done.trials] == ["succeeded"] * 8
    assert (marks / "3").read_text() == "xx"
    assert done.best.value == 8


PROGRAM = """
import luthier, os, sys, time
def wait(x):
    with open(sys.argv[2] + "/" + str(x), "a") as file:
        file.write(str(os.getpid()) + "\\n")
    while not os.path.exists(sys.argv[2] + "/go"):
        time.sleep(0.05)
    return x
if __name__ == "__main__":
    found = luthier.minimize(wait, {"x": luthier.integers(1, 3)}, algorithm="grid", workers=2, progress=False,
        store="store", on="ray", ray_address=sys.argv[1], ray_resources={"elsewhere": 0.5})
    print(len(found), found.best.value)
"""


@pytest.mark.fault
def test_calls_end_with_their_driver_and_the_same_program_goes_on(
    ray: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    (project / "search.py").write_text(PROGRAM)
    words = [sys.executable, "-W", "ignore", "search.py", ray["address"], str(marks)]
    # How long Ray waits for a client that is gone, before it ends what was that client's.
    driver = subprocess.Popen(words, env={**os.environ, "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "1"})
    try:
        until(lambda: len(list(marks.iterdir())) == 2, "two calls run", 150)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    began = [int(mark.read_text()) for mark in marks.iterdir()]
    until(lambda: not any(map(_lives, began)), "the calls have ended", 60)
    (marks / "go").touch()
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["3", "1.0"]


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_module_that_the_nodes_lack_is_named_with_what_to_do(
    connected: Any, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "only_here.py").write_text("def f(x):\n    return x\n")
    monkeypatch.syspath_prepend(library)
    import only_here

    with pytest.raises(
        UsageError, match=r"on the node \S+ .*No module named 'only_here'.*installed on every"
    ):
        luthier.minimize(only_here.f, {"x": [1, 2]}, 2, workers=1, **on("elsewhere"))


def test_a_program_that_is_connected_is_offered_no_other_ray(connected: Any, project: Path) -> None:
    with pytest.raises(UsageError, match=r"connected to a Ray already; leave ray://h:1 out"):
        luthier.minimize(lambda x: x, {"x": [1, 2]}, 2, ray_address="ray://h:1", **on("here"))
    assert connected.is_initialized()  # it is the program's own


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"on": "mars"}, "on='mars' is none of 'local', 'ray'"),
        ({"ray_address": "ray://h:1"}, "ray_address= goes with on='ray'"),
        ({"on": "ray", "workers": 0}, "on='ray' takes workers"),
        ({"on": "ray", "ray_resources": {"tpu": 0}}, "give names with numbers above 0"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_begun(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        luthier.minimize(lambda x: x, {"x": [1, 2]}, 2, **options)
