"""Figures of an experiment: what each shows is computed once and drawn as SVG, PNG, HTML or a Plotly figure.

`figure` makes a `Picture` of one of `KINDS`. A module for each says what is shown (`course` the history, `shares` the
importance, and so on); `chart` is the vocabulary they share; `draw` with `marks` makes SVG of it and `plotting` a Plotly
figure; `looks` has the colours. Nothing here writes to a store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier.errors import UsageError
from luthier.space import hint
from luthier.store import ExperimentRecord, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from luthier.view.figures.chart import Chart
    from luthier.view.figures.picture import Picture

__all__ = ["KINDS", "figure", "options_of"]

KINDS = (
    "history", "importance", "parallel", "slices", "contour", "curves", "timeline", "pareto", "hypervolume",
)  # fmt: skip
"""What can be drawn of an experiment; `pareto` and `hypervolume` take several objectives."""

_OPTIONS = {
    "history": ("x", "log"),
    "importance": ("most",),
    "parallel": ("parameters", "log"),
    "slices": ("parameters", "log"),
    "contour": ("parameters",),
    "curves": ("metric", "log", "trials"),
    "timeline": (),
    "pareto": ("objectives", "log"),
    "hypervolume": (),
}


def options_of(kind: str) -> tuple[str, ...]:
    """The names of the options a kind of figure takes. **Raises** UsageError for an unknown kind."""
    if kind not in _OPTIONS:
        raise UsageError(f"there is no figure {kind!r}{hint(kind, KINDS)}; choose one of: {', '.join(KINDS)}")
    return _OPTIONS[kind]


def figure(store: Store, record: ExperimentRecord, kind: str, **options: Any) -> Picture:
    """A figure of an experiment.

    `history` takes `x` ("trial" or "time") and `log`; `importance` `most`; `parallel` and `slices` `parameters` and
    `log`; `contour` two `parameters`; `curves` `metric`, `log` and the numbers of `trials`; `pareto` two `objectives` and
    `log`. `log` is chosen by itself where it is not given.

    **Raises** UsageError for an unknown kind, option, parameter or metric. **Cost** one reading of all trials; `contour`
    and `importance` fit a model, `curves` and `timeline` read a few hundred or thousand trials more.
    """
    known = options_of(kind)
    for name in options:
        if name not in known:
            takes = f"takes {', '.join(known)}" if known else "takes no options"
            raise UsageError(f"the figure {kind} has no option {name!r}{hint(name, known)}; it {takes}")
    from luthier.view.figures.picture import Picture
    from luthier.view.figures.results import read

    return Picture(_maker(kind)(read(store, record), **options))


def _maker(kind: str) -> Callable[..., Chart]:
    """The function that computes a kind of figure; each loads only what it needs."""
    made: Callable[..., Chart]
    match kind:
        case "history":
            from luthier.view.figures.course import course as made
        case "importance":
            from luthier.view.figures.shares import shares as made
        case "parallel":
            from luthier.view.figures.parallel import parallel as made
        case "slices":
            from luthier.view.figures.slices import slices as made
        case "contour":
            from luthier.view.figures.contour import contour as made
        case "curves":
            from luthier.view.figures.curves import curves as made
        case "pareto":
            from luthier.view.figures.pareto import front as made
        case "hypervolume":
            from luthier.view.figures.growth import growth as made
        case _:
            from luthier.view.figures.timeline import timeline as made
    return made
