"""Programs of hyperopt and Gradient that nobody changes: their imports, their worker's name, no MongoDB."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from luthier.compat.shims import PACKAGES, WORKER, offered
from luthier.store import open_store

OBJECTIVE = """
    import os, time
    from hyperopt import STATUS_OK

    def is_first():
        try:
            open("mark", "x").close()
        except FileExistsError:
            return False
        return True

    def objective(x):
        name = os.environ.get("WORKER_NAME")
        if name is None:                       # fmin helps out only once a worker has been killed
            while not os.path.exists("mark"):
                time.sleep(0.01)
        elif is_first():
            with open("begun", "w") as fifo:
                fifo.write(name)
            open("never").read()               # is killed here
        return {"loss": (x - 3) ** 2, "status": STATUS_OK, "attachments": {"at": b"x"}}
"""
TUNER = """
    from hyperopt import fmin, hp, tpe
    from hyperopt.mongoexp import MongoTrials
    from objective import objective

    trials = MongoTrials("mongo://localhost:1234/foo_db/jobs", exp_key="exp1")
    best = fmin(objective, hp.uniform("x", -5, 5), algo=tpe.suggest, max_evals=8, trials=trials, max_queue_len=4)
    print(len(trials), None in trials.losses(), sorted(best))
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a project's processes are given; the current folder is the project."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("objective.py", OBJECTIVE), ("tuner.py", TUNER)):
        (tmp_path / name).write_text(textwrap.dedent(text))
    return offered(tmp_path / "bin", {**os.environ, "LUTHIER_STORE": str(tmp_path / "runs")})


@pytest.mark.fault
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_36_an_unchanged_program_completes_with_one_of_two_workers_killed_in_a_trial(
    environment: dict[str, str], tmp_path: Path
) -> None:
    os.mkfifo("begun")
    os.mkfifo("never")
    words = [WORKER, "--mongo", "localhost:1234/foo_db", "--exp-key=exp1", "--poll-interval=0.05"]
    workers = {
        name: subprocess.Popen(words, env={**environment, "WORKER_NAME": name}, stderr=subprocess.DEVNULL)
        for name in ("one", "two")
    }
    tuner = subprocess.Popen([sys.executable, "tuner.py"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        with open("begun") as fifo:
            killed = fifo.read()
        workers[killed].kill()
        said, _ = tuner.communicate(timeout=60)
        other = "one" if killed == "two" else "two"
        assert said == "8 False ['x']\n"
        workers[other].terminate()
        assert workers[other].wait(30) == 0  # it had no trial: a normal end
        assert workers[killed].wait(30) == -9
    finally:
        for process in (tuner, *workers.values()):
            process.kill()
            process.wait()
    kept = open_store(tmp_path / "runs", read_only=True)
    [record] = kept.experiments()
    assert (record.description.name, record.finished, record.succeeded) == ("foo_db.exp1", 8, 8)
    assert sum(kept.lost(record.id, number) for number in range(1, 9)) == 1
    kept.close()


@pytest.mark.parametrize(
    "program",
    [
        "from hyperopt import fmin, hp, tpe, rand, anneal, Trials, STATUS_OK, STATUS_FAIL, space_eval",
        "from hyperopt.pyll import scope; from hyperopt.pyll.base import scope as same; assert scope is same",
        "import hyperopt.pyll.stochastic as s; s.sample(__import__('hyperopt').hp.uniform('x', 0, 1))",
        "import hyperopt.fmin, hyperopt.tpe, hyperopt; hyperopt.fmin(abs, hyperopt.hp.uniform('x', 0, 1), max_evals=1)",
        "from hyperopt.fmin import generate_trials_to_calculate; from hyperopt.early_stop import no_progress_loss",
        "from hyperopt.base import STATUS_OK, JOB_STATE_DONE, Domain; from hyperopt.pyll_utils import hp_uniform",
        "from hyperopt.mongoexp import MongoTrials; import luthier.compat.hyperopt.mongoexp as m; "
        "assert m.MongoTrials is MongoTrials",
        "import pickle, hyperopt; assert isinstance(pickle.loads(pickle.dumps(hyperopt.Trials())), hyperopt.Trials)",
        "from gradient_sdk import hyper_tune, get_tf_config, model_dir; from gradient_sdk.exceptions import ConfigError",
        "from gradient_utils import hyper_tune, MetricsLogger, data_dir; from gradient_utils.utils import export_dir",
        "from gradient_utils import metrics; from gradient_utils.metrics import init, add_metrics, MetricsLogger",
        "from gradient_utils.multi_node import get_tf_config; from gradient_utils.hyper_parameter import hyper_tune",
    ],
)
def test_what_programs_import_is_there(program: str, environment: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_our_names_come_first_and_what_was_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    made = offered(folder, {"PATH": "/usr/bin", "PYTHONPATH": "/lib/mine", "HOME": "/h"})
    assert made == {"PATH": f"{folder}:/usr/bin", "PYTHONPATH": f"{PACKAGES}:/lib/mine", "HOME": "/h"}
    assert offered(folder, made) == made
    bare = offered(folder, {})
    assert bare["PYTHONPATH"] == str(PACKAGES) and bare["PATH"].startswith(f"{folder}:/")
    assert shutil.which(WORKER, path=made["PATH"]) == str(folder / WORKER)
    said = subprocess.run([WORKER, "--help"], env={**os.environ, **made}, capture_output=True, text=True)
    assert said.stdout.startswith("usage: hyperopt-mongo-worker [-h] [--mongo MONGO]")


@pytest.mark.parametrize("name", ["hyperopt", "gradient_sdk", "gradient_utils"])
def test_a_python_without_luthier_is_told_what_to_install(name: str) -> None:
    words = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.append({str(PACKAGES)!r}); import {name}",
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"this program's {name} is Luthier's" in done.stderr and "-m pip install luthier" in done.stderr


def test_nothing_of_those_names_is_installed() -> None:
    """A real hyperopt's script and package stay what they are."""
    from importlib.metadata import entry_points

    ours = {
        point.name for point in entry_points(group="console_scripts") if point.value.startswith("luthier")
    }
    assert ours == {"luthier"}
    assert not (PACKAGES.parent / "packages" / "__init__.py").exists()
