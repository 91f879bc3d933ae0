"""What Keras itself prints, read by the collector: `keras/val_acc` of an unchanged script; check 82."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from luthier.description import Objective
from luthier.metrics import Collector, objective_value, summarize

SCRIPT = """\
import sys
import keras
import numpy as np

x = np.random.RandomState(0).rand(600, 4).astype("float32")
y = (x[:, 0] > 0.5).astype("int32")
model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=[sys.argv[2]])
fit = model.fit(x, y, validation_split=0.5, epochs=3, batch_size=8, verbose=int(sys.argv[1]))
print(fit.history, file=sys.stderr)
"""


@pytest.mark.skipif(
    find_spec("keras") is None or find_spec("jax") is None, reason="keras with jax is not installed"
)
@pytest.mark.parametrize(("verbose", "metric"), [("1", "acc"), ("2", "accuracy")])
def test_its_progress_lines_meet_the_names_of_any_version(tmp_path: Path, verbose: str, metric: str) -> None:
    out, err = tmp_path / "stdout.log", tmp_path / "stderr.log"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        words = [sys.executable, "-c", SCRIPT, verbose, metric]
        subprocess.run(
            words, stdout=stdout, stderr=stderr, env={**os.environ, "KERAS_BACKEND": "jax"}, check=True
        )
    history = eval(err.read_text().splitlines()[-1])
    points = Collector(out, None, None, None).drain(0.0)
    curve = [(p.step, p.value) for p in points if p.metric == f"val_{metric}"]
    assert curve == [(k, pytest.approx(v, abs=1e-4)) for k, v in enumerate(history[f"val_{metric}"], 1)]
    summaries = summarize(points)
    for asked, said in (
        ("keras/val_acc", f"val_{metric}"),
        ("keras/val_loss", "val_loss"),
        ("keras/loss", "loss"),
    ):
        last = pytest.approx(history[said][-1], abs=1e-4)
        assert objective_value(Objective(asked), summaries) == last
