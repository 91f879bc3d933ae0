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
SLOWLY = (
    EPOCHS.replace("else 20", 'else 20 if sys.argv[1] != "6" else 5000')
    + "    import time; time.sleep(0.02)\n"
)
"""The last of six would go on for longer than anything takes to judge it."""


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
        said_why = "the reason above" if command == "show" else stopped["reason"]
        assert rows[-1][2].endswith(said_why)
        assert "\n".join(said).count(stopped["reason"]) == 1
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


def test_folds_are_shown_fold_by_fold(project, tmp_path: Path) -> None:
    (tmp_path / "fold.py").write_text(
        "import sys; print('loss:', int(sys.argv[1]) + int(sys.argv[2]) ** 2)\n"
    )
    words = ["-r", "1", "--param", "x=1", "--metric", "loss", "--minimize", "--no-check", "--folds", "3"]
    said = project("grid", *words, "--", sys.executable, "fold.py", ":x:", ":fold:").err
    assert "loss 1 at fold 0  " in said and "loss 1.5, mean of 2 folds  " in said
    assert "loss 2.66667, mean of 3 folds  " in said
    shown = project("show", "1.1").out
    assert "fold 1, mean of 2 folds 1.5  succeeded" in shown and "fold 0, 1  succeeded" in shown
    (row,) = [line.split() for line in shown.splitlines() if line.startswith("loss")]
    assert row[:9] == ["loss", "3", "1", "1", "5", "2", "1", "5", "2.66667"]
    (row,) = [line.split() for line in project("metrics", "1").out.splitlines() if line.startswith("1.1")]
    assert row == ["1.1", "loss", "3", "5", "2", "1", "5", "2.66667"]
    points = json.loads(project("metrics", "1.1", "loss", "--json").out)["points"]
    assert [(p["fold"], p["value"]) for p in points] == [(0, 1), (1, 2), (2, 5)]
    assert "fold by fold" in project("metrics", "1.1", "--chart").out
    assert "FOLD" in project("show", "1", "--curves").out
    for words, schema in (
        (("show", "1.1"), "trial"),
        (("metrics", "1"), "metrics"),
        (("metrics", "1.1", "loss"), "points"),
    ):
        assert not fields.undocumented(json.loads(project(*words, "--json").out), schema)


def test_a_search_with_rungs_says_them_and_who_ends_at_one(project) -> None:
    words = [
        "-r",
        "1",
        "--param",
        "x=1,2,3",
        "--metric",
        "loss",
        "--minimize",
        "--no-check",
        "--budget",
        "epochs=1:9",
    ]
    said = project("grid", *words, "--", sys.executable, "train.py", ":x:", ":epochs:").err
    assert "Budget: epochs 1, 3, 9; of those that came to one, the best 1 in 3 go on" in said
    ended = [line for line in said.splitlines() if " stopped at epochs=1: " in line]
    assert [line.split()[0] for line in ended] == ["1.3", "1.2"] or len(ended) == 2
    assert "came to      epochs=1" in project("show", "1.3").out


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
    assert "epochs=1 alone about" in said and "(epochs 1, 3, 9 for at least 9, 3, 1 trials)" in said
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
    assert [p["step"] for p in points["points"]] == [1, 2, 3, 4]  # no epoch was trained twice
    assert [p["attempt"] for p in points["points"]] == [1, 2, 3, 3]
    assert best["value"] > 0.85


def test_folds_that_give_the_same_are_noticed_once_unless_the_command_names_them(
    tmp_path: Path, project
) -> None:
    (tmp_path / "same.py").write_text("import sys\nprint(f'loss: {sys.argv[1]}')\n")
    words = ["-q", "-r", "1", "--param", "x=1,2", "--metric", "loss", "--minimize", "--folds", "3"]
    command = [sys.executable, "same.py", ":x:"]
    alike = project("grid", *words, "--no-check", "--", *command)
    said = "fold 0 and fold 1 gave the same loss; does the command use :fold: or LUTHIER_FOLD?"
    assert alike.code == 0 and alike.err.count(said) == 1
    named = project("grid", *words, "--no-check", "--", *command, ":fold:")
    assert named.code == 0 and "gave the same" not in named.err


def test_quiet_says_only_failures_and_the_result(tmp_path: Path, project) -> None:
    words = ["tune", "-q", "-n", "4", "-r", "1", "--param", "x=0:1", "--metric", "loss", "--minimize"]
    said = project(*words, "--", sys.executable, "train.py", ":x:")
    assert [line.split(":")[0] for line in said.err.splitlines()] == ["Experiment 1", "All trials"]
    (tmp_path / "train.py").write_text("raise SystemExit('no data')")
    failed = project(*words, "--new", "--", sys.executable, "train.py", ":x:").err
    assert "failed: it exited with code 1: no data" in failed and "Chosen" not in failed


def test_why_a_search_ended_before_its_trials_were_used_up_is_told_later(project) -> None:
    words = [
        "-q",
        "-r",
        "1",
        "--param",
        "x=1,2,3,4",
        "--metric",
        "loss",
        "--minimize",
        "--target",
        "1.5",
        "--no-check",
    ]
    project("grid", *words, "--", sys.executable, "train.py", ":x:")
    why = "trial 1.1 reached 1.05, the target being 1.5"
    assert f"experiment 1 ended: {why}" in project("list").err
    assert f"ended: {why}, 1 of 4 finished" in project("show").err
    assert f"Ended: {why}" in project("best").out
    shown, best = json.loads(project("show", "--json").out), json.loads(project("best", "--json").out)
    assert shown["experiment"]["wish_reason"] == shown["ended_because"] == best["ended_because"] == why
    assert not fields.undocumented(shown, "show") and not fields.undocumented(best, "best")
    assert project("resume", "1", "-q").code == 0
    project(
        "grid",
        *[word for word in words if word not in ("--target", "1.5")],
        "--",
        sys.executable,
        "train.py",
        ":x:",
    )
    done = json.loads(project("show", "--json").out)
    assert done["experiment"]["wish_reason"] is None and done["ended_because"] is None


def test_help_knows_the_exit_codes_by_any_name(project) -> None:
    pages = {project("help", *words).out for words in (["codes"], ["exit-codes"], ["exit", "codes"])}
    (page,) = pages
    assert page.startswith("Exit codes:") and "(help codes)" in project("--help").out
    codes = {line.split()[0] for line in page.splitlines() if line[:5].strip().isdigit()}
    documented = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
    assert all(f"\n| {code} |" in documented for code in codes)
