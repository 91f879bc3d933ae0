"""What the model expects over two parameters while the others stay as they are in the best trial, with the results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from luthier.errors import UsageError
from luthier.search.frame import frame_of
from luthier.search.gaussian.evidence import evidence_of
from luthier.search.gaussian.features import Features
from luthier.search.gaussian.model import Memory, believe
from luthier.search.threads import one_thread
from luthier.space import Configuration
from luthier.trial import Trial
from luthier.view.figures.axes import along, positions
from luthier.view.figures.chart import Axis, Chart, Dots, Mark, Panel, Ramp, Role, Surface
from luthier.view.figures.results import Results, shown, thinned
from luthier.view.importance import importance
from luthier.view.scales import written

__all__ = ["contour"]

Array = NDArray[np.float64]

_GRID = 48
_LISTED = 24
_LEVELS = 10
_MOST = 800


def contour(of: Results, parameters: Sequence[str] | None = None) -> Chart:
    """Two parameters: those named, or the two that matter most of those the best trial has.

    **Raises** UsageError for other than two names, or one that the best trial does not have. **Cost** one fit of the
    model, and the importance where none are named.
    """
    if parameters is not None and len(set(parameters)) != 2:
        raise UsageError("a contour has two parameters; name two that differ, or none")
    named = of.parameters(parameters)
    title = f"Expected {of.objective}"
    if of.why_nothing():
        return Chart(title, words=of.why_nothing())
    best = of.scored[of.best or 0]
    assert best.configuration is not None, "a trial with a value has one"
    pair = _pair(of, best.configuration, named if parameters is not None else None)
    if pair is None:
        return Chart(title, words="A contour takes two parameters that vary; the best trial has fewer.")
    x, y = (along(of.space[name].domain, name) for name in pair)
    surface = _surface(of, best.configuration, pair, x, y)
    marks: tuple[Mark, ...] = (*((surface,) if surface else ()), *_results(of, pair, x, y, best))
    drawn = thinned(len(of.scored), _MOST)
    said = [
        f"the model's mean, with the other parameters as in {best.name}"
        if surface
        else "too few results for a model",
        "each colour has a tenth of the area" if surface and len(surface.levels) == _LEVELS - 1 else "",
        "the dots are all results, wherever the others were",
        shown(len(drawn), len(of.scored), "results"),
    ]
    ramp = None
    if surface is not None and np.isfinite(surface.z).any():
        low, high = float(np.nanmin(surface.z)), float(np.nanmax(surface.z))
        ends = (low, high) if of.maximize else (high, low)
        ramp = Ramp(f"expected {of.objective}", *(written(float(f"{v:.4g}")) for v in ends))
    title = f"Expected {of.objective} over {pair[0]} and {pair[1]}"
    return Chart(title, "; ".join(filter(None, said)), (Panel(x, y, marks),), ramp, size=(700.0, 520.0))


def _pair(of: Results, best: Configuration, named: Sequence[str] | None) -> tuple[str, str] | None:
    if named is not None:
        for name in named:
            if name not in best:
                raise UsageError(
                    f"{name} does not exist in the best trial, where it is not active; name another"
                )
        return named[0], named[1]
    here = [name for name in of.space.dimensions if name in best]
    if len(here) < 2:
        return None
    if len(here) > 2:
        ranked = [s.parameter for s in importance(of.space, of.history).shares if s.parameter in here]
        here = ranked if len(ranked) > 1 else here
    return here[0], here[1]


def _surface(of: Results, best: Configuration, pair: tuple[str, str], x: Axis, y: Axis) -> Surface | None:
    """The mean on a grid over both parameters; None where too little is known."""
    frame = frame_of(of.space)
    columns = [frame.column[name] for name in pair]
    units = [_units(frame.tables[j]) for j in columns]
    across, up = np.meshgrid(*units)
    row = frame.encode([best])[0]
    rows = np.repeat(np.where(np.isnan(row), 0.5, row)[None], across.size, axis=0)
    rows[:, columns[0]], rows[:, columns[1]] = across.ravel(), up.ravel()
    rows = frame.snap(rows)
    with one_thread():
        evidence = evidence_of(frame, of.history)
        features = Features(frame, evidence.experiments)
        belief = believe(features, evidence, Memory.of(of.history), 0)
        if belief is None:
            return None
        losses = belief.outputs.back(belief.posterior.means(features.of(rows))[:, 0])
    z = np.where(np.isnan(rows[:, columns]).any(axis=1), np.nan, -losses if of.maximize else losses)
    z = z.reshape(across.shape)
    is_cells = any(
        frame.tables[j] is not None and len(u) <= _LISTED for j, u in zip(columns, units, strict=True)
    )
    at = [
        np.array([_number(of, name, axis, float(u)) for u in places])
        for name, axis, places in zip(pair, (x, y), units, strict=True)
    ]
    return Surface(at[0], at[1], z, _levels(z), is_cells, 1.0 if of.maximize else -1.0)


def _units(table: Array | None) -> Array:
    """The places of a grid along one parameter: every value where they are few."""
    if table is not None and len(table) <= _LISTED:
        return table
    return np.linspace(0.0, 1.0, _GRID)


def _number(of: Results, name: str, axis: Axis, unit: float) -> float:
    """A place in the unit interval as a number of the axis, without the spread that results are given."""
    domain = of.space[name].domain
    if axis.scale == "places":
        return unit
    low, high = axis.low, axis.high
    if domain.count() is not None:
        return float(domain.from_unit(unit).value)
    return low * (high / low) ** unit if axis.scale == "log" else low + (high - low) * unit


def _levels(z: Array) -> Array:
    kept = z[np.isfinite(z)]
    if not len(kept) or kept.min() == kept.max():
        return np.empty(0)
    return np.unique(np.quantile(kept, np.linspace(0.0, 1.0, _LEVELS + 1)[1:-1]))


def _results(of: Results, pair: tuple[str, str], x: Axis, y: Axis, best: Trial) -> list[Mark]:
    """The results at their places, those that failed as crosses, the best one marked."""
    scored = [of.scored[i] for i in thinned(len(of.scored), _MOST).tolist()]
    marks: list[Mark] = []
    groups: tuple[tuple[Sequence[Trial], Role, str], ...] = (
        (of.failed[:_MOST], "failed", of.failed_name),
        (of.broken[:_MOST], "broken", "breaks a constraint"),
        (scored, "result", "result"),
        ([best], "best", "best"),
    )
    for trials, role, name in groups:
        here = [
            (t, t.configuration)
            for t in trials
            if t.configuration is not None and all(one in t.configuration for one in pair)
        ]
        if not here:
            continue
        numbers = [t.number for t, _ in here]
        at = [
            positions(of.space[n].domain, axis, [c[n].value for _, c in here], turns)
            for n, axis, turns in zip(pair, (x, y), (numbers, [7 * k for k in numbers]), strict=True)
        ]
        marks.append(Dots(at[0], at[1], role, name, [of.said(t) for t, _ in here]))
    return marks
