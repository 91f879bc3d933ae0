"""The half that runs inside the user's program: it never raises, loses no line and loads nothing."""

import decimal
import enum
import fractions
import json
import math
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import metrics
from luthier.metrics import report as reporting
from luthier.metrics.collect import Collector
from luthier.metrics.report import MetricWarning, outer_ranks, reports_here


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trial's metrics file, and a process that has warned of nothing yet."""
    path = tmp_path / "metrics.jsonl"
    for name in (*os.environ,):
        if name.startswith("LUTHIER_") or name in (
            "RANK",
            "SLURM_PROCID",
            "OMPI_COMM_WORLD_RANK",
            "PMI_RANK",
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LUTHIER_METRICS", str(path))
    monkeypatch.setattr(reporting, "_warned", set())
    monkeypatch.setattr(reporting, "_torn", False)
    return path


def written(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    found = [json.loads(line) for line in path.read_text().splitlines()]
    for line in found:
        assert line.pop("_time") > 1.6e9
    return found


def points(path: Path) -> list[tuple[str, float, float]]:
    return [(p.metric, p.step, p.value) for p in Collector(None, None, path, None).drain(0.0)]


def test_a_report_is_one_line(lines: Path) -> None:
    luthier.report(step=3, loss=0.5, acc=1)
    luthier.report({"val/acc": 0.25}, step=4)
    luthier.report({"val/acc": 0.5, "step": 5}, lr=0.1)
    luthier.report(6, loss=2)
    luthier.report(np.int64(7), loss=2)
    luthier.report()
    assert written(lines) == [
        {"step": 3, "loss": 0.5, "acc": 1},
        {"step": 4, "val/acc": 0.25},
        {"step": 5, "val/acc": 0.5, "lr": 0.1},
        {"step": 6, "loss": 2},
        {"step": 7, "loss": 2},
    ]


def test_steps_not_given_are_numbered(lines: Path) -> None:
    for loss in (3, 2):
        luthier.report(loss=loss)
    luthier.report(step=10, loss=1)
    luthier.report(loss=0.5)
    luthier.send_metric("acc", 0.9)
    luthier.send_metric("acc", 0.8, index=4)
    luthier.send_metric("acc", True)
    assert points(lines) == [
        ("loss", 0, 3),
        ("loss", 1, 2),
        ("loss", 10, 1),
        ("loss", 11, 0.5),
        ("acc", 0, 0.9),
        ("acc", 4, 0.8),
        ("acc", 5, 1),
    ]


def test_outside_a_trial_nothing_happens(lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUTHIER_METRICS")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        luthier.report(step=3, loss=0.5, bad=[1])
        luthier.send_metric("loss", [0.5])
    assert not lines.exists()
    assert luthier.params() == {} and luthier.trial_id() is None and not luthier.in_trial()
    assert luthier.seed() == 0 and luthier.seed(7) == 7
    assert luthier.checkpoint_dir() == Path(".") and luthier.output_dir("out") == Path("out")


def test_inside_a_trial_it_knows_its_trial(
    lines: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LUTHIER_TRIAL", "144.7")
    monkeypatch.setenv("LUTHIER_SEED", "42")
    monkeypatch.setenv("LUTHIER_CHECKPOINT_DIR", "/c")
    monkeypatch.setenv("LUTHIER_OUTPUT_DIR", "/o")
    monkeypatch.setenv("LUTHIER_PARAMS", '{"lr": 0.1, "layers": 3, "act": "relu", "bias": true, "x": null}')
    assert luthier.in_trial() and luthier.trial_id() == "144.7" and luthier.seed() == 42
    assert luthier.checkpoint_dir() == Path("/c") and luthier.output_dir() == Path("/o")
    assert luthier.params() == {"lr": 0.1, "layers": 3, "act": "relu", "bias": True, "x": None}
    monkeypatch.delenv("LUTHIER_PARAMS")  # too long for the environment
    (tmp_path / "p.json").write_text('{"lr": 0.2}')
    monkeypatch.setenv("LUTHIER_PARAMS_FILE", str(tmp_path / "p.json"))
    assert luthier.params() == {"lr": 0.2}


@pytest.mark.parametrize("text", ["[1]", "{", "/nowhere/params.json"])
def test_parameters_that_cant_be_read_are_none(
    lines: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("LUTHIER_PARAMS", text)
    with pytest.warns(MetricWarning, match="there are no parameters"):
        assert luthier.params() == {}


class Tensor:
    """Looks like PyTorch's, Numpy's or JAX's as far as `report` looks."""

    def __init__(self, *values: object) -> None:
        self._values = values

    def item(self) -> object:
        if len(self._values) != 1:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self._values[0]


class Color(enum.IntEnum):
    RED = 3


GOOD: list[tuple[object, float]] = [
    (1, 1),
    (True, 1),
    (0.5, 0.5),
    (np.float32(0.5), 0.5),
    (np.float64(0.5), 0.5),
    (np.int64(3), 3),
    (np.bool_(True), 1),
    (np.array(0.5), 0.5),
    (np.array([[0.5]]), 0.5),
    (Tensor(0.5), 0.5),
    (Tensor(np.float16(0.5)), 0.5),
    (decimal.Decimal("0.5"), 0.5),
    (fractions.Fraction(1, 2), 0.5),
    (Color.RED, 3),
    (math.inf, math.inf),
    (10**300, 1e300),
]


@pytest.mark.parametrize(("value", "number"), GOOD)
@pytest.mark.parametrize("send", [False, True])
def test_whatever_holds_a_number_is_taken(lines: Path, value: object, number: float, send: bool) -> None:
    luthier.send_metric("m", value) if send else luthier.report(m=value)
    assert points(lines) == [("m", 0, number)]


def test_nan_is_kept(lines: Path) -> None:
    luthier.report(m=math.nan, n=-math.inf)
    assert '"m": NaN, "n": -Infinity' in lines.read_text()
    assert repr(points(lines)) == "[('m', 0.0, nan), ('n', 0.0, -inf)]"


class Evil:
    """Raises at every touch."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __float__(self) -> float:
        raise ValueError("float")

    __str__ = __index__ = __int__ = __bool__ = __iter__ = __len__ = __eq__ = __hash__ = __float__


class EvilInt(int):
    def __float__(self) -> float:
        raise OSError("float")


BAD: list[Any] = [
    *(None, "0.5", "", b"1", bytearray(b"1"), 1j, [], [0.5], (1,), {}, {"a": 1}, {1}, frozenset(), object()),
    *(Evil(), EvilInt(3), Tensor(), Tensor(1, 2), Tensor("x"), Tensor(None), Tensor(Tensor(1)), np.zeros(0)),
    *(np.array([1, 2]), np.array("x"), np.str_("x"), np.datetime64("2024-01-01"), np.complex64(1), 10**400),
    *(10**5000, -(10**400), int, len, lambda: 1, Exception(), range(3), iter([]), (x for x in []), slice(1)),
    *(..., NotImplemented, math, Path(), type("E", (), {"item": 3})(), decimal.Decimal("sNaN"), sys.stderr),
    *(
        type("F", (), {"__float__": lambda s: "x"})(),
        threading.Lock(),
        memoryview(b"1"),
        warnings,
        np.ndarray,
    ),
    "x" * 10**6,
]


@pytest.mark.filterwarnings("ignore::luthier.metrics.report.MetricWarning")
def test_200_odd_objects_never_raise(lines: Path) -> None:
    calls = 0
    for odd in BAD:
        for call in (
            lambda odd=odd: luthier.report(m=odd),
            lambda odd=odd: luthier.report(odd),
            lambda odd=odd: luthier.report(step=odd, m=1),
            lambda odd=odd: luthier.send_metric(odd, 1),
            lambda odd=odd: luthier.send_metric("m", odd, odd),
        ):
            call()
            calls += 1
    assert calls >= 200
    for metric, step, value in points(lines):  # what was written can be read
        assert metric and math.isfinite(step) and isinstance(value, float)


@pytest.mark.parametrize("value", [[0.5], None, {"a": 1}, np.array([1, 2])])
def test_what_is_no_number_is_discarded_with_one_warning(lines: Path, value: object) -> None:
    with pytest.warns(
        MetricWarning, match="metric 'm' was given a .*, which is not a number; it was discarded"
    ) as seen:
        for _ in range(3):
            luthier.send_metric("m", value)
            luthier.report(m=value, n=1)
    assert len(seen) == 1
    assert points(lines) == [("n", 0, 1), ("n", 1, 1), ("n", 2, 1)]


def test_a_bad_index_is_ignored(lines: Path) -> None:
    for index in ("x", math.nan, [1], math.inf):
        with pytest.warns(MetricWarning, match="the step .* is not a number; the next step was taken"):
            luthier.send_metric("m", 1, index)  # type: ignore[arg-type]
    assert points(lines) == [("m", 0, 1), ("m", 1, 1), ("m", 2, 1), ("m", 3, 1)]


def test_a_text_stays_in_the_file(lines: Path) -> None:
    luthier.send_metric("phase", "warm up")
    assert written(lines) == [{"phase": "warm up"}]
    assert points(lines) == []
    with pytest.warns(MetricWarning, match="given a str"):
        luthier.report(phase="warm up")


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "step", "_time", 3, None, "\x1b[1m"])
def test_a_name_that_cant_be_is_discarded(lines: Path, name: Any) -> None:
    with pytest.warns(MetricWarning, match="can't name a metric"):
        luthier.send_metric(name, 1)
    assert points(lines) == []


def test_warnings_as_errors_do_not_end_a_training(lines: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        luthier.report(m=[1])
    assert "MetricWarning: metric 'm'" in capfd.readouterr().err


def test_a_file_that_cant_be_written_does_not_end_a_training(
    lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUTHIER_METRICS", str(lines / "no" / "such"))
    with pytest.warns(MetricWarning, match="a metric could not be reported"):
        luthier.report(m=1)
    with pytest.warns(MetricWarning, match="metric 'm' could not be sent"):
        luthier.send_metric("m", 1)


def test_a_torn_line_costs_only_itself(lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, space = os.write, [9]  # the disk takes nine bytes and is then given more room
    monkeypatch.setattr(
        reporting.os, "write", lambda file, data: write(file, data[: space.pop() if space else None])
    )
    luthier.report(lost=1)
    luthier.report(kept=1)
    luthier.report(kept=2)
    assert points(lines) == [("kept", 0, 1), ("kept", 1, 2)]


RANKS: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"RANK": "0"}, True),
    ({"RANK": "1"}, False),
    ({"RANK": ""}, True),
    ({"RANK": "north"}, True),
    ({"SLURM_PROCID": "0"}, True),
    ({"SLURM_PROCID": "2"}, False),
    ({"OMPI_COMM_WORLD_RANK": "0"}, True),
    ({"OMPI_COMM_WORLD_RANK": "3"}, False),
    ({"PMI_RANK": "1"}, False),
    ({"RANK": "0", "SLURM_PROCID": "1"}, True),  # torchrun on the second node has ranks of its own
    ({"RANK": "4", "SLURM_PROCID": "0"}, False),
    ({"OMPI_COMM_WORLD_RANK": "2", "SLURM_PROCID": "0"}, False),  # mpirun inside sbatch
]


@pytest.mark.parametrize(("environ", "reports"), RANKS)
def test_only_rank_0_reports(
    environ: dict[str, str], reports: bool, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reports_here(environ) is reports
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    luthier.report(loss=1)
    luthier.send_metric("acc", 1)
    assert bool(points(lines)) is reports


def test_a_rank_of_the_worker_is_not_the_programs() -> None:
    worker = {"SLURM_PROCID": "3", "SLURM_STEP_ID": "0"}  # srun -n 4 luthier worker
    trial = {**worker, "LUTHIER_OUTER_RANKS": outer_ranks(worker)}
    assert not reports_here(worker) and reports_here(trial)
    assert not reports_here({**trial, "SLURM_STEP_ID": "1"})  # srun inside the trial
    assert reports_here({**trial, "SLURM_STEP_ID": "1", "SLURM_PROCID": "0"})
    assert not reports_here({**trial, "RANK": "1"}) and outer_ranks({}) == ""


WRITER = """
import os, sys, luthier
for i in range(300):
    luthier.report(step=i, **{f"m{sys.argv[1]}": i, "padding" * 20: 1})
pid = os.fork()
for i in range(300, 400):
    luthier.report({f"{'m' if pid else 'child'}{sys.argv[1]}": i}, step=i)
if pid:
    os.waitpid(pid, 0)
"""


def test_several_processes_lose_no_line(lines: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(i)]) for i in range(6)]
    assert [writer.wait() for writer in writers] == [0] * 6
    found = points(lines)
    for i in range(6):
        assert [value for metric, _, value in found if metric == f"m{i}"] == list(range(400))
        assert [value for metric, _, value in found if metric == f"child{i}"] == list(range(300, 400))


LOADED = """
import sys
before = set(sys.modules)
import luthier
at_import = set(sys.modules) - before
luthier.report(loss=0.5); luthier.send_metric("acc", 1); luthier.report(bad=[1])
luthier.params(); luthier.seed(); luthier.trial_id(); luthier.checkpoint_dir()
after = set(sys.modules) - before
print(sorted(at_import))
print(sorted(m for m in after if m.split(".")[0] not in sys.stdlib_module_names))
"""


def test_importing_luthier_loads_the_standard_library_only(lines: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", LOADED], capture_output=True, text=True, check=True
    )
    at_import, ours = done.stdout.splitlines()
    assert at_import == str(["__future__", "luthier"])
    assert ours == str(["luthier", "luthier.metrics", "luthier.metrics.report"])


def test_the_public_names_are_there() -> None:
    assert list(luthier.__all__) == sorted(luthier.__all__)
    for name in luthier.__all__:
        assert getattr(luthier, name) is not None and name in dir(luthier)
    assert luthier.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="module 'luthier' has no attribute 'nonsense'"):
        _ = luthier.nonsense
    for name in metrics.__all__:
        assert getattr(metrics, name) is not None and name in dir(metrics)
    with pytest.raises(AttributeError):
        _ = metrics.nonsense
