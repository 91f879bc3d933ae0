"""The variables a program finds, whole, and the files in its folder."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from luthier.description import Limits
from luthier.run.command import CommandRunner
from luthier.run.environment import THREAD_CAPS, attempt_environment, base_environment, cpu_share
from luthier.run.folders import Folders
from luthier.run.platform import cores
from luthier.run.runner import Ended, Order
from luthier.trial import AttemptId


def test_the_environment_is_the_inherited_one_and_what_is_documented(tmp_path: Path) -> None:
    inherited = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "HOME": "/home/somebody",
        "SECRET": "s p a c e",
        "OMP_NUM_THREADS": "9",
        "LUTHIER_STORE": "kept",
        "LUTHIER_TRIAL": "of an outer Luthier",
        "LUTHIER_PARAM_OLD": "of an outer Luthier",
    }
    folder = Folders(tmp_path).attempt(144, 7, 2)
    texts = {"learning-rate": "1e-6", "depth": "007"}
    values = {"learning-rate": 1e-6, "depth": 7}
    code = "import json,os,sys; json.dump(dict(os.environ), sys.stdout)"
    argv = (sys.executable, "-S", "-c", code)
    folder.prepare(argv=argv, cwd=str(tmp_path), texts=texts, values=values, devices=("1", "3"))
    id = AttemptId(144, 7, 2)
    env = attempt_environment(id, "key", 907, 42, folder, texts=texts, values=values, devices=("1", "3"))
    runner = CommandRunner(tmp_path, base_environment(inherited, threads=2))
    try:
        runner.start(Order(id, "key", argv, env, str(tmp_path), folder.path, Limits()))
        while not any(isinstance(event, Ended) for event in runner.events(20)):
            pass
    finally:
        runner.close(leave_running=False)
    trial = f"{tmp_path}/trials/144/7"
    assert json.loads(Path(folder.stdout).read_text()) == {
        **{
            name: value
            for name, value in inherited.items()
            if not name.startswith(("LUTHIER_TRIAL", "LUTHIER_PARAM"))
        },
        **{name: "2" for name in THREAD_CAPS if name != "OMP_NUM_THREADS"},
        "PYTHONUNBUFFERED": "1",
        "CUDA_VISIBLE_DEVICES": "1,3",
        "LUTHIER_EXPERIMENT": "144",
        "LUTHIER_TRIAL": "144.7",
        "LUTHIER_ATTEMPT": "2",
        "LUTHIER_ATTEMPT_KEY": "key",
        "LUTHIER_RUN_ID": "907",
        "LUTHIER_SEED": "42",
        "LUTHIER_RUN_DIR": f"{trial}/attempt-2",
        "LUTHIER_OUTPUT_DIR": f"{trial}/attempt-2/outputs",
        "LUTHIER_METRICS": f"{trial}/attempt-2/metrics.jsonl",
        "LUTHIER_CHECKPOINT_DIR": f"{trial}/checkpoint",
        "LUTHIER_PARAMS_FILE": f"{trial}/configuration.json",
        "LUTHIER_PARAMS": '{"learning-rate": 1e-06, "depth": 7}',
        "LUTHIER_PARAM_LEARNING_RATE": "1e-6",
        "LUTHIER_PARAM_DEPTH": "007",
    }


def test_no_gpu_asked_for_leaves_the_variable_alone(tmp_path: Path) -> None:
    folder = Folders(tmp_path).attempt(1, 1, 1)
    env = attempt_environment(AttemptId(1, 1, 1), "k", 1, 1, folder, texts={}, values={}, devices=None)
    assert "CUDA_VISIBLE_DEVICES" not in env


def test_parameters_too_long_for_a_variable_are_in_the_file_only(tmp_path: Path) -> None:
    folder = Folders(tmp_path).attempt(1, 1, 1)
    values = {"x": "y" * 120_000}
    env = attempt_environment(AttemptId(1, 1, 1), "k", 1, 1, folder, texts={}, values=values)
    assert "LUTHIER_PARAMS" not in env
    folder.prepare(argv=("p",), cwd="/", texts={}, values=values)
    assert json.loads(Path(env["LUTHIER_PARAMS_FILE"]).read_text()) == values


def test_cores_are_shared_out() -> None:
    cores = len(os.sched_getaffinity(0))
    assert cpu_share(None, 1) == cores
    assert cpu_share(None, 10 * cores) == 1
    assert cpu_share(3, 10) == 3
    assert cpu_share(0.5, 1) == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pod/job/cpu.max": "max 100000", "pod/cpu.max": "250000 100000"}, 2),
        ({"pod/job/cpu.max": "50000 100000"}, 1),
        ({"pod/job/cpu.max": "max 100000"}, 64),
        ({"pod/job/cpu.max": "what is this"}, 64),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 64),
        ({}, 64),
    ],
)
def test_cores_are_no_more_than_a_control_group_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int
) -> None:
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="ascii")
    own = tmp_path / "own"
    own.write_text("9:cpu,cpuacct:/\n0::/pod/job\n", encoding="ascii")
    monkeypatch.setattr("luthier.run.platform.GROUPS", str(tmp_path))
    monkeypatch.setattr("luthier.run.platform.OWN_GROUP", str(own))
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)))
    assert cores() == expected


def test_a_trials_folder_is_laid_out_as_documented(bench: Any) -> None:
    bench.runner.start(bench.python("pass"))
    bench.ended()
    trial = bench.root / "trials/1/1"
    found = sorted(str(path.relative_to(trial)) for path in trial.rglob("*"))
    assert found == [
        *("attempt-1", "attempt-1/command.json", "attempt-1/guardian.json", "attempt-1/outcome.json"),
        *(
            "attempt-1/outputs",
            "attempt-1/stderr.log",
            "attempt-1/stdout.log",
            "checkpoint",
            "configuration.json",
        ),
    ]
    for private in ("configuration.json", "attempt-1/command.json"):
        assert stat.S_IMODE((trial / private).stat().st_mode) == 0o600


def test_the_checkpoint_folder_and_the_configuration_survive_attempts(tmp_path: Path) -> None:
    first, second = (Folders(tmp_path).attempt(1, 1, k) for k in (1, 2))
    first.prepare(argv=("p",), cwd="/", texts={"x": "1"}, values={"x": 1}, devices=("0",))
    (Path(first.checkpoint) / "epoch-3").touch()
    before = Path(first.configuration).stat().st_mtime_ns
    for _ in range(2):
        second.prepare(argv=("p",), cwd="/", texts={"x": "1"}, values={"x": 1})
    assert (Path(second.checkpoint) / "epoch-3").exists()
    assert Path(second.configuration).stat().st_mtime_ns == before
    assert (first.devices(), second.devices()) == (("0",), ())
