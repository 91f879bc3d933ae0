"""Learning curves: what trials reported step by step, the best ones on top, stopped ones with their end marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from luthier.errors import UsageError
from luthier.metrics import matching_name
from luthier.space import hint
from luthier.trial import Outcome, Trial
from luthier.view import curves as reported
from luthier.view.figures.axes import is_wide, measured, plain
from luthier.view.figures.chart import Chart, Dots, Line, Mark, Panel, Role
from luthier.view.figures.results import Results, many, shown, thinned

__all__ = ["curves", "thin_curve"]

Array = NDArray[np.float64]

_MOST = 200
_POINTS = 200
_BEST = 5


def curves(
    of: Results, metric: str | None = None, log: bool | None = None, trials: Sequence[int] | None = None
) -> Chart:
    """One metric over its steps, the objective's if none is named, of all trials or those with these numbers.

    **Raises** UsageError for a metric nobody reported. **Cost** one read for each of at most 200 trials."""
    known = of.store.metric_names(of.record.id)
    objective = of.record.description.objective
    goal = matching_name(objective.metric, known) if objective else None
    wanted = metric or goal or (objective.metric if objective else next(iter(known), None))
    if wanted is None or (wanted not in known and metric is None):
        return Chart("Learning curves", words="No trial has reported a value step by step.")
    if wanted not in known:
        raise UsageError(f"no trial reported {wanted!r}{hint(wanted, known)}")
    begun = [t for t in of.history.trials if t.attempt and (trials is None or t.number in trials)]
    ranks = {of.scored[i].number: k for k, i in enumerate(np.argsort(of.losses, kind="stable").tolist())}
    first = sorted(range(len(begun)), key=lambda i: ranks.get(begun[i].number, len(ranks)))
    chosen = [begun[i] for i in thinned(len(begun), _MOST, first[: _MOST // 2]).tolist()]
    axis, found, odd = _read(of, chosen, wanted)
    by = "fold" if axis == "fold" else "step"
    title = f"{wanted} of {of.name}, {by} by {by}"
    if not found:
        return Chart(title, words=f"No trial has reported {wanted} as a number.")
    whole = np.concatenate([y for _, _, y in found])
    maximize = of.maximize or objective is None or wanted != goal
    is_log = (is_wide(whole, False) and not maximize) if log is None else log
    y_axis = measured(wanted, whole, is_log, [float(y[-1]) for t, _, y in found if ranks.get(t.number) == 0])
    ends = [float(x[-1]) for _, x, _ in found]
    starts = [float(x[0]) for _, x, _ in found]
    x_axis = plain(axis, min(starts), max(ends))
    # The best are drawn last, so that they lie on top.
    found.sort(key=lambda one: -ranks.get(one[0].number, len(ranks)))
    marks: list[Mark] = [_line(of, ranks, *one) for one in found]
    if len(begun) == 1:
        marks = [Line(x, y, "result", f"trial {t.name}", of.said(t)) for t, x, y in found]
    marks += _ends(of, found)
    return Chart(title, _note(begun, len(found), len(ranks), odd), (Panel(x_axis, y_axis, tuple(marks)),))


def _note(begun: Sequence[Trial], drawn: int, ranked: int, odd: Sequence[str]) -> str:
    """What stands below the title: how many are drawn and were stopped, or how the only one ended; and the trials of which
    NaN or infinity is left out."""
    if len(begun) == 1:
        return "; ".join(filter(None, (_said_of_one(begun[0]), "NaN or infinity is left out" if odd else "")))
    stopped = sum(_is_stopped(t) for t in begun)
    said = [
        f"the best {min(_BEST, ranked)} of {many(len(begun), 'trial')} in colour",
        f"{stopped:,} stopped early" if stopped else "",
        shown(drawn, len(begun), "trials"),
        f"without NaN or infinity of trial {_some(odd)}" if odd else "",
    ]
    return "; ".join(filter(None, said))


def _some(names: Sequence[str], most: int = 5) -> str:
    """`1.3, 1.7 and 2 more`."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _read(
    of: Results, trials: Sequence[Trial], metric: str
) -> tuple[str, list[tuple[Trial, Array, Array]], list[str]]:
    """What the axis of steps counts, the curves of the trials that have one, and who has NaN or infinity in theirs."""
    curves = {t.number: reported.curve_of(of.store, t, metric) for t in trials}
    axis, laid = reported.laid_out(curves, of.record.description.stages)
    drawn = [(t, *_drawn(laid[t.number])) for t in trials]
    odd = [t.name for t in trials if not np.isfinite(laid[t.number].values).all()]
    return axis, [one for one in drawn if len(one[1])], odd


def _drawn(curve: reported.ReportedCurve) -> tuple[Array, Array]:
    """A curve to draw, thinned, without NaN and infinity."""
    x, y = np.array(curve.steps, dtype=np.float64), np.array(curve.values, dtype=np.float64)
    kept = np.isfinite(x) & np.isfinite(y)
    return thin_curve(x[kept], y[kept])


def thin_curve(x: Array, y: Array, most: int = _POINTS) -> tuple[Array, Array]:
    """A curve of at most about so many points that keeps its extremes: the lowest and the highest of each stretch, and
    both ends."""
    n = len(x)
    if n <= most:
        return x, y
    bounds = np.linspace(0, n, most // 2 + 1).astype(np.intp)
    kept = {0, n - 1}
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        kept |= {begin + int(np.argmin(y[begin:end])), begin + int(np.argmax(y[begin:end]))}
    places = np.array(sorted(kept), dtype=np.intp)
    return x[places], y[places]


def _is_stopped(trial: Trial) -> bool:
    return trial.result is not None and trial.result.outcome is Outcome.STOPPED


def _said_of_one(trial: Trial) -> str:
    """How the only trial of a figure ended."""
    result = trial.result
    if result is None:
        return f"trial {trial.name}, {trial.state.value}"
    reason = result.reason if result.reason and result.outcome is not Outcome.SUCCEEDED else ""
    return f"trial {trial.name} {result.outcome.value}" + (f": {reason}" if reason else "")


def _line(of: Results, ranks: dict[int, int], trial: Trial, x: Array, y: Array) -> Mark:
    rank = ranks.get(trial.number)
    if rank == 0:
        return Line(x, y, "best", "best trial", of.said(trial))
    is_good = rank is not None and rank < _BEST
    return Line(x, y, "result" if is_good else "faint", "next best" if is_good else "others", of.said(trial))


def _ends(of: Results, found: list[tuple[Trial, Array, Array]]) -> list[Mark]:
    """A ring where a rule stopped a curve, a cross where its trial failed, and a dot for a single point."""
    marks: list[Mark] = []
    stopped = [one for one in found if _is_stopped(one[0])]
    failed = [one for one in found if one[0].result and one[0].result.outcome.blames_configuration]
    ended = {one[0].number for one in (*stopped, *failed)}
    single = [one for one in found if len(one[1]) == 1 and one[0].number not in ended]
    groups: tuple[tuple[list[tuple[Trial, Array, Array]], Role, str], ...] = (
        (stopped, "stopped", "stopped early"),
        (failed, "failed", "failed"),
        (single, "result", "a single point"),
    )
    for some, role, name in groups:
        if some:
            x = np.array([float(steps[-1]) for _, steps, _ in some])
            y = np.array([float(values[-1]) for _, _, values in some])
            marks.append(Dots(x, y, role, name, [of.said(trial) for trial, _, _ in some]))
    return marks
