"""Draws a chart as a Plotly figure: the same marks, axes and colours as the SVG, to zoom into and to point at."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import import_module
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from luthier.errors import UsageError
from luthier.view.figures.chart import (
    Axis,
    Bars,
    Chart,
    Dots,
    Lanes,
    Line,
    Mark,
    Panel,
    Parallel,
    Ramp,
    Role,
    Spans,
    Surface,
)
from luthier.view.figures.looks import PALETTE, ramp
from luthier.view.scales import label, written

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["plotly_figure"]

_SYMBOLS: dict[Role, str] = {"failed": "x-thin", "stopped": "circle-open", "broken": "circle-open"}
_COLOURS: dict[Role, str] = {
    "running": "grid",
    "front": "best",
    "broken": "result",
    "gone": "faint",
    "alone": "result",
    "idle": "faint",
    "shaded": "result",
}
_SIZES: dict[Role, int] = {"best": 12, "front": 11, "failed": 8, "stopped": 8}


def plotly_figure(chart: Chart, theme: Literal["light", "dark"]) -> go.Figure:
    """The whole figure. **Raises** UsageError where plotly is not installed."""
    try:
        graphs: Any = import_module("plotly.graph_objects")
        subplots: Any = import_module("plotly.subplots")
    except ImportError:
        raise UsageError(
            "a Plotly figure needs plotly, which is not installed; pip install 'luthier[plot]'"
        ) from None
    return _Drawing(graphs, subplots, chart, theme).figure


class _Drawing:
    """One figure while it is drawn."""

    def __init__(self, graphs: Any, subplots: Any, chart: Chart, theme: Literal["light", "dark"]) -> None:
        self.go = graphs
        self.colours = PALETTE[theme]
        steps = ramp(theme)
        self.scale = [[i / (len(steps) - 1), colour] for i, colour in enumerate(steps)]
        self.chart = chart
        self.named: set[str] = set()
        self.has_ramp = False
        columns = max(1, min(chart.columns, len(chart.panels)))
        rows = max(1, -(-len(chart.panels) // columns))
        if any(isinstance(panel, Parallel) for panel in chart.panels):
            self.figure = graphs.Figure()
        else:
            self.figure = subplots.make_subplots(rows=rows, cols=columns)
        self._lay_out(columns, rows)
        for i, panel in enumerate(chart.panels):
            if isinstance(panel, Parallel):
                self._parallel(panel)
            else:
                self._panel(panel, i // columns + 1, i % columns + 1)

    def _lay_out(self, columns: int, rows: int) -> None:
        chart, c = self.chart, self.colours
        width = max(columns * chart.size[0], 640)
        note = [escape(line) for line in wrap(chart.note, int(width / 6.5))]
        smaller = "".join(
            f"<br><span style='font-size:12px;color:{c['soft']}'>{line}</span>" for line in note
        )
        self.figure.update_layout(
            title={"text": f"<b>{escape(chart.title)}</b>{smaller}", "x": 0.01, "xanchor": "left", "y": 1, "yanchor": "top", "yref": "container", "pad": {"t": 14}, "font": {"size": 16}},
            width=width,
            height=rows * chart.size[1] + 110 + 18 * len(note),
            margin={"t": 80 + 18 * len(note) + (20 if chart.panels and isinstance(chart.panels[0], Parallel) else 0), "l": 70, "r": 40, "b": 60},
            paper_bgcolor=c["paper"],
            plot_bgcolor=c["paper"],
            font={"family": "system-ui, sans-serif", "size": 12, "color": c["ink"]},
            legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "bgcolor": "rgba(0,0,0,0)"},
            barmode="overlay",
            hovermode="closest",
        )  # fmt: skip
        if chart.words:
            words = "<br>".join(escape(line) for line in wrap(chart.words, int(width / 7)))
            self.figure.add_annotation(text=words, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper")
            self.figure.update_xaxes(visible=False)
            self.figure.update_yaxes(visible=False)

    def _panel(self, panel: Panel, row: int, column: int) -> None:
        bars = [mark for mark in panel.marks if isinstance(mark, Bars)]
        for trace in [
            *map(self._trace, panel.marks),
            *(self._errors(mark) for mark in bars if mark.low is not None),
        ]:
            self.figure.add_trace(trace, row=row, col=column)
        self.figure.update_xaxes(**self._axis(panel.x), row=row, col=column)
        if isinstance(panel.y, Axis):
            # In a row of plots the first one's label serves all that share it.
            first = self.chart.panels[(row - 1) * self.chart.columns]
            is_told = column > 1 and isinstance(first, Panel) and first.y == panel.y
            up = self._axis(panel.y) | ({"title": None} if is_told else {})
            self.figure.update_yaxes(**up, row=row, col=column)
        elif isinstance(panel.y, Lanes):
            ticks = {
                "tickvals": [at for at, _ in panel.y.names],
                "ticktext": [escape(n) for _, n in panel.y.names],
            }
            reach = [panel.y.count - 0.5, -0.5]
            self.figure.update_yaxes(
                range=reach, showgrid=False, zeroline=False, **ticks, row=row, col=column
            )
        else:
            self.figure.update_yaxes(autorange="reversed", showgrid=False, row=row, col=column)

    def _axis(self, axis: Axis) -> dict[str, Any]:
        c = self.colours
        made: dict[str, Any] = {
            "title": {"text": escape(axis.label), "standoff": 8},
            "gridcolor": c["grid"],
            "linecolor": c["soft"],
            "zeroline": False,
        }
        if axis.scale == "log":
            low, high = float(np.log10(axis.low)), float(np.log10(axis.high))
            made |= {"type": "log", "range": [low, high], "exponentformat": "power"}
            if high - low > 2.5:
                return made | {"dtick": max(1, round((high - low) / 6))}
            values = [10 ** (low + tick.place * (high - low)) for tick in axis.ticks]
            return made | {"tickvals": values, "ticktext": [escape(tick.text) for tick in axis.ticks]}
        made |= {"range": [axis.low, axis.high]}
        span = axis.high - axis.low
        is_percent = any(tick.text.endswith(" %") for tick in axis.ticks)
        if axis.scale == "places" or is_percent:
            made |= {
                "tickvals": [axis.low + tick.place * span for tick in axis.ticks],
                "ticktext": [escape(label(tick.text, 16)) for tick in axis.ticks],
            }
        return made

    def _trace(self, mark: Mark) -> Any:
        match mark:
            case Dots():
                return self._dots(mark)
            case Line():
                return self._line(mark)
            case Bars():
                return self._bars(mark)
            case Spans():
                return self._spans(mark)
            case Surface():
                return self._surface(mark)

    def _once(self, name: str) -> dict[str, Any]:
        """A name for the legend, shown for the first of equal ones."""
        is_new = bool(name) and name not in self.named
        self.named.add(name)
        return {"name": name, "legendgroup": name, "showlegend": is_new}

    def _colour(self, role: Role) -> str:
        return self.colours[_COLOURS.get(role, role)]

    def _dots(self, mark: Dots) -> Any:
        colour = self._colour(mark.role)
        look: dict[str, Any] = {
            "size": _SIZES.get(mark.role, 7),
            "symbol": _SYMBOLS.get(mark.role, "circle"),
            "color": colour,
            "line": {"width": 1.5 if mark.role in _SYMBOLS else 0.7, "color": self.colours["paper"]},
        }
        if mark.role in _SYMBOLS:
            look["line"]["color"] = colour
        elif mark.role == "result":
            look["opacity"] = 0.75
        if mark.shade is not None:
            look |= {"color": mark.shade, "colorscale": self.scale, "cmin": 0, "cmax": 1, **self._bar()}
        return self.go.Scatter(
            x=mark.x, y=mark.y, mode="markers", marker=look, cliponaxis=False,
            **_pointed(mark.texts), **self._once("" if mark.role == "shaded" else mark.name),
        )  # fmt: skip

    def _bar(self) -> dict[str, Any]:
        """The ramp beside the figure, once."""
        ramp: Ramp | None = self.chart.ramp
        if ramp is None or self.has_ramp:
            return {"showscale": False}
        self.has_ramp = True
        title = escape(ramp.label)
        return {
            "showscale": True,
            "colorbar": {
                "title": {"text": title, "side": "right"},
                "tickvals": [0, 1],
                "ticktext": [escape(ramp.worse), escape(ramp.better)],
                "thickness": 12,
                "len": 0.7,
            },
        }

    def _line(self, mark: Line) -> Any:
        is_strong = mark.role in ("best", "front")
        look = {
            "color": self._colour(mark.role),
            "width": 2.4 if is_strong else 1 if mark.role == "faint" else 1.6,
            "shape": "hv" if mark.is_step else "linear",
        }
        opacity = 0.5 if mark.role == "faint" else 1.0
        return self.go.Scatter(
            x=mark.x, y=mark.y, mode="lines", line=look, opacity=opacity,
            **_pointed([mark.text] * len(mark.x) if mark.text else ()), **self._once(mark.name),
        )  # fmt: skip

    def _bars(self, mark: Bars) -> Any:
        return self.go.Bar(
            x=mark.lengths,
            y=[escape(name) for name in mark.labels],
            orientation="h",
            width=0.34 if mark.role == "alone" else 0.62,
            marker={"color": self._colour(mark.role)},
            **_pointed(mark.texts),
            **self._once(mark.name),
        )

    def _errors(self, mark: Bars) -> Any:
        """Error bars alone, so that no bar lies on top of them."""
        assert mark.low is not None and mark.high is not None, "only bars with errors are asked for them"
        reach = {"array": mark.high - mark.lengths, "arrayminus": mark.lengths - mark.low}
        return self.go.Scatter(
            x=mark.lengths, y=[escape(name) for name in mark.labels], mode="markers", marker={"opacity": 0},
            error_x=reach | {"color": self.colours["ink"], "thickness": 1.3, "width": 6},
            hoverinfo="skip", showlegend=False,
        )  # fmt: skip

    def _spans(self, mark: Spans) -> Any:
        look = {"color": self._colour(mark.role), "line": {"width": 0.6, "color": self.colours["paper"]}}
        return self.go.Bar(
            x=mark.end - mark.begin, base=mark.begin, y=mark.lanes, orientation="h", width=0.8, marker=look,
            **_pointed(mark.texts), **self._once(mark.name),
        )  # fmt: skip

    def _surface(self, mark: Surface) -> Any:
        """Shades instead of values, so that the levels divide the colours as they do in the SVG; values are shown on
        pointing and beside the ramp."""
        knots = mark.knots()
        places = np.linspace(0.0, 1.0, len(knots))
        ends = [0, len(knots) // 2, -1]
        title = {"text": escape(self.chart.ramp.label) if self.chart.ramp else "", "side": "right"}
        bar = {
            "title": title,
            "thickness": 12,
            "tickvals": [float(places[k] if mark.sign > 0 else 1 - places[k]) for k in ends],
            "ticktext": [written(float(f"{knots[k]:.4g}")) for k in ends],
        }
        common: dict[str, Any] = {
            "x": mark.x, "y": mark.y, "z": mark.shades(), "customdata": mark.z, "colorscale": self.scale,
            "zmin": 0.0, "zmax": 1.0, "colorbar": bar, "name": "expected", "showlegend": False,
            "hovertemplate": "%{x:.5~g}, %{y:.5~g}: %{customdata:.5~g}<extra></extra>",
        }  # fmt: skip
        if mark.is_cells or len(knots) < 3:
            return self.go.Heatmap(**common)
        step = float(places[1])
        return self.go.Contour(
            **common,
            contours={"start": step, "end": 1 - step, "size": step},
            line={"width": 0},
            connectgaps=False,
        )

    def _parallel(self, panel: Parallel) -> None:
        """Plotly's own, in which axes can be brushed and moved. It has no gaps, so that what does not exist stands at a
        place of its own below the axis."""
        below = -0.1
        dimensions = []
        for axis, places in zip(panel.axes, panel.rows.T, strict=True):
            has_gaps = bool(np.isnan(places).any())
            ticks = [*([(below, "none")] if has_gaps else []), *axis.ticks]
            dimensions.append(
                {
                    "label": escape(label(axis.label, 18)),
                    "values": np.nan_to_num(places, nan=below),
                    "range": [below if has_gaps else 0.0, 1.0],
                    "tickvals": [place for place, _ in ticks],
                    "ticktext": [escape(label(words, 14)) for _, words in ticks],
                }
            )
        line = {"color": panel.shade, "colorscale": self.scale, "cmin": 0, "cmax": 1, **self._bar()}
        self.figure.add_trace(self.go.Parcoords(dimensions=dimensions, line=line))


def _pointed(texts: Sequence[str]) -> dict[str, Any]:
    """What is said on pointing, one text a point; the default of Plotly where there is none."""
    if not len(texts):
        return {}
    return {
        "hovertext": [escape(text).replace("\n", "<br>") for text in texts],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
