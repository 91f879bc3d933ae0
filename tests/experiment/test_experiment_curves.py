"""The learning curves of a Python experiment: as a dict, as long and wide tables, and as a picture."""

from __future__ import annotations

from typing import Any

import pytest

import luthier


def trained(config: dict[str, Any]) -> float:
    for step in (1, 2, 3):
        luthier.report(loss=config["x"] + 1 / step, step=step)
        luthier.report(size=2.0 * step, step=step)
    return float(config["x"])


@pytest.fixture(scope="module")
def experiment() -> luthier.Experiment:
    return luthier.minimize(
        trained, {"x": luthier.uniform(0, 1)}, trials=3, algorithm="random", seed=1, workers=0, progress=False
    )


def test_curves_by_trial(experiment: luthier.Experiment) -> None:
    curves = experiment.curves("loss")
    assert list(curves) == [1, 2, 3]
    x = experiment.trial(2).params["x"]
    assert curves[2] == [(1.0, x + 1), (2.0, x + 0.5), (3.0, x + 1 / 3)]


def test_long_and_wide_tables(experiment: luthier.Experiment) -> None:
    pytest.importorskip("pandas")
    long, wide = experiment.to_pandas(curves="long"), experiment.to_pandas(curves="wide")
    assert list(long.columns) == ["trial", "metric", "step", "value", "time"] and len(long) == 18
    assert list(wide.columns) == ["trial", "step", "metrics.loss", "metrics.size"] and len(wide) == 9
    assert wide["metrics.size"].tolist() == [2.0, 4.0, 6.0] * 3
    assert wide.equals(experiment.curves_frame(form="wide"))
    assert list(experiment.curves_frame("size", "wide").columns) == ["trial", "step", "metrics.size"]
    assert len(experiment.to_pandas()) == 3


def test_one_trial_s_picture(experiment: luthier.Experiment) -> None:
    assert "trial 1.2 succeeded" in experiment.plot("curves", metric="loss", trials=[2]).chart.note
    assert "one objective" in experiment.plot("hypervolume").chart.words
