"""Curves: which attempts make one, how they are read, drawn as text and written as rows."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figure_scene import MIXED, aimed, recorded, units
from hypothesis import given
from hypothesis import strategies as st

from luthier.clock import FakeClock
from luthier.description import Algorithm, Description, Objective, Stages
from luthier.store import Sort, Store
from luthier.store.memory import MemoryStore
from luthier.store.sqlite import SqliteStore
from luthier.trial import AttemptId, Outcome, Point, Result
from luthier.view import curves as reading
from luthier.view.courses import courses_of
from luthier.view.curve_rows import long_rows, wide, wide_rows
from luthier.view.curves import ReportedCurve, attempts_of, came_to, curve_of, curves_of, laid_out, points_of
from luthier.view.exports import columns, export, trial_rows
from luthier.view.figures import figure
from luthier.view.sparkline import ASCII, UNICODE, Growing, Scale, scale_of, sparkline
from luthier.view.tables import curves_frame, trials_frame
from luthier.view.text_panel import ASCII as PLAIN
from luthier.view.text_panel import UNICODE as FINE
from luthier.view.text_panel import panel_lines
from luthier.view.trials import trial_detail, trial_page
from luthier.view.verdicts import why_none

NAN, INF = math.nan, math.inf
FLOATS = st.floats(allow_nan=True, allow_infinity=True)


# ---------------------------------------------------------------------- sparklines


def test_a_sparkline_rises_and_falls_with_its_values() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([8, 1], 8) == "█▁"
    assert sparkline([1, 2, 3, 4, 5, 6, 7], 8, ASCII) == "_.-=+*#"
    assert sparkline([1, 1, 3, 3], 2) == "▁█"
    assert sparkline([], 8) == "" and sparkline([5.0, 5.0], 8) == "▄▄"


def test_what_is_no_number_is_marked() -> None:
    assert sparkline([0.0, NAN, 1.0, INF, -INF], 8) == "▁×█××"
    assert sparkline([0.0, NAN, 1.0], 8, ASCII) == "_x#"
    assert sparkline([0.0, NAN, 1.0, 1.0], 2) == "×▄"


def test_what_diverged_does_not_flatten_the_rest() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 1e9], 8)[:7] == sparkline([1, 2, 3, 4, 5, 6, 7], 8)


@given(st.lists(FLOATS, max_size=300), st.integers(0, 60))
def test_a_sparkline_has_no_more_columns_than_asked_for(values: list[float], width: int) -> None:
    drawn = sparkline(values, width)
    assert len(drawn) == min(len(values), width)
    assert set(drawn) <= set("".join(UNICODE))


@given(st.lists(FLOATS))
def test_a_scale_covers_only_values_there_are(values: list[float]) -> None:
    low, high = scale_of(values)
    known = [v for v in values if math.isfinite(v)]
    assert low <= high and (not known or min(known) <= low <= high <= max(known))
    assert 0 <= Scale(low, high).level(known[0] if known else 0.0, 8) < 8


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=700), st.sampled_from([2, 8, 256]))
def test_a_growing_curve_keeps_few_values_and_their_mean(values: list[float], most: int) -> None:
    growing = Growing(most)
    for value in values:
        growing.add(value)
    kept = growing.values()
    assert len(kept) <= most and min(values) - 1e-6 <= min(kept) <= max(kept) <= max(values) + 1e-6
    if len(values) < most:
        assert kept == values


# ---------------------------------------------------------------------- reading


def begun(store: Store, what: Description | None = None) -> AttemptId:
    """Experiment 1 with one trial that runs."""
    space = MIXED
    store.open_experiment(what or Description("/p", space, Algorithm("random"), objective=Objective("loss")))
    store.enqueue(1, units(space, 1), "mine")
    return store.claim(1, 1, "w", "c", 1e9)[0].id


def points(metric: str, *pairs: tuple[float, float]) -> list[Point]:
    return [Point(metric, float(step), float(value), 7.0) for step, value in pairs]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = (
        MemoryStore(FakeClock()) if request.param == "memory" else SqliteStore(tmp_path / "s.db", FakeClock())
    )
    yield made
    made.close()


def test_a_curve_is_read_in_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    id = begun(store)
    sent = [Point("loss" if k % 3 else "acc", float(k), k / 2, 7.0) for k in range(25)]
    store.report(id, 0, sent)
    for page in (1, 7, 25, 26):
        monkeypatch.setattr(reading, "PAGE", page)
        trial = store.trial(1, 1)
        assert list(points_of(store, trial, 1)) == sent
        found = curves_of(store, trial)
        assert list(found) == ["acc", "loss"] and list(found["acc"].steps) == [
            k for k in range(25) if not k % 3
        ]
        assert found["loss"] == curve_of(store, trial, "loss")
    assert len(curve_of(store, store.trial(1, 1), "other")) == 0


def test_another_attempt_begins_another_curve(store: Store) -> None:
    id = begun(store)
    store.report(id, 0, points("loss", (1, 9), (2, 8)))
    store.finish(id, Result(Outcome.LOST, "gone"), again=True)
    assert store.claim(1, 1, "w", "d", 1e9)[0].id.attempt == 2
    store.report(AttemptId(1, 1, 2), 0, points("loss", (1, 5)))
    trial = store.trial(1, 1)
    assert attempts_of(store, trial) == (2,) and list(curve_of(store, trial, "loss").values) == [5.0]
    assert [(row["attempt"], row["value"]) for row in long_rows(store, store.experiment(1), [trial])] == [
        (1, 9.0), (1, 8.0), (2, 5.0),
    ]  # fmt: skip


def test_a_trial_in_stages_has_one_curve_over_them(store: Store) -> None:
    id = begun(store)
    store.report(id, 0, points("loss", (1, 9), (2, 8)))
    paused = Result(Outcome.SUCCEEDED, "it exited with code 0", 8.0, curve=((1.0, 9.0), (2.0, 8.0)))
    store.finish(id, paused, pause=True)
    trial = store.trial(1, 1)
    assert came_to(trial) == 2.0 and list(curve_of(store, trial, "loss").values) == [9.0, 8.0]
    assert store.promote(1, 1)
    assert store.claim(1, 1, "w", "d", 1e9)[0].id.attempt == 2
    store.report(AttemptId(1, 1, 2), 0, points("loss", (3, 7)))
    trial = store.trial(1, 1)
    assert attempts_of(store, trial) == (1, 2)
    curve = curve_of(store, trial, "loss")
    assert (list(curve.steps), list(curve.values), list(curve.attempts)) == ([1, 2, 3], [9, 8, 7], [1, 1, 2])
    rows = list(wide_rows(store, store.experiment(1), [trial], ["loss"]))
    assert [(row["attempt"], row["step"], row["metric.loss"]) for row in rows] == [
        (1, 1, 9),
        (1, 2, 8),
        (2, 3, 7),
    ]


FOLDS = Stages("folds", "fold", (0.0, 1.0, 2.0))


def folded(store: Store, *folds: tuple[tuple[float, float], ...]) -> Store:
    """Experiment 1 with one trial that has run some of three folds, ten seconds each, and what each reported of `loss`."""
    what = Description("/p", MIXED, Algorithm("random"), objective=Objective("loss"), stages=FOLDS)
    id = begun(store, what)
    for fold, reported in enumerate(folds):
        if fold:
            assert store.promote(1, 1)
            id = store.claim(1, 1, "w", f"f{fold}", 1e9)[0].id
        store.report(id, 0, points("loss", *reported))
        curve = tuple((n, 0.5 * n) for n in range(1, fold + 2))
        result = Result(Outcome.SUCCEEDED, "", 0.5 * (fold + 1), seconds=10.0, cpu_seconds=1.0, curve=curve)
        store.finish(id, result, pause=fold < 2)
    return store


def test_folds_that_report_once_make_a_curve_over_folds(store: Store) -> None:
    folded(store, ((0, 9),), ((0, 7),), ((0, 8),))
    trial, record = store.trial(1, 1), store.experiment(1)
    axis, laid = laid_out({1: curve_of(store, trial, "loss")}, FOLDS)
    assert (axis, list(laid[1].steps), list(laid[1].values)) == ("fold", [0, 1, 2], [9, 7, 8])
    assert laid_out({1: laid[1]}, None)[0] == "step"
    (course,) = courses_of(store, trial, record.description)
    row = course.row
    assert (row.count, row.last, row.last_step, row.fold) == (3, 8, 2, None)
    assert (row.min, row.max, row.avg) == (7, 9, 8)
    assert (course.first, course.best, course.best_step) == (9, 9, 0)
    chart = figure(store, record, "curves", trials=(1,)).chart
    (panel,) = chart.panels
    assert panel.x.label == "fold" and panel.marks[0].x.tolist() == [0, 1, 2]  # type: ignore[union-attr]


def test_folds_that_report_steps_follow_one_another(store: Store) -> None:
    folded(store, ((1, 9), (2, 8)), ((1, 7), (2, 6)), ((1, 5),))
    trial, record = store.trial(1, 1), store.experiment(1)
    axis, laid = laid_out({1: curve_of(store, trial, "loss")}, FOLDS)
    assert (axis, list(laid[1].steps)) == ("step, fold after fold", [1, 2, 3, 4, 5])
    found = [
        (c.row.fold, c.row.count, c.first, c.row.last, c.row.last_step)
        for c in courses_of(store, trial, record.description)
    ]
    assert found == [(0, 2, 9, 8, 2), (1, 2, 7, 6, 2), (2, 1, 5, 5, 1)]
    rows = list(wide_rows(store, record, [trial], ["loss"]))
    assert list(rows[0]) == ["experiment", "trial", "run_id", "attempt", "fold", "step", "metric.loss"]
    assert [(r["fold"], r["attempt"], r["step"], r["metric.loss"]) for r in rows] == [
        (0, 1, 1, 9), (0, 1, 2, 8), (1, 2, 1, 7), (1, 2, 2, 6), (2, 3, 1, 5),
    ]  # fmt: skip
    assert [row["fold"] for row in long_rows(store, record, [trial])] == [0, 0, 1, 1, 2]


def test_folds_are_a_column_of_tables(store: Store) -> None:
    pytest.importorskip("pandas")
    record = folded(store, ((1, 9), (2, 8)), ((1, 7),)).experiment(1)
    side, long = curves_frame(store, record, form="wide"), curves_frame(store, record)
    assert list(side.columns) == ["trial", "fold", "step", "metrics.loss"]
    assert list(long.columns) == ["trial", "fold", "metric", "step", "value", "time"]
    assert side["fold"].tolist() == long["fold"].tolist() == [0, 0, 1]
    assert side["metrics.loss"].tolist() == [9, 8, 7]


def test_a_metric_of_folds_is_their_mean_wherever_it_is_one_number(store: Store) -> None:
    what = Description("/p", MIXED, Algorithm("random"), objective=Objective("loss"), stages=FOLDS)
    store.open_experiment(what)
    store.enqueue(1, units(MIXED, 3), "mine")
    folds = {1: (((0, 9), (1, 5)), ((0, 1),)), 2: (((0, 0),), ((0, 6), (1, 4)))}
    for fold in (0, 1):
        for claim in sorted(store.claim(1, 2, "w", f"f{fold}", 1e9), key=lambda claim: claim.id):
            number = claim.id.trial
            store.report(claim.id, 0, points("loss", *folds[number][fold]))
            store.finish(claim.id, Result(Outcome.SUCCEEDED, "", 1.0), pause=True)
            assert fold or store.promote(1, number)
    record = store.experiment(1)
    assert [row["metric.loss"] for row in trial_rows(store, record)] == [3, 2, None]
    by_mean = trial_page(store, record, Sort("metric", "loss"), 10, 0, 0.0)
    assert [(row.number, row.metrics) for row in by_mean.rows] == [(1, {"loss": 3}), (2, {"loss": 2})]
    smallest = trial_page(store, record, Sort("metric", "loss", "max", smallest_first=True), 1, 0, 0.0)
    assert ([row.number for row in smallest.rows], smallest.has_more) == ([2], True)  # 3 and 5
    assert trial_detail(store, 1, 1, 0.0).row.metrics == {"loss": 3}


def test_the_time_of_a_trial_in_stages_is_that_of_all_its_attempts(store: Store) -> None:
    record = folded(store, ((0, 9),), ((0, 7),)).experiment(1)
    assert store.trial(1, 1).result.seconds == 10.0  # type: ignore[union-attr]
    assert trial_page(store, record, Sort(), 10, 0, 0.0).rows[0].seconds == 20.0
    assert [(row["seconds"], row["cpu_seconds"]) for row in trial_rows(store, record)] == [(20.0, 2.0)]
    assert trials_frame(store, record)["seconds"].tolist() == [20.0]
    assert store.promote(1, 1)
    store.claim(1, 1, "w", "last", 1e9)
    began = store.attempts(1, 1)[-1].began
    detail = trial_detail(store, 1, 1, began + 3.0)
    assert detail.row.seconds == 23.0  # what runs counts from when its attempt began
    assert [(a.stage, a.mean_of, a.value) for a in detail.attempts] == [
        ("fold 0", 1, 0.5), ("fold 1", 2, 1.0), ("fold 2", None, None),
    ]  # fmt: skip


def test_no_best_yet_while_trials_wait_for_their_next_rung(store: Store) -> None:
    rungs = Stages("rungs", "epochs", (1.0, 3.0))
    what = Description("/p", MIXED, Algorithm("random"), objective=Objective("loss"), stages=rungs)
    store.open_experiment(what)
    store.enqueue(1, units(MIXED, 3), "mine")
    for claim in store.claim(1, 2, "w", "c", 1e9):
        store.finish(claim.id, Result(Outcome.SUCCEEDED, "", 1.0), pause=True)
    store.cancel(1, 1, Outcome.STOPPED, "2 is better")
    said = why_none(store, store.experiment(1))
    assert said.startswith(
        "no trial of experiment 1 has come to its end yet (1 stopped; 1 waits, 1 queued); "
    )
    for number in (2, 3):
        store.cancel(1, number, Outcome.STOPPED, "enough")
    assert why_none(store, store.experiment(1)).startswith("no trial of experiment 1 succeeded (3 stopped)")


def test_a_row_tells_of_one_attempt_alone(store: Store) -> None:
    id = begun(store)
    store.report(id, 0, [*points("loss", (1, 9), (2, 1)), *points("old", (1, 3))])
    store.finish(id, Result(Outcome.LOST, "gone"), again=True)
    store.claim(1, 1, "w", "d", 1e9)
    store.report(AttemptId(1, 1, 2), 0, points("loss", (1, 5), (2, 4)))
    (course,) = courses_of(store, store.trial(1, 1), store.experiment(1).description)
    row = course.row
    assert (row.metric, row.count, course.first, row.last, row.min, row.max) == ("loss", 2, 5, 4, 4, 5)


def test_only_who_was_ended_early_came_to_somewhere() -> None:
    whole = ((1.0, 3.0), (4.0, 2.0))
    store = MemoryStore(FakeClock())
    for number, (outcome, curve) in enumerate(
        [(Outcome.STOPPED, whole), (Outcome.SUCCEEDED, whole), (Outcome.STOPPED, ())], 1
    ):
        store.open_experiment(Description("/p", MIXED, Algorithm("random"), seed=number), fresh=True)
        store.enqueue(number, units(MIXED, 1), f"n{number}")
        (claim,) = store.claim(number, 1, "w", f"c{number}", 1e9)
        store.finish(claim.id, Result(outcome, "", 2.0, curve=curve))
    assert [came_to(store.trial(e, 1)) for e in (1, 2, 3)] == [4.0, None, None]


def test_the_best_place_of_a_curve() -> None:
    curve = ReportedCurve("loss")
    assert curve.best(True) is None
    for value in (3.0, NAN, 1.0, INF, 1.0, 5.0):
        curve.add(1, 0.0, value)
    assert (curve.best(False), curve.best(True)) == (2, 5)


# ---------------------------------------------------------------------- rows


def test_wide_rows_join_metrics_by_step(store: Store) -> None:
    id = begun(store)
    store.report(id, 0, [
        *points("loss", (1, 9), (2, 8), (2, 7), (4, NAN)),
        *points("acc", (4, 0.5), (1, 0.1)),
    ])  # fmt: skip
    record = store.experiment(1)
    rows = list(wide_rows(store, record, store.trials(1), store.metric_names(1)))
    assert [tuple(row) for row in rows] == [
        ("experiment", "trial", "run_id", "attempt", "step", "metric.loss", "metric.acc")
    ] * 3
    assert [(row["step"], str(row["metric.loss"]), row["metric.acc"]) for row in rows] == [
        (1.0, "9.0", 0.1),
        (2.0, "7.0", None),
        (4.0, "nan", 0.5),
    ]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-3, 3), FLOATS), max_size=30))
def test_wide_says_what_was_said_last(said: list[tuple[str, int, float]]) -> None:
    curves = {name: ReportedCurve(name) for name in "ab"}
    last: dict[int, dict[str, float]] = {}
    for name, step, value in said:
        curves[name].add(1, float(step), value)
        last.setdefault(step, {})[name] = value
    found = wide(curves, ["a", "b"])
    assert found.steps.tolist() == sorted(last)
    for step, row, known in zip(found.steps.tolist(), found.values, found.known, strict=True):
        assert {
            name: repr(v) for name, v, is_known in zip("ab", row.tolist(), known, strict=True) if is_known
        } == {name: repr(v) for name, v in last[step].items()}


@pytest.mark.parametrize(("form", "rows"), [("long", 4), ("wide", 3)])
def test_every_format_has_the_same_rows(form: Any, rows: int, store: Store, tmp_path: Path) -> None:
    id = begun(store)
    store.report(id, 0, [*points("loss", (1, 9), (2, NAN)), *points("acc", (1, 0.1), (3, 0.2))])
    record = store.experiment(1)
    for ending in ("csv", "json", "jsonl", "parquet"):
        if ending == "parquet":
            pytest.importorskip("pyarrow")
        assert export(store, record, ending, tmp_path / f"a.{ending}", curves=form) == rows
    lines = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    loose = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    whole = json.loads((tmp_path / "a.json").read_text())
    assert whole["steps" if form == "wide" else "points"] == loose
    assert [{k: "" if v is None else str(v) for k, v in row.items()} for row in loose] == lines
    import pyarrow.parquet as parquet

    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.num_rows == rows and table.column_names == list(lines[0])
    assert (
        str(table.schema.field("attempt").type) == "int64"
        and str(table.schema.field("step").type) == "double"
    )


def test_both_forms_as_tables() -> None:
    pandas = pytest.importorskip("pandas")
    store = recorded(MIXED, lambda _, n: float(n), units(MIXED, 3), points=4)
    record = store.experiment(1)
    long, side = curves_frame(store, record), curves_frame(store, record, form="wide")
    assert list(side.columns) == ["trial", "step", "metrics.loss"] and len(side) == len(long) == 12
    assert side["trial"].dtype == "int64"
    turned = long.pivot_table(index=["trial", "step"], columns="metric", values="value", observed=True)
    pandas.testing.assert_series_equal(
        turned["loss"].reset_index(drop=True), side["metrics.loss"], check_names=False
    )
    with pytest.raises(Exception, match="long or wide"):
        curves_frame(store, record, form="wild")  # type: ignore[arg-type]
    empty = recorded(MIXED, lambda _, n: float(n), units(MIXED, 1))
    assert len(curves_frame(empty, empty.experiment(1), form="wide")) == 0


def test_several_objectives_have_columns_of_their_own() -> None:
    store = aimed()
    record = store.experiment(1)
    assert columns(store, record)[6:10] == ("value", "value.loss", "value.speed", "is_allowed")
    rows = list(trial_rows(store, record))
    assert [(row["value.loss"], row["value.speed"]) for row in rows[:4]] == [(1, 9), (2, 8), (3, 7), (4, 1)]
    assert [row["is_allowed"] for row in rows] == [True] * 7 + [False] * 2


# ---------------------------------------------------------------------- drawn as text


def some() -> Store:
    endings: list[Any] = [3.0, (Outcome.STOPPED, 5.0), 2.0, Outcome.FAILED]
    return recorded(MIXED, lambda _, n: endings[n - 1], units(MIXED, 4), points=6)


@pytest.mark.parametrize("marks", [FINE, PLAIN])
@pytest.mark.parametrize("width", [10, 30, 80, 500])
def test_a_figure_as_text_marks_the_best_and_the_stopped(marks: Any, width: int) -> None:
    store = some()
    lines = panel_lines(figure(store, store.experiment(1), "curves").chart, width, marks)
    assert max(map(len, lines[:-1])) <= max(min(width, 100), 30)
    field = "\n".join(lines[2:-1])
    assert field.count(marks.ends["best"]) == 1 and field.count(marks.ends["stopped"]) == 1
    assert field.count(marks.ends["failed"]) == 1
    for role, name in (("best", "best trial"), ("stopped", "stopped early"), ("failed", "failed")):
        assert f"{marks.ends[role]} {name}" in lines[-1]
    assert "1 stopped early" in "".join(lines[1:2]) or width < 60
    if marks is PLAIN:
        assert "".join(lines[1:]).replace("…", "").isascii()


def test_the_better_curve_lies_lower_where_less_is_better() -> None:
    store = some()
    lines = panel_lines(figure(store, store.experiment(1), "curves").chart, 80, FINE)
    rows = {
        mark: next(i for i, line in enumerate(lines[:-1]) if FINE.ends[mark] in line)
        for mark in ("best", "stopped")
    }
    assert rows["best"] > rows["stopped"]


def test_one_trial_alone_says_how_it_ended() -> None:
    store = some()
    chart = figure(store, store.experiment(1), "curves", trials=(2,)).chart
    assert chart.note == "trial 1.2 stopped: it ended"
    lines = panel_lines(chart, 80, FINE)
    assert (
        "trial 1.2" in lines[-1] and "best" not in lines[-1] and FINE.ends["stopped"] in "".join(lines[2:-1])
    )


def test_without_colours_the_best_the_next_and_the_others_differ_in_a_sign() -> None:
    store = recorded(MIXED, lambda _, n: float(n), units(MIXED, 8), points=6)
    for marks in (FINE, PLAIN):
        lines = panel_lines(figure(store, store.experiment(1), "curves").chart, 80, marks)
        signs = {name: sign for sign, name in re.findall(r"(\S) (best trial|next best|others)", lines[-1])}
        assert len(set(signs.values())) == len(signs) == 3
        assert signs["next best"] in "".join(lines[2:-1])


def test_what_has_no_place_is_said() -> None:
    store = recorded(MIXED, lambda _, n: float(n), units(MIXED, 2))
    for number in (1, 2):
        store.enqueue(1, [store.trial(1, number).configuration], f"again {number}")
    (one, two) = store.claim(1, 2, "w", "again", 1e9)
    store.report(one.id, 0, points("loss", (0, 1.0), (1, float("nan")), (2, 3.0)))
    store.report(two.id, 0, points("loss", (0, 1.0), (1, 2.0)))
    note = figure(store, store.experiment(1), "curves").chart.note
    assert note.endswith(f"without NaN or infinity of trial 1.{one.id.trial}")


def test_without_points_there_are_words() -> None:
    store = recorded(MIXED, lambda _, n: float(n), units(MIXED, 2))
    lines = panel_lines(figure(store, store.experiment(1), "curves").chart, 80, FINE)
    assert lines == ["Learning curves", "No trial has reported a value step by step."]


@given(st.lists(st.tuples(st.floats(0, 100), FLOATS), min_size=1, max_size=40))
def test_any_curve_can_be_drawn(pairs: list[tuple[float, float]]) -> None:
    store = MemoryStore(FakeClock())
    id = begun(store)
    store.report(id, 0, points("loss", *pairs))
    chart = figure(store, store.experiment(1), "curves").chart
    for marks in (FINE, PLAIN):
        assert all(len(line) <= 80 for line in panel_lines(chart, 80, marks)[:-1])


# ---------------------------------------------------------------------- the hypervolume


def test_the_figure_of_the_hypervolume() -> None:
    store = aimed(("minimize", "minimize"))
    chart = figure(store, store.experiment(1), "hypervolume").chart
    (panel,) = chart.panels
    line, dots = panel.marks  # type: ignore[union-attr]
    assert np.all(np.diff(line.y) >= 0) and line.x.tolist() == list(range(1, 10))
    assert dots.x.tolist() == [1.0, 2.0, 3.0, 4.0]  # the fifth is beaten by the fourth
    assert "grown last by result 4" in chart.note and "loss 4.3, speed 9.8" in chart.note


def test_one_objective_has_no_hypervolume() -> None:
    store = recorded(MIXED, lambda _, n: float(n), units(MIXED, 2))
    chart = figure(store, store.experiment(1), "hypervolume").chart
    assert not chart.panels and "history shows the best" in chart.words
