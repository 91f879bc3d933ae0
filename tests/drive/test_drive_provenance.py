"""What trials really ran with: what may be reused, what is on record, and what running again leaves alone."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from luthier.cli import main
from luthier.drive.beside import COPY_BYTES
from luthier.drive.containing import make_ready, why_without
from luthier.drive.ends import Interrupts
from luthier.drive.listener import Listener
from luthier.drive.provenance import Provenance
from luthier.run import containers, containers_engine
from luthier.store import open_store

PRINT = "import os; print('loss=%d' % len(os.path.basename(os.getcwd())), 'other=9')\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".luthier").mkdir()
    for name in ("a", "long"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.py").write_text(PRINT)
    monkeypatch.setenv("LUTHIER_STORE", str(tmp_path / ".luthier"))
    monkeypatch.chdir(tmp_path / "a")
    return tmp_path


def grid(*more: str, metric: str = "loss") -> None:
    words = [
        "grid",
        "-q",
        "--no-check",
        "--new",
        "--reuse",
        "--minimize",
        "--param",
        "x=1,2",
        "--as-args",
        "--metric",
    ]
    assert main([*words, metric, *more, "--", sys.executable, "train.py"]) == 0


def taken(project: Path, experiment: int) -> int:
    store = open_store(project / ".luthier", read_only=True)
    try:
        return sum(event.kind == "reused" for event in store.events(experiment=experiment))
    finally:
        store.close()


def test_only_what_ran_in_the_same_place_and_was_read_alike_is_reused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid()
    monkeypatch.chdir(project / "long")
    grid()
    assert taken(project, 2) == 0
    grid()
    assert taken(project, 3) == 2
    grid("--metric-pattern", r"loss=(?P<loss>\d+)")
    assert taken(project, 4) == 0


def drive(project: Path, monkeypatch: pytest.MonkeyPatch, *more: str, image: str = "some/image:1") -> None:
    """Drives a search that may do without its image, where no engine works."""
    monkeypatch.setenv(containers_engine.CHOICE, "none")
    file = project / "a" / "search.json"
    resources = {"image": image, "strict": False}
    what = {
        "command": f"{sys.executable} train.py :x:",
        "parameters": {"x": [1, 2]},
        "objective": "minimize loss",
    }
    file.write_text(json.dumps({**what, "algorithm": "grid", "resources": resources}))
    assert main(["run", "-q", "--no-check", "--new", "--reuse", *more, str(file)]) == 0


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of images, as in a new process."""
    monkeypatch.setattr(containers, "_made", {})
    monkeypatch.setattr(containers, "_refused", {})


@pytest.mark.usefixtures("undecided")
def test_what_ran_without_its_container_is_not_reused_for_one_that_has_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive(project, monkeypatch)
    drive(project, monkeypatch)
    assert taken(project, 2) == 2
    monkeypatch.setattr(containers, "housing", lambda *_: "some/image:1")
    drive(project, monkeypatch)
    assert taken(project, 3) == 0


@pytest.mark.usefixtures("undecided")
def test_a_trial_without_its_container_has_this_machines_python_on_record(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drive(project, monkeypatch)
    store = open_store(project / ".luthier", read_only=True)
    (attempt,) = store.attempts(1, 1)
    ran = Provenance.from_text(store.provenance(attempt.id))
    store.close()
    assert ran.python is not None and ran.python["executable"] == sys.executable and ran.python["packages"]
    assert "no container engine" in ran.no_image
    capsys.readouterr()
    assert main(["provenance", "1.1"]) == 0
    assert "some/image:1 (not used: " in capsys.readouterr().out


@pytest.mark.usefixtures("undecided")
def test_why_one_experiment_runs_without_its_container_is_not_said_of_another(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive(project, monkeypatch)
    drive(project, monkeypatch)
    folder = project / ".luthier"
    store = open_store(folder)
    first, second = store.experiment(1), store.experiment(2)
    assert why_without(first, folder) and why_without(second, folder)
    monkeypatch.setattr("luthier.drive.containing.ready", lambda *_: None)  # its image can be had now
    make_ready(store, second, folder, Listener(), Interrupts())
    store.close()
    assert why_without(first, folder) and why_without(second, folder) is None


def test_running_again_writes_over_copies_and_names_what_is_linked(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project / "a"
    (folder / ".gitignore").write_text("*.csv\nout/\nlarge.bin\n")
    program = "import sys\nfor path in ('r.csv', 'out/r', sys.argv[1]): open(path, 'a').write('x')\nprint('loss=1')\n"
    (folder / "train.py").write_text(program)
    (folder / "out").mkdir()
    mine = [folder / name for name in ("r.csv", "out/r", "mine.csv")]
    for path in mine:
        path.write_text("mine")
    with open(folder / "large.bin", "wb") as large:
        large.truncate(COPY_BYTES + 1)
    words = ["grid", "-q", "--no-check", "--minimize", "--metric", "loss", "--param", "x=1", "--from-env"]
    assert main([*words, "--", sys.executable, "train.py", str(mine[2])]) == 0
    assert [path.read_text() for path in mine] == ["minex"] * 3
    capsys.readouterr()
    assert main(["reproduce", "1.1", "--check", "-q", "--keep", "again"]) == 0
    said = capsys.readouterr().err
    assert [path.read_text() for path in mine] == ["minex"] * 3
    assert re.search(r"links to your own files, which the program could change: (a/)?large.bin\n", said)
    assert [path.read_text() for path in (folder / "again/code").rglob("r.csv")] == ["minexx"]
