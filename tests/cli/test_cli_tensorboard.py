"""`luthier tensorboard`: what it writes, and a real TensorBoard that shows it; check 29."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import svm_search

from luthier.clock import FakeClock
from luthier.description import Algorithm, Constraint, Objective, Stages
from luthier.metrics.events import EventFile
from luthier.run.folders import Folders
from luthier.space import Categorical, Float, Normal, Parameter, Space, Value
from luthier.store.memory import MemoryStore
from luthier.store.sqlite import SqliteStore
from luthier.trial import Outcome, Point, Proposal, Result
from luthier.view.tensorboard import Mirror, encoding, serving

Run = Callable[..., Any]
ALL = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


def curve(directory: Path, tag: str) -> list[tuple[int, float]]:
    (path,) = directory.glob("*.luthier")
    return [(s.step, s.value) for s in EventFile(path).scalars(1 << 30) if s.tag == tag]


# ------------------------------------------------------------------ the folder


def test_once_writes_the_folder_and_needs_nothing_installed(
    place: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    said = run("tensorboard", "1", "--once")
    assert (said.code, said.err) == (0, "4 trials of experiment 1 written as runs\n")
    folder = Path(said.out.strip())
    assert folder == place / "tensorboard" / "1"
    assert sorted(each.name for each in folder.iterdir()) == ["1.1", "1.2", "1.3", "1.4"]
    assert curve(folder / "1.2", "accuracy") == [(1, pytest.approx(0.475)), (2, pytest.approx(0.95))]
    before = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    assert run("tensorboard", "--once", "--logdir", str(folder)).code == 0
    assert {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()} == before


def test_without_tensorboard_the_extra_is_named(
    place: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.view.tensorboard import server

    monkeypatch.setattr(server, "find_spec", lambda name: None)
    said = run("tensorboard", "1")
    assert said.code == 2 and "pip install 'luthier[tensorboard]'" in said.err and "--once" in said.err


def test_a_port_without_a_server_is_refused(place: Path, run: Run) -> None:
    said = run("tensorboard", "1", "--once", "--port", "6006")
    assert said.code == 2 and "--once starts no TensorBoard" in said.err


def test_event_files_of_the_trial_itself_are_linked_below_its_run(
    place: Path, run: Run, tmp_path: Path
) -> None:
    attempt = Folders(place).attempt(1, 1, 1)
    theirs = tmp_path / "runs" / "events.out.tfevents.1.h"
    for path in (
        theirs,
        Path(attempt.outputs, "logs", "train", "tfevents.2"),
        Path(attempt.outputs, "tfevents.3"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoding.beginning(1.0))
    Path(attempt.path, "tensorboard", "runs").mkdir(parents=True)
    Path(attempt.path, "tensorboard", "runs", theirs.name).symlink_to(theirs)
    folder = Path(run("tensorboard", "1", "--once").out.strip())
    links = {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_symlink()}
    assert links == {f"1.1/runs/{theirs.name}", "1.1/logs/train/tfevents.2", "1.1/own/tfevents.3"}
    assert (folder / "1.1" / "runs" / theirs.name).resolve() == theirs


def test_a_search_that_goes_on_is_added_to(tmp_path: Path) -> None:
    store = svm_search.build(tmp_path / ".luthier", until=1)
    mirror = Mirror(store, 1, Folders(tmp_path / ".luthier"), tmp_path / "tb")
    assert mirror.refresh(0.0) == 1
    size = next((tmp_path / "tb" / "1.1").glob("*.luthier")).stat().st_size
    (claim,) = store.claim(1, 1, "w", "n", 60.0)
    assert mirror.refresh(0.0) == 2
    for step in range(3):
        store.report(claim.id, step, [Point("accuracy", step, step / 4, 10.0)])
        mirror.refresh(0.0)
        assert curve(tmp_path / "tb" / "1.2", "accuracy") == [(k, k / 4) for k in range(step + 1)]
    store.finish(claim.id, Result(Outcome.SUCCEEDED, "", 0.5))
    mirror.refresh(0.0)
    assert next((tmp_path / "tb" / "1.1").glob("*.luthier")).stat().st_size == size  # nothing twice
    store.close()


def test_a_second_attempt_follows_the_first_and_says_where_it_begins(tmp_path: Path) -> None:
    store = svm_search.build(tmp_path, until=0)
    (claim,) = store.claim(1, 1, "w", "n", 60.0)
    store.report(claim.id, 0, [Point("accuracy", step, 0.1, 10.0) for step in range(3)])
    store.finish(claim.id, Result(Outcome.LOST, "lost"), again=True)
    mirror = Mirror(store, 1, Folders(tmp_path), tmp_path / "tb")
    mirror.refresh(0.0)
    (claim,) = store.claim(1, 1, "w", "m", 60.0)
    store.report(claim.id, 0, [Point("accuracy", 1, 0.5, 20.0)])
    mirror.refresh(0.0)
    assert curve(tmp_path / "tb" / "1.1", "accuracy") == [
        (0, pytest.approx(0.1)),
        (1, pytest.approx(0.1)),
        (2, pytest.approx(0.1)),
        (1, 0.5),
    ]
    (path,) = (tmp_path / "tb" / "1.1").glob("*.luthier")
    assert encoding.restart(20.0, 1) in path.read_bytes()
    store.close()


def folds(tmp_path: Path, stopped: bool = False) -> SqliteStore:
    """A trial of three folds, of which two have run; then it was stopped, or runs the third."""
    store = svm_search.build(tmp_path, until=0, stages=Stages("folds", "", (0.0, 1.0, 2.0)))
    for fold, value in enumerate((0.5, 0.7)):
        (claim,) = store.claim(1, 1, "w", f"c{fold}", 60.0)
        store.report(claim.id, 0, [Point("accuracy", 0, value, 10.0 + fold)])
        ends = stopped and fold == 1
        outcome = Outcome.STOPPED if ends else Outcome.SUCCEEDED
        curve = tuple((n, 0.4 + 0.1 * n) for n in range(1, fold + 2))
        store.finish(claim.id, Result(outcome, "", curve[-1][1], curve=curve), pause=not ends)
        store.promote(1, claim.id.trial)
    return store


def test_each_fold_has_its_own_curve_and_the_mean_is_the_objective(tmp_path: Path) -> None:
    mirror = Mirror(folds(tmp_path, stopped=True), 1, Folders(tmp_path), tmp_path / "tb")
    mirror.refresh(0.0)
    run = tmp_path / "tb" / "1.1"
    assert curve(run, "accuracy/fold 0") == [(0, 0.5)] and curve(run, "accuracy") == []
    assert curve(run, "accuracy/fold 1") == [(0, pytest.approx(0.7))]
    means = [(1, pytest.approx(0.5)), (2, pytest.approx(0.6))]
    assert curve(run, "accuracy (mean of folds)") == means
    assert curve(run, "complete") == [(0, 0.0)]
    (path,) = run.glob("*.luthier")
    assert encoding.restart(11.0, 0) not in path.read_bytes()


def test_the_mean_of_folds_grows_while_they_run(tmp_path: Path) -> None:
    store = folds(tmp_path)
    mirror = Mirror(store, 1, Folders(tmp_path), tmp_path / "tb")
    mirror.refresh(0.0)
    mirror.refresh(0.0)
    tag = "accuracy (mean of folds)"
    assert [step for step, _ in curve(tmp_path / "tb" / "1.1", tag)] == [1, 2]
    (claim,) = store.claim(1, 1, "w", "last", 60.0)
    store.report(claim.id, 0, [Point("accuracy", 0, 0.9, 20.0)])
    mirror.refresh(0.0)
    store.finish(claim.id, Result(Outcome.SUCCEEDED, "", 0.7, curve=((1, 0.5), (2, 0.6), (3, 0.7))))
    mirror.refresh(0.0)
    mirror.refresh(0.0)
    assert curve(tmp_path / "tb" / "1.1", tag)[2:] == [(3, pytest.approx(0.7))]
    assert curve(tmp_path / "tb" / "1.1", "complete") == [(0, 1.0)]


def test_a_trial_that_is_tried_again_becomes_another_run(tmp_path: Path) -> None:
    store = svm_search.build(tmp_path, until=0)
    (claim,) = store.claim(1, 1, "w", "n", 60.0)
    store.report(claim.id, 0, [Point("accuracy", 1, 0.1, 10.0)])
    store.finish(claim.id, Result(Outcome.FAILED, "no"))
    mirror = Mirror(store, 1, Folders(tmp_path), tmp_path / "tb")
    mirror.refresh(0.0)
    assert store.retry(1, 1)
    mirror.refresh(0.0)
    assert [each.name for each in (tmp_path / "tb").iterdir()] == ["1.1"]  # it has not begun yet
    (claim,) = store.claim(1, 1, "w", "m", 60.0)
    assert mirror.refresh(0.0) == 1
    store.report(claim.id, 0, [Point("accuracy", 1, 0.5, 20.0)])
    store.finish(claim.id, Result(Outcome.SUCCEEDED, "", 0.5))
    mirror.refresh(0.0)
    assert [each.name for each in (tmp_path / "tb").iterdir()] == ["1.1 (attempt 2)"]
    assert curve(tmp_path / "tb" / "1.1 (attempt 2)", "accuracy")[-1] == (1, 0.5)
    (path,) = (tmp_path / "tb" / "1.1 (attempt 2)").glob("*.luthier")
    written, ended = path.read_bytes(), store.trial(1, 1).ended
    assert ended is not None and encoding.session_end(ended, True) in written
    assert b"_hparams_/experiment" in written  # the columns were in the run that is gone
    Mirror(store, 1, Folders(tmp_path), tmp_path / "tb").refresh(0.0)
    assert [each.name for each in (tmp_path / "tb").iterdir()] == ["1.1"]
    store.close()


# ------------------------------------------------------------------ a real TensorBoard


SPACE = Space(
    (
        Parameter("rate", Float(0.001, 1.0, "log")),
        Parameter("cell", Categorical((Value("gru"), Value("lstm")))),
        Parameter("units", Categorical((Value(16), Value(32)))),
        Parameter("bias", Categorical((Value(True), Value(False)))),
        Parameter("clip", Categorical((Value(None), Value(1.5)))),
        Parameter("mixed", Categorical((Value("auto"), Value(3)))),
        Parameter("noise", Normal(0.0, 1.0)),
        Parameter("momentum", Float(0.0, 0.9)),
    )
)
VALUES = [
    {"rate": 0.1, "cell": "gru", "units": 16, "bias": True, "clip": None, "mixed": "auto", "noise": -1.0},
    {
        "rate": 0.2,
        "cell": "lstm",
        "units": 32,
        "bias": False,
        "clip": 1.5,
        "mixed": 3,
        "noise": 2.0,
        "momentum": 0.5,
    },
    {"rate": 0.3, "cell": "gru", "units": 32, "bias": True, "clip": 1.5, "mixed": 3, "noise": 0.0},
    {"rate": 0.4, "cell": "gru", "units": 32, "bias": True, "clip": 1.5, "mixed": 3, "noise": 0.5},
]
LOSSES = [(3.0, 1.0, 2.0), (5.0, 0.5, 4.0), None, (7.0,)]
"""What the four trials report: the third fails, the fourth goes on running."""


def search() -> MemoryStore:
    """A search of the smallest `loss`, its first parameters told of with every kind of value."""
    from luthier.space import Configuration

    store = MemoryStore(FakeClock())
    objective = Objective("loss", "min", "minimize")
    described = svm_search.description(
        space=SPACE,
        algorithm=Algorithm("random"),
        objective=objective,
        also=(Objective("size", direction="minimize"),),
        constraints=(Constraint("memory", 4.0),),
        trials=4,
        name=None,
    )
    record, _ = store.open_experiment(described)
    reserved = store.reserve(record.id, 4, "w", "r")
    store.propose(
        record.id,
        "r",
        [
            (r.number, Proposal(Configuration(v), "random", r.ordinal))
            for r, v in zip(reserved, VALUES, strict=True)
        ],
    )
    for number, losses in enumerate(LOSSES, 1):
        (claim,) = store.claim(record.id, 1, "w", f"c{number}", 60.0)
        if losses is None:
            store.finish(claim.id, Result(Outcome.FAILED, "exit code 1"))
            continue
        points = [Point("loss", step, loss, 1000.0 + step) for step, loss in enumerate(losses)]
        store.report(
            claim.id, 0, [*points, Point("size", 0, number, 1000.0), Point("memory", 0, 1.0, 1000.0)]
        )
        if number < 4:
            store.finish(
                claim.id,
                Result(Outcome.SUCCEEDED, "", min(losses), values=(min(losses), number), constraints=(-3.0,)),
            )
    return store


def asked(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url.rstrip("/") + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Mirror, MemoryStore]]:
    """TensorBoard over the search, when it has read all of it."""
    pytest.importorskip("tensorboard")
    folder = tmp_path_factory.mktemp("tb")
    store = search()
    mirror = Mirror(store, 1, Folders(folder / "none"), folder / "runs")
    mirror.refresh(0.0)
    with serving(mirror.directory, 0) as server:
        until(lambda: len(sessions(server.url)) == 4, "the four sessions")
        yield server.url, mirror, store


def groups(url: str, **order: Any) -> list[Any]:
    columns = [{"metric": {"tag": "loss (min)", "group": ""}, **order}]
    body = {"allowedStatuses": ALL, "colParams": columns, "startIndex": 0, "sliceSize": 100}
    found: list[Any] = asked(url, "/data/plugin/hparams/session_groups", body)["sessionGroups"]
    return found


def sessions(url: str) -> dict[str, Any]:
    try:
        return {each["name"]: each for each in groups(url)}
    except urllib.error.HTTPError:
        return {}  # it has not read the columns yet


def test_trials_are_runs_with_their_curves_and_times(shown: tuple[str, Mirror, MemoryStore]) -> None:
    url, _, _ = shown
    tags = asked(url, "/data/plugin/scalars/tags")
    assert sorted(tags) == ["1.1", "1.2", "1.4"]  # the third has reported nothing
    assert sorted(tags["1.1"]) == ["loss", "loss (min)", "memory", "size"]
    points = asked(url, "/data/plugin/scalars/scalars?run=1.2&tag=loss")
    assert points == [[1000.0, 0, 5.0], [1001.0, 1, 0.5], [1002.0, 2, 4.0]]


def test_the_table_has_every_parameter_with_its_domain_and_the_objective_first(
    shown: tuple[str, Mirror, MemoryStore],
) -> None:
    url, _, _ = shown
    found = asked(url, "/data/plugin/hparams/experiment", {})
    columns = {each["name"]: each for each in found["hparamInfos"]}
    assert set(columns) == set(SPACE.names)
    assert columns["rate"]["domainInterval"] == {"minValue": 0.001, "maxValue": 1.0}
    assert (
        columns["cell"]["domainDiscrete"] == ["gru", "lstm"] and columns["cell"]["type"] == "DATA_TYPE_STRING"
    )
    assert columns["units"]["domainDiscrete"] == [16, 32] and columns["units"]["type"] == "DATA_TYPE_FLOAT64"
    assert columns["bias"]["domainDiscrete"] == [True, False] and columns["bias"]["type"] == "DATA_TYPE_BOOL"
    assert columns["clip"]["domainDiscrete"] == [1.5]
    assert columns["mixed"]["domainDiscrete"] == ["auto", "3"]
    assert columns["noise"]["type"] == "DATA_TYPE_FLOAT64" and "domainInterval" not in columns["noise"]
    metrics = [(each["name"]["tag"], each["description"]) for each in found["metricInfos"]]
    assert metrics == [
        ("loss (min)", "minimize loss (min)"),
        ("size", "minimize size"),
        ("memory", "memory <= 4"),
        ("loss", ""),
    ]


def test_the_table_has_each_trials_values_and_how_it_ended(shown: tuple[str, Mirror, MemoryStore]) -> None:
    rows = sessions(shown[0])
    expected = dict(VALUES[1], mixed="3")
    assert rows["1.2"]["hparams"] == expected
    assert rows["1.1"]["hparams"] == {k: v for k, v in VALUES[0].items() if v is not None}
    ends = {name: row["sessions"][0]["status"] for name, row in rows.items()}
    assert ends == {
        "1.1": "STATUS_SUCCESS",
        "1.2": "STATUS_SUCCESS",
        "1.3": "STATUS_FAILURE",
        "1.4": "STATUS_UNKNOWN",  # it runs
    }


def test_the_table_is_sorted_by_the_objective(shown: tuple[str, Mirror, MemoryStore]) -> None:
    sorted_rows = groups(shown[0], order="ORDER_ASC", missingValuesFirst=False)
    assert [row["name"] for row in sorted_rows][:2] == ["1.2", "1.1"]
    values = {each["name"]["tag"]: each["value"] for each in sorted_rows[0]["metricValues"]}
    assert values["loss (min)"] == 0.5 and values["loss"] == 4.0


def test_new_points_come_up_while_it_is_looked_at(shown: tuple[str, Mirror, MemoryStore]) -> None:
    url, mirror, store = shown
    (held,) = store.held(1)
    store.report(held.id, 3, [Point("loss", 1, 6.5, 1001.0)])
    mirror.refresh(0.0)
    until(lambda: len(asked(url, "/data/plugin/scalars/scalars?run=1.4&tag=loss")) == 2, "the new point")


def test_ctrl_c_ends_it_and_leaves_nothing(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "tmp").mkdir()
    words = [sys.executable, "-m", "luthier", "tensorboard", "1", "--port", "0"]
    env = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    with subprocess.Popen(words, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        url = line.partition("TensorBoard: ")[2].split()[0]
        assert url.startswith("http://127.0.0.1:")
        until(lambda: sorted(asked(url, "/data/runs")) == ["1.1", "1.2", "1.3", "1.4"], "the four runs")
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "TensorBoard has ended.\n"
        assert process.wait() == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=5)
    assert not [each for each in (tmp_path / "tmp").iterdir() if each.name != ".tensorboard-info"]
    assert not list((tmp_path / "tmp").glob(".tensorboard-info/*"))
    assert not (place / "tensorboard").exists()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells a child that its parent died"
)
def test_killed_it_takes_tensorboard_with_it(place: Path, tmp_path: Path) -> None:
    """And its data server."""
    pytest.importorskip("tensorboard")
    (tmp_path / "tmp").mkdir()
    words = [sys.executable, "-m", "luthier", "tensorboard", "1", "--port", "0"]
    env = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    with subprocess.Popen(words, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = process.stderr.readline().partition("TensorBoard: ")[2].split()[0]
        assert asked(url, "/data/runs") is not None
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(children, timeout=30.0)
    assert not alive


def test_a_port_that_is_taken_is_said_and_leaves_nothing(place: Path, run: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run("tensorboard", "1", "--port", str(port), "--logdir", str(tmp_path / "tb"))
    assert said.code == 2 and f"{port}" in said.err and "TensorBoard ended" in said.err
