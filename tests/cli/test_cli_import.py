"""`luthier import`: CSV files, sources that are not what they seem, and searches printed as files."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from luthier.store import open_store
from luthier.trial import Outcome

TABLE = """rate,layers,cell,id,accuracy,memory
0.001,2,gru,a,0.7,100
0.1,3,lstm,b,0.8,200
1,10,gru,c,,300
0.01,4,"a,b",d,nan,x
"""


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return name


def test_a_table_becomes_an_experiment(run: Any, tmp_path: Path) -> None:
    write(tmp_path, "results.csv", TABLE)
    said = run(
        "import", "results.csv", "--metric", "accuracy", "--maximize", "--name", "first",
        "--param", "rate", "--param", "layers", "--param", "cell",
    )  # fmt: skip
    assert said.code == 0 and said.out == "1\n", said.err
    assert "rate: numbers from 0.001 to 1 on a logarithmic scale" in said.err
    assert "layers: whole numbers from 2 to 10" in said.err and "cell: one of gru, lstm, a,b" in said.err
    store = open_store(tmp_path / ".luthier", read_only=True)
    trials = store.trials(1)
    assert [t.result.outcome for t in trials if t.result] == [
        Outcome.SUCCEEDED, Outcome.SUCCEEDED, Outcome.FAILED, Outcome.SUCCEEDED,
    ]  # fmt: skip
    assert trials[2].result and trials[2].result.reason == "it has no accuracy"
    assert trials[0].configuration and trials[0].configuration.texts()["rate"] == "0.001"
    assert [p.value for p in store.points(1, 2, "memory")] == [200.0]
    assert store.experiment(1).description.name == "first"
    store.close()
    assert "accuracy 0.8" in run("best", "first" if False else "1").out
    assert "id: a" in run("provenance", "1.1").out and "memory: x" in run("provenance", "1.4").out
    assert run("import", "results.csv", "--metric", "accuracy", "--maximize").out == "2\n"  # other parameters


def test_the_direction_is_asked_about(run: Any, tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "x;loss\n1;2\n2;3\n")
    said = run("import", "a.csv", "--metric", "loss")
    assert "named like a loss" in said.err and "loss 2 " in run("best", said.out.strip()).out
    said = run("import", "a.csv", "--metric", "loss", "--maximize")
    assert "named like" not in said.err and "loss 3 " in run("best", said.out.strip()).out
    said = run("import", "a.csv", "--metric", "loss", "--minimize")
    assert "named like" not in said.err and "loss 2 " in run("best", said.out.strip()).out


def test_a_column_that_names_its_lines_is_no_parameter_and_one_with_gaps_depends_on_another(
    run: Any, tmp_path: Path
) -> None:
    lines = [
        f"run-{i},{'svm' if i % 2 else 'net'},{i / 10 if i % 2 else ''},{'' if i % 2 else f'{i}.0'},{i}"
        for i in range(30)
    ]
    write(tmp_path, "a.csv", "\n".join(["name,kind,C,layers,score", *lines]))
    said = run("import", "a.csv", "--metric", "score", "--maximize")
    assert "left out: name, a different text in every line" in said.err
    store = open_store(tmp_path / ".luthier", read_only=True)
    space = store.experiment(1).description.space
    assert {p.name: [str(c) for c in p.when] for p in space.parameters} == {
        "kind": [], "C": ["kind in svm"], "layers": ["kind in net"],
    }  # fmt: skip
    assert space["layers"].domain.kind == "integer"
    store.close()


@pytest.mark.parametrize(
    ("text", "words", "problem"),
    [
        (TABLE, [], "which column of a.csv is the metric.*rate, layers"),
        (TABLE, ["--metric", "acuracy"], "no column 'acuracy' .did you mean accuracy"),
        (TABLE, ["--metric", "cell"], "a.csv:2: cell is 'gru', which is no number"),
        (TABLE, ["--metric", "rate", "--study", "x"], "--study means nothing to a CSV file"),
        ("a,b\n1,2,3\n", ["--metric", "a"], "a.csv:2: this line has 3 cells, the first 2"),
        ("a,a\n1,2\n", ["--metric", "a"], "a.csv:1: the column 'a' stands there twice"),
        ("1,2\n1,2\n", ["--metric", "a"], "a.csv:1: the first line has to name the columns"),
        ("a,b\n", ["--metric", "a"], "no line below its first"),
        ("a\n1\n", ["--metric", "a"], "no column is left to be a parameter"),
    ],
)
def test_a_table_that_is_wrong(run: Any, tmp_path: Path, text: str, words: list[str], problem: str) -> None:
    import re

    write(tmp_path, "a.csv", text)
    said = run("import", "a.csv", *words)
    assert said.code == 2 and re.search(problem, said.err), said.err
    assert not (tmp_path / ".luthier").exists(), "nothing is written"


def test_a_study_that_an_older_optuna_wrote(run: Any, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "old.db") as db:
        db.executescript(
            """
            CREATE TABLE studies (study_id INTEGER PRIMARY KEY, study_name TEXT);
            CREATE TABLE study_directions (study_id INTEGER, direction TEXT, objective INTEGER);
            CREATE TABLE study_user_attributes (study_id INTEGER, key TEXT, value_json TEXT);
            CREATE TABLE study_system_attributes (study_id INTEGER, key TEXT, value_json TEXT);
            CREATE TABLE trials (trial_id INTEGER PRIMARY KEY, number INTEGER, study_id INTEGER, state TEXT,
                                 datetime_start DATETIME, datetime_complete DATETIME);
            CREATE TABLE trial_params (param_id INTEGER PRIMARY KEY, trial_id INTEGER, param_name TEXT, param_value FLOAT,
                                       distribution_json TEXT);
            CREATE TABLE trial_values (trial_id INTEGER, objective INTEGER, value FLOAT);
            CREATE TABLE trial_intermediate_values (trial_id INTEGER, step INTEGER, intermediate_value FLOAT);
            CREATE TABLE trial_user_attributes (trial_id INTEGER, key TEXT, value_json TEXT);
            CREATE TABLE trial_system_attributes (trial_id INTEGER, key TEXT, value_json TEXT);
            INSERT INTO studies VALUES (1, 'old');
            INSERT INTO study_directions VALUES (1, 'MAXIMIZE', 0);
            INSERT INTO trials VALUES (1, 0, 1, 'COMPLETE', '2021-05-01 10:00:00.5', '2021-05-01 10:01:00');
            INSERT INTO trials VALUES (2, 1, 1, 'COMPLETE', NULL, NULL);
            INSERT INTO trial_values VALUES (1, 0, 0.5), (2, 0, 0.75);
            """
        )
        for trial, value in ((1, 0.1), (2, 0.01)):
            for name, kind, extra, at in (
                ("rate", "LogUniformDistribution", {}, value),
                ("drop", "DiscreteUniformDistribution", {"q": 0.1}, 0.3),
                ("n", "IntUniformDistribution", {"step": 1}, 1.0),
            ):
                bounds = {
                    "low": 1 if name == "n" else 0.001 if name == "rate" else 0.1,
                    "high": 9 if name == "n" else 0.5,
                }
                text = json.dumps({"name": kind, "attributes": {**bounds, **extra}})
                db.execute("INSERT INTO trial_params VALUES (NULL, ?, ?, ?, ?)", (trial, name, at, text))
    db.close()
    said = run("import", "old.db")
    assert said.code == 0, said.err
    store = open_store(tmp_path / ".luthier", read_only=True)
    first, second = store.trials(1)
    assert (
        str(store.experiment(1).description.space)
        == "rate: 0.001 … 0.5 log\ndrop: 0.1 … 0.5 step 0.1\nn: 1 … 9 int"
    )
    assert first.configuration and first.configuration.values() == {"rate": 0.1, "drop": 0.3, "n": 1}
    assert (
        first.result and first.result.seconds == 59.5 and first.began == 1619863200.5
    )  # its zone is this test's
    assert second.result and second.result.value == 0.75 and second.result.seconds is None
    store.close()


def test_a_journal_that_was_cut_off_is_read_to_there(run: Any, tmp_path: Path) -> None:
    text = json.dumps({"type": "float", "low": 0.0, "high": 1.0})
    stamp = "2024-01-01T00:00:00+00:00"
    operations: list[dict[str, Any]] = [
        {"op_code": 0, "study_name": "gone", "directions": [1]},
        {"op_code": 1, "study_id": 0},
        {"op_code": 0, "study_name": "it", "directions": [1]},
        {"op_code": 4, "study_id": 1, "datetime_start": stamp},
        {"op_code": 5, "trial_id": 0, "param_name": "x", "param_value_internal": 0.25, "distribution": text},
        {"op_code": 6, "trial_id": 0, "state": 1, "values": [3.0], "datetime_complete": stamp},
        {"op_code": 6, "trial_id": 0, "state": 3, "values": [4.0], "datetime_complete": stamp},
        {"op_code": 10, "study_id": 1},
    ]
    whole = "".join(json.dumps({**operation, "worker_id": "w"}) + "\n" for operation in operations)
    write(tmp_path, "journal", whole + '{"op_code": 4, "stu')
    said = run("import", "journal")
    assert said.code == 0 and "journal:9: the last line is cut off" in said.err
    store = open_store(tmp_path / ".luthier", read_only=True)
    (trial,) = store.trials(1)
    assert trial.result and trial.result.value == 3.0 and trial.began == 1704067200.0
    store.close()
    write(tmp_path, "journal", whole + "oh\n" + whole)
    broken = run("import", "journal")
    assert broken.code == 2 and "journal:9: this is no operation of an Optuna journal" in broken.err


def test_sources_that_are_something_else(run: Any, tmp_path: Path) -> None:
    write(tmp_path, "train.py", "print(1)\n")
    write(tmp_path, "search.yaml", "command: a\nparameters: {x: [1]}\n")
    sqlite3.connect(tmp_path / "other.db").executescript("CREATE TABLE a (b); INSERT INTO a VALUES (1);")
    for words, problem in {
        ("nothing.db",): "nothing.db is not there",
        (".",): ". is a folder",
        ("train.py",): "train.py is no Optuna storage, CSV file",
        ("search.yaml",): "luthier run search.yaml",
        ("other.db",): "other.db is no storage of Optuna's (it has no table studies)",
        ("postgresql://host/db",): "is a server, and only files are read",
        ("train.py", "search.yaml"): "bring them in one by one",
        ("orion",): "write the command line after orion",
        ("--metric", "x", "guild", "run", "a.py", "x=[1,2]"): "--metric means nothing to guild",
    }.items():
        said = run("import", *words)
        assert said.code == 2 and problem in said.err and "Traceback" not in said.err, said.err
    assert not (tmp_path / ".luthier").exists()


def test_a_search_is_printed_as_a_file_that_runs(run: Any, tmp_path: Path) -> None:
    write(
        tmp_path,
        "sweep.yaml",
        "program: train.py\nmethod: grid\nparameters: {x: {values: [1, 2]}}\nproject: p\n",
    )
    write(tmp_path, "train.py", "import sys\nprint('loss:', len(sys.argv))\n")
    said = run("import", "sweep.yaml")
    assert said.code == 0 and "left out: project (sweep.yaml:4:1)" in said.err
    write(tmp_path, "search.yaml", said.out)
    plan = run("run", "search.yaml", "--dry-run")
    assert plan.code == 0 and "python train.py --x=1" in plan.err, plan.err
    orion = run("import", "orion", "hunt", "-n", "a", "python", "train.py", "--x~uniform(0, 1)", "--help")
    assert orion.code == 0 and "--help" in orion.out and "name: a" in orion.out
    guild = run("import", "--json", "guild", "train.py", "x=[1:2]", "--minimize", "loss")
    assert "objective:" in json.loads(guild.out)["file"]
