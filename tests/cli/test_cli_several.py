"""Several objectives and constraints at the command line: what is typed, what runs, and the front that is shown."""

from __future__ import annotations

import json
import sys

import pytest

from luthier.description import Constraint, Objective
from luthier.errors import UsageError

PROGRAM = """
import sys
a, b = (float(word.split("=")[1]) for word in sys.argv[1:])
print("accuracy:", 1 - a)
print("latency:", (1 - a**0.5) * (1 + abs(b - 0.25)))
if a < 0.9: print("memory:", 1e9 * (1 + b))
"""
SEARCH = [
    "--num-runs",
    "8",
    "-r",
    "2",
    "--param",
    "a=0:1",
    "--param",
    "b=0:1",
    "--metric",
    "accuracy",
    "--as-args",
]


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM)
    return [sys.executable, "train.py"]


def test_objectives_and_constraints_are_read():
    assert Objective.of("minimize:latency") == Objective("latency", "last", "minimize")
    assert Objective.of("maximize:a:b:max") == Objective("a:b", "max", "maximize")
    assert Constraint.of("memory <= 4e9") == Constraint("memory", 4e9)
    assert Constraint.of("loss:min>=-0.5") == Constraint("loss", -0.5, ">=", "min")


@pytest.mark.parametrize("text", ["latency", "minimise:latency", "minimize:", "minimize", ""])
def test_what_is_no_objective_is_refused(text):
    with pytest.raises(UsageError, match="write minimize:METRIC"):
        Objective.of(text)


@pytest.mark.parametrize(
    "text", ["memory", "memory < 4", "<= 4", "memory <= four", "memory <= inf", "memory = 4"]
)
def test_what_is_no_constraint_is_refused(text):
    with pytest.raises(UsageError, match="METRIC <= NUMBER"):
        Constraint.of(text)


def test_a_constraint_is_met_up_to_its_bound():
    assert Constraint("m", 4.0).excess(4.0) == 0.0 and Constraint("m", 4.0).excess(5.0) == 1.0
    assert Constraint("m", 4.0, ">=").excess(5.0) == -1.0


def test_the_front_is_shown_and_written(run, program):
    words = ["--also", "minimize:latency", "--constraint", "memory <= 1.6e9", "--seed", "3"]
    done = run("tune", *SEARCH, *words, *program)
    assert done.code == 0, done.err
    assert "maximize accuracy, minimize latency, memory <= 1.6e+09" in done.err
    best = run("best")
    assert best.code == 0 and best.out == done.out.lstrip("\n")
    document = json.loads(run("best", "--json").out)["front"]
    assert document["objectives"] == ["maximize accuracy", "minimize latency"]
    reached = [tuple(trial["reached"]) for trial in document["trials"]]
    assert reached == sorted(reached, reverse=True)
    for accuracy, latency in reached:
        assert not any(a >= accuracy and b <= latency and (a, b) != (accuracy, latency) for a, b in reached)
    shown = [line.split()[0] for line in best.out.splitlines() if line.startswith("1.")]
    assert shown == [trial["id"] for trial in document["trials"]]
    for trial in document["trials"]:
        assert trial["values"]["b"] <= 0.6


def test_a_success_without_a_constraint_s_metric_is_a_failure(run, program):
    search = ["--num-runs", "1", "--param", "a=0.95", "--param", "b=0.5", "--metric", "accuracy", "--as-args"]
    run("random", *search, "--constraint", "memory <= 2e9", *program)
    shown = run("show", "1.1")
    assert "it reported no memory" in shown.out


def test_with_a_constraint_the_best_is_one_that_keeps_it(run, program):
    run("random", *SEARCH, "--constraint", "memory <= 1.6e9", *program)
    document = json.loads(run("best", "--json").out)
    assert document["front"] is None
    assert document["trials"][0]["values"]["b"] <= 0.6
    assert (
        document["certainty"]["best"] is None
        or document["certainty"]["best"]["trial"] == document["trials"][0]["number"]
    )


def test_where_nothing_keeps_a_constraint_nothing_is_best(run, program):
    run("random", *SEARCH, "--constraint", "memory <= 1", *program)
    best = run("best")
    assert best.code == 4 and "no trial of experiment 1 kept memory <= 1" in best.err


def test_what_was_proposed_is_proposed_again(run, program):
    run("tune", *SEARCH, "--also", "minimize:latency", *program)
    assert "8 proposals recomputed: all agree" in run("replay", "1").out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--also", "minimize:latency"], "--also needs a first objective; add --metric NAME"),
        (["--constraint", "m <= 1"], "--constraint needs a first objective"),
        (["--metric", "a", "--also", "minimize:a"], "a is an objective twice"),
    ],
)
def test_what_cant_be_searched_is_refused(run, program, words, error):
    done = run("random", "--num-runs", "2", "--param", "a=0:1", *words, "--as-args", *program)
    assert done.code == 2 and error in done.err


def test_cmaes_refuses_before_anything_runs(run, program):
    done = run("tune", "--algorithm", "cmaes", *SEARCH, "--also", "minimize:latency", *program)
    assert done.code == 2 and "cmaes follows one objective" in done.err


def test_asked_trials_are_told_all_of_it(run, program):
    words = ["--also", "minimize:latency", "--constraint", "memory <= 1.6e9"]
    run("tune", *SEARCH, *words, *program)
    run("enqueue", "1", "a=0.1", "b=0.1")
    trial = json.loads(run("ask", "1").out)["trials"][0]["id"]
    done = run("tell", trial, "--value", "2", "--metric", "memory=1")
    assert done.code == 2 and "latency is missing: give --metric latency=V" in done.err
    assert run("tell", trial, "--value", "2", "--metric", "memory=1", "--metric", "latency=0.5").code == 0
    first = json.loads(run("best", "--json").out)["front"]["trials"][0]
    assert (first["id"], first["reached"]) == (trial, [2.0, 0.5])
