"""MongoTrials and its worker on our store, and Gradient's hyper_tune on both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from luthier.compat import gradient_sdk
from luthier.compat.gradient_sdk import ConfigError, hyper_tune
from luthier.compat.hyperopt import STATUS_OK, fmin, hp, rand, tpe
from luthier.compat.hyperopt import mongoexp as mongo
from luthier.compat.hyperopt.documents import document
from luthier.compat.hyperopt.shared import Shared, name_of
from luthier.compat.hyperopt.worker import main as worker
from luthier.drive.alive import Alive
from luthier.errors import StoreError, UsageError
from luthier.store import open_store
from luthier.trial import Outcome
from luthier.view.experiments import experiment_rows

URL = "mongo://localhost:27017/foo_db/jobs"
X = hp.uniform("x", -5, 5)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own; fmin evaluates by itself at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LUTHIER_STORE", str(tmp_path / "runs"))
    monkeypatch.setattr(mongo, "PATIENCE_SECONDS", 0.0)
    for name in gradient_sdk.MONGO:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "runs"


@pytest.fixture
def trials() -> Iterator[mongo.MongoTrials]:
    """Trials whose store is closed at the end."""
    made = mongo.MongoTrials(URL, exp_key="exp1")
    yield made
    made.close()


def bowl(x: float) -> dict[str, Any]:
    return {"loss": (x - 3) ** 2, "status": STATUS_OK, "pid": os.getpid(), "attachments": {"at": x}}


def running(*words: str) -> subprocess.Popen[str]:
    """A worker of its own process."""
    return subprocess.Popen(
        [sys.executable, "-m", "luthier.compat.hyperopt.worker", "--poll-interval", "0.05", *words],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("url", "key", "name"),
    [
        (URL, None, "foo_db"),
        (URL, "foo_db", "foo_db"),
        (URL, "exp1", "foo_db.exp1"),
        ("localhost:27017/foo_db", "exp1", "foo_db.exp1"),
        ("mongodb://user:secret@host/db", None, "db"),
    ],
)
def test_a_database_and_a_key_name_an_experiment(url: str, key: str | None, name: str) -> None:
    assert name_of(url, key) == name


def test_a_url_without_a_database_is_refused() -> None:
    with pytest.raises(UsageError, match="mongo://HOST:PORT/DATABASE/jobs"):
        mongo.MongoTrials("mongo://localhost:27017")


def test_fmin_evaluates_by_itself_where_nobody_else_does_and_the_store_keeps_it(
    trials: mongo.MongoTrials, store: Path
) -> None:
    best = fmin(bowl, X, algo=tpe.suggest, max_evals=6, trials=trials, rstate=0)
    assert len(trials) == 6 and best.loss == trials.best_trial["result"]["loss"]
    assert trials.trial_attachments(trials.best_trial)["at"] == best["x"]
    again = mongo.MongoTrials(URL, exp_key="exp1")
    assert again.losses() == trials.losses() and again.argmin == dict(best)
    fmin(bowl, X, algo=tpe.suggest, max_evals=8, trials=again, rstate=0)
    again.close()
    trials.refresh()
    assert len(trials) == 8
    kept = open_store(store, read_only=True)
    [record] = kept.experiments()
    assert (record.description.name, record.succeeded) == ("foo_db.exp1", 8)
    assert [t.result.value for t in kept.trials(record.id) if t.result] == trials.losses()
    kept.close()


def stands(folder: Path) -> tuple[str, int]:
    """How the only experiment stands, and how many trials of it have succeeded."""
    kept = open_store(folder, read_only=True)
    try:
        [row] = experiment_rows(kept, Alive(folder).is_driven)
    finally:
        kept.close()
    return row.state.value, row.succeeded


def test_a_search_is_finished_when_fmin_returns_and_open_again_with_the_next(
    trials: mongo.MongoTrials, store: Path
) -> None:
    seen = []

    def objective(x: float) -> float:
        seen.append(stands(store)[0])
        if len(seen) == 5:
            raise KeyboardInterrupt
        return x

    fmin(objective, X, algo=rand.suggest, max_evals=2, trials=trials, rstate=0)
    assert stands(store) == ("finished", 2)
    fmin(objective, X, algo=rand.suggest, max_evals=4, trials=trials, rstate=0)
    assert stands(store) == ("finished", 4) and seen == ["running"] * 4
    with pytest.raises(KeyboardInterrupt):
        fmin(objective, X, algo=rand.suggest, max_evals=6, trials=trials, rstate=0)
    trials.close()
    assert stands(store) == ("interrupted", 4)


def test_an_fmin_goes_on_after_another_of_the_same_search_has_finished(
    trials: mongo.MongoTrials, store: Path
) -> None:
    other = mongo.MongoTrials(URL, exp_key="exp1")

    def look(seen: Any) -> tuple[bool, list[Any]]:
        if len(seen) == 2:
            fmin(bowl, X, algo=rand.suggest, max_evals=3, trials=other, rstate=1)
        return False, []

    fmin(bowl, X, algo=rand.suggest, max_evals=6, trials=trials, rstate=0, early_stop_fn=look)
    other.close()
    trials.close()
    assert stands(store) == ("finished", 7)  # six of its own, and the other's


def test_exceptions_failures_and_points_are_told_as_elsewhere(trials: mongo.MongoTrials) -> None:
    def objective(x: float) -> Any:
        if x == 1.0:
            raise OSError("no disk")
        return {"status": "fail", "why": "poor"} if x == 2.0 else bowl(x)

    points = [{"x": 1.0}, {"x": 2.0}]
    fmin(objective, X, algo=rand.suggest, max_evals=3, trials=trials, rstate=0, points_to_evaluate=points)
    assert trials.failures == [(0, "OSError: no disk"), (1, "status fail, {'why': 'poor'}")]
    assert len(trials) == 4 and len([loss for loss in trials.losses() if loss is not None]) == 3


def test_a_finite_space_ends(trials: mongo.MongoTrials) -> None:
    fmin(lambda c: c, hp.choice("c", [3, 1, 2]), algo=tpe.suggest, max_evals=20, trials=trials, rstate=0)
    assert sorted(trials.losses()) == [1, 2, 3]


def test_another_space_under_the_same_name_is_refused(trials: mongo.MongoTrials) -> None:
    fmin(bowl, X, algo=rand.suggest, max_evals=1, trials=trials)
    other = mongo.MongoTrials(URL, exp_key="exp1")
    with pytest.raises(UsageError, match=r"foo_db\.exp1.*another space.*exp_key"):
        fmin(bowl, hp.uniform("y", 0, 1), algo=rand.suggest, max_evals=2, trials=other)
    pickles = trials.shared.folder / "hyperopt" / "1"
    assert any(pickles.iterdir())
    other.delete_all()
    assert not pickles.exists()
    fmin(lambda y: y, hp.uniform("y", 0, 1), algo=rand.suggest, max_evals=2, trials=other)
    assert len(other) == 2
    other.close()


def test_workers_share_the_trials(trials: mongo.MongoTrials, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "PATIENCE_SECONDS", 1e9)
    words = ("--mongo", "localhost/foo_db", "--exp-key", "exp1", "--max-jobs", "4", "--no-subprocesses")
    workers = [running(*words), running(*words)]

    def objective(x: float) -> dict[str, Any]:  # travels whole: workers know no module of the tests'
        return {"loss": x, "status": "ok", "pid": os.getpid()}

    fmin(objective, X, algo=tpe.suggest, max_evals=8, trials=trials, rstate=0, max_queue_len=2)
    assert [process.wait(60) for process in workers] == [0, 0]
    assert sorted(result["pid"] for result in trials.results) == sorted(
        p.pid for p in workers for _ in range(4)
    )
    for process in workers:
        assert process.stderr is not None
        assert "evaluated 4 trials" in process.stderr.read()
        process.stderr.close()


def test_a_worker_that_cannot_read_the_objective_takes_no_trial(
    trials: mongo.MongoTrials, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hidden_module.py").write_text("def objective(x): return x")
    monkeypatch.syspath_prepend(str(tmp_path))
    import hidden_module

    domain = mongo.Domain(hidden_module.objective, X)
    trials.offer(domain)
    trials.insert_trial_docs(rand.suggest(trials.new_trial_ids(1), domain, trials, 0))
    process = running("--mongo", "localhost/foo_db", "--exp-key", "exp1", "--max-jobs", "1")
    assert process.wait(60) == 0, "the module is found where fmin found it"
    assert process.stderr is not None
    process.stderr.close()
    (tmp_path / "hidden_module.py").unlink()
    trials.insert_trial_docs(rand.suggest(trials.new_trial_ids(1), domain, trials, 0))
    process = running("--mongo", "localhost/foo_db", "--exp-key", "exp1", "--max-jobs", "1")
    assert process.wait(60) == 2
    assert process.stderr is not None
    assert "No module named 'hidden_module'; start the worker where" in process.stderr.read()
    process.stderr.close()
    trials.refresh()
    assert [doc["state"] for doc in trials.trials] == [2, 0]


@pytest.mark.fault
def test_a_worker_that_is_killed_loses_no_trial(trials: mongo.MongoTrials, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    def objective(x: float) -> float:
        (marks / str(len(list(marks.iterdir())))).touch()
        if not (marks / "killed").exists():
            (marks / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    trials.offer(mongo.Domain(objective, X))
    trials.insert_trial_docs(rand.suggest(trials.new_trial_ids(1), mongo.Domain(objective, X), trials, 0))
    process = running("--mongo", "localhost/foo_db", "--exp-key", "exp1", "--no-subprocesses")
    assert process.wait(60) == -signal.SIGKILL
    assert process.stderr is not None
    process.stderr.close()
    fmin(objective, X, algo=tpe.suggest, max_evals=4, trials=trials, rstate=0)
    assert len(trials) == 4 and None not in trials.losses()
    assert trials.shared.lost_of(1) == 1


@pytest.mark.fault
def test_a_trial_that_kills_every_worker_fails_in_the_end(trials: mongo.MongoTrials) -> None:
    domain = mongo.Domain(lambda x: os._exit(1), X)
    trials.offer(domain)
    trials.insert_trial_docs(rand.suggest(trials.new_trial_ids(1), domain, trials, 0))
    for _ in range(3):
        process = running("--mongo", "localhost/foo_db", "--exp-key", "exp1", "--no-subprocesses")
        assert process.wait(60) == 1
        assert process.stderr is not None
        process.stderr.close()
    trials.refresh()
    assert trials.results[0]["status"] == "fail"
    assert "3 workers died" in trials.results[0]["reason"]
    assert trials.shared.store.trial(trials.shared.experiment, 1).result.outcome is Outcome.FAILED  # type: ignore[union-attr]


@pytest.mark.fault
def test_what_ends_its_process_costs_an_attempt_and_not_the_worker(
    trials: mongo.MongoTrials, capfd: pytest.CaptureFixture[str]
) -> None:
    def objective(x: float) -> float:
        print("tried", flush=True)
        if x == 1.0:
            os.kill(os.getpid(), signal.SIGKILL)
        if x == 2.0:
            sys.exit(7)
        return x

    domain = mongo.Domain(objective, X)
    trials.offer(domain)
    for x in (1.0, 2.0, 3.0):
        trials.insert_trial_docs([document(*trials.new_trial_ids(1), {"x": x}, exp_key="exp1")])
    words = ["--mongo", "localhost/foo_db", "--exp-key", "exp1", "--poll-interval", "0.01"]
    assert worker([*words, "--max-jobs", "5", "--max-consecutive-failures", "9"]) == 0
    assert capfd.readouterr().out == "tried\n" * 5
    trials.refresh()
    assert trials.losses() == [None, 3.0] and "3 workers died evaluating it" in trials.failures[0][1]
    assert trials.failures[1] == (1, "SystemExit: 7")
    assert trials.shared.lost_of(1) == 2


def test_what_an_objective_reports_and_returns_comes_from_another_process(trials: mongo.MongoTrials) -> None:
    import luthier

    def objective(x: float) -> dict[str, Any]:
        for step in range(3):
            luthier.report(loss=step * x, accuracy=0.5)
        return {"loss": x, "status": "ok", "any": {1: (2, b"3")}, "attachments": {"id": luthier.trial_id()}}

    domain = mongo.Domain(objective, X)
    trials.offer(domain)
    trials.insert_trial_docs([document(*trials.new_trial_ids(1), {"x": 2.0}, exp_key="exp1")])
    assert worker(["--mongo", "localhost/foo_db", "--exp-key", "exp1", "--max-jobs", "1"]) == 0
    trials.refresh()
    assert trials.results == [{"loss": 2.0, "status": "ok", "any": {1: (2, b"3")}}]
    assert trials.trial_attachments(trials.trials[0])["id"] == "0"
    points = trials.shared.store.points(trials.shared.experiment, 1)
    assert [(p.metric, p.step, p.value) for p in points if p.metric == "loss"] == [
        ("loss", 0, 0.0), ("loss", 1, 2.0), ("loss", 2, 4.0), ("loss", 3, 2.0),
    ]  # fmt: skip
    assert sum(p.metric == "accuracy" for p in points) == 3


def test_a_worker_leaves_when_so_many_have_begun_or_it_is_told(trials: mongo.MongoTrials) -> None:
    words = [
        "--mongo",
        "localhost/foo_db",
        "--exp-key",
        "exp1",
        "--poll-interval",
        "0.01",
        "--no-subprocesses",
    ]
    domain = mongo.Domain(lambda x: x, X)
    trials.offer(domain)
    trials.insert_trial_docs(rand.suggest(trials.new_trial_ids(3), domain, trials, 0))
    assert worker([*words, "--max-jobs-in-db", "2"]) == 0
    trials.refresh()
    assert [doc["state"] for doc in trials.trials] == [2, 2, 0]
    process = running(*words, "--max-jobs-in-db", "2")
    assert process.wait(60) == 0
    process.communicate()


def test_a_worker_gives_its_trial_back_when_it_is_ended(trials: mongo.MongoTrials, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    begun, never = str(tmp_path / "begun"), str(tmp_path / "never")
    os.mkfifo(never)

    def objective(x: float) -> float:
        with open(begun, "w") as file:
            file.write("yes")
        return float(open(never).read())

    trials.offer(mongo.Domain(objective, X))
    trials.insert_trial_docs(rand.suggest(trials.new_trial_ids(1), mongo.Domain(objective, X), trials, 0))
    process = running("--mongo", "localhost/foo_db", "--exp-key", "exp1")
    with open(begun) as file:
        assert file.read() == "yes"
    process.terminate()
    assert process.wait(60) == 130
    assert "waits for another worker" in process.communicate()[1]
    trials.refresh()
    assert [doc["state"] for doc in trials.trials] == [0]
    assert trials.shared.lost_of(1) == 0


def test_a_worker_that_is_ended_between_two_trials_leaves_none_waiting(
    trials: mongo.MongoTrials,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As when an experiment of Gradient's is over: make must not call that an error."""
    caplog.set_level("INFO")
    domain = mongo.Domain(lambda x: x, X)
    trials.offer(domain)
    trials.insert_trial_docs(rand.suggest(trials.new_trial_ids(1), domain, trials, 0))
    monkeypatch.setattr(time, "sleep", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    assert worker(["--mongo", "localhost/foo_db", "--exp-key", "exp1", "--no-subprocesses"]) == 0
    assert "asked to leave by TERM; this worker evaluated 1 trials" in caplog.text
    assert "waits" not in capfd.readouterr().err
    monkeypatch.setattr(time, "sleep", lambda _: os.kill(os.getpid(), signal.SIGINT))
    assert worker(["--mongo", "localhost/foo_db", "--exp-key", "exp1", "--no-subprocesses"]) == 130


def test_the_command_line_has_the_worker(
    trials: mongo.MongoTrials, capsys: pytest.CaptureFixture[str]
) -> None:
    from luthier.cli import main

    fmin(bowl, X, algo=rand.suggest, max_evals=1, trials=trials)
    words = ["hyperopt-worker", "--mongo", "localhost/foo_db", "--exp-key", "exp1"]
    assert main([*words, "--max-jobs-in-db=1"]) == 0
    with pytest.raises(SystemExit):
        main(["hyperopt-worker", "--help"])
    assert "usage: luthier hyperopt-worker" in capsys.readouterr().out


def test_a_worker_leaves_when_nobody_proposes_or_all_fails(trials: mongo.MongoTrials) -> None:
    words = ["--mongo", "localhost/foo_db", "--exp-key", "exp1", "--poll-interval", "0.01"]
    assert worker([*words, "--reserve-timeout", "0.05"]) == 0
    domain = mongo.Domain(lambda x: 1 / 0, X)
    trials.offer(domain)
    trials.insert_trial_docs(rand.suggest(trials.new_trial_ids(5), domain, trials, 0))
    assert worker([*words, "--max-consecutive-failures", "3"]) == 1
    trials.refresh()
    assert [said for _, said in trials.failures] == ["ZeroDivisionError: division by zero"] * 3
    assert worker([*words, "--last-job-timeout", "0"]) == 0
    assert worker(["--mongo", "localhost"]) == 2


def test_a_folder_that_others_can_write_is_not_unpickled(trials: mongo.MongoTrials, store: Path) -> None:
    fmin(bowl, X, algo=rand.suggest, max_evals=1, trials=trials)
    (store / "hyperopt").chmod(0o770)
    other = Shared()
    assert other.find("foo_db.exp1")
    with pytest.raises(StoreError, match="chmod 700"):
        other.domain()
    other.close()


def test_an_objective_that_cannot_be_sent_is_refused(trials: mongo.MongoTrials, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log, pytest.raises(UsageError, match="can't be sent"):
        fmin(lambda x: log.write("x"), X, algo=rand.suggest, max_evals=1, trials=trials)


# --- Gradient ----------------------------------------------------------------------------------------------------


def model(x: float) -> float:
    return (x - 3) ** 2


def test_hyper_tune_makes_25_evaluations_or_as_many_as_asked(store: Path) -> None:
    best = hyper_tune(model, X)
    assert isinstance(best, dict) and abs(best["x"] - 3) < 1
    assert evaluated(store) == {"hyper_tune": 25}
    assert hyper_tune(model, X, algo=rand.suggest, max_ecals=27)["x"] is not None
    assert evaluated(store) == {"hyper_tune": 27}


def another_model(x: float) -> float:
    return (x + 3) ** 2


def test_another_model_under_the_same_name_is_not_met_in_silence(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hyper_tune(model, X, max_evals=4)
    hyper_tune(model, X, max_evals=5)
    assert "has changed" not in caplog.text and "goes on with the 4 trials" in caplog.text
    hyper_tune(another_model, X, max_evals=5)
    assert "the objective has changed since the 5 trials of experiment 1, 'hyper_tune'" in caplog.text
    assert "choose another exp_key (for hyper_tune another EXPERIMENT_NAME)" in caplog.text


def evaluated(store: Path) -> dict[str | None, int]:
    kept = open_store(store, read_only=True)
    found = {record.description.name: record.finished for record in kept.experiments()}
    kept.close()
    return found


def test_hyper_tune_takes_gradients_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LUTHIER_STORE")
    for name, value in zip(gradient_sdk.MONGO, ("10.0.0.1", "27017", "exp42"), strict=True):
        monkeypatch.setenv(name, value)
    assert gradient_sdk.get_mongo_conn_str() == "mongo://10.0.0.1:27017/exp42/jobs"
    hyper_tune(model, X, max_evals=2)
    assert evaluated(tmp_path / ".luthier") == {"exp42": 2}


def test_hyper_tune_without_a_store_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LUTHIER_STORE")
    monkeypatch.setenv("MONGO_DB_HOST", "10.0.0.1")
    with pytest.raises(ConfigError) as caught:
        hyper_tune(model, X)
    said = str(caught.value)
    assert said.startswith("For component - Mongo connection - received error message: ")
    for part in (
        "MONGO_DB_HOST: 10.0.0.1",
        "MONGO_DB_PORT: None",
        "EXPERIMENT_NAME: None",
        "export LUTHIER_STORE=",
    ):
        assert part in said
    assert (caught.value.component, caught.value.exit_code) == ("Mongo connection", 2)
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("LUTHIER_STORE", str(blocked / "store"))
    with pytest.raises(ConfigError, match="can't be used.*export LUTHIER_STORE"):
        hyper_tune(model, X)
    monkeypatch.setattr("luthier.store.postgres.PATIENCE_SECONDS", 0.1)
    monkeypatch.setenv("LUTHIER_STORE", "postgresql://localhost/x")
    with pytest.raises(ConfigError, match="can't be used"):
        hyper_tune(model, X)


def test_hyper_tune_calls_the_function_it_is_given() -> None:
    seen: dict[str, Any] = {}
    hyper_tune(model, X, func=lambda f, **options: seen.update(options))
    assert sorted(seen) == ["algo", "max_evals", "space", "trials"] and seen["max_evals"] == 25


def test_the_helpers_read_gradients_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PS_JOBSPACE", "PS_MODEL_PATH", "WORKER_HOSTS", "PS_CONFIG", "TF_CONFIG", "INDEX"):
        monkeypatch.delenv(name, raising=False)
    assert gradient_sdk.data_dir() == "/storage"
    assert gradient_sdk.model_dir("cnn") == gradient_sdk.export_dir("cnn") == "/storage/models/cnn"
    monkeypatch.setenv("PS_MODEL_PATH", "/m")
    assert gradient_sdk.model_dir() == "/m/"
    assert gradient_sdk.worker_hosts() is gradient_sdk.task_index() is None
    with pytest.raises(ConfigError, match="PS_CONFIG is not set"):
        gradient_sdk.get_tf_config()
    monkeypatch.setenv("PS_CONFIG", "eyJ0YXNrIjogMX0=")
    gradient_sdk.get_tf_config()
    assert os.environ["TF_CONFIG"] == '{"task": 1}'
    monkeypatch.setenv("PS_CONFIG", "???")
    with pytest.raises(ConfigError, match="no JSON in base64"):
        gradient_sdk.get_tf_config()


def test_a_program_of_gradients_page_runs(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        from luthier.compat.gradient_sdk import hyper_tune
        from luthier.compat.hyperopt import hp, tpe
        scope = {"c": hp.choice("label", [hp.uniform("sub_label_1", 0, 1), hp.normal("sub_label_2", 0, 1), None, 0, 1,
                                          "anything"]), "r": hp.randint("r", 4), "u": hp.lognormal("u", 0, 1),
                 "q": hp.qlognormal("q", 0, 1, 2)}
        def model(point): return point["r"] + point["u"]
        print({"label", "q", "r", "u"} <= set(hyper_tune(model, scope, algo=tpe.suggest, max_evals=4)))
    """)
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run([sys.executable, "program.py"], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr


def test_a_worker_gives_back_the_signals_it_took(tmp_path: Path) -> None:
    numbers = (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    assert worker(["--mongo=localhost/x", "--reserve-timeout=0", f"--store={tmp_path}"]) == 0
    assert [signal.getsignal(number) for number in numbers] == before
