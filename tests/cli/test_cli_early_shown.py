"""What is said of trials that end early: decisions and stages of a trial, the pre-flight, the example that resumes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import test_cli_json as fields

EXAMPLES = Path(__file__).parents[2] / "examples"
EPOCHS = """
import os, sys
x, epochs = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
for epoch in range(1, epochs + 1):
    print(f"loss: {x + 1 / epoch} step={epoch}", flush=True)
"""
SLOWLY = EPOCHS + "    import time; time.sleep(0.02)\n"


@pytest.fixture
def project(tmp_path: Path, run):
    (tmp_path / "train.py").write_text(EPOCHS)
    (tmp_path / "slowly.py").write_text(SLOWLY)
    return run


def search(run, *words: str, program: str = "train.py :x:", x: str = "1,2,3,4,5,6") -> None:
    what = ["-q", "-r", "1", "--param", f"x={x}", "--metric", "loss", "--minimize", "--no-check"]
    said = run("grid", *what, *words, "--", sys.executable, *program.split())
    assert said.code == 0, said.err


def test_show_and_explain_tell_what_the_rules_made_of_a_trial(project) -> None:
    search(project, "--early-stopping", "asha", program="slowly.py :x:")
    trials = json.loads(project("show", "1", "--json").out)["trials"]
    stopped = next(trial for trial in trials if trial["outcome"] == "stopped")
    for command, schema in (("show", "trial"), ("explain", "explain-trial")):
        document = json.loads(project(command, stopped["id"], "--json").out)
        assert not fields.undocumented(document, schema)
        made = document["decisions"]
        assert [each["stops"] for each in made] == [False] * (len(made) - 1) + [True]
        assert made[-1]["rule"] == "asha" and made[-1]["reason"] == stopped["reason"]
        assert made[-1]["resource"] in (1.0, 4.0, 16.0)
        said = project(command, stopped["id"]).out.splitlines()
        (head,) = [n for n, line in enumerate(said) if line.split() == ["RULE", "AT", "DECISION", "WHY"]]
        rows = [line.split(maxsplit=2) for line in said[head + 1 : head + 1 + len(made)]]
        assert rows[-1][0] == "asha" and rows[-1][2].startswith("stop ")
        assert rows[-1][2].endswith(stopped["reason"])
    assert "decisions" not in json.loads(project("explain", "1", "--json").out)


def test_a_trial_that_nobody_judged_shows_no_decisions(project) -> None:
    search(project, x="1,2")
    assert "DECISION" not in project("show", "1.1").out
    assert json.loads(project("show", "1.1", "--json").out)["decisions"] == []


def test_each_attempt_tells_its_stage_and_its_value(project) -> None:
    search(project, "--budget", "epochs=1:9", program="train.py :x: :epochs:")
    document = json.loads(project("show", "1.1", "--json").out)
    assert [(a["stage"], a["value"]) for a in document["attempts"]] == [
        ("epochs=1", 2.0),
        ("epochs=3", 1 + 1 / 3),
        ("epochs=9", 1 + 1 / 9),
    ]
    said = project("show", "1.1").out
    assert "epochs=3, 1.33333  succeeded" in said
    assert f"Run it: {sys.executable} train.py 1 9" in project("best", "1").out  # the largest budget


def test_the_line_of_folds_says_that_there_are_several(project, tmp_path: Path) -> None:
    (tmp_path / "fold.py").write_text(
        "import os, sys; print('loss:', int(sys.argv[1]) + int(os.environ['LUTHIER_FOLD']))\n"
    )
    search(project, "--folds", "3", program="fold.py :x:", x="1,2")
    said = project("best", "1").out
    assert f"Run it: LUTHIER_FOLD=2 {sys.executable} fold.py 1\n" in said
    assert "It is run once for each of 3 folds, from 0 to 2; this is the last.\n" in said
    assert json.loads(project("best", "1", "--json").out)["folds"] == 3


def checked(run, *words: str, program: str) -> str:
    what = ["--num-runs", "9", "-r", "1", "--param", "x=1:2", "--metric", "loss", "--minimize"]
    said = run("check", *what, *words, "--", sys.executable, *program.split())
    assert said.code == 0, said.err
    assert "warning" not in said.out  # of a rung or a fold, each attempt is like the others
    return str(said.out)


def test_the_preflight_says_what_early_stopping_can_do(project, tmp_path: Path) -> None:
    said = checked(project, program="train.py :x:")
    assert "stopping  possible: loss came at 20 steps" in said
    (tmp_path / "once.py").write_text("import sys; print('loss:', sys.argv[1])")
    assert "stopping  not possible: loss came once" in checked(project, program="once.py :x:")


def test_the_preflight_bills_the_first_stage_and_the_whole_schedule(project) -> None:
    said = checked(project, "--budget", "epochs=1:9", program="train.py :x: :epochs:")
    assert "epochs=1 alone about" in said and "(epochs 1, 3, 9 for 9, 3, 1 trials)" in said
    assert "between the rungs of epochs: the best 1 in 3 go on" in said
    said = checked(project, "--folds", "4", program="train.py :x: 1")
    assert "fold 0 alone about" in said and "all 4 folds about" in said
    words = ["--num-runs", "9", "-r", "1", "--param", "x=1:2", "--metric", "loss", "--minimize", "--json"]
    program = [sys.executable, "train.py", ":x:", ":epochs:"]
    found = json.loads(project("check", *words, "--budget", "epochs=1:9", "--", *program).out)
    assert {"steps", "first_stage_seconds"} <= fields.documented("check") & set(found)
    one = found["seconds"]
    assert found["first_stage_seconds"] == pytest.approx(9 * one)
    assert found["search_seconds"] == pytest.approx(9 * one + 3 * 3 * one + 9 * one)


def test_the_example_resumes_from_its_checkpoint(tmp_path: Path, run) -> None:
    program = EXAMPLES / "resume" / "train.py"
    words = ["-q", "-n", "4", "-r", "2", "--metric", "accuracy", "--budget", "epochs=1:4:2", "--no-check"]
    space = ["--param", "alpha=1e-6:1e-3:log", "--param", "eta0=1e-3:0.1:log"]
    line = [sys.executable, str(program), "--alpha", ":alpha:", "--eta0", ":eta0:", "--epochs", ":epochs:"]
    said = run("tune", *words, *space, "--", *line)
    assert said.code == 0, said.err
    best = json.loads(run("best", "1", "--json").out)["trials"][0]
    folder = tmp_path / ".luthier" / "trials" / "1" / str(best["number"])
    begun = [(folder / f"attempt-{k}" / "stdout.log").read_text().splitlines()[0] for k in (1, 2, 3)]
    assert begun == [f"begins after epoch {n}" for n in (0, 1, 2)]
    points = json.loads(run("metrics", best["id"], "accuracy", "--json").out)
    assert [point["step"] for point in points["points"]] == [3, 4]  # no epoch was trained twice
    assert best["value"] > 0.85
