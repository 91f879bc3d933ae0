"""A Plotly figure shows what the SVG shows: the same numbers, axes, names and colours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from figure_scene import MIXED, recorded, units

from luthier.store import Store
from luthier.trial import Outcome
from luthier.view.figures import KINDS, figure
from luthier.view.figures.chart import Bars, Dots, Line, Panel, Parallel, Spans, Surface
from luthier.view.figures.looks import PALETTE
from luthier.view.figures.pareto import Goals, pareto
from luthier.view.figures.picture import Picture

pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def store() -> Store:
    def worth(v: dict[str, Any], number: int) -> Any:
        if number % 9 == 0:
            return Outcome.FAILED
        loss = (math.log10(v["rate"]) + 2) ** 2 + v["layers"] + v.get("momentum", 0.5)
        return (Outcome.STOPPED, loss) if number % 10 == 0 else loss

    return recorded(MIXED, worth, units(MIXED, 60), points=5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_mark_has_a_trace_with_its_numbers(store: Store, kind: str) -> None:
    picture = figure(store, store.experiment(1), kind)
    traces = list(picture.to_plotly().data)
    assert traces or picture.chart.words
    for panel in picture.chart.panels:
        if isinstance(panel, Parallel):
            (trace,) = traces
            assert [one.label for one in trace.dimensions] == [axis.label for axis in panel.axes]
            assert np.allclose(trace.dimensions[0]["values"], panel.rows[:, 0])
            gaps = np.isnan(panel.rows[:, 3])
            assert (np.asarray(trace.dimensions[3]["values"])[gaps] < trace.dimensions[0]["range"][0]).all()
            return
        for mark in panel.marks:
            trace = traces.pop(0)
            match mark:
                case Dots() | Line():
                    assert np.array_equal(trace.x, mark.x) and np.array_equal(trace.y, mark.y)
                case Bars():
                    assert np.array_equal(trace.x, mark.lengths) and list(trace.y) == list(mark.labels)
                case Spans():
                    assert np.array_equal(trace.base, mark.begin)
                    assert np.allclose(np.asarray(trace.x) + trace.base, mark.end)
                case Surface():
                    assert np.array_equal(trace.customdata, mark.z) and np.array_equal(trace.x, mark.x)
        for mark in [mark for mark in panel.marks if isinstance(mark, Bars) and mark.low is not None]:
            trace = traces.pop(0)
            assert mark.high is not None
            assert np.allclose(np.asarray(trace.x) + trace.error_x.array, mark.high)
    assert traces == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_becomes_json_and_follows_the_theme(store: Store, kind: str) -> None:
    for theme in ("light", "dark"):
        made = figure(store, store.experiment(1), kind).to_plotly(theme)
        assert made.layout.paper_bgcolor == PALETTE[theme]["paper"]
        assert len(made.to_json()) > 1000


def test_axes_are_those_of_the_svg(store: Store) -> None:
    picture = figure(store, store.experiment(1), "slices", parameters=["rate", "kind"])
    layout = picture.to_plotly().layout
    rate, kind = (panel.x for panel in picture.chart.panels if isinstance(panel, Panel))
    assert layout.xaxis.type == "log" and layout.xaxis.range == (math.log10(rate.low), math.log10(rate.high))
    assert list(layout.xaxis2.ticktext) == [tick.text for tick in kind.ticks] == ["sgd", "adam"]
    assert layout.yaxis.title.text == "loss" and layout.yaxis2.title.text is None


def test_names_can_not_smuggle_markup() -> None:
    store = recorded(MIXED, lambda _, n: float(n), units(MIXED, 5), name="<a href='x'>", metric="<b>")
    made = figure(store, store.experiment(1), "history").to_plotly()
    assert "<a" not in made.layout.title.text and "<b>" not in made.layout.yaxis.title.text
    assert all("<b>" not in text for trace in made.data for text in trace.hovertext or ())


def test_nothing_to_draw_is_said_and_two_objectives_are_drawn() -> None:
    empty = figure(
        recorded(MIXED, lambda _, n: None, units(MIXED, 2)), _record_of(MIXED), "history"
    ).to_plotly()
    assert empty.layout.annotations[0].text.startswith("No trial has succeeded")
    front = np.array([True, True, False])
    both = Picture(pareto(np.array([1.0, 2, 3]), np.array([2.0, 1, 3]), front, Goals(("a", "b")))).to_plotly()
    assert {trace.name for trace in both.data} >= {"on the front", "beaten in both"}


def _record_of(space: Any) -> Any:
    return recorded(space, lambda _, n: None, units(space, 2)).experiment(1)
