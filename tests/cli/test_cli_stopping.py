"""Early stopping as a person types it: programs that only print are stopped, in any language, and nothing of them is left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typed import luthier

TIGHT = ["--early-stopping", "asha:eta=2", "-r", "1", "--metric", "loss", "--minimize", "--no-check"]
BASH = """for e in $(seq 1 400); do echo "epoch $e loss: $1"; sleep 0.05; done"""
PYTHON = """
import sys, time
for epoch in range(1, 401):
    print(f"epoch {epoch} loss: {sys.argv[1]}", flush=True)
    time.sleep(0.05)
"""
C = r"""
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    for (int e = 1; e <= 400; e++) { printf("epoch %d loss: %s\n", e, argv[1]); fflush(stdout); usleep(50000); }
    return 0;
}
"""
FORKS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
for epoch in range(1, 4000):
    print(f"epoch {epoch} loss: {sys.argv[1]}", flush=True)
    time.sleep(0.05)
"""
ASKS = """
import pathlib, sys, time, luthier
for epoch in range(1, 401):
    print(f"epoch {epoch} loss: {sys.argv[1]}", flush=True)
    if luthier.should_stop():
        (luthier.output_dir() / "saved").write_text(str(epoch))
        sys.exit(0)
    time.sleep(0.05)
"""


def trials(folder: Path) -> list[dict[str, Any]]:
    """The trials of the newest experiment."""
    shown = luthier(folder, "show", "--sort", "number", "--json")
    assert shown.returncode == 0, shown.stderr
    rows: list[dict[str, Any]] = json.loads(shown.stdout)["trials"]
    return rows


def alive(mark: str) -> list[str]:
    """The processes whose command line has this word."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if mark in words:
                found.append(words)
    return found


@pytest.mark.parametrize("language", ["bash", "python", "c"])
def test_an_unchanged_program_that_prints_its_losses_is_stopped_early(tmp_path: Path, language: str) -> None:
    if language == "c":
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("there is no C compiler here")
        (tmp_path / "train.c").write_text(C)
        subprocess.run([compiler, "-o", "train", "train.c"], cwd=tmp_path, check=True)
        command = [str(tmp_path / "train")]
    elif language == "bash":
        (tmp_path / "train.sh").write_text(BASH)
        command = ["bash", str(tmp_path / "train.sh")]
    else:
        (tmp_path / "train.py").write_text(PYTHON)
        command = [sys.executable, str(tmp_path / "train.py")]
    words = ["--stop-condition", "loss > 2:2", "--metric", "loss", "--minimize", "--no-check", "-r", "2"]
    done = luthier(tmp_path, "grid", "--param", "x=3,4,5", *words, "--", *command, ":x:")
    assert done.returncode == 1, done.stderr  # none has succeeded
    rows = trials(tmp_path)
    assert [row["outcome"] for row in rows] == ["stopped"] * 3
    for row in rows:
        assert "the stop condition 'loss > 2:2' holds" in row["reason"]
        log = luthier(tmp_path, "logs", f"1.{row['number']}").stdout
        assert 2 <= log.count("epoch") < 100
    assert alive(str(tmp_path / "train")) == []


def test_poor_trials_are_stopped_by_their_rank_and_good_ones_end(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PYTHON.replace("401", "12"))
    command = [sys.executable, str(tmp_path / "train.py"), ":x:"]
    done = luthier(tmp_path, "grid", "--param", "x=1,2,3,4", *TIGHT, "--", *command)
    assert done.returncode == 0 and "Early stopping: successive halving" in done.stderr
    states = [row["outcome"] for row in trials(tmp_path)]
    assert states[0] == "succeeded" and states[1:] == ["stopped"] * 3
    assert "stopped: 4 at step 1 is rank" in done.stderr


def test_one_that_ignores_term_and_forks_is_gone_within_its_grace_and_two_seconds(tmp_path: Path) -> None:
    mark = str(tmp_path / "forks.py")
    Path(mark).write_text(FORKS)
    words = [
        "--stop-condition",
        "loss > 2:2",
        "--metric",
        "loss",
        "--minimize",
        "--no-check",
        "--grace",
        "1s",
    ]
    done = luthier(tmp_path, "grid", "--param", "x=3", *words, "--", sys.executable, mark, ":x:")
    assert done.returncode == 1, done.stderr
    assert [row["outcome"] for row in trials(tmp_path)] == ["stopped"]
    assert alive(mark) == []


def test_a_program_that_asks_may_save_before_it_ends(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(ASKS)
    words = ["--stop-condition", "loss > 2:2", "--metric", "loss", "--minimize", "--no-check"]
    command = [sys.executable, str(tmp_path / "asks.py"), ":x:"]
    luthier(tmp_path, "grid", "--param", "x=3", *words, "--", *command)
    (row,) = trials(tmp_path)
    assert row["outcome"] == "stopped" and "loss > 2:2" in row["reason"]
    (saved,) = (tmp_path / ".luthier").glob("trials/1/1/attempt-1/outputs/saved")
    assert int(saved.read_text()) >= 2


def test_check_53_a_condition_stops_at_the_first_index_from_three_on_above_five(tmp_path: Path) -> None:
    """Values above five before index 3 do not count, values of five or less after it do not either."""
    script = tmp_path / "train.py"
    script.write_text(
        "import sys, time\n"
        "values = {'a': [9, 9, 9, 4, 4, 6], 'b': [1, 1, 1, 1, 5, 5], 'c': [9, 9, 9, 5.5]}[sys.argv[1]]\n"
        "for index, value in enumerate(values):\n"
        "    print(f'step {index} val_loss: {value}', flush=True)\n"
        "time.sleep(30 if sys.argv[1] != 'b' else 0)\n"
    )
    words = ["--stop-condition", "val_loss > 5:3", "--metric", "val_loss", "--minimize", "--no-check"]
    luthier(tmp_path, "grid", "--param", "x=a,b,c", *words, "--", sys.executable, str(script), ":x:")
    rows = trials(tmp_path)
    assert [row["outcome"] for row in rows] == ["stopped", "succeeded", "stopped"]
    assert "val_loss is 6 at step 5" in rows[0]["reason"] and "5.5 at step 3" in rows[2]["reason"]
    six = [part for n in range(6) for part in ("--stop-condition", f"val_loss > {n}")]
    refused = luthier(tmp_path, "grid", "--param", "x=a", *six, "--", "echo", ":x:")
    assert refused.returncode == 2 and "Maximum of 5 stop_condition arguments allowed" in refused.stderr
    both = ["--stop-condition", "a > 5 && b < 1"]
    (tmp_path / "two.py").write_text(
        "import time\nprint('a: 9 b: 2')\nprint('a: 9 b: 0', flush=True)\ntime.sleep(30)\n"
    )
    done = luthier(tmp_path, "grid", "--param", "x=1", "--from-env", *both, "--", sys.executable, "two.py")
    assert "a is 9 at step 1 and b is 0 at step 1" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stop-condition", "loss == 5"], "--stop-condition: Condition 'loss == 5' formatted incorrectly"),
        (["--stop-condition", "loss > five"], "Condition must be an integer or float"),
        (["--stop-condition", "loss > 5:x"], "Minimum steps must be integer"),
        (["--early-stopping", "ashaa", "--metric", "m"], "did you mean asha?"),
        (["--early-stopping", "asha:eta", "--metric", "m"], "'eta' is no setting of a stopping rule"),
        (["--early-stopping", "asha:eta=0.5", "--metric", "m"], "write a number above 1"),
        (["--early-stopping", "asha:etta=3", "--metric", "m"], "has no setting 'etta'"),
        (["--early-stopping", "asha"], "--early-stopping needs a metric"),
        (["--target", "3"], "--target needs a metric"),
        (["--target", "inf", "--metric", "m"], "--target inf is not a finite number"),
        (["--no-progress", "3"], "--no-progress needs a metric"),
        (["--budget", "epochs=1:9"], "--budget needs a metric"),
        (["--budget", "epochs", "--metric", "m"], "write NAME=MIN:MAX or NAME=MIN:MAX:ETA"),
        (["--budget", "epochs=9:1", "--metric", "m"], "MIN has to be above 0 and below MAX"),
        (["--budget", "epochs=1:9:1", "--metric", "m"], "ETA has to be above 1"),
        (["--budget", "x=1:9", "--metric", "m"], "x is a parameter and the name of the --budget as well"),
        (["--budget", "epochs=1:9", "--folds", "3", "--metric", "m"], "choose one of them"),
        (["--budget", "epochs=1:9", "--metric", "m"], "epochs"),  # its placeholder is nowhere in the command
        (["--folds", "1", "--metric", "m"], "--folds"),
        (["--folds", "3", "--metric", "m", "--also", "minimize:cost"], "leave --also and --constraint out"),
        (["--max-time", "soon"], "is not a duration"),
    ],
)
def test_what_can_not_work_is_refused_before_anything_is_written(
    tmp_path: Path, words: list[str], said: str
) -> None:
    refused = luthier(tmp_path, "grid", "--param", "x=1,2", *words, "--", "echo", ":x:")
    assert refused.returncode == 2 and said in refused.stderr, refused.stderr
    assert not (tmp_path / ".luthier").exists()


def test_goals_end_a_search_and_time_has_its_exit_code(tmp_path: Path) -> None:
    words = ["--param", "x=0.0:1.0", "-n", "40", "-r", "2", "--metric", "loss", "--minimize", "--no-check"]
    command = ["--", "sh", "-c", 'echo "loss: $LUTHIER_PARAM_X"; sleep 0.3']
    timed = luthier(tmp_path, "random", *words, "--from-env", "--max-time", "1s", *command)
    assert timed.returncode == 124 and "Time is up" in timed.stderr and "resume 1" in timed.stderr
    met = luthier(tmp_path, "random", *words, "--from-env", "--target", "0.9", *command)
    assert met.returncode == 0 and "The target is reached: trial" in met.stderr
    assert "goes on" in met.stderr  # a goal is no part of what an experiment is
    still = luthier(tmp_path, "random", *words, "--from-env", "--no-progress", "2", *command)
    assert still.returncode == 0 and "No progress" in still.stderr


def test_a_budget_goes_on_from_the_checkpoint_and_best_names_the_whole_of_it(tmp_path: Path) -> None:
    (tmp_path / "train.sh").write_text(
        "c=$LUTHIER_CHECKPOINT_DIR/epoch; from=0; [ -f $c ] && from=$(cat $c)\n"
        'for e in $(seq $((from+1)) $2); do echo "epoch $e loss: $1"; done; echo $2 > $c\n'
        '[ "$LUTHIER_BUDGET" = "$2" ] || exit 1\n'
    )
    words = [
        "--param",
        "x=1,2,3",
        "-r",
        "1",
        "--metric",
        "loss",
        "--minimize",
        "--budget",
        "epochs=1:9",
        "--no-check",
    ]
    done = luthier(tmp_path, "grid", *words, "--", "sh", "train.sh", ":x:", ":epochs:")
    assert done.returncode == 0, done.stderr
    assert "3 trials finished, 1 succeeded, 2 stopped" in done.stderr
    assert "loss 1 at epochs=1" in done.stderr and "Run it: sh train.sh 1 9" in done.stdout
    logs = [tmp_path / f".luthier/trials/1/1/attempt-{n}/stdout.log" for n in (1, 2, 3)]
    assert [log.read_text().count("epoch") for log in logs] == [1, 2, 6]
    again = luthier(tmp_path, "grid", *words, "--", "sh", "train.sh", ":x:", ":epochs:")
    assert "already has its 3 trials" in again.stderr


def test_folds_are_run_and_averaged(tmp_path: Path) -> None:
    words = ["--param", "x=1,2", "--metric", "acc", "--folds", "3", "-r", "1", "--no-check"]
    command = ["--", "sh", "-c", 'echo "acc: $LUTHIER_PARAM_X.$LUTHIER_FOLD"']
    done = luthier(tmp_path, "grid", *words, "--from-env", *command)
    assert done.returncode == 0, done.stderr
    rows = trials(tmp_path)
    assert [row["value"] for row in rows] == pytest.approx([1.1, 2.1])
    assert "acc 1 at fold 0" in done.stderr


def test_nobody_waits_for_a_rule_that_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PYTHON.replace("401", "8"))
    command = ["--", sys.executable, "train.py", ":x:"]
    words = ["--param", "x=1,2,3,4,5", "--metric", "loss", "--minimize", "--no-check", "-r", "2"]
    done = luthier(tmp_path, "grid", *words, *command)
    assert done.returncode == 0 and "Early stopping" not in done.stderr
    assert [row["outcome"] for row in trials(tmp_path)] == ["succeeded"] * 5
