"""The importance of parameters as bars: what each explains alone, and together with others, with error bars."""

from __future__ import annotations

import numpy as np

from luthier.view.figures.axes import plain
from luthier.view.figures.chart import Axis, Bars, Chart, Panel
from luthier.view.figures.results import Results, shown
from luthier.view.importance import Importance, importance
from luthier.view.scales import Tick, label

__all__ = ["percent", "shares"]

_MOST = 30


def shares(of: Results, most: int = _MOST) -> Chart:
    """The parameters that matter most, on top. **Cost** that of `importance`."""
    title = f"What {of.objective} depends on"
    if of.record.description.objective is None:
        return Chart(title, words=of.why_nothing())
    return drawn(importance(of.space, of.history), title, most)


def drawn(found: Importance, title: str, most: int) -> Chart:
    """The bars of an importance that is known."""
    if not found.shares:
        return Chart(title, words=f"{found.why[:1].upper()}{found.why[1:]}.")
    top = found.shares[:most]
    names = [label(share.parameter, 26) for share in top]
    total, alone = np.array([s.total for s in top]), np.array([min(s.alone, s.total) for s in top])
    low, high = np.array([s.low for s in top]), np.array([s.high for s in top])
    texts = [
        f"{s.parameter}: {percent(s.total)} in all ({percent(s.low)} to {percent(s.high)}), "
        f"{percent(s.alone)} alone{'' if s.is_clear else '; can not be told from nothing'}"
        for s in top
    ]
    note = found.caption()
    cut = shown(len(top), len(found.shares), "parameters")
    reach = min(1.0, max(0.1, float(high.max()) * 1.05))
    base = plain("share of the variation", 0.0, reach)
    ticks = tuple(Tick(tick.place, percent(tick.place * reach)) for tick in base.ticks)
    axis = Axis("share of the variation over the space", 0.0, reach, "linear", ticks)
    bars = (
        Bars(names, total, "total", "together with others", texts, low, high),
        Bars(names, alone, "alone", "alone", texts),
    )
    size = (760.0, 96.0 + 26.0 * len(top))
    return Chart(title, "; ".join(filter(None, (note, cut))), (Panel(axis, None, bars),), size=size)


def percent(share: float) -> str:
    """`42 %`, `0.3 %`."""
    hundredth = 100 * share
    return f"{hundredth:.0f} %" if hundredth >= 1 or hundredth < 0.05 else f"{hundredth:.1f} %"
