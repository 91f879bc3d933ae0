"""`--from FILE|ID`: the same space, searched in another way; the command line wins, and errors name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.store import open_store

PROGRAM = "import sys\nprint('loss:', float(sys.argv[1]) * int(sys.argv[2]))\n"
RISEML = """project: demo
train:
  concurrency: 2
  parameters:
    rate: [0.1, 0.01, 1e-3]
    layers: {range: {min: 1, max: 3, step: 1}}
  run: python train.py {{rate}} {{layers}}
"""
NATIVE = """name: mine
command: [python, train.py, "{{rate}}", "{{layers}}"]
parameters: {rate: {min: 0.001, max: 1, scaling: log}, layers: [1, 2]}
objective: minimize loss
algorithm: {name: bayesian, kappa: 3}
trials: 7
labels: {of: mine}
try: [{rate: 0.5, layers: 2}]
"""
PARAMS = '{"rate": [0.1, 0.01], "layers": [1, 2, 3]}'


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in {
        "train.py": PROGRAM, "riseml.yml": RISEML, "search.yaml": NATIVE, "params.json": PARAMS,
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def native(run: Any, *words: str) -> str:
    said = run(words[0], "--show-native", *words[1:])
    assert said.code == 0, said.err
    return str(said.out)


def test_a_riseml_file_is_searched_by_choice_and_runs(files: Path, run: Any) -> None:
    said = run(
        "tune",
        "--from",
        "riseml.yml",
        "--metric",
        "loss",
        "--minimize",
        "--num-runs",
        "3",
        "--no-check",
        "-q",
    )
    assert said.code == 0, said.err
    store = open_store(files / ".luthier", read_only=True)
    what = store.experiment(1).description
    assert what.algorithm.name == "auto" and str(what.objective) == "minimize loss"
    assert str(what.space) == "layers: 1 … 3 step 1 int\nrate: 0.1, 0.01, 1e-3" or what.space.count() == 9
    assert what.limits.parallel == 2 and what.environment is not None
    assert what.environment.variables["RATE"] == "{{rate}}" and "door" not in what.labels
    assert store.experiment(1).succeeded == 3
    store.close()
    again = run("tune", "--from", "riseml.yml", "--metric", "loss", "--minimize", "--num-runs", "3", "-q")
    assert again.code == 0 and len(json.loads(run("list", "--json").out)["experiments"]) == 1


def test_a_file_of_parameters_needs_a_command_and_a_metric(files: Path, run: Any) -> None:
    missing = run("tune", "--from", "params.json", "--metric", "loss")
    assert missing.code == 2 and "the command is missing: params.json has parameters alone" in missing.err
    command = ["--", "python", "train.py", ":rate:", ":layers:"]
    unmeasured = run("tune", "--from", "params.json", *command)
    assert unmeasured.code == 2 and "--metric is missing: params.json names none" in unmeasured.err
    made = native(
        run,
        "tune",
        "--from",
        "params.json",
        "--metric",
        "loss",
        "--num-runs",
        "4",
        *command[:1],
        *command[1:],
    )
    assert "rate: [0.1, 0.01]" in made and "algorithm: auto" in made and "trials: 4" in made
    unused = run("tune", "--from", "params.json", "--metric", "loss", "--", "python", "train.py", ":rate:")
    assert unused.code == 2 and "layers" in unused.err
    plan = run("grid", "--from", "params.json", "--dry-run", *command)
    assert plan.code == 0 and "6 combinations" in plan.err and plan.out.count("\n") == 7


def test_a_native_file_keeps_what_the_command_line_does_not_say(files: Path, run: Any) -> None:
    made = native(
        run, "tune", "--from", "search.yaml", "--num-runs", "9", "--param", "layers=4,5", "--try", "rate=1"
    )
    assert "algorithm: auto" in made and "trials: 9" in made and "layers: [4, 5]" in made
    assert "of: mine" in made and "rate: 1" in made and "kappa" not in made
    assert native(run, "tune", "--from", "search.yaml").count("rate: 0.5") == 1, "its own try"
    assert "algorithm: {name: bayesian, acquisition: ucb, kappa: 3}" in native(
        run, "bayesian", "--from", "search.yaml"
    )
    assert "algorithm: sobol" in native(run, "random", "--sequence", "sobol", "--from", "search.yaml")
    wrong = run("grid", "--from", "search.yaml", "--dry-run")
    assert wrong.code == 2 and wrong.err.startswith("luthier: search.yaml:3:") and "rate" in wrong.err


def test_an_experiment_is_searched_anew_and_its_results_are_used_when_asked(files: Path, run: Any) -> None:
    begun = run("grid", "--from", "params.json", "--metric", "loss", "--minimize", "--name", "first", "-q", "--",
                "python", "train.py", ":rate:", ":layers:")  # fmt: skip
    assert begun.code == 0, begun.err
    cold = run("tune", "--from", "1", "--num-runs", "5", "--dry-run")
    assert cold.code == 0 and "to begin from them add --warm-start 1" in cold.err
    warm = run("tune", "--from", "1", "--num-runs", "5", "--warm-start", "1", "--dry-run")
    assert "6 trials of experiment 1 meet this space" in warm.err and "to begin from them" not in warm.err
    made = native(run, "tune", "--from", "1", "--param", "rate=0.001:0.1:log", "--num-runs", "5")
    assert "minimize loss" in made and "scaling: log" in made and "first" not in made and "train.py" in made
    other = native(
        run, "tune", "--from", "1", "--num-runs", "5", "--", "python", "train.py", ":layers:", ":rate:"
    )
    assert '[python, train.py, ":layers:", ":rate:"]' in other
    random = run("random", "--from", "1", "--dry-run")
    assert random.code == 0 and "add --warm-start" not in random.err
    gone = run("tune", "--from", "9")
    assert gone.code == 4 or (gone.code and "there is no experiment 9" in gone.err)
    trial = run("tune", "--from", "1.2")
    assert trial.code == 2 and "give the experiment alone: 1" in trial.err


def test_files_that_can_not_be_searched(files: Path, run: Any) -> None:
    (files / "broken.yml").write_text("project: a\ntrain: {run: x, parametres: {a: [1]}}\n")
    (files / "list.yaml").write_text("- 1\n")
    (files / "single.yml").write_text("project: a\ntrain: {run: x}\n")
    for name, problem in {
        "broken.yml": "broken.yml:2:17: there is no 'parametres'",
        "list.yaml": "list.yaml:1:1: nothing here describes a search",
        "single.yml": "there are no parameters",
        "nothing.yml": "nothing.yml is not there",
        ".": ". is a folder",
    }.items():
        said = run("tune", "--from", name, "--metric", "loss")
        assert said.code == 2 and problem in said.err and "Traceback" not in said.err, said.err
    bare = run("tune")
    assert bare.code == 2 and "missing argument 'COMMAND...'" in bare.err


def test_a_sweep_of_wandb_is_searched_without_a_file_of_ours(files: Path, run: Any) -> None:
    (files / "sweep.yaml").write_text(
        "program: train.py\nmethod: random\nproject: p\nmetric: {name: loss}\nrun_cap: 5\n"
        "parameters: {rate: {min: 0.1, max: 1.0}, layers: {values: [1, 2]}}\n"
    )
    said = run("tune", "--from", "sweep.yaml", "--dry-run")
    assert said.code == 0 and "left out: project (sweep.yaml:3:1)" in said.err, said.err
    assert "python train.py --rate=0.55 --layers=" in said.err
