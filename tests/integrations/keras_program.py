"""Trainings of Keras with the callback: inside trials, outside one, stopped, and as rank 1. Prints what it saw as JSON."""

from __future__ import annotations

import json
import os
from typing import Any

import keras
import numpy as np

import luthier
import luthier.integrations.keras as ours

X = np.random.RandomState(0).rand(60, 4).astype("float32")
y = (X[:, 0] > 0.5).astype("float32")
SPACE = {"rate": luthier.uniform(0.05, 0.2)}
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")


def train(rate: float) -> Any:
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(rate), "binary_crossentropy", metrics=["accuracy"])
    return model.fit(X, y, validation_split=0.5, epochs=3, verbose=0, callbacks=[ours.Callback()])


def reports_only(rate: float) -> None:
    train(rate)


def searched(*conditions: str) -> luthier.Experiment:
    return luthier.minimize(
        reports_only,
        SPACE,
        trials=2,
        workers=0,
        metric="val_loss",
        seed=0,
        progress=False,
        early_stopping="none",
        stop_conditions=conditions,
    )


experiment = searched()
told: dict[str, Any] = {
    "curves": {metric: list(experiment.curves(metric).values()) for metric in METRICS},
    "values": [trial.value for trial in experiment.trials],
    "outside": train(0.1).epoch,
}
stopped = searched("val_loss > 0:1")
told["stopped"] = [(trial.outcome, trial.reason, trial.value) for trial in stopped.trials]
told["stopped curves"] = list(stopped.curves("val_loss").values())
os.environ["RANK"] = "1"
told["rank 1"] = [trial.reason for trial in searched().trials]
print(json.dumps(told))
