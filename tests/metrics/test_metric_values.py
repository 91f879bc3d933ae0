"""Points into one number, the sentences about them, and the tail of an output."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.description import Objective
from luthier.metrics import (
    Summary,
    direction_hint,
    is_made_small,
    matching_name,
    missing_reason,
    objective_value,
    summarize,
    tail_of,
)
from luthier.trial import Point


def points(*pairs: tuple[float, float], metric: str = "m") -> list[Point]:
    return [Point(metric, step, value, 0.0) for step, value in pairs]


def test_the_last_is_at_the_highest_step_the_newest_of_several() -> None:
    summary = summarize(points((1, 10), (3, 30), (3, 31), (2, 20)))["m"]
    assert (summary.last, summary.last_step, summary.first_step, summary.count) == (31, 3, 1, 4)


def test_nan_is_the_last_but_neither_least_nor_greatest() -> None:
    summary = summarize(points((0, math.nan), (1, 2), (2, 4), (3, math.nan)))["m"]
    assert math.isnan(summary.value("last"))
    assert (summary.value("min"), summary.value("max"), summary.value("avg")) == (2, 4, 3)
    only = Summary.of(points((0, math.nan))[0])
    assert all(math.isnan(only.value(how)) for how in ("last", "min", "max", "avg"))
    assert all(math.isnan(Summary().value(how)) for how in ("last", "min", "max", "avg"))


series = st.lists(st.tuples(st.integers(-5, 5), st.floats(-1e9, 1e9) | st.just(math.nan)), min_size=1)


@given(series)
def test_a_summary_is_what_the_whole_series_says(pairs: list[tuple[int, float]]) -> None:
    summary = summarize(points(*pairs))["m"]
    values = [value for _, value in pairs if not math.isnan(value)]
    top = max(step for step, _ in pairs)
    assert repr(summary.last) == repr([value for step, value in pairs if step == top][-1])
    assert (summary.count, summary.numbers) == (len(pairs), len(values))
    assert (summary.first_step, summary.last_step) == (min(step for step, _ in pairs), top)
    if values:
        assert (summary.minimum, summary.maximum) == (min(values), max(values))
        assert summary.value("avg") == pytest.approx(math.fsum(values) / len(values), abs=1e-3)


@given(series, st.integers(0, 20))
def test_folding_can_be_interrupted(pairs: list[tuple[int, float]], cut: int) -> None:
    whole = points(*pairs)
    assert repr(summarize(whole[cut:], summarize(whole[:cut]))) == repr(summarize(whole))


@pytest.mark.parametrize(
    ("metric", "names", "match"),
    [
        ("acc", ["acc", "keras/acc"], "acc"),
        ("keras/val_acc", ["val_acc", "loss"], "val_acc"),
        ("val_acc", ["keras/val_acc"], "keras/val_acc"),
        ("keras/val_acc", ["val_accuracy"], "val_accuracy"),
        ("keras/val_accuracy", ["keras/val_acc"], "keras/val_acc"),
        ("val_acc", ["val_accuracy"], None),
        ("acc", [], None),
    ],
)
def test_which_metric_is_meant(metric: str, names: list[str], match: str | None) -> None:
    assert matching_name(metric, names) == match


def test_the_objectives_value() -> None:
    summaries = summarize([*points((0, 1), (1, 3), (2, 2), metric="val_acc")])
    assert objective_value(Objective("keras/val_acc", "max"), summaries) == 3
    assert objective_value(Objective("val_acc"), summaries) == 2
    assert objective_value(Objective("val_acc", "avg"), summaries) == 2
    assert objective_value(Objective("loss"), summaries) is None


@pytest.mark.parametrize(
    ("metric", "seen", "sentence"),
    [
        ("val_acc", ["loss", "acc"], "it reported no val_acc; it did report acc and loss, did you mean acc?"),
        ("accuracy", ["Test_accuracy"],
         "it reported no accuracy; it did report Test_accuracy, did you mean Test_accuracy?"),
        ("val_accuracy", ["val_acc", "val_loss"],
         "it reported no val_accuracy; it did report val_acc and val_loss, did you mean val_acc?"),
        ("auc", ["zeta"], "it reported no auc; it did report zeta"),
        ("x", [f"m{i}" for i in range(10)],
         "it reported no x; it did report m0, m1, m2, m3, m4, m5, m6, m7 and 2 others"),
        (
            "val_acc",
            [],
            "it reported no val_acc, nor any other metric: print a line such as 'val_acc: 0.5', "
            'or append {"val_acc": 0.5} to the file $LUTHIER_METRICS',
        ),
    ],
)  # fmt: skip
def test_a_missing_objective_is_explained(metric: str, seen: list[str], sentence: str) -> None:
    assert missing_reason(Objective(metric), seen) == sentence


LOSSES = (
    "loss val_loss Loss valLoss keras/loss error test-error err mse RMSE mae nll perplexity wer cer logloss"
)
SCORES = (
    "acc val_accuracy f1 auc reward neg_log_loss neg_mean_squared_error r2 lossless per_class_acc score bleu"
)


@pytest.mark.parametrize("metric", [*LOSSES.split(), "cross_entropy", "validation/mean_absolute_error"])
def test_a_loss_is_made_small_and_maximizing_it_gets_a_hint(metric: str) -> None:
    assert is_made_small(metric)
    assert "--minimize" in str(direction_hint(metric))


@pytest.mark.parametrize("metric", SCORES.split())
def test_a_score_gets_no_hint(metric: str) -> None:
    assert direction_hint(metric) is None and not is_made_small(metric)


def test_the_tail_of_an_output(tmp_path: Path) -> None:
    path = tmp_path / "stderr.log"
    assert tail_of(path) == "" and tail_of(tmp_path) == ""
    path.write_bytes(b"one\n10%\r20%\r\n\x1b[31mred\x1b[0m\x07 \xff\ttab\n\n")
    assert tail_of(path) == "one\n20%\nred\\x07 �\ttab"
    assert tail_of(path, lines=1) == "red\\x07 �\ttab" and tail_of(path, lines=0) == ""
    path.write_text("".join(f"line {i}\n" for i in range(10_000)))
    assert tail_of(path, lines=2) == "line 9998\nline 9999"
    assert tail_of(path, lines=10_000, max_bytes=25) == "line 9998\nline 9999"
    path.write_text("x" * 100_000)
    assert tail_of(path, max_bytes=10) == "x" * 10


@given(st.binary(max_size=300))
def test_a_tail_is_safe_to_print(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("tail") / "log"
    path.write_bytes(content)
    assert all(c.isprintable() or c in "\t\n" for c in tail_of(path))
