"""kaos's door: the acceptance checks 1 to 18 and 79, each by its number, and what else its commands promise."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
import zipfile
from pathlib import Path
from unittest.mock import Mock

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves helpers to us
sys.path.insert(0, str(Path(__file__).parents[2] / "run"))
from kaos_world import PAGE_JSON, TRAIN, World, at, cells, scores, until

from luthier.cli.doors.kaos import images
from luthier.cli.doors.kaos.hyperparams import hash_of
from luthier.cli.doors.kaos.listing import page_count, sorted_by
from luthier.cli.doors.kaos.sources import set_bundle
from luthier.cli.doors.kaos.start import file_name
from luthier.cli.doors.kaos.tables import boxed
from luthier.cli.doors.kaos.words import KaosError
from luthier.cli.doors.kaos.workspaces import similar
from luthier.drive.alive import Alive
from luthier.store import open_store


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return at(tmp_path, monkeypatch)


# ---------------------------------------------------------------------- what is set


def test_check_01_the_hash_of_the_file_on_the_page(world: World) -> None:
    assert hash_of(PAGE_JSON.encode()) == "3fbf2"
    assert hash_of(PAGE_JSON.rstrip("\n").encode()) == "4c4d6"
    world.kaos("workspace create -n mnist")
    said = world.kaos("train deploy", hyper=PAGE_JSON)
    assert " ✔ Setting hyperparameters bundle: /3fbf2/*\n" in said.out


def test_check_02_the_table_of_hyperparameters(world: World) -> None:
    world.kaos("workspace create -n mnist")
    said = world.kaos("train deploy", hyper=PAGE_JSON)
    assert "CURRENT HYPERPARAMETERS (12)\n" in said.out
    rows = cells(said.out)
    assert rows[0] == ["ind", "degree", "gamma", "kernel"]
    assert rows[1] == ["0", "3", "10", "linear"]
    assert rows[4] == ["3", "3", "10", "poly"]
    assert rows[12] == ["11", "5", "0.01", "poly"]


def test_check_03_inputs_stay_set(world: World) -> None:
    world.ready()
    first = world.kaos("train deploy -s src")
    assert cells(first.out)[-3:] == [
        ["Image", "Data", "Hyperparams"],
        ["⨂", "✗", "✗"],
        ["<building>", "", ""],
    ]
    second = world.kaos("train deploy -d data -p 2", hyper=PAGE_JSON)
    head, marks, labels = cells(second.out)[-3:]
    assert head == ["Image", "Data", "Hyperparams"] and marks == ["✔", "✔", "✔"]
    source = first.out.partition("source bundle: /")[2].split()[0]
    assert labels[0] == f"build-train-{source}"
    assert labels[1].startswith("/features:") and labels[2] == "/3fbf2/*"
    world.job()


PAIRED = """\
import os, sys, time
log = os.environ["WORLD_LOG"]

def note(sign):
    with open(log, "ab", 0) as file:
        file.write(sign)

note(b"+")
deadline = time.monotonic() + 20
while open(log, "rb").read().count(b"+") < 2 and time.monotonic() < deadline:
    time.sleep(0.01)
note(b"-")
"""


def test_check_04_two_run_together_and_never_three(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    log = world.folder / "log"
    monkeypatch.setenv("WORLD_LOG", str(log))
    world.ready(PAIRED).deploy("-p 2", PAGE_JSON)
    assert world.job().succeeded == 12
    running, most = 0, 0
    for sign in log.read_bytes():
        running += 1 if sign == ord("+") else -1
        most = max(most, running)
    assert most == 2 and log.read_bytes().count(b"+") == 12


# ---------------------------------------------------------------------- what is shown


def test_checks_05_06_07_10_twelve_models(world: World) -> None:
    world.ready().deploy(
        "-p 2", '{"kernel": ["poly", "linear"], "x": [-0.2, 0.25, 9.5, 10.1, 10.123456789012344, 1e-7]}'
    )
    world.job()
    first = world.kaos("train info -i 0").out
    assert "    Page count: 2\n    Page ID: 0\n" in first and "Score" not in first
    assert len([row for row in cells(first)[1:] if row[0]]) == 10
    second = world.kaos("train info -i 0 -p 1").out
    assert "    Page ID: 1\n" in second
    assert [row[0] for row in cells(second)[1:] if row[0]] == ["0", "1"]
    assert "/kernel=poly_x=-0.2.json" in first and "/kernel=linear_x=1e-7.json" in second
    world.kaos("train info -i 0 -p 2", 1)
    assert "Page 2 does not exist" in world.kaos("train info -i 0 -p 2", 1).err
    models = [row[3] for row in cells(first + second) if row[0].isdigit()]
    assert len(set(models)) == 12
    code, data, hyper = models[0].partition(":")[0].split("_")
    assert (
        f"Path: /toy:{code}" in first and f"Path: /features:{data}" in first and f"Path: /{hyper}/" in first
    )
    assert all(len(model.partition(":")[2]) == 6 and int(model[-6:], 16) >= 0 for model in models)
    by_score = world.kaos("train info -i 0 -s accuracy").out
    assert scores(by_score)[:4] == ["10.123456789012344", "10.123456789012344", "10.1", "10.1"]
    assert ["poly" in row[4] for row in cells(by_score)[2::2]][:4] == [True, False, True, False], "ties stay"
    assert scores(world.kaos("train info -i 0 -s accuracy --ascending").out)[0] == "-0.2"


def test_check_06_the_path_of_hyperparameters() -> None:
    assert (
        file_name({"degree": "5", "kernel": "poly", "gamma": "0.1"}) == "degree=5_kernel=poly_gamma=0.1.json"
    )
    assert "/" not in file_name({"path": "../../etc/x"})
    assert len(file_name({"long": "é" * 500}).encode()) < 255


def test_checks_07_08_scores_are_numbers() -> None:
    found = [{"a": -0.2}, {"a": 9.5}, {}, {"a": 10.1}, {"a": float("nan")}, {"a": 9.5}, {"a": "x"}]
    assert sorted_by(found, ["a"], "a", ascending=False) == [3, 1, 5, 0, 2, 4, 6]
    assert sorted_by(found, ["a"], "a", ascending=True) == [0, 1, 5, 3, 2, 4, 6]
    with pytest.raises(KaosError, match="is not a number"):
        sorted_by([{"a": "text"}], ["a"], "a", ascending=False)


def test_check_09_an_unknown_metric(world: World) -> None:
    world.ready().deploy()
    world.job()
    said = world.kaos("train info -i 0 -s nope", 1)
    assert said.err == "Error - Metric nope not found\n" and not said.out
    assert "is not a number" in world.kaos("train info -i 0 -s report", 1).err


def test_checks_10_11_a_plain_job_and_static_parameters(world: World) -> None:
    world.ready().deploy()
    world.job()
    (model,) = [row for row in cells(world.kaos("train info -i 0").out) if row[0].isdigit()]
    hashes, _, six = model[3].partition(":")
    assert len(hashes.split("_")) == 2 and len(six) == 6 and model[4] == "None"
    world.kaos("train deploy", hyper='{"x": [1, 2]}')
    record = world.job()
    assert record.succeeded == 2
    world.kaos("train get -i 0 -o out")
    (folder,) = (world.folder / "out" / "toy" / world.job_id() / "models").glob("*/x=2.json")
    seen = json.loads((folder.parent / "metrics" / "metrics.json").read_text())["seen"]
    assert seen == {"alpha": 7, "x": 2}, "what is not searched keeps its static value"


def test_check_12_ten_models_are_one_page(world: World) -> None:
    assert [page_count(n) for n in (0, 1, 10, 11, 20, 21)] == [1, 1, 1, 2, 2, 3]
    world.ready().deploy("-p 2", json.dumps({"x": list(range(10))}))
    world.job()
    assert "Page count: 1\n" in world.kaos("train info -i 0").out


WAITING = """\
import os, time
with open(os.environ["WORLD_LOG"] + ".begun", "ab", 0) as file:
    file.write(b"+")
while not os.path.exists(os.environ["WORLD_LOG"]):
    time.sleep(0.02)
"""


def test_check_13_indexes_need_no_list(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_LOG", str(world.folder / "go"))
    world.ready(WAITING).deploy("", '{"x": [1, 2]}')
    until(lambda: "State: JOB_RUNNING" in world.kaos("train info -i 0").out)
    said = world.kaos("train info -i 9", 1)
    assert said.err == "Error - Index 9 does not exist... Run `kaos train list` again\n"
    (world.folder / "go").touch()
    world.job()
    assert "State: JOB_SUCCESS" in world.kaos(f"train info -j {world.job_id()}").out
    assert "State: JOB_SUCCESS" in world.kaos("train info -i -1").out


def test_check_14_kill(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_LOG", str(world.folder / "go"))
    world.ready(WAITING).deploy("", '{"x": [1, 2, 3]}')
    job = world.job_id()
    until(lambda: "State: JOB_RUNNING" in world.kaos("train info -i 0").out)
    assert world.kaos(f"train kill -j {job}").out == f"Info - Job {job} successfully killed\n"
    assert world.state() == "JOB_KILLED"
    assert world.kaos(f"train kill -j {job}", 1).err == f"Error - Job is not running, id: {job}\n"
    assert world.kaos("train kill -j abcdef", 1).err == "Error - There is no job with id: abcdef\n"
    (world.folder / "go").touch()
    said = world.kaos("train deploy -h params.json")
    assert "trains 3 models;" in said.err, "what was killed is trained when it is submitted again"
    assert f"Job {job} is the same and was not finished; this is a new one" in said.err
    assert world.job().succeeded == 3


def test_check_15_get(world: World) -> None:
    world.ready().deploy("-p 2", '{"x": [1, 2]}')
    world.job()
    world.kaos("train get -i 0 -d -m -o out")
    world.kaos("train get -i 0 -o out")
    top = world.folder / "out" / "toy" / world.job_id()
    (code,) = (top / "code").iterdir()
    assert code.name.startswith("toy:") and (code / "toy" / "model" / "train").read_text() == TRAIN
    (data,) = (top / "data").iterdir()
    assert (data / "features" / "training" / "a.csv").exists()
    models = sorted((top / "models").iterdir())
    assert len(models) == 2 and all(len(model.name) == 6 for model in models)
    for model in models:
        assert json.loads((model / "metrics" / "metrics.json").read_text())["rows"] == 1
        assert (model / "model" / "model.pkl").read_bytes() == b"model"
        (hyper,) = model.glob("*.json")
        assert json.loads(hyper.read_text()) == {"x": int(hyper.stem.partition("=")[2])}
    one = world.kaos(f"train get -i 0 --model_id {models[0].name} -m -o one")
    assert (
        one.code == 0 and len(list((world.folder / "one" / "toy" / world.job_id() / "models").iterdir())) == 1
    )
    assert world.kaos("train get -i 0 --model_id 123", 1).err == "Error - There is no model with id: 123\n"


def test_get_brings_links_to_folders_and_follows_none(world: World) -> None:
    more = """
(out / "model" / "v1").mkdir()
(out / "model" / "v1" / "a").write_text("x")
(out / "model" / "latest").symlink_to("v1")
(out / "model" / "elsewhere").symlink_to(os.getcwd())
"""
    world.ready(TRAIN + more).deploy("", '{"x": [1]}')
    world.job()
    for _ in range(2):  # the second time over the first copy
        world.kaos("train get -i 0 -m -o out")
        (model,) = (world.folder / "out" / "toy" / world.job_id() / "models").glob("*/model")
        assert os.readlink(model / "latest") == "v1" and (model / "latest" / "a").read_text() == "x"
        assert (model / "elsewhere").is_symlink()


def test_check_16_the_same_again_runs_nothing_new(world: World) -> None:
    first = world.ready().deploy("-p 2", '{"x": [1, 2]}')
    before = world.job()
    shutil.copytree("data", "copy")
    for path in Path("copy").rglob("*"):
        os.utime(path, (1, 1))
    again = world.kaos("train deploy -d copy -h params.json")
    label = first.out.partition("data bundle: /")[2].split()[0]
    assert f"Setting data bundle: /{label}\n" in again.out
    assert "nothing new to run: all combinations are known (2 trained before)" in again.err
    assert world.newest().id == before.id
    code = before.description.labels["kaos-code"]
    listed = world.luthier("list").out
    assert f"kaos train {code}" in listed and "start.py" not in listed
    wider = world.kaos("train deploy -p 2", hyper='{"x": [1, 3, 2]}')
    assert "trains 1 model (2 trained before);" in wider.err
    record = world.job()
    assert (record.id, record.succeeded) == (before.id + 1, 1)
    shown = world.kaos("train info -i 0 -s accuracy").out
    assert scores(shown) == ["3", "2", "1"], "what was trained before is among the job's models"


def test_check_17_a_text_is_no_list(world: World) -> None:
    world.ready()
    for text, word in (
        ('{"kernel": "poly"}', "'kernel' is no list of values"),
        ('{"kernel": []}', "'kernel' has an empty list"),
        ('{"kernel": 3}', "'kernel' is no list of values"),
        ('{"kernel": {"a": 1}}', "'kernel' is an object"),
        ("[1]", "hyperparameters are an object"),
        ('{"kernel": ["a", "a"]}', "'kernel'"),
        ("{", "params.json:1"),
    ):
        said = world.kaos("train deploy -d data", code=2, hyper=text)
        assert word in said.err and not said.out, "nothing is set, nothing is said to be"
    assert not (world.store / "bundles").exists()


def test_check_18_hyperparameters_are_never_silently_lost(world: World) -> None:
    world.ready()
    world.kaos("train deploy", hyper='{"x": [1, 2]}')
    said = world.kaos("train deploy -s src -d data")
    assert (
        cells(said.out)[-2][2] == "✔"
        and "stay set; to train without: submit a file that holds {}" in said.err
    )
    assert world.job().succeeded == 2
    none = world.kaos("train deploy", hyper="{}")
    assert "Setting hyperparameters bundle: none" in none.out and cells(none.out)[-2][2] == "✗"
    assert world.job().succeeded == 1


def test_check_79_an_endpoint_is_a_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.store.postgres.PATIENCE_SECONDS", 0.1)
    world.kaos("workspace create -n without_init")
    assert (world.store / "kaos" / "workspaces" / "without_init.json").exists()
    said = world.kaos("init -f -e elsewhere/store")
    assert said.out == "Info - kaos successfully connected to elsewhere/store\n"
    world.kaos("workspace create -n there")
    assert (world.folder / "elsewhere" / "store" / "kaos" / "workspaces" / "there.json").exists()
    world.kaos(f"init -f -e sqlite://{world.folder}/third -t secret")
    assert "secret" not in (world.folder / ".kaos" / "config").read_text()
    assert world.kaos("workspace current", 1).err.startswith("Warning - workspace not defined")
    assert "needs no server" in world.kaos("init -f -e http://kaos:80", 1).err
    assert (
        "no mysql store" in world.kaos("init -f -e mysql://x/y", 1).err
        or "needs no server" in world.kaos("init -f -e mysql://x/y", 1).err
    )
    away = world.kaos("init -f -e postgresql://me:geheim@127.0.0.1:9/y", 1)
    assert "postgresql://me:***@127.0.0.1:9/y can't be reached" in away.err and "geheim" not in away.err
    assert "sqlite" in (world.folder / ".kaos" / "config").read_text()  # it is as it was


# ---------------------------------------------------------------------- workspaces and templates


def test_workspaces(world: World) -> None:
    assert (
        world.kaos("train list", 1).err == "Warning - workspace not defined - first run kaos workspace set\n"
    )
    assert "no active workspaces" in world.kaos("workspace list").err
    assert world.kaos("workspace create", 1).err == "Error - Invalid workspace name!\n"
    assert "Invalid Workspace name" in world.kaos("workspace create -n a-b", 1).err
    assert world.kaos("workspace create -n MNIST").out == "Successfully set mnist workspace\n"
    already = world.kaos("workspace create -n mnist", 1).err
    assert already == "Error - Workspace mnist already exists. Please use kaos workspace set\n"
    world.kaos("workspace create -n other")
    assert cells(world.kaos("workspace list").out) == [["ind", "name"], ["0", "mnist"], ["1", "other"]]
    assert "Did you mean one of these?\nmnist\n" in world.kaos("workspace set -n mnsit", 1).err
    assert "Check the existing workspaces" in world.kaos("workspace set -n quite_else", 1).err
    assert world.kaos("workspace set -i 0").out == "Successfully set mnist workspace\n"
    assert world.kaos("workspace current").out == "Info - Workspace mnist is currently set\n"
    assert "Missing either name or ind" in world.kaos("workspace set", 1).err
    assert "llegal usage: name is mutually exclusive with ind" in world.kaos("workspace set -n a -i 0", 2).err
    assert (
        "Index 7 does not exist... Run `kaos workspace list` again" in world.kaos("workspace set -i 7", 1).err
    )
    world.kaos("workspace kill -y")
    assert "Warning - workspace not defined" in world.kaos("workspace current", 1).err
    world.kaos("workspace set -n other")
    (world.store / "kaos" / "workspaces" / "other.json").unlink()
    assert "Workspace other has been deleted/killed" in world.kaos("train list", 1).err


def test_questions_are_asked_and_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.kaos("init -e one")
    for answer, code, words in (("", 1, "-f says yes"), ("n\n", 1, "nothing was changed"), ("y\n", 0, "")):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        said = world.kaos("init -e two", code)
        assert (
            "already initialized in this directory. Do you want to overwrite?" in said.err
            and words in said.err
        )
    world.kaos("workspace create -n toy")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert world.kaos("workspace kill", 1).out.startswith("Info - Workspace toy kill operation aborted.")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert world.kaos("workspace kill").out == "Info - Successfully killed all toy resources\n"


def test_a_killed_workspace_leaves_no_jobs_to_its_successor(world: World) -> None:
    world.ready().deploy()
    world.job()
    world.kaos("workspace kill -y")
    world.kaos("workspace create -n toy")
    assert "currently no training jobs" in world.kaos("train list").err
    assert "Index 0 does not exist" in world.kaos("train info -i 0", 1).err


def test_names_that_two_slips_make() -> None:
    assert similar("mnsit", ["mnist", "mnsits", "other"]) == ["mnist", "mnsits"]
    assert similar("a", ["abc", "abcd"]) == ["abc"]


def test_a_template_is_replaced_and_what_was_changed_is_kept(world: World) -> None:
    assert ["1", "mnist"] in [row[:2] for row in cells(world.kaos("template list").out)]
    world.kaos("template get -i 1")
    assert not world.kaos("template get --name mnist").err
    changed = Path("templates/mnist/hyperopt/params.json")
    changed.write_text("{}")
    assert "templates/mnist.1" in world.kaos("template get --name mnist").err
    assert (
        changed.read_text() == PAGE_JSON
        and Path("templates/mnist.1/hyperopt/params.json").read_text() == "{}"
    )
    assert (
        "template nope does not exist... Run `kaos template list` again"
        in world.kaos("template get -n nope", 1).err
    )


def test_h_means_hyperparameters(world: World) -> None:
    assert "--hyperparams" in world.kaos("train deploy --help").out
    assert "-h, --hyperparams" in world.kaos("train deploy --help").out
    assert "no such option" in world.kaos("train info -h", 2).err.lower()


# ---------------------------------------------------------------------- deploying


def test_what_deploy_refuses(world: World) -> None:
    world.ready()
    nothing = "Warning - --source_bundle and/or --data_bundle or --data_manifest and/or --hyperparams need to be defined for training\n"
    assert world.kaos("train deploy", 1).err == nothing
    world.hyper("{}", "m.mf")
    both = world.kaos("train deploy -d data -m m.mf", 2)
    assert "`data_bundle` is mutually exclusive" in both.err
    assert (
        f"too high. Maximum allowed is {len(os.sched_getaffinity(0))}."
        in world.kaos("train deploy -d data --cpu 9999", 1).err
    )
    assert (
        "Memory request 9Pi too high. Maximum allowed is"
        in world.kaos("train deploy -d data --memory 9Pi", 1).err
    )
    assert "Incorrect memory request 9Q" in world.kaos("train deploy -d data --memory 9Q", 1).err
    assert "GPUs are not enabled" in world.kaos("train deploy -d data --gpu 64", 1).err
    for folder, word in (
        ("none", "non-empty"),
        ("two", "Too many directories"),
        ("bare", "Missing file train"),
    ):
        for inner in {"none": [""], "two": ["a", "b"], "bare": ["a/model"]}[folder]:
            (world.folder / folder / inner).mkdir(parents=True)
        assert word in world.kaos(f"train deploy -s {folder}", 1).err
    assert "is not part of Luthier" in world.kaos("serve deploy -s x --what", 1).err


def test_a_manifest_brings_its_files_together(world: World) -> None:
    world.ready()
    Path("one.csv").write_text("1\n")
    lines = [
        {"url": "one.csv", "path": "training/one.csv"},
        {"url": f"file://{world.folder}/one.csv", "path": "training/b.csv"},
    ]
    Path("data.mf").write_text("\n".join(json.dumps(line) for line in lines))
    said = world.kaos("train deploy -s src -m data.mf")
    assert " ✔ Setting data manifest bundle: /manifest:" in said.out
    world.job()
    world.kaos("train get -i 0 -o out")
    (metrics,) = (world.folder / "out").rglob("metrics.json")
    assert json.loads(metrics.read_text())["rows"] == 2
    for bad, word in (
        ('{"url": "one.csv"}', "bad.mf:1 is no"),
        ('{"url": "one.csv", "path": "../x"}', "leads out"),
        ('{"url": "s3://a/b", "path": "x"}', "s3:// can't be fetched"),
        ('{"url": "gone.csv", "path": "x"}', "could not be fetched"),
        ("", "names no files"),
    ):
        Path("bad.mf").write_text(bad)
        assert word in world.kaos("train deploy -m bad.mf", 1).err


def test_logs_are_shown_and_saved(world: World) -> None:
    world.ready().deploy("", '{"x": [1]}')
    world.job()
    said = world.kaos("train logs -i 0 -o there")
    saved = (world.folder / "there" / "toy" / "logs" / f"train-{world.job_id()}.log").read_text()
    assert said.out == saved and saved.startswith("[20") and 'trained with {"alpha": 7, "x": 1}' in saved
    built = world.kaos("train build-logs")
    assert "No requirements.txt" in built.out and built.out == (
        next((world.folder / "toy" / "logs").glob("build-train-*.log")).read_text()
    )


def test_provenance_is_drawn(world: World) -> None:
    world.ready().deploy("", '{"x": [1]}')
    world.job()
    (model,) = [row[3] for row in cells(world.kaos("train info -i 0").out) if row[0].isdigit()]
    said = world.kaos(f"train provenance -m {model}")
    assert said.out == f"Info - Retrieving provenance from {model}\n"
    drawn = world.folder / "toy" / "provenance" / f"model-{model}.pdf"
    assert drawn.read_bytes().startswith(b"%PDF-")
    picture = drawn.with_suffix(".svg").read_text()
    assert all(word in picture for word in ("/toy:", "/features:", "x = 1", "build-train-toy:", model))
    assert "There is no model with id: nope" in world.kaos("train provenance -m nope", 1).err


def test_show_native_prints_a_search_and_runs_nothing(world: World) -> None:
    world.ready()
    said = world.kaos("train deploy -s src -d data -p 2 --show-native", hyper='{"x": [1, 2]}')
    assert "x: [1, 2]" in said.out and "parallel: 2" in said.out and "CURRENT" not in said.out
    assert "kaos-" not in said.out
    assert not (world.store / "store.db").exists()
    assert "currently no training jobs" in world.kaos("train list").err


# ---------------------------------------------------------------------- images


def test_a_failing_image_fails_the_job_with_its_reason(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    world.ready()
    Path("src/toy/model/requirements.txt").write_text("no-such-thing-at-all==99\n")
    world.deploy()
    world.job()
    assert world.state() == "JOB_FAILURE"
    reason = "No matching distribution found for no-such-thing-at-all==99"
    assert reason in world.kaos("train info -i 0").err
    assert reason in world.kaos("train build-logs").out
    assert ["JOB_FAILURE"] == [row[-1] for row in cells(world.kaos("train list").out) if len(row) == 4][1:]


def test_a_virtual_environment_is_made_of_requirements(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels = world.folder / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "luthier_toy_wheel-1.0-py3-none-any.whl", "w") as wheel:
        info = "luthier_toy_wheel-1.0.dist-info"
        wheel.writestr("luthier_toy_wheel.py", "answer = 42\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: luthier-toy-wheel\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    world.ready("import luthier_toy_wheel, sys\nprint(luthier_toy_wheel.answer, sys.prefix)\n")
    Path("src/toy/model/requirements.txt").write_text("luthier-toy-wheel\n")
    world.deploy("-p 2", '{"x": [1, 2]}')
    assert world.job().succeeded == 2
    said = world.kaos("train logs -i 0").out
    (environment,) = (path for path in (world.store / "kaos" / "environments").iterdir() if path.is_dir())
    assert said.count(f"42 {environment}") == 2


@pytest.mark.parametrize(
    ("line", "is_own"),
    [
        ("toy==1.0  # see ./notes", False),
        ("toy[extra]>=1; python_version > '3'", False),
        ("--extra-index-url https://host/simple", False),
        ("toy @ https://host/toy-1.0.whl", False),
        ("git+https://host/toy.git", False),
        ("-r base.txt", True),
        ("-cbase.txt", True),
        ("--constraint=base.txt", True),
        ("-e .", True),
        ("./toy", True),
        ("wheels/toy-1.0-py3-none-any.whl", True),
        ("toy-1.0-py3-none-any.whl", True),
        ("toy @ file:toy.zip", True),
        ("toy @ file:///src/toy", True),
    ],
)
def test_an_environment_is_its_bundle_s_own_where_the_list_names_files(
    line: str, is_own: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "start_apart", Mock())  # only what is asked for is looked at
    model, asked = world.ready().folder / "src" / "toy" / "model", []
    (model / "requirements.txt").write_text(f"\n# all\n{line}\n")
    for text in ("a", "b"):
        (model / "base.txt").write_text(text)
        code = set_bundle(world.folder / "src", "source", world.store, "me")
        request = images.request(world.store, code, anew=False) / "request.json"
        asked.append(json.loads(request.read_text())["environment"])
    assert (asked[0] != asked[1]) == is_own


def test_a_dockerfile_is_built_where_an_engine_works(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUTHIER_CONTAINER_ENGINE")
    from container_image import image

    script = """\
#!/bin/sh
cat beside.txt /pfs/hyper/*/*.json /pfs/data/features/training/a.csv
mkdir "$1/model" "$1/metrics"
echo "{\\"accuracy\\": 0.75}" > "$1/metrics/metrics.json"
"""
    world.ready(script)
    Path("src/toy/model/beside.txt").write_text("beside\n")
    os.chmod("src/toy/model/train", 0o755)
    Path("src/toy/Dockerfile").write_text(
        f"FROM {image()}\nWORKDIR /opt/program\nCOPY . /opt/program/\nRUN touch built\n"
    )
    world.deploy("-p 2", '{"x": [1, 2]}')
    record = world.job()
    assert record.succeeded == 2 and "without-container" not in record.description.labels
    assert record.description.environment is not None and record.description.environment.image
    said = world.kaos("train logs -i 0").out
    assert said.count("beside") == 2 and '{"x": 1}' in said and said.count("1,2") == 2
    assert scores(world.kaos("train info -i 0 -s accuracy").out) == ["0.75", "0.75"]


def test_without_an_engine_a_dockerfile_is_loudly_left_out(world: World) -> None:
    world.ready()
    Path("src/toy/Dockerfile").write_text("FROM scratch\n")
    said = world.deploy()
    assert said.err.count("Warning - no container engine works here") >= 1
    world.job()
    for look in ("info -i 0", "list"):
        assert "no container engine works here" in world.kaos(f"train {look}").err


def test_an_image_of_a_container_is_built_anew_where_no_engine_works_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready()
    Path("src/toy/Dockerfile").write_text("FROM scratch\n")
    world.deploy("-p 1", '{"x": [1]}')
    assert world.job().succeeded == 1
    (built,) = (world.store / "kaos" / "builds").glob("*/image.json")
    before = json.loads(built.read_text())
    container = {
        "state": "built",
        "kind": "container",
        "runs": "localhost/gone",
        "folder": "/",
        "engine": True,
    }
    built.write_text(json.dumps(before | container))
    world.deploy("-p 1", '{"x": [2]}')
    assert world.job().succeeded == 1 and world.state() == "JOB_SUCCESS"
    assert json.loads(built.read_text())["kind"] == before["kind"] and before["engine"] is False
    engine = type("Engine", (), {"engine": object()})
    monkeypatch.setattr("luthier.run.containers_engine.find_engine", engine)
    assert not images._suits(before), "and in a container again where one works"
    assert images._suits(before | {"engine": True}), "but not where it did not help"


# ---------------------------------------------------------------------- others, and deaths


def test_a_job_whose_driver_is_killed_goes_on_when_it_is_submitted_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = world.folder / "go"
    monkeypatch.setenv("WORLD_LOG", str(go))
    world.ready(WAITING).deploy("-p 2", '{"x": [1, 2, 3]}')
    begun = Path(f"{go}.begun")
    until(lambda: begun.exists() and begun.read_bytes() == b"++")
    os.kill(int((world.store / "locks" / "driver-1").read_text()), signal.SIGKILL)
    until(lambda: not Alive(world.store).is_driven(world.newest().id))
    assert world.state() == "JOB_RUNNING", "its trials go on"
    go.touch()
    until(lambda: world.state() == "JOB_KILLED")
    assert "it goes on when it is submitted again" in world.kaos("train info -i 0").err
    again = world.kaos("train deploy -h params.json")
    assert "was interrupted, and goes on" in again.err and "trains" not in again.err.partition("goes on")[2]
    record = world.job()
    assert (record.id, record.succeeded) == (1, 3)


def test_a_job_whose_first_models_all_fail_has_failed_and_says_why(world: World) -> None:
    world.ready("#!/bin/sh\necho no data >&2\nexit 1\n").deploy("-p 1", '{"x": [1, 2, 3, 4, 5]}')
    until(lambda: world.newest().finished >= 3 and not Alive(world.store).is_driven(world.newest().id))
    assert world.state() == "JOB_FAILURE"
    said = world.kaos("train info -i 0").err
    assert "the first 3 trials all failed, so no more were started" in said
    assert "killed" not in said


def test_two_folders_at_one_store_see_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ready().deploy("-p 2", '{"x": [1, 2]}')
    world.job()
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree("src", elsewhere / "src")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("LOGNAME", "somebody")
    world.kaos(f"init -f -e {world.store}")
    world.kaos("workspace set -n toy")
    assert len(scores(world.kaos("train info -i 0 -s accuracy").out)) == 2
    assert "nothing new to run" in world.kaos("train deploy -s src").err


def test_bundles_that_are_only_set_survive_the_sweep(world: World) -> None:
    world.ready().kaos("train deploy -s src")
    open_store(world.store).close()
    for manifest in (world.store / "bundles" / "manifests").iterdir():
        os.utime(manifest, (1, 1))
    world.luthier("gc --bundles")
    world.kaos("train deploy -d data")
    assert world.job().succeeded == 1


# ---------------------------------------------------------------------- tables


def test_cells_stand_in_the_middle_as_on_the_page() -> None:
    page = """\
+-----+--------+-------+--------+
| ind | degree | gamma | kernel |
+-----+--------+-------+--------+
|  0  |   3    |   10  | linear |
+-----+--------+-------+--------+
|  10 |   5    |  0.1  |  poly  |
+-----+--------+-------+--------+"""
    assert (
        boxed(["ind", "degree", "gamma", "kernel"], [["0", "3", "10", "linear"], ["10", "5", "0.1", "poly"]])
        == page
    )
    titled = boxed(["a"], [["b\nc"]], "TITLE").splitlines()
    assert len({len(line) for line in titled}) == 1 and titled[1] == "| TITLE |"
    assert "\\x1b" in boxed(["a"], [["\x1b[31m"]])
