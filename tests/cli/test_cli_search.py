"""`luthier grid` and `random` as a person types them: what is refused before anything is written, and the exits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typed import luthier

PAGE = """0.001 2|0.001 3|0.001 5|0.001 10|0.01 2|0.01 3|0.01 5|0.01 10|
0.1 2|0.1 3|0.1 5|0.1 10|1 2|1 3|1 5|1 10""".replace("\n", "")


def test_the_pages_grid_has_its_sixteen_rows_in_order(tmp_path: Path) -> None:
    space = ["--param", "rate=0.001,0.01,0.1,1", "--param", "layers=2,3,5,10"]
    command = ["--", "echo", "score:", ":rate:", ":layers:"]
    planned = luthier(tmp_path, "grid", *space, "--dry-run", *command)
    assert [line.split() for line in planned.stdout.splitlines()[1:]] == [
        row.split() for row in PAGE.split("|")
    ]
    assert not (tmp_path / ".luthier").exists()
    done = luthier(tmp_path, "grid", *space, "--quiet", *command)
    assert done.returncode == 0, done.stderr
    shown = luthier(tmp_path, "show", "--sort", "number")
    assert [line.split()[-3:-1] for line in shown.stdout.splitlines()[1:]] == [
        r.split() for r in PAGE.split("|")
    ]
    logs = luthier(tmp_path, "logs", "1.7").stdout
    assert "score: 0.01 5" in logs


def test_the_pages_random_search_has_ten_rows_in_range(tmp_path: Path) -> None:
    words = [
        "random",
        "--num-runs",
        "10",
        "--param",
        "rate=.001:1.0:log",
        "--param",
        "layers=2:100:linear:int",
    ]
    words += ["--param", "cell=gru,lstm,rnn", "--dry-run", "--"]
    values = [":rate:", ":layers:", ":cell:"]
    refused = luthier(tmp_path, *words, "no-such-program", *values)
    assert refused.returncode == 2 and "'no-such-program' was not found" in refused.stderr
    done = luthier(tmp_path, *words, "echo", *values)
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert len(rows) == 10
    for rate, layers, cell in rows:
        assert 0.001 <= float(rate) <= 1 and 2 <= int(layers) <= 100 and cell in ("gru", "lstm", "rnn")


REFUSED = {
    "no parameter": (["--", "true"], "no parameter to search"),
    "a range in a grid": (["--param", "r=0:1", "--", "echo", ":r:"], "without a step"),
    "no GPU": (["--param", "r=1,2", "--gpus-per-run", "1", "--", "echo", ":r:"], "GPU"),
    "no program": (["--param", "r=1,2", "--", "no-such-program", ":r:"], "'no-such-program' was not found"),
    "a value no shell takes": (["--param", "r=a b,c", "--", "echo :r:"], "the value 'a b' of r"),
    "an appended pipeline": (["--param", "r=1,2", "--as-args", "--", "cat x | sort"], "--as-args can't tell"),
    "an empty name": (["--param", "r=1,2", "--name", "", "--", "echo", ":r:"], "--name is empty"),
    "a bad pattern": (["--param", "r=1,2", "--metric-pattern", "(", "--", "echo", ":r:"], "("),
    "a bad label": (["--param", "r=1,2", "--label", "x", "--", "echo", ":r:"], "--label x: write KEY=VALUE"),
    "a direction alone": (["--param", "r=1,2", "--minimize", "--", "echo", ":r:"], "--metric NAME"),
    "a bad duration": (["--param", "r=1,2", "--timeout", "soon", "--", "echo", ":r:"], "is not a duration"),
    "a bad size": (["--param", "r=1,2", "--memory", "0", "--", "echo", ":r:"], "more than nothing"),
    "an unknown option": (["--parm", "r=1,2", "--", "echo", ":r:"], "no such option"),
}


@pytest.mark.parametrize(("words", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused_before_anything_is_written(
    tmp_path: Path, words: list[str], sentence: str
) -> None:
    none = tmp_path / "none"
    none.mkdir()
    (none / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    (none / "nvidia-smi").chmod(0o755)
    done = luthier(tmp_path, "grid", *words, PATH=f"{none}:{os.environ['PATH']}")
    assert done.returncode == 2 and sentence in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".luthier").exists()


def test_a_condition_on_a_value_that_is_not_there_is_shown_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("o: [a, b]\nm: {min: 0, max: 1, when: {o: c}}\n")
    done = luthier(tmp_path, "random", "-n", "2", "--params", "space.yaml", "--from-env", "--", "true")
    assert done.returncode == 2
    assert "space.yaml:2:" in done.stderr and "parameter 'm' exists when o == c" in done.stderr, done.stderr


def test_when_the_first_all_fail_the_advice_to_go_on_holds(tmp_path: Path) -> None:
    words = ["random", "-n", "9", "-r", "2", "--param", "r=0:1", "--", "sh", "-c", "exit 3", ":r:"]
    first = luthier(tmp_path, *words)
    assert first.returncode == 1 and "all failed" in first.stderr and "luthier resume 1" in first.stderr
    assert "luthier retry 1 --failed" in first.stderr
    second = luthier(tmp_path, "resume", "1")
    assert second.returncode == 1 and "9 trials finished" in second.stderr


def test_term_ends_a_search_in_order_and_leaves_with_143(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "said")
    words = [sys.executable, "-m", "luthier", "random", "-n", "5", "-r", "1", "--param", "r=0:1", "--"]
    script = "exec > said; echo began; exec sleep 600; : :r:"
    with subprocess.Popen([*words, script], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as search:
        with open(tmp_path / "said") as said:
            assert said.readline() == "began\n"
            search.send_signal(signal.SIGTERM)
            assert said.read() == ""
        _, errors = search.communicate()
    assert search.returncode == 143 and "interrupted by TERM" in errors
    assert "queued" in luthier(tmp_path, "show", "1").stdout
