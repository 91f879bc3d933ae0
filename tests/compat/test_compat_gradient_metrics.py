"""Gradient's metrics become the trial's own, and what can't be a metric is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier.clock import FakeClock
from luthier.compat.gradient_sdk import MetricsLogger, add_metrics
from luthier.compat.gradient_sdk import metrics as gradient
from luthier.compat.gradient_sdk.metrics import init


@pytest.fixture
def reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the trial was told since it was last asked, line by line."""
    file = tmp_path / "metrics.jsonl"
    monkeypatch.setenv("LUTHIER_METRICS", str(file))

    def read() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        file.unlink(missing_ok=True)
        return [{key: value for key, value in line.items() if key != "_time"} for line in lines]

    return read


def test_add_metrics_reports_them(reported: Any) -> None:
    add_metrics({"loss": 0.25, "val/acc": 1}, step=3)
    add_metrics({"loss": np.float32(0.5), "size": Fraction(1, 4), "many": np.array([2.0])})
    assert reported() == [{"step": 3, "loss": 0.25, "val/acc": 1}, {"loss": 0.5, "size": 0.25, "many": 2.0}]


@pytest.mark.parametrize(
    ("metrics", "step", "message"),
    [
        ({"a": 1, 3: 1.0}, None, "Key of a metric can only be a string; 3 is none"),
        ({"a": 1, "b": "2"}, None, "Value of a metric can only be a number; 'b' was given '2'"),
        ({"a": None}, None, "Value of a metric can only be a number"),
        ({"a": 1j}, None, "Value of a metric can only be a number"),
        ({"a": np.array([1, 2])}, None, "Value of a metric can only be a number"),
        ({"a": 1}, -1, "Step can only be an integer >= 0; -1 is none"),
        ({"a": 1}, 1.5, "Step can only be an integer >= 0"),
        ({"a": 1}, "1", "Step can only be an integer >= 0"),
    ],
)
def test_what_is_no_metric_is_refused_and_nothing_reported(
    metrics: Any, step: Any, message: str, reported: Any
) -> None:
    with pytest.raises(ValueError, match=message):
        add_metrics(metrics, step)
    assert reported() == []


def test_a_logger_pushes_what_has_changed(reported: Any) -> None:
    logger = MetricsLogger(step=0)
    logger.add_gauge("loss")
    logger.add_gauge("never set")
    logger.add_counter("seen")
    logger["loss"].set(3)
    logger["loss"].inc()
    logger["loss"].dec(0.5)
    logger["seen"].inc(2)
    assert reported() == []
    logger.push_metrics()
    logger.push_metrics(timeout=5)
    logger["seen"].inc()
    logger.push_metrics()
    assert reported() == [{"step": 0, "loss": 3.5, "seen": 2.0}, {"step": 0, "seen": 3.0}]
    logger.set_step(1)
    logger.push_metrics()
    logger.set_step(1)
    logger.push_metrics()
    assert reported() == [{"step": 1, "loss": 3.5, "seen": 3.0}]


def test_observations_infos_and_times(reported: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr(gradient, "SystemClock", lambda: clock)
    logger = MetricsLogger("my-id", object(), "http://gateway", grouping_key={"a": 1})
    logger.add_summary("wait")
    logger.add_histogram("size")
    logger.add_info("about")
    logger.add_gauge("now")
    logger.add_gauge("took")
    for amount in (1, 3):
        logger["wait"].observe(amount)
    logger["about"].info({"version": "1.2"})
    logger["now"].set_to_current_time()
    with logger["took"].time():
        clock.advance(2.5)

    @logger["size"].time()  # type: ignore[untyped-decorator]
    def work() -> int:
        clock.advance(0.25)
        return 4

    assert work() == 4
    logger.push_metrics()
    info, numbers = reported()
    assert info == {"about/version": "1.2"}
    assert (numbers["wait"], numbers["wait_count"], numbers["wait_sum"]) == (2.0, 2.0, 4.0)
    assert (numbers["size"], numbers["size_count"]) == (0.25, 1.0)
    assert (numbers["now"], numbers["took"]) == (1_700_000_000.0, 2.5)
    assert "step" not in numbers


def test_misuse_of_a_logger_is_said(reported: Any) -> None:
    with pytest.raises(ValueError, match="Step can only be an integer >= 0"):
        MetricsLogger(step=-1)
    logger = MetricsLogger()
    with pytest.raises(KeyError, match=r"there is no metric 'loss' yet \(there are: none\)"):
        logger["loss"].set(1)
    logger.add_gauge("loss")
    logger.add_counter("seen")
    logger.add_info("about")
    with pytest.raises(ValueError, match="'loss' is there already"):
        logger.add_counter("loss")
    with pytest.raises(ValueError, match="can only be a string"):
        logger.add_gauge(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Step can only be"):
        logger.set_step(2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="can only be a number"):
        logger["loss"].set("high")
    with pytest.raises(ValueError, match="non-negative"):
        logger["seen"].inc(-1)
    with pytest.raises(ValueError, match="can only be a string"):
        logger["about"].info({"a": 1})
    logger.push_metrics()
    assert reported() == []


def test_init_is_a_context_and_lets_errors_through(reported: Any) -> None:
    with init(sync_tensorboard=True) as metrics:
        assert metrics.sync_tensorboard
        add_metrics({"loss": 1})
    with pytest.raises(ZeroDivisionError), init():
        add_metrics({"loss": 1 / 0})
    init(sync_tensorboard=True).finish()
    assert reported() == [{"loss": 1}]


def test_outside_a_trial_nothing_happens(tmp_path: Path) -> None:
    """And a script that only reports loads neither the search nor NumPy."""
    program = textwrap.dedent("""
        import sys
        from luthier.compat.gradient_sdk import MetricsLogger, add_metrics, data_dir
        add_metrics({"loss": 1.0}, step=1)
        print(sorted({"numpy", "luthier.compat.hyperopt", "luthier.store"} & set(sys.modules)))
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == ("[]\n", "", [])


def test_all_of_the_name_is_there() -> None:
    import luthier.compat.gradient_sdk as sdk

    assert all(hasattr(sdk, name) for name in sdk.__all__)
    assert all(hasattr(gradient, name) for name in gradient.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sdk.nothing
