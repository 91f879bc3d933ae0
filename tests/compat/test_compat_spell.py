"""Spell's Python API and its `spell.metrics`, as programs use them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from luthier.compat import spell
from luthier.compat.spell.client.hyper import HyperSearch, RangeSpec, ValueSpec
from luthier.errors import NotFound
from luthier.store import open_store

PROGRAM = """
import sys, time
from spell.metrics import send_metric

a, b = (float(word) for word in sys.argv[1:3])
for index in range(3):
    send_metric("value", a * b * index)
print("done with", a, b)
while b < 0: time.sleep(0.05)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program, where the Python of the tests is called python."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


def all_ended(search: HyperSearch) -> HyperSearch:
    """The search, once its runs have ended."""
    for run in search.runs:
        run.wait_status(*FINAL, timeout=60)
    search.refresh()
    return search


FINAL = ("complete", "failed", "stopped", "killed")


def test_check_56_a_grid_from_a_program_into_pandas(project: Path) -> None:
    pandas = pytest.importorskip("pandas")
    client = spell.client.from_environment()
    search = client.hyper.new_grid_search(
        {"a": ValueSpec([0, 2, 4]), "b": ValueSpec([1.3, 1.7])},
        command="python program.py :a: :b:",
        labels=["first"],
        description="a product",
    )
    assert [run.params for run in search.runs] == [{"a": a, "b": b} for a in (0, 2, 4) for b in (1.3, 1.7)]
    assert [run.id for run in search.runs] == [1, 2, 3, 4, 5, 6]
    assert search.status in ("queued", "running", "finished")
    last = search.runs[-1]
    assert last.wait_metric("value", gte=13.0, timeout=60).value == pytest.approx(13.6)
    all_ended(search)
    assert search.metric_names() == ["value"]
    found = search.metrics("value")
    assert sorted(found) == [1, 2, 3, 4, 5, 6]
    frame = pandas.DataFrame(found[4], columns=["timestamp", "index", "value"])
    assert list(frame["index"]) == [0, 1, 2]
    assert list(frame["value"]) == pytest.approx([0, 3.4, 6.8])
    stamp, index, value = next(last.metrics("value", start=1))
    assert isinstance(stamp, datetime)
    assert (index, value) == (1, pytest.approx(6.8))
    assert list(last.logs()) == ["done with 4.0 1.7"]
    assert list(last.logs(follow=True, offset=1)) == []
    assert (last.status, last.user_exit_code, last.labels) == ("complete", 0, ["first"])
    assert last.command == "python program.py 4 1.7"
    last.add_label("good")
    assert last.labels == ["first", "good"]
    with pytest.raises(spell.SpellError, match="ended"):
        last.wait_metric("value", gt=100)
    assert client.hyper.get(1).description == "a product"
    assert [each.id for each in client.hyper.list()] == [1]
    client.hyper.archive(1)
    assert client.hyper.list() == []
    with pytest.raises(NotFound):
        client.hyper.get(2)


def test_runs_from_a_program_are_followed_stopped_and_killed(project: Path) -> None:
    client = spell.client.from_environment()
    search = client.hyper.new_grid_search(
        {"b": ValueSpec([-1, -2, -3])}, command="python program.py 1 :b:", parallel_runs=2
    )
    first, second, third = search.runs
    for run in (first, second):
        run.wait_metric("value", lte=-2 if run is first else -4, timeout=60)
    first.stop()
    assert first.status == "stopped"
    search.kill()
    assert [run.status for run in search.runs] == ["stopped", "killed", "killed"]
    assert search.status == "finished"
    assert [value for _, _, value in first.metrics("value", follow=True)] == [0.0, -1.0, -2.0]
    single = client.runs.new(command="echo one > $LUTHIER_OUTPUT_DIR/x")
    single.wait_status("complete", timeout=60)
    single.cp("x", "here")
    assert (project / "here" / "x").read_text() == "one\n"
    assert [run.id for run in client.runs.list(limit=2)] == [4, 3]
    assert client.runs.get(3).status == "killed"
    assert third.hyper_search_id == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"a": [1, 2]}, "values of params must be either a ValueSpec of RangeSpec"),
        ({"a": RangeSpec(2, 1)}, "'a': MIN 2 is not below MAX 1"),
        ({"a": RangeSpec(0, 1, "log")}, "log needs a MIN above 0"),
        ({"a": RangeSpec(0, 1, "loga")}, "did you mean log"),
        ({"a": RangeSpec(0, 1, type="whole")}, "is not INT or FLOAT"),
        ({"a": ValueSpec("poly")}, "ValueSpec takes a list"),
        ({"a": ValueSpec([])}, "the list of values is empty"),
    ],
)
def test_what_is_no_parameter_is_refused(project: Path, params: dict[str, object], words: str) -> None:
    client = spell.client.from_environment()
    with pytest.raises(spell.SpellError, match=words):
        client.hyper.new_random_search(params, 3, command="echo :a:")
    assert not (project / ".luthier").exists()


def test_each_search_takes_its_own_specs_and_options(project: Path) -> None:
    hyper = spell.client.from_environment().hyper
    with pytest.raises(spell.SpellError, match="values of params must be a RangeSpec"):
        hyper.new_bayesian_search({"a": ValueSpec([1])}, 3, 1, "x", "last", command="echo :a:")
    with pytest.raises(spell.SpellError, match="values of params must be a ValueSpec"):
        hyper.new_grid_search({"a": RangeSpec(1, 2)}, command="echo :a:")
    with pytest.raises(spell.SpellError, match="did you mean machine_type"):
        hyper.new_grid_search({"a": ValueSpec([1])}, command="echo :a:", machine_typ="K80")
    with pytest.raises(spell.SpellError, match="'a' is not in the command"):
        hyper.new_grid_search({"a": ValueSpec([1])}, command="echo")
    with pytest.raises(spell.SpellError, match="num_runs"):
        hyper.new_random_search({"a": RangeSpec(1, 2)}, 0, command="echo :a:")
    assert not (project / ".luthier").exists()


def test_a_bayesian_search_has_its_first_runs_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.drive.background.run_in_background", lambda *_: 1)
    hyper = spell.client.from_environment().hyper
    search = hyper.new_bayesian_search(
        {"a": RangeSpec(0, 1), "n": RangeSpec(1, 9, type=hyper.INT)},
        num_runs=6,
        parallel_runs=2,
        metric="value",
        metric_agg="max",
        command="python program.py :a: :n:",
    )
    assert len(search.runs) == 2
    with closing(open_store(project / ".luthier", read_only=True)) as store:
        record = store.experiment(search.id)
    assert record.target == 6
    assert record.description.objective is not None
    assert record.description.objective.direction == "maximize"


# ---------------------------------------------------------------------- spell.metrics


def test_check_51_send_metric_outside_a_run_and_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spell.metrics.send_metric("value", 1.0)
    spell.metrics.send_metric("value", [1])
    file = tmp_path / "metrics.jsonl"
    monkeypatch.setenv("LUTHIER_METRICS", str(file))
    spell.metrics.send_metric("value", 1.5)
    spell.metrics.send_metric("value", True, index=7)
    spell.metrics.send_metric("note", "text")
    with pytest.warns(spell.metrics.SpellMetricWarning, match="discarded"):
        spell.metrics.send_metric("value", [1, 2])
    with pytest.warns(spell.metrics.SpellMetricWarning, match="step"):
        spell.metrics.send_metric("value", 2, index="seven")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [{k: v for k, v in line.items() if k != "_time"} for line in lines] == [
        {"value": 1.5},
        {"step": 7, "value": 1},
        {"note": "text"},
        {"value": 2},
    ]


def test_check_51_a_runs_indexes_go_on_by_themselves(project: Path) -> None:
    (project / "sends.py").write_text(
        "import spell.metrics\n"
        "for value in (5, 6): spell.metrics.send_metric('m', value)\n"
        "spell.metrics.send_metric('m', 7, index=10)\n"
        "spell.metrics.send_metric('m', 8)\n"
    )
    run = spell.client.from_environment().runs.new(command="python sends.py")
    run.wait_status("complete", timeout=60)
    assert [(index, value) for _, index, value in run.metrics("m")] == [(0, 5), (1, 6), (10, 7), (11, 8)]


def test_a_python_without_luthier_sends_metrics_too(project: Path) -> None:
    from luthier.compat.shims import spell_path

    bare = [
        sys.executable,
        "-S",
        "-c",
        "import spell.metrics as m; m.send_metric('m', 1); m.SpellMetricWarning",
    ]
    file = project / "metrics.jsonl"
    environment = {"PYTHONPATH": spell_path(), "LUTHIER_METRICS": str(file)}
    subprocess.run(bare, env=environment, check=True)
    assert json.loads(file.read_text())["m"] == 1
    wrong = subprocess.run(
        [sys.executable, "-S", "-c", "import spell.client"], env=environment, capture_output=True, check=False
    )
    assert b"pip install luthier" in wrong.stderr


def test_sending_metrics_loads_the_standard_library_only(project: Path) -> None:
    code = "import sys; from luthier.compat import spell; spell.metrics.send_metric; print('numpy' in sys.modules, 'luthier.store' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False False\n"


# ---------------------------------------------------------------------- code and packages


def _git(folder: Path, *words: str) -> str:
    line = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *words]
    return subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_commit_and_a_repository_elsewhere_run_in_their_own_checkout(project: Path) -> None:
    _git(project, "init", "-q", "-b", "main")
    (project / ".gitignore").write_text(".luthier\n")
    (project / "say.sh").write_text("echo old\n")
    _git(project, "add", ".")
    _git(project, "commit", "-qm", "one")
    (project / "say.sh").write_text("echo new\n")
    runs = spell.client.from_environment().runs
    printed = []
    for options in ({}, {"commit_ref": "main"}, {"github_url": f"file://{project}", "github_ref": "main"}):
        run = runs.new(command="sh say.sh", **options)
        run.wait_status("complete", timeout=60)
        printed.append(list(run.logs()))
    assert printed == [["new"], ["old"], ["old"]]
    for wrong in (
        {"commit_ref": "nowhere"},
        {"github_url": f"file://{project}/none"},
        {"github_ref": "main"},
    ):
        with pytest.raises(spell.SpellError):
            runs.new(command="sh say.sh", **wrong)


def test_pip_packages_are_there_for_the_runs_alone(project: Path) -> None:
    pytest.importorskip("pip")
    wheel = project / "luthier_demo-1.0-py3-none-any.whl"
    about = "Metadata-Version: 2.1\nName: luthier-demo\nVersion: 1.0\n"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("luthier_demo.py", "ANSWER = 42\n")
        made.writestr("luthier_demo-1.0.dist-info/METADATA", about)
        made.writestr("luthier_demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        made.writestr("luthier_demo-1.0.dist-info/RECORD", "")
    runs = spell.client.from_environment().runs
    with pytest.warns(UserWarning, match="Installing packages"):
        run = runs.new(
            command="python -c 'import luthier_demo; print(luthier_demo.ANSWER)'", pip_packages=[str(wheel)]
        )
    run.wait_status("complete", timeout=60)
    assert list(run.logs()) == ["42"]
    with pytest.raises(ModuleNotFoundError):
        __import__("luthier_demo")
    with pytest.raises(spell.SpellError, match="password"):
        runs.new(command="true", pip_packages=["git+https://me:secret@example.com/x"])
    with (
        pytest.warns(UserWarning, match="Installing"),
        pytest.raises(spell.SpellError, match="pip could not install"),
    ):
        runs.new(command="true", pip_packages=["./none.whl"])


def test_a_search_outlives_the_death_of_its_driver(project: Path) -> None:
    """Killing is heeded, and recorded, though nobody drives."""
    search = spell.client.from_environment().hyper.new_grid_search(
        {"b": ValueSpec([-1, -2])}, command="python program.py 1 :b:", parallel_runs=1
    )
    first = search.runs[0]
    first.wait_metric("value", lt=0, timeout=60)
    driver = project / ".luthier" / "locks" / "driver-1"
    os.kill(int(driver.read_text()), 9)
    search.kill()
    assert [run.status for run in search.runs] == ["killed", "killed"]


@pytest.mark.parametrize("number", ["x", None, 2.5, "", []])
def test_what_is_no_number_is_said_so(project: Path, number: Any) -> None:
    client = spell.client.from_environment()
    for ask in (client.hyper.get, client.runs.get, client.hyper.archive):
        with pytest.raises(spell.SpellError, match="is no number of a search or a run"):
            ask(number)


def test_a_search_over_nothing_is_refused(project: Path) -> None:
    client = spell.client.from_environment()
    with pytest.raises(spell.SpellError, match="there is no parameter to search"):
        client.hyper.new_grid_search({}, command="python program.py :a: 1")
    assert not (project / ".luthier" / "store.db").exists()
