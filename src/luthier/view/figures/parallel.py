"""Every trial as a line through upright axes, one for each parameter and the objective last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from luthier.space.domains import Domain
from luthier.trial import Trial
from luthier.view.figures.axes import along, is_wide, measured, positions
from luthier.view.figures.chart import Axis, Chart, Parallel, Ramp
from luthier.view.figures.results import Results, shown, thinned

__all__ = ["parallel"]

Array = NDArray[np.float64]

_MOST = 600
_BEST = 100
_AXES = 14


def parallel(of: Results, parameters: Sequence[str] | None = None, log: bool | None = None) -> Chart:
    """The trials with a value, the best on top; a line has a gap where a parameter does not exist."""
    title = f"Parameters and {of.objective} of {of.name}"
    names = of.parameters(parameters, _AXES)
    if of.why_nothing():
        return Chart(title, words=of.why_nothing())
    if not names:
        return Chart(title, words="No parameter varies.")
    worst_first = np.argsort(-of.losses, kind="stable")
    count = len(worst_first)
    kept = worst_first[thinned(count, _MOST, np.arange(max(count - _BEST, 0), count))]
    trials = [of.scored[i] for i in kept.tolist()]
    axes, columns = [], []
    for name in names:
        domain = of.space[name].domain
        axis = along(domain, name, 5)
        axes.append(axis)
        columns.append(_column(domain, axis, name, trials))
    values = of.values[kept]
    is_log = is_wide(of.values, of.maximize) if log is None else log
    axes.append(measured(of.objective, of.values, is_log, [float(of.values[of.best or 0])]))
    columns.append(axes[-1].place(values))
    rows = np.column_stack(columns)
    said = [
        f"a line for each of {count:,} trials, the best on top",
        "a parameter that does not exist in a trial has no place on its axis" if np.isnan(rows).any() else "",
        shown(len(kept), count, "trials"),
        shown(len(names), len(of.space.dimensions), "parameters"),
    ]
    picture = Parallel(tuple(axes), rows, of.goodness[kept], [of.said(t) for t in trials])
    width = max(760.0, 120.0 * len(axes))
    ramp = Ramp(f"{of.objective}, by rank", "worst", "best")
    return Chart(title, "; ".join(filter(None, said)), (picture,), ramp, size=(width, 420.0))


def _column(domain: Domain, axis: Axis, name: str, trials: Sequence[Trial]) -> Array:
    """Where trials stand on a parameter's axis, NaN where it does not exist."""
    column = np.full(len(trials), np.nan)
    here, values, numbers = [], [], []
    for i, trial in enumerate(trials):
        configuration = trial.configuration
        if configuration is not None and name in configuration:
            here.append(i)
            values.append(configuration[name].value)
            numbers.append(trial.number)
    column[here] = axis.place(positions(domain, axis, values, numbers))
    return column
