"""An experiment's trials as runs of a real MLflow, in a folder."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import luthier

pytestmark = pytest.mark.filterwarnings("default")

SPACE = {"x": luthier.uniform(0, 1), "kind": luthier.choice(["a", "b"])}


def train(params: dict[str, Any]) -> float:
    for step in range(3):
        luthier.report(step=step, loss=params["x"] / (step + 1))
    if params["x"] > 0.5:
        raise ValueError("too large")
    return float(params["x"])


@pytest.fixture
def server(mlflow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "mlruns").as_uri()


def runs_of(mlflow: Any, server: str, name: str = "luthier") -> tuple[Any, list[Any]]:
    """The search's run, and those of its trials by number."""
    client = mlflow.tracking.MlflowClient(server)
    found = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    (parent,) = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    nested = [r for r in found if r.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(nested) == len(found) - 1
    return parent, sorted(nested, key=lambda run: int(run.data.tags["luthier.trial"]))


def searched(trials: int, **options: Any) -> luthier.Experiment:
    return luthier.minimize(train, SPACE, trials=trials, workers=0, seed=1, progress=False, **options)


def test_trials_are_nested_runs_with_all_that_is_known_of_them(mlflow: Any, server: str) -> None:
    from luthier.integrations.mlflow import log

    experiment = searched(9, early_stopping="none", stop_conditions=["loss < 0.05:1"])
    assert log(experiment, tracking_uri=server) == log(experiment, tracking_uri=server)
    parent, runs = runs_of(mlflow, server)
    assert len(runs) == 9 and parent.info.status == "FINISHED"
    assert parent.data.metrics["best_loss"] == experiment.best.value
    assert parent.data.params == {"algorithm": "auto", "seed": "1"}
    statuses = set()
    for run, trial in zip(runs, experiment.trials, strict=True):
        assert run.data.params == {name: str(value) for name, value in trial.values.items()}
        assert run.data.tags["luthier.outcome"] == trial.outcome
        expected = {"succeeded": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
        assert run.info.status == expected[trial.outcome or ""]
        assert run.data.tags["luthier.reason"] == trial.reason
        statuses.add(run.info.status)
        assert run.info.end_time >= run.info.start_time > 1e12
    assert statuses == {"FINISHED", "FAILED", "KILLED"}
    client = mlflow.tracking.MlflowClient(server)
    points = client.get_metric_history(runs[0].info.run_id, "loss")
    assert [(p.step, p.value) for p in points] == experiment.curves("loss")[1]


def test_a_durable_search_goes_on_in_the_same_run(mlflow: Any, server: str, tmp_path: Path) -> None:
    from luthier.integrations import mlflow as ours

    log = ours.log
    first = log(searched(3, store=tmp_path / "store"), name="mine", tracking_uri=server)
    ours._parents.clear()  # as in another process
    assert log(searched(5, store=tmp_path / "store"), name="mine", tracking_uri=server) == first
    parent, runs = runs_of(mlflow, server, "mine")
    assert len(runs) == 5 and parent.data.metrics["best_loss"] > 0


def test_live_logging_is_complete_when_the_search_ends_however_it_ends(mlflow: Any, server: str) -> None:
    from luthier.integrations import mlflow as ours

    logged = threading.Event()
    experiment = luthier.Experiment.create(SPACE, trials=4, seed=0)
    with pytest.raises(RuntimeError, match="ended"):
        with ours.live(experiment, tracking_uri=server, seconds=0.01):
            for _ in range(2):
                asked = experiment.ask()
                assert asked is not None
                experiment.report(asked, 0, loss=1.0)
                experiment.tell(asked, 0.5)
            while len(runs_or_none(mlflow, server)) < 2:
                logged.wait(0.05)
            asked = experiment.ask()
            assert asked is not None
            experiment.tell(asked, failed="no")
            raise RuntimeError("ended")
    parent, runs = runs_of(mlflow, server)
    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED", "FAILED"]
    assert runs[2].data.tags["luthier.reason"] == "no" and parent.info.status == "RUNNING"


def runs_or_none(mlflow: Any, server: str) -> list[Any]:
    client = mlflow.tracking.MlflowClient(server)
    experiment = client.get_experiment_by_name("luthier")
    if experiment is None:
        return []
    return list(client.search_runs([experiment.experiment_id], "tags.`luthier.outcome` != ''"))
