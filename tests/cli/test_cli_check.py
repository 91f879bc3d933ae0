"""`luthier check` on real programs: what it finds, what it costs, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import random, sys
rate, layers = float(sys.argv[1]), int(sys.argv[2])
print(f"loss: {(rate - 0.3) ** 2 + 0 * layers}")
if len(sys.argv) > 3:
    print(f"noise: {random.random()}")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


def checked(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs `luthier check` over a rate and layers that change nothing."""
    space = [
        "--param",
        "rate=0:1",
        "--param",
        "layers=1,2,3",
        "--num-runs",
        "40",
        "--metric",
        "loss",
        "--minimize",
    ]
    line = [sys.executable, "-m", "luthier", "check", *words, *space, "--", sys.executable, "train.py"]
    return subprocess.run(
        [*line, ":rate:", ":layers:"], cwd=project, capture_output=True, text=True, check=False
    )


def test_it_tells_the_metric_its_source_the_bill_and_what_is_not_wired(project: Path) -> None:
    done = checked(project)
    assert done.returncode == 0, done.stderr
    assert re.search(r"metric +loss = [0-9.e-]+, from stdout", done.stdout)
    assert "the bill  40 trials" in done.stdout
    assert "layers seems to change nothing" in done.stdout and "rate seems" not in done.stdout
    assert "the same configuration and seed gave the same metrics" in done.stdout
    assert not (project / ".luthier").exists()  # nothing of it counts


def test_its_json_is_documented_and_names_unsteady_metrics(project: Path) -> None:
    with open(project / "train.py", "a") as file:
        file.write("print(f'noise: {random.random()}')\n")
    done = checked(project, "--json")
    found = json.loads(done.stdout)
    assert found["schema"] == "luthier.check/1" and found["wiring_checked"]
    assert found["unwired"] == [] and found["unsteady"] == ["noise"]
    assert found["metrics"]["loss"]["source"] == "stdout" and found["search_trials"] == 40
    documented = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    section = documented.split("## luthier.check/1")[1].split("\n## ")[0]
    for field in set(found) - {"schema", "metrics"}:
        assert f"`{field}`" in section, field


def test_a_program_that_goes_on_from_its_checkpoint_is_not_called_unsteady(project: Path) -> None:
    (project / "train.py").write_text(
        "import os, pathlib, sys\n"
        "left = pathlib.Path(os.environ['LUTHIER_CHECKPOINT_DIR'], 'step')\n"
        "for step in range(int(left.read_text()) if left.exists() else 0, 3):\n"
        "    print(f'loss={float(sys.argv[1]) + 1 / (step + 1)} step={step}')\n"
        "    left.write_text(str(step + 1))\n"
    )
    done = checked(project, "--json")
    found = json.loads(done.stdout)
    assert found["wiring_checked"] and found["unsteady"] == [] and found["unwired"] == ["layers"]


def test_a_program_that_fails_is_shown_and_leaves_with_one(project: Path) -> None:
    (project / "train.py").write_text("raise SystemExit('no such data: x.csv')")
    done = checked(project)
    assert done.returncode == 1
    assert "failed: it exited with code 1: no such data: x.csv" in done.stdout
    assert "wiring" not in done.stdout


def test_it_says_what_will_end_trials_early(project: Path) -> None:
    (project / "train.py").write_text("for step in range(3): print(f'loss={step} step={step}')\n")
    said = "possible: loss came at 3 steps, so poor trials can be ended early"
    assert f"{said} (asha will judge them)" in checked(project, "--early-stopping", "asha").stdout
    alone = checked(project, "--stop-condition", "loss > 5").stdout
    assert f"{said}: here by your conditions alone" in alone and "none" not in alone


def test_a_slow_program_is_run_once_unless_patience_is_given(project: Path) -> None:
    done = checked(project, "--patience", "0.000001s")
    assert done.returncode == 0
    assert "not looked at" in done.stdout


def test_ctrl_c_ends_it_and_its_trial(project: Path) -> None:
    (project / "train.py").write_text(
        "import os, time\nopen('pid.new', 'w').write(str(os.getpid()))\nos.rename('pid.new', 'pid')\n"
        "print('here', flush=True)\ntime.sleep(600)\n"
    )
    os.mkfifo(project / "said")
    line = [sys.executable, "-m", "luthier", "check", "--param", "rate=0:1", "--metric", "loss", "--"]
    script = f"exec {sys.executable} train.py :rate: > said"
    with subprocess.Popen([*line, script], cwd=project, stderr=subprocess.PIPE, text=True) as luthier:
        with open(project / "said") as said:  # opens when the trial runs, ends when it is dead
            assert said.readline() == "here\n"
            luthier.send_signal(signal.SIGINT)
            assert said.read() == ""
        _, errors = luthier.communicate()
    assert luthier.returncode == 130 and "Stopping the check." in errors
    assert not Path("/proc", (project / "pid").read_text()).exists()
