"""Figures: what each computes, that its SVG is sound whatever is drawn, and that thousands stay small."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figure_scene import MIXED, aimed, recorded, units
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import UsageError
from luthier.space import (
    Categorical,
    Constant,
    Float,
    Integer,
    LogNormal,
    Normal,
    Ordinal,
    Parameter,
    Space,
    Value,
)
from luthier.store import Store
from luthier.trial import Outcome
from luthier.view.figures import KINDS, figure, options_of
from luthier.view.figures.chart import Axis, Bars, Dots, Lanes, Line, Panel, Parallel, Spans, Surface
from luthier.view.figures.curves import thin_curve
from luthier.view.figures.isobands import bands
from luthier.view.figures.looks import PALETTE
from luthier.view.figures.pareto import Goals, pareto
from luthier.view.figures.picture import Picture
from luthier.view.figures.results import thinned

SVG = "{http://www.w3.org/2000/svg}"


def drawn(store: Store, kind: str, **options: Any) -> Picture:
    return figure(store, store.experiment(1), kind, **options)


def panel_of(picture: Picture) -> Panel:
    (panel,) = picture.chart.panels
    assert isinstance(panel, Panel)
    return panel


def marks(picture: Picture, kind: type) -> list[Any]:
    return [mark for mark in panel_of(picture).marks if isinstance(mark, kind)]


def sound(svg: str) -> ET.Element:
    """The drawing, after a look at every number in it: none is NaN, none far outside."""
    root = ET.fromstring(svg)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert 200 < width < 3000 and 60 < height < 3000
    for one in root.iter():
        for name, value in one.attrib.items():
            if name in ("x", "y", "cx", "cy", "width", "height", "r"):
                assert -60 <= float(value) <= max(width, height) + 60, (one.tag, name, value)
            assert "nan" not in value.lower().split() and "inf" not in value.lower().split()
        for number in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", one.get("d", "")):
            assert -1000 < float(number) < 4000
    return root


# ---------------------------------------------------------------------- what each computes


def test_the_history_knows_the_best_so_far_and_who_failed() -> None:
    values: list[Any] = [5.0, 7.0, Outcome.FAILED, 3.0, 4.0, math.nan, 1.0, (Outcome.STOPPED, 6.0), None]
    store = recorded(MIXED, lambda _, number: values[number - 1], units(MIXED, 9), name="my search")
    picture = drawn(store, "history")
    (best,) = marks(picture, Line)
    assert best.is_step
    assert (best.x.tolist(), best.y.tolist()) == ([1, 4, 7, 8], [5, 3, 1, 1])
    dots = {dot.role: dot for dot in marks(picture, Dots)}
    assert dots["result"].x.tolist() == [1, 2, 4, 5, 7]
    assert dots["failed"].x.tolist() == [3, 6] and dots["failed"].name == "failed or without a value"
    assert (dots["stopped"].x.tolist(), dots["stopped"].y.tolist()) == ([8], [6])
    assert picture.chart.title == "loss of my search"
    assert picture.chart.note == "best 1, trial 1.7; 6 succeeded, 1 failed, 1 stopped"
    assert "momentum" in "".join(dots["result"].texts)


def test_a_history_over_time_counts_from_the_first_begin() -> None:
    store = recorded(MIXED, lambda _, number: float(number), units(MIXED, 6), workers=2, direction="maximize")
    panel = panel_of(drawn(store, "history", x="time"))
    (dots,) = (mark for mark in panel.marks if isinstance(mark, Dots))
    assert panel.x.label == "time since the first trial began (min)"
    assert dots.x.tolist() == [1, 1, 2, 2, 3, 3]
    (best,) = (mark for mark in panel.marks if isinstance(mark, Line))
    assert best.y.tolist() == [1, 2, 3, 4, 5, 6, 6]


@pytest.mark.parametrize(
    ("worth", "direction", "scale"),
    [
        (lambda number: 10.0 ** (-number / 3), "minimize", "log"),
        (lambda number: 10.0 ** (-number / 3), "maximize", "linear"),
        (lambda number: 5.0 + number, "minimize", "linear"),
        (lambda number: 10.0 ** (-number / 3) - 1e-4, "minimize", "linear"),
    ],
)
def test_losses_over_powers_of_ten_have_a_logarithmic_axis(
    worth: Callable[[int], float], direction: str, scale: str
) -> None:
    store = recorded(MIXED, lambda _, number: worth(number), units(MIXED, 20), direction)
    axis = panel_of(drawn(store, "history")).y
    assert isinstance(axis, Axis) and axis.scale == scale
    forced = panel_of(drawn(store, "history", log=scale == "linear")).y
    assert isinstance(forced, Axis) and (forced.scale == "log") == (scale == "linear")


def test_a_result_that_diverged_lies_beyond_the_axis_and_is_counted() -> None:
    store = recorded(MIXED, lambda _, n: 1e30 if n == 5 else math.sin(n), units(MIXED, 40))
    picture = drawn(store, "history")
    axis = panel_of(picture).y
    assert isinstance(axis, Axis) and axis.high < 10
    assert picture.chart.note.endswith("1 result beyond the axis")


def test_of_many_results_all_that_made_the_best_are_drawn() -> None:
    rng = np.random.default_rng(0).random(5001)
    store = recorded(MIXED, lambda _, n: float(rng[n] + 100 / n), units(MIXED, 5000), workers=500)
    picture = drawn(store, "history")
    dots = {dot.role: dot for dot in marks(picture, Dots)}["result"]
    (best,) = marks(picture, Line)
    assert len(dots.x) <= 3000 and set(best.x[:-1]) <= set(dots.x)
    assert "showing 3,000 of 5,000 results" in picture.chart.note
    assert len(picture.svg()) < 250_000


def test_importance_is_drawn_with_its_errors_or_its_reason() -> None:
    few = drawn(recorded(MIXED, lambda v, _: float(v["layers"]), units(MIXED, 5)), "importance")
    assert few.chart.panels == () and few.chart.words.startswith("5 different configurations")
    assert few.chart.words.split()[0] in sound(few.svg()).findall(f"{SVG}text")[1].text
    full = drawn(recorded(MIXED, lambda v, _: float(v["layers"]), units(MIXED, 40)), "importance")
    total, alone = marks(full, Bars)
    assert total.labels[0] == "layers" and total.lengths[0] > 0.9
    assert (total.low <= total.lengths).all() and (total.lengths <= total.high).all()
    assert (alone.lengths <= total.lengths).all()


def test_lines_of_parallel_axes_stand_at_the_values_the_best_last() -> None:
    store = recorded(MIXED, lambda v, n: float(n), units(MIXED, 30), direction="maximize")
    (panel,) = drawn(store, "parallel").chart.panels
    assert isinstance(panel, Parallel)
    assert [axis.label for axis in panel.axes] == ["rate", "layers", "kind", "momentum", "loss"]
    assert panel.shade.tolist() == sorted(panel.shade)
    assert panel.texts[-1].startswith("trial 1.30:")
    last = store.trial(1, 30).configuration
    assert last is not None
    assert panel.rows[-1, 0] == pytest.approx((math.log10(last["rate"].value) + 5) / 5)
    assert panel.rows[-1, 1] == pytest.approx((last["layers"].value - 0.5) / 5)
    for row, text in zip(panel.rows, panel.texts, strict=True):
        assert math.isnan(row[3]) == ("kind=adam" in text)
        assert (row[2] < 0.5) == ("kind=sgd" in text)


def test_slices_have_a_plot_for_each_parameter_with_the_trials_that_have_it() -> None:
    store = recorded(MIXED, lambda v, n: Outcome.FAILED if n % 5 == 0 else float(n), units(MIXED, 30))
    picture = drawn(store, "slices")
    panels = {panel.x.label: panel for panel in picture.chart.panels if isinstance(panel, Panel)}
    assert list(panels) == ["rate", "layers", "kind", "momentum"]
    counts = {
        name: {mark.role: len(mark.x) for mark in panel.marks if isinstance(mark, Dots)}
        for name, panel in panels.items()
    }
    assert counts["rate"] == {"failed": 6, "shaded": 24, "best": 1}
    having = [t for t in store.trials(1) if t.configuration and "momentum" in t.configuration]
    assert counts["momentum"]["shaded"] + counts["momentum"].get("failed", 0) == len(having)
    (one,) = drawn(store, "slices", parameters=["layers"]).chart.panels
    assert isinstance(one, Panel) and one.x.label == "layers"


def test_a_contour_shows_the_belief_where_the_results_are() -> None:
    space = Space([Parameter("x", Float(0.0, 1.0)), Parameter("y", Float(1.0, 100.0, "log"))])
    store = recorded(space, lambda v, _: (v["x"] - 0.3) ** 2 + math.log10(v["y"]) / 4, units(space, 40))
    picture = drawn(store, "contour", parameters=["x", "y"])
    (surface,) = marks(picture, Surface)
    assert surface.z.shape == (48, 48) and not surface.is_cells
    truth = (surface.x[None] - 0.3) ** 2 + np.log10(surface.y)[:, None] / 4
    assert np.abs(surface.z - truth).max() < 0.05
    shades = surface.shades()
    assert shades.min() == 0 and shades.max() == 1
    assert np.unravel_index(shades.argmax(), shades.shape) == np.unravel_index(
        surface.z.argmin(), shades.shape
    )
    assert np.bincount((shades.ravel() * 9.999).astype(int)).tolist() == pytest.approx([230.4] * 10, abs=4)


def test_a_contour_over_a_condition_has_a_hole_where_a_parameter_does_not_exist() -> None:
    def worth(v: dict[str, Any], _: int) -> float:
        return v["layers"] + v.get("momentum", 3.0)

    store = recorded(MIXED, worth, units(MIXED, 40))
    (surface,) = marks(drawn(store, "contour", parameters=["momentum", "kind"]), Surface)
    assert surface.is_cells and surface.z.shape == (2, 48)
    assert np.isfinite(surface.z[0]).all() and np.isnan(surface.z[1]).all()
    with pytest.raises(UsageError, match="two parameters"):
        drawn(store, "contour", parameters=["kind"])
    upside = recorded(MIXED, worth, units(MIXED, 40), direction="maximize")
    with pytest.raises(UsageError, match="momentum does not exist in the best trial"):
        drawn(upside, "contour", parameters=["momentum", "kind"])


def test_curves_put_the_best_on_top_and_mark_where_others_ended() -> None:
    def worth(_: dict[str, Any], number: int) -> Any:
        return {3: Outcome.FAILED, 4: (Outcome.STOPPED, 9.0)}.get(number, float(number))

    store = recorded(MIXED, worth, units(MIXED, 9), points=30)
    picture = drawn(store, "curves")
    lines = marks(picture, Line)
    assert [line.role for line in lines] == ["faint"] * 4 + ["result"] * 4 + ["best"]
    assert lines[-1].text.startswith("trial 1.1:") and len(lines[-1].x) == 30
    ends = {dot.role: dot.x.tolist() for dot in marks(picture, Dots)}
    assert ends == {"stopped": [30], "failed": [30]}
    with pytest.raises(UsageError, match="no trial reported 'los'"):
        drawn(store, "curves", metric="los")


def test_the_timeline_packs_what_ran_side_by_side_into_lanes() -> None:
    store = recorded(MIXED, lambda _, n: Outcome.FAILED if n == 3 else float(n), units(MIXED, 10), workers=3)
    panel = panel_of(drawn(store, "timeline"))
    assert isinstance(panel.y, Lanes) and panel.y.count == 6
    assert [name for _, name in panel.y.names] == ["worker 0", "worker 1"]
    spans = [mark for mark in panel.marks if isinstance(mark, Spans)]
    assert {mark.role: len(mark.begin) for mark in spans} == {"result": 9, "failed": 1}
    taken = sorted(
        (lane, begin, end)
        for mark in spans
        for lane, begin, end in zip(mark.lanes.tolist(), mark.begin, mark.end, strict=True)
    )
    for (lane, _, end), (other, begin, _) in pairwise(taken):
        assert lane != other or begin >= end - 1e-9


def test_a_front_is_drawn_with_its_stairs() -> None:
    x, y = np.array([1.0, 2, 3, 2, 9]), np.array([3.0, 2, 1, 9, np.nan])
    chart = pareto(x, y, np.array([True, True, True, False, False]), Goals(("loss", "size")))
    (panel,) = chart.panels
    assert isinstance(panel, Panel)
    (stairs,) = (mark for mark in panel.marks if isinstance(mark, Line))
    assert (stairs.x.tolist(), stairs.y.tolist()) == ([1, 2, 2, 3, 3], [3, 3, 2, 2, 1])
    up = pareto(x, y, np.array([True, True, True, False, False]), Goals(("a", "b"), (True, True))).panels[0]
    assert isinstance(up, Panel)
    (stairs,) = (mark for mark in up.marks if isinstance(mark, Line))
    assert (stairs.x.tolist(), stairs.y.tolist()) == ([1, 1, 2, 2, 3], [3, 2, 2, 1, 1])
    assert chart.note == "3 trials of 4 on the front"
    sound(Picture(chart).svg())
    with pytest.raises(UsageError, match="differ in length"):
        pareto(x, y, np.array([True]), Goals(("a", "b")))


def test_the_timeline_counts_an_attempts_seconds_back_from_its_end() -> None:
    store = recorded(MIXED, lambda _, n: float(n), units(MIXED, 4), workers=4, seconds=lambda n: 10.0 * n)
    (spans,) = marks(drawn(store, "timeline"), Spans)
    assert (spans.end - spans.begin).tolist() == pytest.approx([10, 20, 30, 40])
    assert len(set(spans.end)) == 1


def test_two_objectives_make_a_front_of_what_keeps_the_constraints() -> None:
    picture = drawn(aimed(("minimize", "minimize")), "pareto")
    dots = {dot.role: (dot.x.tolist(), dot.y.tolist()) for dot in marks(picture, Dots)}
    assert dots["front"] == ([1, 2, 3, 4], [9, 8, 7, 1])
    assert dots["result"] == ([5, 6, 7], [5, 4, 3]) and dots["broken"] == ([8, 9], [2, 1])
    turned = drawn(aimed(("minimize", "maximize")), "pareto", objectives=["speed", "loss"])
    assert [dot.x.tolist() for dot in marks(turned, Dots) if dot.role == "front"] == [[9]]
    assert panel_of(turned).x.label == "speed (more is better)"
    with pytest.raises(UsageError, match="no objective 'sped'"):
        drawn(aimed(), "pareto", objectives=["loss", "sped"])
    one = drawn(recorded(MIXED, lambda _, n: float(n), units(MIXED, 3)), "pareto")
    assert one.chart.words.startswith("The experiment has one objective")


def test_what_breaks_a_constraint_is_never_best() -> None:
    picture = drawn(aimed(("maximize", "maximize")), "history")
    assert picture.chart.note.startswith("best 7, trial 1.7")
    dots = {dot.role: dot.x.tolist() for dot in marks(picture, Dots)}
    assert dots["broken"] == [8, 9]
    for kind in KINDS:
        sound(drawn(aimed(), kind).svg())


# ---------------------------------------------------------------------- whatever is drawn

ODD = Space(
    [
        Parameter("a", Normal(0.0, 1.0)),
        Parameter("b", LogNormal(0.0, 2.0)),
        Parameter("c<&>\x00 \u202e", Categorical.of(["<b>", "\x07", "x" * 300, True, None, 1.5, [1, 2]])),
        Parameter("d", Ordinal.of(["low", "mid", "high"])),
        Parameter("e", Integer(1, 10**12, "log")),
        Parameter("f", Float(0.0, 1.0, step=0.25)),
        Parameter("g", Float(1e-3, 1.0, "reverse_log")),
        Parameter("h", Categorical.of(list(range(3000)))),
        Parameter("fixed", Constant((Value(3),))),
    ]
)
ENDINGS: dict[str, Callable[[int], Any]] = {
    "none": lambda n: None,
    "failed": lambda n: Outcome.FAILED,
    "nan": lambda n: math.nan,
    "equal": lambda n: 1.0,
    "one": lambda n: 2.0 if n == 1 else Outcome.LOST if n == 2 else Outcome.KILLED,
    "huge": lambda n: (-1.0) ** n * 1.7e308,
    "tiny": lambda n: n * 5e-324,
    "wide": lambda n: 10.0 ** (n - 20),
    "mixed": lambda n: [math.inf, -math.inf, Outcome.FAILED, float(n), (Outcome.STOPPED, 1.0)][n % 5],
    "plain": math.sin,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_every_figure_is_sound_whatever_came(kind: str, ending: str) -> None:
    for space in (MIXED, ODD) if kind not in ("importance", "contour") else (ODD,):
        store = recorded(space, lambda _, n: ENDINGS[ending](n), units(space, 25), points=3, name="<i>\x00")
        picture = drawn(store, kind)
        sound(picture.svg())
        assert "<b>" not in picture.svg() and "<i>" not in picture.svg()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_record_makes_the_same_picture(kind: str) -> None:
    store = recorded(MIXED, lambda v, n: v["layers"] + math.sin(n), units(MIXED, 30), points=3)
    assert drawn(store, kind).svg() == drawn(store, kind).svg()


@pytest.mark.parametrize("kind", KINDS)
def test_an_experiment_without_trials_or_without_objective_says_so(kind: str) -> None:
    for store in (
        recorded(MIXED, lambda _, n: 1.0, []),
        recorded(MIXED, lambda _, n: Outcome.SUCCEEDED, units(MIXED, 3), metric=None),
        recorded(Space([Parameter("x", Float(0.0, 1.0))]), lambda _, n: float(n), units(MIXED, 0)),
    ):
        picture = drawn(store, kind)
        assert picture.chart.words or picture.chart.panels
        words = "".join(one.text or "" for one in sound(picture.svg()).iter(f"{SVG}text"))
        assert picture.chart.words.replace(" ", "")[:200] in words.replace(" ", "")


def test_what_can_not_be_drawn_is_refused() -> None:
    store = recorded(MIXED, lambda _, n: float(n), units(MIXED, 5))
    with pytest.raises(UsageError, match=r"no figure 'histroy' .did you mean history"):
        drawn(store, "histroy")
    with pytest.raises(UsageError, match=r"history has no option 'logs'.*takes x, log"):
        drawn(store, "history", logs=True)
    with pytest.raises(UsageError, match="the figure timeline has no option 'log'; it takes no options"):
        drawn(store, "timeline", log=True)
    with pytest.raises(UsageError, match="no x='steps'"):
        drawn(store, "history", x="steps")
    with pytest.raises(UsageError, match="no parameter 'layer' .did you mean"):
        drawn(store, "slices", parameters=["layer"])
    assert options_of("curves") == ("metric", "log", "trials")


# ---------------------------------------------------------------------- keeping it


def test_a_picture_is_saved_as_its_name_ends(tmp_path: Path) -> None:
    picture = drawn(recorded(MIXED, lambda _, n: float(n), units(MIXED, 5)), "history")
    sound(picture.save(tmp_path / "a.svg").read_text())
    page = picture.save(tmp_path / "a.html").read_text()
    assert (
        page.startswith("<!doctype html>")
        and "<script" not in page
        and "http" not in page.replace("http://www.w3.org", "")
    )
    with pytest.raises(UsageError, match="ends in none of"):
        picture.save(tmp_path / "a.jpg")
    with pytest.raises(UsageError, match="could not be written"):
        picture.save(tmp_path / "nowhere" / "a.svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.svg"]


def test_a_png_has_letters_and_the_colours_of_its_theme(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    picture = drawn(recorded(MIXED, lambda _, n: float(n), units(MIXED, 5)), "history")
    light, dark = picture.png(), picture.png(theme="dark")
    assert light[:8] == b"\x89PNG\r\n\x1a\n" and light != dark
    bare = re.sub("<text.*?</text>", "", picture.svg("light"))
    from luthier.view.figures.raster import png

    assert len(png(bare)) < len(light)
    assert int.from_bytes(light[16:20], "big") == 2 * 760
    assert picture.save(tmp_path / "a.png").read_bytes() == light


def test_without_a_font_a_png_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resvg_py")
    from luthier.view.figures import raster

    monkeypatch.setattr(raster, "_FAMILIES", ("No Such Family",))
    raster._family.cache_clear()
    try:
        with pytest.raises(UsageError, match="needs a font"):
            raster.png("<svg/>")
    finally:
        raster._family.cache_clear()


def test_without_its_library_a_format_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = drawn(recorded(MIXED, lambda _, n: float(n), units(MIXED, 5)), "history")
    for module in ("resvg_py", "plotly", "plotly.graph_objects"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    for make in (picture.png, picture.to_plotly):
        with pytest.raises(UsageError, match=r"luthier\[plot\]"):
            make()


def test_a_picture_in_a_page_changes_nothing_around_it() -> None:
    """Every rule of its style is held within its class, and a theme leaves no variable open."""
    picture = drawn(recorded(MIXED, lambda _, n: float(n), units(MIXED, 5)), "history")
    style = re.search("<style>(.*?)</style>", picture.svg(), re.S)
    assert style
    rules = re.sub(r"@media\([^)]*\)\{", "", style[1])
    for selectors in re.findall(r"([^{}]+)\{[^{}]*\}", rules):
        assert all(".lut" in one for one in selectors.replace("}", "").split(",")), selectors
    for theme in ("light", "dark"):
        assert "var(" not in picture.svg(theme) and PALETTE[theme]["best"] in picture.svg(theme)
    assert set(picture._repr_mimebundle_()) == {"text/html", "image/svg+xml", "text/plain"}


def contrast(a: str, b: str) -> float:
    """WCAG's ratio of two colours."""

    def luminance(colour: str) -> float:
        channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_marks_stand_out_from_the_paper(theme: str) -> None:
    colours = PALETTE[theme]
    for name, least in {
        "ink": 7,
        "soft": 4.5,
        "result": 3,
        "best": 3,
        "failed": 3,
        "stopped": 3,
        "r9": 7,
    }.items():
        assert contrast(colours[name], colours["paper"]) >= least, name


# ---------------------------------------------------------------------- parts


@given(st.integers(0, 500), st.integers(1, 100), st.lists(st.integers(0, 499), max_size=20))
def test_thinning_keeps_what_it_is_told_and_the_measure(count: int, most: int, kept: list[int]) -> None:
    wanted = [place for place in kept if place < count]
    places = thinned(count, most, wanted)
    assert len(places) <= max(most, 0) if count > most else len(places) == count
    assert sorted(set(places.tolist())) == places.tolist()
    assert set(wanted[:most]) <= set(places.tolist())


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(4, 60))
def test_a_thinned_curve_keeps_its_extremes_and_ends(values: list[float], most: int) -> None:
    y = np.array(values)
    x, thin = thin_curve(np.arange(len(y), dtype=float), y, most)
    assert len(thin) <= max(most + 2, 4) or len(y) <= most
    assert (thin.min(), thin.max(), thin[0], thin[-1]) == (y.min(), y.max(), y[0], y[-1])
    assert (np.diff(x) > 0).all()


def area(path: str) -> float:
    """The area within the closed parts of a path of M, L, H, V and Z."""
    total = 0.0
    for part in filter(None, path.split("Z")):
        points: list[tuple[float, float]] = []
        for command, words in re.findall(r"([MLHV])([^MLHV]*)", part):
            numbers = [float(word) for word in words.split()]
            if command in "ML":
                points.append((numbers[0], numbers[1]))
            elif command == "H":
                points.append((numbers[0], points[-1][1]))
            else:
                points.append((points[-1][0], numbers[0]))
        x, y = np.array(points).T
        total += abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    return total


@given(st.floats(-1.4, 1.4), st.floats(0.1, 3.0))
def test_the_area_above_a_level_of_a_plane_is_exact(level: float, slope: float) -> None:
    """z = x + slope y over [-1, 1]² scaled to 100 pixels: linear pieces are cut without error."""
    at = np.linspace(-1, 1, 9)
    z = (at[None] + slope * at[:, None]) / (1 + slope)
    places = 50 * (at + 1)
    fine = np.linspace(-1, 1, 1601)
    share = float(((fine[None] + slope * fine[:, None]) / (1 + slope) >= level).mean())
    assert area(bands(places, places, z, level)) == pytest.approx(10_000 * share, abs=25)


def test_an_axis_places_its_ends_and_keeps_what_is_beyond_at_them() -> None:
    axis = Axis("x", 1.0, 100.0, "log")
    assert axis.place([1, 10, 100, 0, 1000, -1]).tolist()[:5] == pytest.approx([0, 0.5, 1, 0, 1])
    assert math.isnan(axis.place([math.nan])[0])
    wide = Axis("x", -1.7e308, 1.7e308)
    assert wide.place([0.0]).tolist() == [0.5]
