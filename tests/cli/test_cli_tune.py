"""`luthier bayesian` and `tune` as a person types them: Spell's page, the questions, what is refused, going on."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typed import luthier

from luthier.store import open_store

R = ("--param", "r=0:1")
ECHO = ("--", "echo", "score=:r:")
BUDGET = ("-n", "4", "-m", "score")


def answered(folder: Path, answers: str, *words: str) -> tuple[int, str, str]:
    """Runs a command line at a terminal where these lines are typed: exit code, data, what the terminal shows."""
    master, slave = pty.openpty()
    os.write(master, answers.encode())
    with subprocess.Popen(
        [sys.executable, "-m", "luthier", *words],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
    ) as process:
        os.close(slave)
        assert process.stdout is not None
        data, shown = process.stdout.read(), b""
        while True:
            try:
                shown += os.read(master, 65536)
            except OSError:  # the other end is closed
                break
    os.close(master)
    return process.returncode, data, shown.decode()


def values(folder: Path, experiment: int = 1) -> list[dict[str, Any]]:
    """The configurations of an experiment's trials, by number."""
    store = open_store(folder / ".luthier", read_only=True)
    try:
        trials = store.trials(experiment)
        return [t.configuration.values() for t in trials if t.configuration is not None]
    finally:
        store.close()


# ---------------------------------------------------------------------- Spell's page

PAGE = """bayesian --num-runs 12 --parallel-runs 3 --metric keras/val_acc --metric-agg avg
--param rate=.001:1.0 --param layers=2:100:int
sh train.sh --learning_rate :rate: --num_layers :layers:"""

TRAIN = """\
echo "began $LUTHIER_TRIAL" >> log
while [ "$(grep -c began log)" -lt 3 ]; do sleep .01; done  # the first three wait for one another
echo "val_acc: -$2"
echo "val_acc: -$4"
echo "ended $LUTHIER_TRIAL" >> log
"""


def test_the_page_s_search_shows_three_rows_runs_three_at_once_and_makes_twelve(tmp_path: Path) -> None:
    (tmp_path / "train.sh").write_text(TRAIN)
    done = luthier(tmp_path, *PAGE.split())
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    head = next(i for i, line in enumerate(lines) if line.split() == ["rate", "layers", "Trial"])
    assert "bayesian, 12 trials, 3 at a time, maximize keras/val_acc (avg)" in lines[head - 1]
    rows = [line.split() for line in lines[head + 1 : head + 4]]
    assert [row[-1] for row in rows] == ["1.1", "1.2", "1.3"]
    assert len(lines[head + 4].split()) > 3, "the fourth line tells of a result"
    running, most = 0, 0
    for line in (tmp_path / "log").read_text().splitlines():
        running += 1 if line.startswith("began") else -1
        most = max(most, running)
    assert (most, running) == (3, 0)
    made = values(tmp_path)
    assert len(made) == 12 and len({json.dumps(one) for one in made}) == 12
    for one, row in zip(made, rows, strict=False):
        assert row[:2] == [f"{one['rate']:.6g}", str(one["layers"])]
    assert all(0.001 <= one["rate"] <= 1 and one["layers"] in range(2, 101) for one in made)
    best = json.loads(luthier(tmp_path, "best", "--json").stdout)
    worths = [-(one["rate"] + one["layers"]) / 2 for one in made]
    assert best["trials"][0]["value"] == pytest.approx(max(worths)), "the mean of its points, to be large"


def test_it_ends_near_the_best(tmp_path: Path) -> None:
    program = "import sys; x = float(sys.argv[1]); print('value:', -(x - .3) ** 2)"
    words = ("bayesian", "-n", "12", "-r", "1", "--metric", "value", "--param", "x=0:1")
    assert luthier(tmp_path, *words, "--", sys.executable, "-c", program, ":x:").returncode == 0
    made = [one["x"] for one in values(tmp_path)]
    assert min(abs(x - 0.3) for x in made) < 0.01
    luthier(tmp_path, *words, "--minimize", "--", sys.executable, "-c", program, ":x:")
    assert max(one["x"] for one in values(tmp_path, 2)) > 0.97


def test_scalings_lists_and_files_are_searched_too(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("o: [sgd, adam]\nm: {min: 0, max: 1, when: {o: sgd}}\n")
    params = (
        "--params",
        "space.yaml",
        "--param",
        "layers=2:100:log:int",
        "--param",
        "rate=.001:1:reverse_log",
    )
    command = ("--", "sh", "-c", 'echo "a: $LUTHIER_PARAM_LAYERS"')
    done = luthier(
        tmp_path, "tune", "-n", "6", "-m", "a", "--algorithm", "bayesian", *params, "--from-env", *command
    )
    assert done.returncode == 0, done.stderr
    assert {("m" in one) == (one["o"] == "sgd") for one in values(tmp_path)} == {True}


# ---------------------------------------------------------------------- what was not said


def test_nobody_to_ask_is_one_error_that_names_what_is_missing(tmp_path: Path) -> None:
    for words, sentence in (
        (
            ("bayesian", *R),
            "--num-runs and --metric are missing; add them, such as --num-runs 20 --metric acc",
        ),
        (("bayesian", "-n", "4", *R), "--metric is missing; add it, such as --metric accuracy"),
        (("bayesian", "-m", "a", "--param", "r=1,2,3"), "--num-runs is missing; add it"),
        (("tune", "-m", "a", *R), "--num-runs is missing; add it, such as --num-runs 20"),
        (("tune", "--param", "r=1,2,3"), "--metric is missing"),
        (("tune", "--algorithm", "sobol", *R), "--num-runs is missing"),
    ):
        done = luthier(tmp_path, *words, *ECHO)
        assert (done.returncode, done.stdout) == (2, "") and sentence in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / ".luthier").exists()


def test_a_finite_space_needs_no_number_and_a_search_that_does_not_learn_no_metric(tmp_path: Path) -> None:
    for name in ("grid", "random", "sobol"):
        words = ("tune", "--algorithm", name, "--param", "r=1,2,3", "--dry-run")
        done = luthier(tmp_path, *words, *ECHO)
        assert sorted(done.stdout.split()) == ["1", "2", "3", "r"], done.stderr


def test_at_a_terminal_it_asks(tmp_path: Path) -> None:
    code, data, shown = answered(tmp_path, "none\n12\n3\nacc\navg\n", "bayesian", *R, "--dry-run", *ECHO)
    assert code == 0, shown
    for question in ("How many trials, in all", "How many side by side", "Which metric", "become one"):
        assert question in shown
    assert "'none' is not a valid integer" in shown
    assert len(data.splitlines()) == 4 and "(the first 3 of 12" in shown


def test_at_a_terminal_it_asks_only_for_what_it_was_not_told(tmp_path: Path) -> None:
    code, _, shown = answered(
        tmp_path, "acc\n", "bayesian", "-n", "3", "-r", "1", "--metric-agg", "max", *R, "--dry-run", *ECHO
    )
    assert code == 0 and "Which metric" in shown
    assert "How many" not in shown and "become one" not in shown


# ---------------------------------------------------------------------- what is refused

REFUSED = {
    "kappa of ei": (("bayesian", *BUDGET, "--acquisition", "ei", "--kappa", "1"), "--kappa belongs to"),
    "no kappa": (("bayesian", *BUDGET, "--kappa", "0"), "'--kappa': 0.0 is not in the range x>0"),
    "an acquisition": (("bayesian", *BUDGET, "--acquisition", "pi"), "'pi' is not one of"),
    "kappa of auto": (("tune", *BUDGET, "--kappa", "1"), "--kappa means nothing to the algorithm auto"),
    "an algorithm": (("tune", *BUDGET, "--algorithm", "gp"), "'gp' is not one of"),
    "an unknown store": (("tune", *BUDGET, "--warm-start", "1"), "--warm-start 1: there is no store in"),
    "a trial to begin from": (("tune", *BUDGET, "--warm-start", "1.2"), "give the experiment alone: 1"),
    "a warm start of random": (
        ("tune", *BUDGET, "--algorithm", "random", "--warm-start", "1"),
        "--warm-start means nothing to the algorithm random; leave it out, or choose auto or bayesian or tpe",
    ),
    "tries of a grid": (("tune", "-n", "4", "--algorithm", "grid", "--try", "r=1"), "--try means nothing"),
    "a range in a grid": (("tune", "-n", "3", "--algorithm", "grid"), "without a step"),
    "too many tries": (
        ("tune", "-n", "1", "-m", "a", "--try", "r=.1", "--try", "r=.2"),
        "there are 2 configurations to try and --num-runs is 1; raise it to 2 or more",
    ),
    "a try outside": (("random", "-n", "4", "--try", "r=2"), "--try r=2: parameter 'r': 2 is not in 0 … 1"),
    "a try of nothing": (("bayesian", *BUDGET, "--try", "q=2"), "--try q=2: there is no parameter 'q'"),
}


@pytest.mark.parametrize(("words", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused_before_anything_is_written(
    tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    done = luthier(tmp_path, *words, *R, *ECHO)
    assert done.returncode == 2 and sentence in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / ".luthier").exists()


@pytest.mark.parametrize("search", ["tune", "bayesian", "grid", "random"])
def test_a_metric_named_like_a_loss_is_minimized_unless_it_is_said_otherwise(
    tmp_path: Path, search: str
) -> None:
    words = [search, *([] if search == "grid" else ["-n", "2"]), "-r", "1", "--param", "x=1,2", "--dry-run"]
    for metric, way, direction in (
        ("val_loss", (), "minimize"),
        ("val_loss", ("--maximize",), "maximize"),
        ("val_loss", ("--minimize",), "minimize"),
        ("accuracy", (), "maximize"),
    ):
        shown = luthier(tmp_path, *words, "--metric", metric, *way, "--show-native", "--", "echo", ":x:")
        assert f"{direction} {metric}" in shown.stdout, shown.stdout
        said = luthier(tmp_path, *words, "--metric", metric, *way, "--", "echo", ":x:")
        assert ("val_loss is made as small as can be" in said.stderr) == (metric == "val_loss" and not way)
        assert "warning" not in said.stderr


def test_the_smallest_of_a_metric_to_be_large_gets_a_hint(tmp_path: Path) -> None:
    words = ("bayesian", "-n", "4", "-m", "gain", "--metric-agg", "min", *R, "--dry-run")
    hints = [line for line in luthier(tmp_path, *words, *ECHO).stderr.splitlines() if "warning" in line]
    assert len(hints) == 1 and "still maximizes; add --minimize" in hints[0]
    for direction in ("--minimize", "--maximize"):
        assert "warning" not in luthier(tmp_path, *words, direction, *ECHO).stderr


# ---------------------------------------------------------------------- dry runs, tries, warm starts


def test_a_dry_run_shows_the_beginning_and_says_that_the_rest_depends(tmp_path: Path) -> None:
    done = luthier(tmp_path, "bayesian", "-n", "9", "-m", "a", *R, "--try", "r=.125", "--dry-run", *ECHO)
    rows = done.stdout.split()
    assert rows[:2] == ["r", ".125"] and len(rows) == 7
    assert all(0 <= float(row) <= 1 for row in rows[1:])
    assert "(the first 6 of 9; each of the others depends on the results before it)" in done.stderr
    assert "The first command: echo score=.125" in done.stderr
    assert not (tmp_path / ".luthier").exists()


def test_typing_it_again_goes_on_and_tries_nothing_twice(tmp_path: Path) -> None:
    words = ("--param", "r=0:1", "--param", "k=1:9:int", "-m", "score", "--try", "k=3", "--try", "r=.25,k=2")
    command = ("--", "echo", "score=:r:", ":k:")
    for name in ("bayesian", "random"):
        first = luthier(tmp_path, name, "-n", "3", *words, *command)
        assert "--try k=3 leaves out r, which a search begins at r=0.5" in first.stderr
        again = luthier(tmp_path, name, "-n", "5", *words, *command)
        assert "goes on: 3 of 5 trials finished" in again.stderr, again.stderr
        experiment = 1 if name == "bayesian" else 2
        made = values(tmp_path, experiment)
        assert made[:2] == [{"r": 0.5, "k": 3}, {"r": 0.25, "k": 2}] and len(made) == 5
        assert sum(one in made[:2] for one in made) == 2


def test_a_finished_search_has_no_room_for_another_try(tmp_path: Path) -> None:
    words = ("random", "-n", "3", "-m", "score", *R)
    assert luthier(tmp_path, *words, *ECHO).returncode == 0
    before = luthier(tmp_path, "show", "1", "--json").stdout, values(tmp_path, 1)
    done = luthier(tmp_path, *words, "--timeout", "77", "--try", "r=.125", *ECHO)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "experiment 1 already has 3 trials and --num-runs is 3; raise it to 4 or more" in done.stderr
    assert (luthier(tmp_path, "show", "1", "--json").stdout, values(tmp_path, 1)) == before
    assert luthier(tmp_path, "random", "-n", "4", *words[3:], "--try", "r=.125", *ECHO).returncode == 0
    assert {"r": 0.125} in values(tmp_path, 1) and len(values(tmp_path, 1)) == 4


def test_a_warm_start_is_taken_once_and_kept(tmp_path: Path) -> None:
    assert luthier(tmp_path, "random", "-n", "6", "-m", "score", *R, *ECHO).returncode == 0
    words = ("tune", "--warm-start", "1", "-m", "score", *R)
    first = luthier(tmp_path, *words, "-n", "2", *ECHO)
    assert "warm start: 6 trials of experiment 1 meet this space" in first.stderr, first.stderr
    luthier(tmp_path, "rm", "1", "-y")
    again = luthier(tmp_path, *words, "-n", "3", *ECHO)
    assert "Experiment 2 goes on: 2 of 3" in again.stderr and "warm start" not in again.stderr
    store = open_store(tmp_path / ".luthier", read_only=True)
    description = store.experiment(2).description
    store.close()
    assert description.algorithm.settings == {"warm_start": [1]}
    assert [o.source for o in description.earlier] == [f"1.{n}" for n in range(1, 7)]
    gone = luthier(tmp_path, *words, "-n", "3", "--new", *ECHO)
    assert gone.returncode == 2 and "there is no experiment 1" in gone.stderr
    assert [e["id"] for e in json.loads(luthier(tmp_path, "list", "--json").stdout)["experiments"]] == [2]
