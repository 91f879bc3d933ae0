"""`luthier import` of real Optuna storages: what Optuna says of its study, the store says of the experiment."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from luthier.store import Store, open_store
from luthier.trial import Outcome

pytestmark = pytest.mark.filterwarnings("default")

OUTCOMES = {"COMPLETE": Outcome.SUCCEEDED, "PRUNED": Outcome.STOPPED, "FAIL": Outcome.FAILED}


@pytest.fixture(scope="module")
def optuna() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = pytest.importorskip("optuna", reason="optuna is not installed")
    library.logging.set_verbosity(library.logging.ERROR)
    return library


def objective(optuna: Any) -> Callable[[Any], float]:
    def branches(trial: Any) -> float:
        trial.set_user_attr("memory", 10.5 + trial.number)
        trial.set_user_attr("host", "left")
        kind = trial.suggest_categorical("kind", ["svm", "net", None])
        step = trial.suggest_float("step", 0, 1, step=0.1)
        if trial.number == 4:
            raise ValueError("bad luck")
        if kind == "svm":
            value = 2 + (math.log10(trial.suggest_float("C", 1e-3, 1e3, log=True)) - 1) ** 2
        elif kind == "net":
            layers = trial.suggest_int("layers", 1, 3)
            value = sum(
                (trial.suggest_int(f"units{i}", 8, 256, log=True) / 64 - 1) ** 2 for i in range(layers)
            )
        else:
            value = 9.0
        for epoch in range(5):
            trial.report(value + step + 4 - epoch, epoch)
            if epoch == 2 and value > 4:
                raise optuna.TrialPruned
        return value + step

    return branches


@pytest.fixture(scope="module")
def storages(optuna: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same two studies in an RDB and a journal."""
    folder = tmp_path_factory.mktemp("optuna")
    journal = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    )
    for storage in (f"sqlite:///{folder / 'study.db'}", journal):
        sampler = optuna.samplers.RandomSampler(seed=3)
        study = optuna.create_study(study_name="digits", storage=storage, sampler=sampler)
        study.set_user_attr("who", "me")
        study.optimize(objective(optuna), n_trials=30, catch=(ValueError,))
        study.ask()
        study.enqueue_trial({"kind": "svm"})
        two = optuna.create_study(
            study_name="two", storage=storage, directions=["minimize", "maximize"],
            sampler=optuna.samplers.RandomSampler(seed=1),
        )  # fmt: skip
        two.set_metric_names(["loss", "accuracy"])
        two.optimize(lambda t: (t.suggest_float("x", 0, 1), t.suggest_int("n", 1, 9, step=2)), n_trials=12)
    return folder


def same(study: Any, store: Store, experiment: int) -> None:
    """The store has all trials of the study that it can have, as they were."""
    mine = {a.worker: t for t in store.trials(experiment) for a in store.attempts(experiment, t.number)}
    ended = [trial for trial in study.trials if trial.state.name in OUTCOMES]
    kept = [trial for trial in ended if f"optuna trial {trial.number}" in mine]
    assert {trial.state.name for trial in ended if trial not in kept} <= {"FAIL"}
    for trial in kept:
        ours = mine[f"optuna trial {trial.number}"]
        assert ours.configuration is not None and ours.result is not None
        assert ours.configuration.values() == pytest.approx(trial.params)
        assert ours.result.outcome is OUTCOMES[trial.state.name]
        assert ours.began == pytest.approx(trial.datetime_start.timestamp(), abs=1e-3)
        assert ours.ended == pytest.approx(trial.datetime_complete.timestamp(), abs=1e-3)
        if trial.state.name == "COMPLETE":
            assert (ours.result.values or (ours.result.value,)) == tuple(trial.values)
        metric = store.experiment(experiment).description.objectives[0].metric
        points = {p.step: p.value for p in store.points(experiment, ours.number, metric)}
        expected = dict(trial.intermediate_values)
        if trial.state.name == "COMPLETE":
            expected[max(expected, default=0)] = trial.values[0]
        assert points == expected


@pytest.mark.parametrize("file", ["study.db", "journal.log"])
def test_a_study_becomes_a_finished_experiment(
    optuna: Any, storages: Path, file: str, run: Any, tmp_path: Path
) -> None:
    source = str(storages / file)
    unclear = run("import", source)
    assert unclear.code == 2 and "choose one with --study NAME: digits, two" in unclear.err
    said = run("import", source, "--study", "digits", "--label", "of=mine")
    assert said.code == 0 and said.out == "1\n", said.err
    assert "left out: 1 that wait in Optuna" in said.err
    assert "Experiment 1:" in said.err and "--from 1 --warm-start 1" in said.err

    store = open_store(tmp_path / ".luthier", read_only=True)
    record = store.experiment(1)
    assert record.is_met and record.finished == record.trials and not record.queued
    assert record.description.labels["who"] == "me" and record.description.labels["of"] == "mine"
    assert str(record.description.objective) == "minimize value"
    when = {p.name: [str(c) for c in p.when] for p in record.description.space.parameters}
    assert (
        when["kind"] == when["step"] == []
        and when["C"] == ["kind in svm"]
        and when["layers"] == ["kind in net"]
    )
    assert when["units1"] == ["layers >= 2"]
    storage = (
        f"sqlite:///{source}"
        if file.endswith("db")
        else optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(source))
    )
    study = optuna.load_study(study_name="digits", storage=storage)
    same(study, store, 1)
    best = min(t.result.value for t in store.trials(1) if t.result and t.result.outcome is Outcome.SUCCEEDED)
    assert best == study.best_value
    first = store.trials(1)[0]
    assert {p.value for p in store.points(1, first.number, "memory")} == {10.5}
    history = store.history(1)
    assert len(history.partial) == sum(t.state.name == "PRUNED" for t in study.trials)
    store.close()
    for words in (["show", "1"], ["best", "1"], ["importance", "1"], ["export", "1"], ["provenance", "1.1"]):
        assert run(*words).code == 0
    assert "host: left" in run("provenance", "1.1").out
    assert "optuna" in run("list").out


def test_both_storages_are_the_same_experiment_and_are_brought_in_once(storages: Path, run: Any) -> None:
    first = run("import", "optuna", f"sqlite:///{storages / 'study.db'}", "--study", "two")
    again = run("import", str(storages / "study.db"), "--study", "two")
    assert (first.out, again.out) == ("1\n", "1\n") and "is experiment 1 already" in again.err
    told = json.loads(run("import", str(storages / "study.db"), "--study", "two", "--json").out)
    assert told["schema"] == "luthier.import/1" and told["experiment"] == 1 and told["new"] is False
    assert run("import", str(storages / "study.db"), "--study", "two", "--new").out == "2\n"
    renamed = run("import", str(storages / "study.db"), "--study", "two", "--metric", "a", "--metric", "b")
    assert renamed.out == "3\n"
    one = run("import", str(storages / "study.db"), "--study", "two", "--metric", "a")
    assert one.code == 2 and "has 2 objectives, and 1 names are given" in one.err


def test_several_objectives(optuna: Any, storages: Path, run: Any, tmp_path: Path) -> None:
    run("import", str(storages / "study.db"), "--study", "two")
    store = open_store(tmp_path / ".luthier", read_only=True)
    assert [str(o) for o in store.experiment(1).description.objectives] == [
        "minimize loss",
        "maximize accuracy",
    ]
    study = optuna.load_study(study_name="two", storage=f"sqlite:///{storages / 'study.db'}")
    same(study, store, 1)
    store.close()
    shown = json.loads(run("best", "1", "--json").out)
    assert {t.number + 1 for t in study.best_trials} == {one["number"] for one in shown["front"]["trials"]}


def test_constraints_changed_ranges_and_odd_values(optuna: Any, run: Any, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'odd.db'}"
    study = optuna.create_study(
        storage=storage, study_name="odd", sampler=optuna.samplers.RandomSampler(seed=0)
    )

    def constrained(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1 + trial.number % 3)
        trial.storage.set_trial_system_attr(trial._trial_id, "constraints", [x - 1.0])
        trial.storage.set_trial_system_attr(trial._trial_id, "constraints:memory", 2 * x - 1.0)
        return float(x + trial.suggest_int("one", 3, 3))

    study.optimize(constrained, n_trials=9)
    trial = study.ask()
    trial.suggest_float("x", 0, 1), trial.suggest_int("one", 3, 3)
    trial.report(math.nan, 1)
    trial.report(0.5, 2)
    assert run("import", "odd.db").code == 0
    store = open_store(tmp_path / ".luthier", read_only=True)
    what = store.experiment(1).description
    assert str(what.space) == "x: 0 … 3\none: 3" and [str(c) for c in what.constraints] == [
        "constraint_0 <= 0", "memory <= 0",
    ]  # fmt: skip
    trials = store.trials(1)
    for t in trials[:9]:
        assert t.result and t.configuration
        x = t.configuration["x"].value
        assert t.result.constraints == (x - 1.0, 2 * x - 1.0)
    last = trials[9]
    assert last.result and last.result.outcome is Outcome.KILLED and "still ran" in last.result.reason
    values = [point.value for point in store.points(1, 10)]
    assert math.isnan(values[0]) and values[1] == 0.5
    store.close()


def test_a_search_goes_on_from_an_imported_study(storages: Path, run: Any, tmp_path: Path) -> None:
    run("import", str(storages / "study.db"), "--study", "two")
    command = ["python", "-c", "print('loss=:x: accuracy=:n:')"]
    refused = run("tune", "--from", "1", "--num-runs", "4")
    assert refused.code == 2 and "experiment 1 has no command of its own" in refused.err
    plan = run("tune", "--from", "1", "--num-runs", "4", "--dry-run", "--", *command)
    assert plan.code == 0 and "add --warm-start 1" in plan.err, plan.err
    warm = run("tune", "--from", "1", "--warm-start", "1", "--num-runs", "4", "--dry-run", "--", *command)
    assert warm.code == 0 and "12 trials of experiment 1 meet this space" in warm.err
    assert "add --warm-start" not in warm.err and warm.out != plan.out
    native = run("tune", "--from", "1", "--num-runs", "4", "--show-native", "--", *command)
    assert "x: {min: 0, max: 1" in native.out and "maximize accuracy" in native.out
    assert "imported" not in native.out and run("resume", "1").code == 0
