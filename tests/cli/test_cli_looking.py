"""`best --test`: the locked test set is scored once, with the chosen configuration, and every look is kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import test_cli_json as fields

from luthier.drive.alive import Alive
from luthier.store import open_store
from luthier.view.looks import Look, look_sentences

EXAMPLES = Path(__file__).parents[2] / "examples"
TRAIN = """
import os, sys
x = float(sys.argv[1])
open(os.path.join(os.environ["LUTHIER_CHECKPOINT_DIR"], "model"), "w").write(f"model of {x}")
print("score:", 1 - (x - 0.3) ** 2)
"""
SCORE = """
import json, os, sys
env = {k: v for k, v in os.environ.items() if k.startswith("LUTHIER_")}
env["model"] = open(os.path.join(env["LUTHIER_CHECKPOINT_DIR"], "model")).read()
env["argv"] = sys.argv[1:]
env["params"] = json.load(open(env["LUTHIER_PARAMS_FILE"]))
json.dump(env, open("seen.json", "w"))
print("score: 0.75")
print("recall: 0.5")
"""


@pytest.fixture
def searched(tmp_path: Path, run):
    """A finished search over x, of which 0.3 is best (trial 1.3), in the test's own folder."""
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "score.py").write_text(SCORE)
    words = ["-q", "-r", "2", "--param", "x=0.1,0.2,0.3,0.4", "--metric", "score", "--no-check"]
    said = run("grid", *words, "--", sys.executable, "train.py", ":x:")
    assert said.code == 0, said.err
    return run


def scoring(*words: str) -> str:
    return " ".join([sys.executable, "score.py", *words])


def test_it_is_run_with_the_values_and_the_model_of_the_best_trial(searched, tmp_path: Path) -> None:
    said = searched("best", "1", "--test", scoring("--x", ":x:"))
    assert said.code == 0, said.err
    assert [line.split() for line in said.out.splitlines()] == [
        ["METRIC", "TEST", "SEARCH"],
        ["score", "0.75", "1"],
        ["recall", "0.5", "-"],
    ]
    assert "Scoring the test set with trial 1.3:" in said.err and "looked at once" in said.err
    seen = json.loads((tmp_path / "seen.json").read_text())
    trial = tmp_path / ".luthier" / "trials" / "1" / "3"
    assert (seen["argv"], seen["params"], seen["model"]) == (["--x", "0.3"], {"x": 0.3}, "model of 0.3")
    assert (seen["LUTHIER_PARAM_X"], seen["LUTHIER_TRIAL"]) == ("0.3", "1.3")
    assert seen["LUTHIER_SEED"] == str(json.loads(searched("show", "1.3", "--json").out)["trial"]["seed"])
    assert seen["LUTHIER_CHECKPOINT_DIR"] == str(trial / "checkpoint")
    assert seen["LUTHIER_OUTPUT_DIR"] == str(trial / "attempt-1" / "outputs")
    assert seen["LUTHIER_RUN_DIR"] == str(trial / "test-1")
    assert "LUTHIER_FOLD" not in seen and (trial / "test-1" / "stdout.log").exists()


def test_it_finds_the_variables_that_its_trials_found(run, tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(
        "algorithm: grid\nparameters: {x: {values: [1, 2]}}\nobjective: maximize score\nenvironment: {DEPTH: 'd{{x}}'}\n"
        "files: {who.txt: 'x is {{x}}'}\n"
        "command: sh -c 'echo kept >> $LUTHIER_OUTPUT_DIR/who.txt; echo score={{x}}'\n"
    )
    said = run("run", "job.yaml", "-q", "--no-check")
    assert said.code == 0, said.err
    # What the trial made of its files is left as it is.
    scored = run(
        "best",
        "1",
        "--test",
        'test "$DEPTH $(cat $LUTHIER_OUTPUT_DIR/who.txt)" = "d2 x is 2kept" && echo score=7',
    )
    assert scored.code == 0 and scored.out.split()[-2:] == ["7", "2"], scored.err


def test_best_and_show_say_that_it_was_looked_at(searched) -> None:
    assert "Test:" not in searched("best", "1").out + searched("show", "1").err
    searched("best", "1", "--test", scoring())
    best, shown = searched("best", "1"), searched("show", "1")
    (line,) = [line for line in best.out.splitlines() if line.startswith("Test:")]
    assert line.startswith("Test: score 0.75 (looked at 20") and line.endswith(", trial 1.3)")
    assert line in shown.err.splitlines()
    for schema, words in (("best", ("best", "1")), ("show", ("show", "1"))):
        document = json.loads(searched(*words, "--json").out)
        assert not fields.undocumented(document, schema)
        (look,) = document["looks"]
        assert (look["id"], look["value"], look["metrics"]) == ("1.3", 0.75, {"score": 0.75, "recall": 0.5})
        assert look["counts"] and look["command"] == scoring()


def test_a_second_look_is_refused_and_nothing_is_run(searched, tmp_path: Path) -> None:
    searched("best", "1", "--test", scoring())
    (tmp_path / "seen.json").unlink()
    for words in (("best", "1"), ("best", "1.2")):  # another trial is another look at the same test set
        said = searched(*words, "--test", scoring())
        assert said.code == 2 and not said.out and not (tmp_path / "seen.json").exists()
        assert "has been looked at once (20" in said.err and "add --again" in said.err
    again = searched("best", "1.2", "--test", scoring(), "--again", "--json")
    assert again.code == 0 and "warning: the test set of experiment 1 has been looked at once" in again.err
    document = json.loads(again.out)
    assert not fields.undocumented(document, "test")
    assert (document["looks"], document["look"]["id"], document["validation"]) == (2, "1.2", 1 - 0.1**2)
    third = searched("best", "1", "--test", scoring())
    assert third.code == 2 and "looked at twice (last 20" in third.err
    said = searched("best", "1").out
    assert "trial 1.3; look 1 of 2)" in said and "trial 1.2; look 2 of 2)" in said


def test_a_command_that_measures_nothing_is_kept_but_is_no_look(searched, tmp_path: Path) -> None:
    for command, why in (
        ("echo oh no >&2; exit 3", "it exited with code 3: oh no"),
        ("echo nothing", "it ended well, but reported no metric"),
    ):
        said = searched("best", "1", "--test", command)
        assert said.code == 1 and not said.out
        assert why in said.err and "does not count as a look" in said.err
    assert "Test:" not in searched("best", "1").out
    looks = json.loads(searched("best", "1", "--json").out)["looks"]
    assert [(look["outcome"], look["counts"]) for look in looks] == [("failed", False)] * 2
    assert searched("best", "1", "--test", scoring()).code == 0


def test_what_was_seen_before_it_failed_counts(searched) -> None:
    said = searched("best", "1", "--test", "echo score: 0.5; exit 1")
    assert said.code == 1 and "0.5" in said.out and "now been looked at once" in said.err
    assert searched("best", "1", "--test", scoring()).code == 2


def test_what_cannot_be_scored_is_said_before_anything_is_run(searched, run) -> None:
    for words, why in (
        (("best", "1", "--test", "echo {{y}}"), "no parameter 'y'"),
        (("best", "1", "--test", " "), "the command is empty"),
        (("best", "1", "--again"), "--again goes with --test"),
        (("best", "1", "--test", "x", "--top", "2"), "leave --top and --confirm out"),
    ):
        said = searched(*words)
        assert said.code == 2 and why in said.err
    assert searched("best", "1.9", "--test", "x").code == 4
    run(
        "grid", "-q", "--param", "x=1,2", "--metric", "score", "--no-check", "--", "sh", "-c", "exit 1", ":x:"
    )
    said = run("best", "2", "--test", scoring())
    assert said.code == 4 and "no trial of experiment 2 succeeded" in said.err
    said = run("best", "2.1", "--test", scoring())
    assert said.code == 2 and "2.1 has not succeeded (failed)" in said.err
    assert json.loads(searched("best", "1", "--json").out)["looks"] == []


def test_several_objectives_want_a_trial_to_be_named(tmp_path: Path, run) -> None:
    program = "x=$0; echo score: $x; echo cost: $x"
    words = ["-q", "--param", "x=1,2", "--metric", "score", "--also", "minimize:cost", "--no-check"]
    assert run("grid", *words, "--", "sh", "-c", program, ":x:").code == 0
    said = run("best", "1", "--test", "echo score: 3")
    assert said.code == 2 and "luthier best 1.N --test" in said.err
    assert run("best", "1.2", "--test", "echo score: 3; echo cost: :x:").code == 0
    assert "Test: score 3 (looked at" in run("best", "1").out


def test_nobody_looks_while_the_search_goes_on(searched, tmp_path: Path) -> None:
    hold = Alive(tmp_path / ".luthier").drive(1)
    said = searched("best", "1", "--test", scoring())
    assert said.code == 2 and "is being driven, so what it will choose is not settled" in said.err
    assert not (tmp_path / "seen.json").exists()
    hold.release()
    assert searched("best", "1", "--test", scoring()).code == 0


def test_limits_hold_and_ctrl_c_ends_it_with_what_it_had_shown(searched, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "said")
    line = [sys.executable, "-m", "luthier", "best", "1", "--test"]
    script = "echo score: 0.5; echo here > said; sleep 600"
    with subprocess.Popen([*line, script], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as luthier:
        with open(tmp_path / "said") as said:
            assert said.readline() == "here\n"
        luthier.send_signal(signal.SIGINT)
        _, errors = luthier.communicate()
    assert luthier.returncode == 130 and "interrupted by Ctrl-C" in errors
    (look,) = json.loads(searched("best", "1", "--json").out)["looks"]
    assert (look["outcome"], look["value"], look["counts"]) == ("interrupted", 0.5, True)


def test_check_70_an_svm_with_folds_from_data_to_one_score_of_the_test_set(tmp_path: Path, run) -> None:
    for file in (EXAMPLES / "folds").iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    words = ["-q", "-n", "4", "-r", "2", "--folds", "5", "--metric", "accuracy", "--seed", "3"]
    space = ["--param", "C=0.1:100:log", "--param", "gamma=1e-5:0.1:log"]
    program = [sys.executable, "train.py", "--C", ":C:", "--gamma", ":gamma:", "--fold", ":fold:"]
    said = run("tune", *words, *space, "--no-check", "--", *program)
    assert said.code == 0, said.err
    best = run("best", "1")
    assert "It is run once for each of 5 folds, from 0 to 4; this is the last." in best.out
    document = json.loads(run("best", "1", "--json").out)
    validation = document["trials"][0]["value"]
    assert document["folds"] == 5 and 0.97 < validation < 1.0
    attempts = json.loads(run("show", document["trials"][0]["id"], "--json").out)["attempts"]
    assert [attempt["stage"] for attempt in attempts] == [f"fold {fold}" for fold in range(5)]
    tested = run("best", "1", "--test", f"{sys.executable} score.py --C :C: --gamma :gamma:", "--json")
    assert tested.code == 0, tested.err
    scored = json.loads(tested.out)
    assert 0.96 < scored["look"]["value"] <= 1.0 and scored["look"]["value"] != validation
    assert run("best", "1", "--test", f"{sys.executable} score.py --C :C: --gamma :gamma:").code == 2


def test_many_looks_are_told_in_few_lines(place: Path) -> None:
    store = open_store(place)
    record = store.experiment(1)
    store.close()
    one = Look(2, 1_700_000_000.0, "x", "succeeded", "", 1.0, None, {"a": 0.25, "b": 1.0}, "/f")
    lines = look_sentences(record, (one,) * 9)
    assert lines[0] == "a 0.25, b 1 (looked at 2023-11-14, trial 1.2; look 1 of 9)"
    assert [len(lines), lines[3]] == [5, "… and 5 more looks"] and "look 9 of 9" in lines[4]
