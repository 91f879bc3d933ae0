"""How the front of several objectives grew: its hypervolume after each result, in the order in which results came."""

from __future__ import annotations

import numpy as np

from luthier.view.figures.axes import measured, plain
from luthier.view.figures.chart import Chart, Dots, Line, Panel
from luthier.view.figures.results import Results
from luthier.view.front import growth_of
from luthier.view.scales import label, written

__all__ = ["growth"]


def growth(of: Results) -> Chart:
    """The volume between the front and a point a little worse than the worst of it. **Cost** at most 200 hypervolumes."""
    title = f"Hypervolume of {of.name}"
    objectives = of.record.description.objectives
    if len(objectives) < 2:
        return Chart(
            title, words="The experiment has one objective; the figure history shows the best value so far."
        )
    grown = growth_of(of.history)
    if grown is None:
        return Chart(title, words=of.why_nothing() or "No trial has values of all objectives yet.")
    x, y = np.array(grown.finished, dtype=np.float64), np.array(grown.volumes, dtype=np.float64)
    better = np.flatnonzero(np.diff(y, prepend=0.0) > 0)
    text = f"hypervolume {written(float(y[-1]))}"
    marks = (
        Line(x, y, "best", "hypervolume so far", text, is_step=True),
        Dots(x[better], y[better], "front", "the front grew", _texts(x[better], y[better])),
    )
    reference = ", ".join(
        f"{label(objective.metric, 28)} {written(value)}"
        for objective, value in zip(objectives, grown.reference, strict=True)
    )
    note = f"{written(float(y[-1]))} after {int(x[-1]):,} results"
    if len(better):
        note += f", grown last by result {int(x[better[-1]]):,}"
    panel = Panel(plain("result", 0.0, float(x[-1]) * 1.01), measured("hypervolume", y, held=[0.0]), marks)
    return Chart(title, f"{note}; measured up to {reference}", (panel,))


def _texts(x: np.ndarray, y: np.ndarray) -> list[str]:
    return [f"result {int(k)}: hypervolume {written(v)}" for k, v in zip(x, y.tolist(), strict=True)]
