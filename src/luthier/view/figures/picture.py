"""A figure to look at, to keep and to pass on: shown by itself in a notebook, saved as SVG, PNG or HTML, or as Plotly's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.errors import UsageError
from luthier.view.figures.chart import Chart
from luthier.view.figures.draw import svg
from luthier.view.figures.looks import PALETTE, Theme
from luthier.view.figures.raster import png
from luthier.view.whole import write_whole

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["FORMATS", "Picture"]

FORMATS = ("svg", "png", "html")


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """One figure. `chart` is what it shows, as numbers."""

    chart: Chart

    def svg(self, theme: Theme = "auto") -> str:
        """The picture as SVG, light or dark as it is looked at, unless a theme is given."""
        return svg(self.chart, theme)

    def png(self, scale: float = 2.0, theme: Theme = "light") -> bytes:
        """The picture as PNG. **Raises** UsageError where what makes it is not installed."""
        return png(svg(self.chart, "light" if theme == "auto" else theme), scale)

    def html(self) -> str:
        """The picture as a page of its own, which loads nothing from elsewhere."""
        back = "".join(
            f"@media(prefers-color-scheme:{name}){{body{{background:{PALETTE[name]['paper']}}}}}"
            for name in PALETTE
        )
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{escape(self.chart.title)}</title><style>body{{margin:16px}}{back}</style></head>\n"
            f"<body>{self.svg()}</body></html>\n"
        )

    def to_plotly(self, theme: Theme = "light") -> go.Figure:
        """The same as a Plotly figure, to zoom, to point at and to change. **Raises** UsageError without plotly."""
        from luthier.view.figures.plotting import plotly_figure

        return plotly_figure(self.chart, "light" if theme == "auto" else theme)

    def save(self, file: str | os.PathLike[str], theme: Theme | None = None) -> Path:
        """Writes the picture as the file's name ends (.svg, .png or .html) and returns its path.

        **Holds** the file is whole, or as it was before. **Raises** UsageError for another ending, and where it can't be
        written.
        """
        target = Path(file)
        ending = target.suffix.lower().removeprefix(".")
        made: bytes
        match ending:
            case "svg":
                made = self.svg(theme or "auto").encode()
            case "png":
                made = self.png(theme=theme or "light")
            case "html":
                made = self.html().encode()
            case _:
                raise UsageError(f"{target} ends in none of .svg, .png and .html; give it one of them")
        return write_whole(target, made)

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.svg()}</div>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook keeps: the picture, and its words for those who can't see it."""
        words = " ".join(filter(None, (self.chart.title + ".", self.chart.note, self.chart.words)))
        return {"text/html": self._repr_html_(), "image/svg+xml": self.svg(), "text/plain": words}
