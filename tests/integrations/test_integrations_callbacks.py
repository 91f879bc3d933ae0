"""The callbacks, each in a training by the real library, inside a trial and outside one."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.integrations._needed import MissingLibrary

# What the libraries warn about is theirs.
pytestmark = pytest.mark.filterwarnings("default")

X = np.random.RandomState(0).rand(60, 4).astype("float32")
y = (X[:, 0] > 0.5).astype("float32")


def searched(train: Callable[[float], Any], metric: str, *conditions: str) -> luthier.Experiment:
    """Two trials of a training that only reports; nothing but the conditions ends them."""

    def function(rate: float) -> None:
        train(rate)

    return luthier.minimize(
        function,
        {"rate": luthier.uniform(0.05, 0.2)},
        trials=2,
        workers=0,
        metric=metric,
        seed=0,
        progress=False,
        early_stopping="none",
        stop_conditions=conditions,
    )


def assert_stops_at(train: Callable[[float], Any], metric: str, step: int) -> None:
    """A condition ends a training at a step in the library's own way: what comes after it in the function is run, and the
    trial is stopped with what it reported."""
    ended = []

    def function(rate: float) -> None:
        ended.append(train(rate))

    experiment = searched(function, metric, f"{metric} > -1e9:{step}")
    assert len(ended) == 2
    for trial in experiment.trials:
        points = experiment.curves(metric)[trial.number]
        assert [at for at, _ in points if at >= step] == [step]
        assert trial.outcome == "stopped" and trial.value == points[-1][1]
        assert f"{metric} > -1e+09" in trial.reason or f"{metric} > -1e9" in trial.reason
        result = experiment._store.trial(experiment.id, trial.number).result
        assert result is not None and result.curve[-1][1] == trial.value


def steps_of(experiment: luthier.Experiment, metric: str) -> list[list[float]]:
    return [[step for step, _ in points] for points in experiment.curves(metric).values()]


@pytest.mark.parametrize(
    ("module", "library", "extra"),
    [
        ("keras", "keras", "keras"),
        ("lightgbm", "lightgbm", "lightgbm"),
        ("lightning", "lightning", "lightning"),
        ("mlflow", "mlflow", "mlflow"),
        ("optuna", "optuna", "optuna"),
        ("ray", "ray", "ray"),
        ("sklearn", "sklearn", "sklearn"),
        ("transformers", "transformers", "transformers"),
        ("xgboost", "xgboost", "xgboost"),
    ],
)
def test_a_missing_library_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, library: str, extra: str
) -> None:
    for name in [name for name in sys.modules if name == library or name.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"luthier.integrations.{module}", raising=False)
    monkeypatch.delitem(sys.modules, "pytorch_lightning", raising=False)
    with pytest.raises(MissingLibrary, match=rf"pip install 'luthier\[{extra}\]'"):
        importlib.import_module(f"luthier.integrations.{module}")


@pytest.fixture(scope="module")
def keras_told() -> dict[str, Any]:
    """What `keras_program.py` saw. It runs by itself, because jax does not bear that the tests after it fork."""
    backend = next((name for name in ("jax", "torch", "tensorflow") if find_spec(name)), None)
    if find_spec("keras") is None or backend is None:
        pytest.skip("keras, or a backend of it, is not installed")
    program = Path(__file__).with_name("keras_program.py")
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_keras_reports_every_metric_of_every_epoch(keras_told: dict[str, Any]) -> None:
    curves = keras_told["curves"]
    assert set(curves) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for trials in curves.values():
        assert [[step for step, _ in points] for points in trials] == [[0, 1, 2]] * 2
    assert keras_told["values"] == [points[-1][1] for points in curves["val_loss"]]
    assert keras_told["outside"] == [0, 1, 2]


def test_keras_is_stopped_by_a_rule(keras_told: dict[str, Any]) -> None:
    curves = keras_told["stopped curves"]
    assert [[step for step, _ in points] for points in curves] == [[0, 1]] * 2
    assert [value for _, _, value in keras_told["stopped"]] == [points[-1][1] for points in curves]
    assert all(outcome == "stopped" and "val_loss > 0" in why for outcome, why, _ in keras_told["stopped"])


def test_only_rank_0_reports(keras_told: dict[str, Any]) -> None:
    assert len(keras_told["rank 1"]) == 2
    assert all("returned None" in reason for reason in keras_told["rank 1"])


def test_xgboost_reports_every_round(xgboost: Any) -> None:
    from luthier.integrations.xgboost import Callback

    data, held_out = xgboost.DMatrix(X[:40], y[:40]), xgboost.DMatrix(X[40:], y[40:])
    settings = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "nthread": 1}

    def train(rate: float) -> Any:
        return xgboost.train(
            {**settings, "eta": rate},
            data,
            5,
            evals=[(data, "train"), (held_out, "val")],
            callbacks=[Callback()],
            verbose_eval=False,
        )

    experiment = searched(train, "val-logloss")
    for metric in ("train-logloss", "train-auc", "val-logloss", "val-auc"):
        assert steps_of(experiment, metric) == [[0, 1, 2, 3, 4]] * 2

    def cross(rate: float) -> Any:
        return xgboost.cv({**settings, "eta": rate}, data, 3, nfold=3, callbacks=[Callback()])

    assert steps_of(searched(cross, "test-auc"), "test-auc-std") == [[0, 1, 2]] * 2
    assert train(0.1).num_boosted_rounds() == 5
    assert_stops_at(train, "val-logloss", 2)
    assert_stops_at(cross, "test-auc", 1)


def test_lightgbm_reports_every_round(lightgbm: Any) -> None:
    from luthier.integrations.lightgbm import callback

    settings = {"objective": "binary", "metric": ["binary_logloss", "auc"], "verbose": -1, "num_threads": 1}
    settings |= {"min_data_in_leaf": 5}

    def train(rate: float) -> Any:
        data = lightgbm.Dataset(X[:40], y[:40])
        held_out = lightgbm.Dataset(X[40:], y[40:], reference=data)
        return lightgbm.train(
            {**settings, "learning_rate": rate}, data, 5, valid_sets=[held_out], callbacks=[callback()]
        )

    experiment = searched(train, "valid_0-binary_logloss")
    assert steps_of(experiment, "valid_0-auc") == [[0, 1, 2, 3, 4]] * 2

    def cross(rate: float) -> Any:
        data = lightgbm.Dataset(X, y)
        return lightgbm.cv({**settings, "learning_rate": rate}, data, 3, nfold=3, callbacks=[callback()])

    reported = searched(cross, "valid-auc")
    assert steps_of(reported, "valid-auc-std") == [[0, 1, 2]] * 2
    assert train(0.1).current_iteration() == 5
    assert_stops_at(train, "valid_0-binary_logloss", 2)
    assert_stops_at(cross, "valid-auc", 1)


def test_lightning_reports_every_epoch(lightning: Any, tmp_path: Path) -> None:
    import torch

    from luthier.integrations.lightning import Callback

    class Line(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self, rate: float) -> None:
            super().__init__()
            self.layer, self.rate = torch.nn.Linear(4, 1), rate

        def _loss(self, batch: Any) -> Any:
            return torch.nn.functional.mse_loss(self.layer(batch[0])[:, 0], batch[1])

        def training_step(self, batch: Any, index: int) -> Any:
            loss = self._loss(batch)
            self.log("loss", loss)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", self._loss(batch))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), self.rate)

    def loader() -> Any:
        data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
        return torch.utils.data.DataLoader(data, 30)

    def train(rate: float) -> Any:
        trainer = lightning.Trainer(
            max_epochs=3,
            callbacks=[Callback()],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
            accelerator="cpu",
        )
        trainer.fit(Line(rate), loader(), loader())
        return trainer

    experiment = searched(train, "val_loss")
    assert steps_of(experiment, "val_loss") == steps_of(experiment, "loss") == [[0, 1, 2]] * 2
    assert train(0.1).current_epoch == 3
    assert_stops_at(train, "val_loss", 1)


def test_transformers_report_what_their_trainer_logs(transformers: Any, tmp_path: Path) -> None:
    import torch

    from luthier.integrations.transformers import Callback

    class Line(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x: Any, labels: Any) -> dict[str, Any]:
            out = self.layer(x)[:, 0]
            return {"loss": torch.nn.functional.mse_loss(out, labels), "logits": out}

    data = [{"x": torch.from_numpy(a), "labels": torch.tensor(b)} for a, b in zip(X, y, strict=True)]

    def train(rate: float) -> Any:
        arguments = transformers.TrainingArguments(
            str(tmp_path),
            num_train_epochs=2,
            per_device_train_batch_size=20,
            learning_rate=rate,
            logging_steps=1,
            eval_strategy="epoch",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = transformers.Trainer(
            Line(), arguments, train_dataset=data, eval_dataset=data, callbacks=[Callback()]
        )
        trainer.train()
        return trainer

    experiment = searched(train, "eval_loss")
    assert steps_of(experiment, "loss") == [[1, 2, 3, 4, 5, 6]] * 2
    assert steps_of(experiment, "eval_loss") == [[3, 6]] * 2
    assert train(0.1).state.global_step == 6
    assert_stops_at(train, "loss", 2)


@pytest.mark.parametrize(
    ("library", "metric"), [("xgboost", "val-logloss"), ("lightgbm", "val-binary_logloss"), ("keras", "loss")]
)
def test_a_commands_training_is_ended_by_the_callback_and_not_by_a_signal(
    library: str, metric: str, tmp_path: Path
) -> None:
    for name in (library, *(["jax"] if library == "keras" else [])):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    program = Path(__file__).with_name("trained_command.py")
    tuned = [sys.executable, "-m", "luthier", "tune", "--store", "kept", "--num-runs", "1"]
    tuned += ["--metric", metric, "--minimize", "--param", "unused=1,2", "--from-env"]
    tuned += ["--stop-condition", f"{metric} > -1:3"]
    rounds = 10_000_000  # no machine comes so far
    done = subprocess.run(
        [*tuned, "--", sys.executable, str(program), library, str(rounds)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    (after,) = (tmp_path / "kept").rglob("after")
    assert 3 < int(after.read_text(encoding="utf-8")) < rounds, done.stderr
    with luthier.Experiment.open(tmp_path / "kept") as experiment:
        (trial,) = experiment.trials
        assert trial.outcome == "stopped" and metric in trial.reason
        result = experiment._store.trial(experiment.id, 1).result
        assert result is not None and result.exit_code == 0 and result.signal is None
        assert trial.value == experiment.curves(metric)[1][-1][1] == result.curve[-1][1]
