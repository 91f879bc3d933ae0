"""The objective over each parameter by itself: one plot a parameter, every result in it, whatever the others were."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from luthier.trial import Trial
from luthier.view.figures.axes import along, is_wide, measured, positions
from luthier.view.figures.chart import Axis, Chart, Dots, Mark, Panel, Ramp
from luthier.view.figures.results import Results, shown, thinned
from luthier.view.importance import importance

__all__ = ["slices"]

_MOST = 1000
_MOST_FAILED = 200
_PANELS = 9


def slices(of: Results, parameters: Sequence[str] | None = None, log: bool | None = None) -> Chart:
    """The results over each parameter, later ones stronger. Of more than nine parameters those that matter most."""
    title = f"{of.objective} over each parameter"
    names = of.parameters(parameters)
    if of.why_nothing():
        return Chart(title, words=of.why_nothing())
    if not names:
        return Chart(title, words="No parameter varies.")
    if parameters is None and len(names) > _PANELS:
        ranked = [share.parameter for share in importance(of.space, of.history).shares]
        names = tuple((ranked or list(names))[:_PANELS])
    best = float(of.values[of.best or 0])
    y = measured(of.objective, of.values, is_wide(of.values, of.maximize) if log is None else log, [best])
    kept = thinned(len(of.scored), _MOST, np.argsort(of.losses, kind="stable")[: _MOST // 4])
    scored = [of.scored[i] for i in kept.tolist()]
    failed = [of.failed[i] for i in thinned(len(of.failed), _MOST_FAILED).tolist()]
    panels = tuple(_panel(of, name, y, scored, failed) for name in names)
    said = [
        "every result, whatever the other parameters were",
        shown(len(kept), len(of.scored), "results"),
        shown(len(names), len(of.space.dimensions), "parameters") if parameters is None else "",
    ]
    columns = min(3, len(panels))
    ramp = Ramp("trial", "first", "last")
    size = (330.0, 260.0) if columns > 1 else (760.0, 380.0)
    return Chart(title, "; ".join(filter(None, said)), panels, ramp, columns=columns, size=size)


def _panel(of: Results, name: str, y: Axis, scored: Sequence[Trial], failed: Sequence[Trial]) -> Panel:
    domain = of.space[name].domain
    axis = along(domain, name, 5)
    newest = max(of.scored[-1].number, 2)
    marks: list[Mark] = []
    for trials, role in ((failed, "failed"), (of.broken[:_MOST_FAILED], "broken"), (scored, "shaded")):
        here = [t for t in trials if t.configuration is not None and name in t.configuration]
        if not here:
            continue
        numbers = [t.number for t in here]
        x = positions(domain, axis, [t.configuration[name].value for t in here if t.configuration], numbers)
        texts = [of.said(t) for t in here]
        if role == "failed":
            marks.append(Dots(x, np.full(len(x), y.low), "failed", of.failed_name, texts))
        elif role == "broken":
            values = np.array([_value(t) for t in here])
            marks.append(Dots(x, values, "broken", "breaks a constraint", texts))
        else:
            values = np.array([_value(t) for t in here])
            shade = (np.array(numbers, dtype=np.float64) - 1) / (newest - 1)
            marks.append(Dots(x, values, "shaded", "result", texts, shade))
    best = of.scored[of.best or 0]
    if best.configuration is not None and name in best.configuration:
        x = positions(domain, axis, [best.configuration[name].value], [best.number])
        marks.append(Dots(x, np.array([_value(best)]), "best", "best", [of.said(best)]))
    return Panel(axis, y, tuple(marks))


def _value(trial: Trial) -> float:
    value = trial.result.value if trial.result else None
    return value if value is not None and isfinite(value) else float("nan")
