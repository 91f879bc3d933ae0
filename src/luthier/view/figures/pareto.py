"""Two objectives against each other: the trials that no other beats in both, the line they make, and all the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from luthier.errors import UsageError
from luthier.space import hint
from luthier.view.figures.axes import is_wide, measured
from luthier.view.figures.chart import Axis, Chart, Dots, Line, Mark, Panel, Role
from luthier.view.figures.results import Results, many, shown, thinned
from luthier.view.front import front_places, losses_of
from luthier.view.scales import written

__all__ = ["Goals", "front", "pareto"]

Array = NDArray[np.float64]
Marked = NDArray[np.bool_]

_MOST = 3000


class Goals:
    """Two objectives as a figure needs them: what they are called, and whether more is better. `maximize` is one
    boolean for each."""

    def __init__(self, names: tuple[str, str], maximize: tuple[bool, bool] = (False, False)) -> None:
        self.names = names
        self.maximize = maximize

    def axis(self, which: int, values: Array, held: Array, log: bool | None) -> Axis:
        """The axis of one of them."""
        name, up = self.names[which], self.maximize[which]
        is_log = is_wide(values, up) if log is None else log
        return measured(f"{name} ({'more' if up else 'less'} is better)", values, is_log, held.tolist())


def front(of: Results, objectives: Sequence[str] | None = None, log: bool | None = None) -> Chart:
    """The trials of an experiment with several objectives over the first two of them, or those named. A front of more than
    two is that of all, so it is no line in two.

    **Raises** UsageError for other than two names, or one that is no objective.
    """
    title = f"Pareto front of {of.name}"
    known = [objective.metric for objective in of.record.description.objectives]
    if len(known) < 2:
        return Chart(title, words="The experiment has one objective, so it has a best trial and no front.")
    named = known[:2] if objectives is None else list(objectives)
    for name in named:
        if name not in known:
            raise UsageError(f"there is no objective {name!r}{hint(name, known)}")
    if len(set(named)) != 2:
        raise UsageError("a front is drawn over two objectives; name two that differ, or none")
    first, second = (known.index(name) for name in named)
    losses, allowed, is_front = _marked(of)
    up = tuple(of.record.description.objectives[k].direction == "maximize" for k in (first, second))
    values = [
        -losses[:, k] if flipped else losses[:, k] for k, flipped in zip((first, second), up, strict=True)
    ]
    texts = [of.said(trial) for trial in of.history.scored]
    goals = Goals((named[0], named[1]), (up[0], up[1]))
    return pareto(values[0], values[1], is_front, goals, texts, allowed, title, log, is_line=len(known) == 2)


def _marked(of: Results) -> tuple[Array, Marked, Marked]:
    """The losses (n, objectives) of `history.scored`, which of them keep the constraints, and which are on the front. What
    keeps them but can't stand on a front, such as a trial that was stopped, is NaN."""
    losses, may_stand = losses_of(of.history)
    allowed = np.all(of.history.excesses() <= 0, axis=1)
    is_front = np.zeros(len(losses), dtype=bool)
    is_front[front_places(of.history)] = True
    return np.where((may_stand | ~allowed)[:, None], losses, np.nan), allowed, is_front


def pareto(
    first: Array,
    second: Array,
    is_front: Marked,
    goals: Goals,
    texts: Sequence[str] = (),
    is_allowed: Marked | None = None,
    title: str = "Pareto front",
    log: bool | None = None,
    *,
    is_line: bool = True,
) -> Chart:
    """The values (n,) of two objectives; `is_front` (n,) marks the trials that no other beats in both, `is_allowed` (n,)
    those that keep the constraints. `texts` are shown on pointing. **Raises** UsageError where lengths differ."""
    if not len(first) == len(second) == len(is_front):
        raise UsageError("a front takes two values and a mark for each trial; the arrays differ in length")
    finite = np.isfinite(first) & np.isfinite(second)
    if not finite.any():
        return Chart(title, words="No trial has a value of both objectives yet.")
    on_front = np.flatnonzero(finite & is_front)
    on_front = on_front[np.argsort(first[on_front], kind="stable")]
    others = np.flatnonzero(finite & ~is_front)
    kept = others[thinned(len(others), _MOST)]
    marks = _beaten(first, second, kept, texts, is_allowed)
    if len(on_front):
        x, y = first[on_front], second[on_front]
        if is_line:
            marks.append(_stairs(x, y, goals.maximize))
        said = [texts[i] if len(texts) else _said(goals, first[i], second[i]) for i in on_front.tolist()]
        marks.append(Dots(x, y, "front", "on the front", said))
    axes = [goals.axis(k, v[finite], v[on_front], log) for k, v in enumerate((first, second))]
    note = [
        f"{many(len(on_front), 'trial')} of {int(finite.sum()):,} on the front",
        shown(len(kept), len(others), "of the others"),
    ]
    panel = Panel(axes[0], axes[1], tuple(marks))
    return Chart(title, "; ".join(filter(None, note)), (panel,), size=(700.0, 500.0))


def _beaten(
    first: Array, second: Array, kept: NDArray[np.intp], texts: Sequence[str], is_allowed: Marked | None
) -> list[Mark]:
    """The trials behind the front."""
    allowed = np.ones(len(first), dtype=bool) if is_allowed is None else is_allowed
    parts: tuple[tuple[NDArray[np.intp], Role, str], ...] = (
        (kept[~allowed[kept]], "broken", "breaks a constraint"),
        (kept[allowed[kept]], "result", "beaten in both"),
    )
    return [
        Dots(first[at], second[at], role, name, [texts[i] for i in at.tolist()] if len(texts) else ())
        for at, role, name in parts
        if len(at)
    ]


def _said(goals: Goals, first: float, second: float) -> str:
    return f"{goals.names[0]} {written(float(first))}, {goals.names[1]} {written(float(second))}"


def _stairs(x: Array, y: Array, maximize: tuple[bool, bool]) -> Line:
    """The border of what is beaten: between two neighbours of the front it passes through the worse of both values."""
    xs, ys = [float(x[0])], [float(y[0])]
    for i in range(1, len(x)):
        worse_x = min(x[i - 1], x[i]) if maximize[0] else max(x[i - 1], x[i])
        worse_y = min(y[i - 1], y[i]) if maximize[1] else max(y[i - 1], y[i])
        xs += [float(worse_x), float(x[i])]
        ys += [float(worse_y), float(y[i])]
    return Line(np.array(xs), np.array(ys), "front", "")
