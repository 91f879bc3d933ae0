"""What the commands do to a record: steer, ask and tell, enqueue, retry, remove, sweep, export, follow."""

from __future__ import annotations

import csv
import json
import os
import shutil
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import svm_search

from luthier.cli.output import ending
from luthier.cli.results import print_result
from luthier.drive.ends import Ending, Why
from luthier.run.folders import Folders
from luthier.store import Wish, open_store
from luthier.trial import AttemptId, Outcome, Result, TrialState


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """A store whose search has two finished trials and two in the queue."""
    folder = tmp_path / ".luthier"
    svm_search.build(folder, until=2).close()
    return folder


def test_a_folder_that_was_removed_under_the_shell_is_told(run, tmp_path: Path, monkeypatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    said = run("list")
    assert said.code == 2 and "was removed; cd to" in said.err and "bug" not in said.err


def test_without_an_id_the_newest_is_meant(place, run) -> None:
    store = open_store(place)
    newer, _ = store.open_experiment(svm_search.description(name="newer"), fresh=True)
    store.close()
    assert f"experiment {newer.id} newer" in run("show").err


def test_pause_is_a_wish_and_says_what_runs_on(unfinished, run) -> None:
    said = run("pause")
    assert said.code == 0
    assert "nothing runs; go on with: luthier resume 1" in said.err
    assert open_store(unfinished).experiment(1).wish is Wish.PAUSE
    assert "paused already" in run("pause").err
    assert "paused" in run("list").out


def test_stop_and_kill_are_wishes(unfinished, run) -> None:
    assert "experiment 1 is stopped; nothing was running" in run("stop", "1").err
    assert open_store(unfinished).experiment(1).wish is Wish.STOP
    assert "experiment 1 is killed" in run("kill", "1").err
    assert open_store(unfinished).experiment(1).wish is Wish.KILL
    assert "stopped" in run("list").out


@pytest.mark.parametrize(("verb", "outcome"), [("stop", Outcome.STOPPED), ("kill", Outcome.KILLED)])
def test_a_queued_trial_can_be_ended_alone(verb, outcome, unfinished, run) -> None:
    assert run(verb, "1.3").err == f"trial 1.3 ended: {outcome.value}\n"
    trial = open_store(unfinished).trial(1, 3)
    assert trial.state is TrialState.FINISHED
    assert trial.result is not None
    assert (trial.result.outcome, trial.result.reason) == (outcome, f"{outcome.value} by luthier {verb}")
    assert open_store(unfinished).experiment(1).wish is Wish.RUN


def test_nothing_is_ended_when_one_of_the_ids_is_wrong(unfinished, run) -> None:
    assert run("stop", "1.3", "1.99").code == 4
    assert open_store(unfinished).trial(1, 3).state is TrialState.QUEUED


def test_ask_and_tell(unfinished, run) -> None:
    asked = json.loads(run("ask", "1", "-n", "5").out)
    assert [trial["id"] for trial in asked["trials"]] == ["1.3", "1.4"], "never more than the target leaves"
    first = asked["trials"][0]
    assert first["values"] == {"C": 10, "gamma": 0.01}
    assert first["texts"] == {"C": "10", "gamma": ".010"}
    assert Path(first["folder"]).is_dir()
    assert (
        run("tell", "1.3", "--metric", "accuracy=0.99", "--metric", "loss=.01").err
        == "trial 1.3 succeeded with 0.99\n"
    )
    assert run("tell", "1.3", "--metric", "accuracy=0.99", "--metric", "loss=.01").code == 0, (
        "it may be repeated"
    )
    assert run("tell", "1.4", "--failed", "out of patience").code == 0
    store = open_store(unfinished)
    assert store.experiment(1).is_met
    assert [(s.metric, s.last) for s in store.summaries(1, 3)] == [("accuracy", 0.99), ("loss", 0.01)]
    assert json.loads(run("ask", "1").out)["trials"] == []


def test_a_late_tell_is_stale(unfinished, run) -> None:
    run("ask", "1")
    run("tell", "1.3", "--value", "1")
    run("retry", "1.3")
    run("ask", "1")
    said = run("tell", "1.3", "--attempt", "1", "--value", "2")
    assert said.code == 3
    assert "trial 1.3: attempt 1 came too late, attempt 2 has it" in said.err
    assert open_store(unfinished).trial(1, 3).state is TrialState.RUNNING


def test_ask_heeds_the_wish(unfinished, run) -> None:
    run("pause", "1")
    said = run("ask", "1")
    assert said.code == 2
    assert said.err == "luthier: experiment 1 was asked to pause; lift that with: luthier resume 1\n"


def test_one_trial_of_another_program_is_left_to_it(unfinished, run) -> None:
    run("ask", "1")
    assert "can't be told to end" in run("kill", "1.3").err
    assert open_store(unfinished).trial(1, 3).state is TrialState.RUNNING


@pytest.mark.parametrize(("verb", "outcome"), [("stop", Outcome.STOPPED), ("kill", Outcome.KILLED)])
def test_ending_an_experiment_takes_back_what_was_asked_for(verb, outcome, unfinished, run) -> None:
    run("ask", "1", "-n", "2")
    assert run("rm", "-y", "1").code == 2
    said = run(verb, "1", "--json")
    assert f"experiment 1 is {outcome.value}, 2 trials taken back from another program" in said.err
    assert json.loads(said.out)["ended"][0]["trials"] == [3, 4]
    trial = open_store(unfinished).trial(1, 3)
    assert trial.result is not None
    assert (trial.result.outcome, trial.result.reason) == (outcome, f"{outcome.value} by luthier {verb}")
    assert run("tell", "1.3", "--value", "1").code == 3
    listed = f"1.3  {outcome.value} by luthier {verb}\n" in run("show", "1", "--failed").out
    assert listed == (outcome is Outcome.KILLED), "what was stopped on purpose has not failed"
    assert run("rm", "-y", "1").code == 0


def test_a_program_that_asked_drives_nothing(unfinished, run) -> None:
    run("ask", "1")
    assert json.loads(run("list", "--json").out)["experiments"][0]["state"] == "asked"
    assert "1  svm" in run("list", "--running").out
    assert "run with: luthier resume 1" in run("enqueue", "1", "C=1", "gamma=0.1").err
    assert "run with: luthier resume 1" in run("retry", "1.1").err


def test_hints_name_a_store_that_is_not_found_alone(unfinished, run, tmp_path: Path, monkeypatch) -> None:
    os.rename(unfinished, tmp_path / "my runs")
    there = " --store 'my runs'"
    assert run("pause", "1", "--store", "my runs").err.endswith(f"luthier resume 1{there}\n")
    assert run("ask", "1", "--store", "my runs").err.endswith(f"luthier resume 1{there}\n")
    assert run("retry", "1.1", "--store", "my runs").err.endswith(f"luthier resume 1{there}\n")
    assert run("logs", "1.3", "--store", "my runs").err.endswith(f"luthier logs 1.3 -f{there}\n")
    monkeypatch.setenv("LUTHIER_STORE", str(tmp_path / "my runs"))
    assert run("kill", "1").err.endswith("luthier resume 1\n")


def test_completion_wants_a_shell_in_one_sentence(run) -> None:
    said = run("completion")
    assert (said.code, said.err) == (2, "luthier: name your shell: luthier completion bash, zsh or fish\n")


def test_enqueue_from_files(unfinished, run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("C,gamma\n1,.010\n10,0.1\n")
    (tmp_path / "b.json").write_text('[{"C": 1, "gamma": 0.1}]')
    (tmp_path / "c.jsonl").write_text('{"C": 1, "gamma": 0.1}\n\n{"C": 10, "gamma": ".010"}\n')
    said = run("enqueue", "1", "--file", "a.csv", "--file", "b.json", "--file", "c.jsonl", "--json")
    assert json.loads(said.out)["trials"] == [f"1.{n}" for n in range(5, 10)]
    store = open_store(unfinished)
    given = [t.configuration.texts() for t in store.trials(1)[4:] if t.configuration]
    assert given[0] == {"C": "1", "gamma": ".010"}
    assert given[4] == {"C": "10", "gamma": ".010"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "C,gamma\n1,.010\n3,0.1\n", "a.csv, configuration 2: parameter 'C': 3 is not one of 1, 10"),
        ("a.jsonl", '{"C": 1, "gamma": 0.1}\n{', "a.jsonl:2 is not JSON"),
        ("a.json", "3", "a.json must hold a list of objects"),
        ("a.txt", "", ".txt is not known; use .csv, .json or .jsonl"),
    ],
)
def test_enqueue_names_the_place_of_a_mistake_and_adds_nothing(
    name, text, message, unfinished, run, tmp_path
) -> None:
    (tmp_path / name).write_text(text)
    said = run("enqueue", "1", "--file", name)
    assert said.code == 2
    assert message in said.err
    assert open_store(unfinished).experiment(1).trials == 4


def test_retry_queues_what_did_not_succeed(place, run) -> None:
    assert json.loads(run("retry", "1", "--failed", "--json").out)["queued"] == ["1.4"]
    assert open_store(place).trial(1, 4).state is TrialState.QUEUED
    assert "1.4 is not finished" in run("retry", "1.4").err


def test_rm_removes_record_and_files(place, run) -> None:
    assert Path(Folders(place).experiment(1)).is_dir()
    for path in ("hyperopt/1/domain.pickle", "tensorboard/1/events", "drivers/1.log", "drivers/12.log"):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text("x")
    assert run("rm", "1", "-y").code == 0
    assert not Path(Folders(place).experiment(1)).exists()
    assert not (place / "hyperopt" / "1").exists() and not (place / "tensorboard" / "1").exists()
    assert [log.name for log in (place / "drivers").glob("*.log")] == ["12.log"]
    assert run("show", "1").code == 4


def test_rm_refuses_what_runs(unfinished, run) -> None:
    run("ask", "1")
    said = run("rm", "1", "-y")
    assert said.code == 2
    assert "experiment 1 is running (1 trial)" in said.err
    assert open_store(unfinished).experiment(1).trials == 4


def test_gc_keeps_the_best_and_says_what_it_freed(place, run) -> None:
    for number in range(1, 5):
        files = Folders(place).attempt(1, number, 1)
        (Path(files.checkpoint) / "model").write_bytes(b"x" * 1000)
        (Path(files.outputs) / "plot").write_bytes(b"x" * 10)
    dry = run("gc", "1", "--keep-checkpoints", "best:2", "--keep-outputs", "none", "--dry-run")
    assert dry.err == "2 checkpoints and the outputs of 4 attempts would be deleted: 2.0 kB\n"
    done = json.loads(run("gc", "1", "--keep-checkpoints", "best:2", "--json").out)
    assert (done["checkpoints"], done["checkpoint_bytes"], done["outputs"]) == (2, 2000, 0)
    left = [n for n in range(1, 5) if os.listdir(Folders(place).attempt(1, n, 1).checkpoint)]
    assert left == [2, 3]
    assert os.listdir(Folders(place).attempt(1, 1, 1).outputs) == ["plot"]


def test_gc_leaves_what_is_not_finished(unfinished, run) -> None:
    checkpoint = Path(Folders(unfinished).attempt(1, 3, 1).checkpoint)
    checkpoint.mkdir(parents=True)
    (checkpoint / "model").write_bytes(b"x")
    run("gc", "1", "--keep-checkpoints", "none")
    assert (checkpoint / "model").exists()


def test_export_is_whole_or_not_at_all(place, run, tmp_path, monkeypatch) -> None:
    (tmp_path / "trials.csv").write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        said = run("export", "1", "-o", "trials.csv")
    assert (said.code, said.err) == (2, "luthier: trials.csv could not be written: No space left on device\n")
    assert (tmp_path / "trials.csv").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == [".luthier", "trials.csv"]
    assert run("export", "1", "-o", "trials.csv").err == "4 trials of experiment 1 written to trials.csv\n"
    rows = list(csv.DictReader((tmp_path / "trials.csv").read_text().splitlines()))
    assert [row["param.gamma"] for row in rows] == [".010", "0.1", ".010", "0.1"]


def test_parquet_has_types(place, run, tmp_path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run("export", "1", "-o", "trials.parquet").code == 0
    table = parquet.read_table(tmp_path / "trials.parquet").to_pylist()
    assert [row["param.C"] for row in table] == [1, 1, 10, 10]
    assert [row["metric.accuracy"] for row in table] == [0.912345678, 0.95, 0.95, None]


def test_parquet_without_pyarrow_names_the_extra(place, run, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    said = run("export", "1", "-o", "t.parquet")
    assert said.code == 2
    assert "pip install 'luthier[parquet]'" in said.err


def test_logs_follow_new_trials_until_the_end(unfinished, run, monkeypatch) -> None:
    """A trial prints while it is followed, a piece each beat; following ends with the experiment."""
    asked = json.loads(run("ask", "1").out)["trials"][0]
    log = Path(asked["folder"]) / "stdout.log"

    def end() -> None:
        with closing(open_store(unfinished)) as store:
            store.set_wish(1, Wish.STOP)
            store.finish(AttemptId(1, 3, 1), Result(Outcome.SUCCEEDED, "", 1.0))

    def write(piece: str) -> None:
        with open(log, "a") as file:
            file.write(piece)

    beats = [partial(write, piece) for piece in ("one\n", "two\nth", "ree\n", "no newline")]
    beats.append(end)
    monkeypatch.setattr("luthier.cli.logs.time.sleep", lambda _: beats.pop(0)())
    said = run("logs", "1", "-f", "--tail", "1")
    assert not beats
    assert said.out.splitlines() == [
        "1.1 | done",
        "1.2 | done",
        "1.3 | one",
        "1.3 | two",
        "1.3 | three",
        "1.3 | no newline",
    ]


def test_templates_are_copied_once(run, tmp_path: Path) -> None:
    said = run("template", "get", "digits", "--to", "mine")
    assert said.code == 0
    assert (tmp_path / "mine" / "README.md").is_file()
    assert run("template", "get", "digits", "--to", "mine").code == 2
    assert run("template", "get", "digits", "--to", "mine", "--force").code == 0
    said = run("template", "get", "digit")
    assert said.code == 4
    assert said.err.startswith(
        "luthier: there is no template 'digit' (did you mean digits?); the templates are "
    )


@pytest.mark.parametrize(
    ("target", "queued", "running", "said"),
    [
        (4, 2, 0, "2 still to run"),
        (2, 2, 0, "2 more are written and wait for a larger --num-runs"),
        (2, 1, 1, "1 still running, 1 more is written and waits for a larger --num-runs"),
        (2, 0, 0, "2 succeeded"),
    ],
)
def test_the_last_words_tell_what_is_left(target, queued, running, said, unfinished, capsys) -> None:
    store = open_store(unfinished)
    record = store.experiment(1)._replace(target=target, queued=queued, running=running, succeeded=2)
    print_result(store, unfinished, Ending(Why.MET, record), as_json=False)
    assert f", {said}." in capsys.readouterr().err
    store.close()


def test_a_reason_that_begins_with_its_outcome_is_said_once() -> None:
    assert ending("killed", "killed by luthier kill") == "killed by luthier kill"
    assert ending("failed", "it exited with code 1") == "failed: it exited with code 1"
    assert ending("failed", "") == "failed"


def test_a_store_of_an_older_release_is_read_once_doctor_has_brought_it_up_to_date(tmp_path, run) -> None:
    (tmp_path / ".luthier").mkdir()
    shutil.copy(Path(__file__).parents[1] / "store" / "data" / "v1.db", tmp_path / ".luthier" / "store.db")
    refused = run("list")
    assert refused.code == 3 and "run luthier doctor to bring it up to date" in refused.err
    assert "was brought up to date" in run("doctor").out
    assert run("list").code == 0
    assert "schema" not in run("doctor").out
