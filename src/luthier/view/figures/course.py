"""The course of a search: every result by its number or time, the best so far, and the trials that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from luthier.errors import UsageError
from luthier.trial import Trial
from luthier.view.figures.axes import is_wide, measured, plain, seconds_axis
from luthier.view.figures.chart import Axis, Chart, Dots, Line, Mark, Panel, Role
from luthier.view.figures.results import Results, many, shown, thinned
from luthier.view.scales import written

__all__ = ["course"]

Array = NDArray[np.float64]

_MOST = 3000
_MOST_FAILED = 500


def course(of: Results, x: Literal["trial", "time"] = "trial", log: bool | None = None) -> Chart:
    """The results over trials, or over the time since the first began; on a logarithmic axis with `log`, which is chosen
    by itself where losses span powers of ten. **Raises** UsageError for another `x`."""
    if x not in ("trial", "time"):
        raise UsageError(f"history has no x={x!r}; choose trial or time")
    title = f"{of.objective} of {of.name}"
    if of.why_nothing():
        return Chart(title, words=of.why_nothing())
    clock = _Clock(of, x)
    order = np.argsort(clock.of(of.scored), kind="stable")
    at, values, losses = clock.of(of.scored)[order], of.values[order], of.losses[order]
    lowest = np.minimum.accumulate(losses)
    steps = np.flatnonzero(np.diff(lowest, prepend=np.inf) < 0)
    best = values[steps]
    is_log = is_wide(values, of.maximize) if log is None else log
    y = measured(of.objective, values, is_log, best.tolist())
    drawn = thinned(len(values), _MOST, steps)
    end = float(max([at.max(), *clock.of(of.without_value()).tolist()]))
    kept = [of.scored[i] for i in order[drawn].tolist()]
    marks: list[Mark] = [Dots(at[drawn], values[drawn], "result", "result", [of.said(t) for t in kept])]
    marks += _others(of, clock, y)
    marks.append(
        Line(
            np.append(at[steps], end), np.append(best, best[-1]), "best", "best so far",
            f"best: {written(float(best[-1]))}", is_step=True,
        )
    )  # fmt: skip
    every = np.array(
        [*values.tolist(), *(t.result.value for t in (*of.stopped, *of.broken) if t.result)], dtype=np.float64
    )
    beyond = int(((every < y.low) | (every > y.high)).sum())
    first = of.scored[of.best or 0]
    said = [
        f"best {written(float(best[-1]))}, trial {first.name}",
        _counts(of),
        shown(len(drawn), len(values), "results"),
    ]
    if beyond:
        said.append(f"{many(beyond, 'result')} beyond the axis")
    return Chart(title, "; ".join(filter(None, said)), (Panel(clock.axis(end), y, tuple(marks)),))


class _Clock:
    """Where trials stand: at their number, or when they ended."""

    def __init__(self, of: Results, x: str) -> None:
        self.by_time = x == "time"
        began = [t.began for t in of.history.finished if t.began is not None]
        self.zero = min(began, default=0.0)
        self.unit = 1.0
        if self.by_time:
            ends = [t.ended - self.zero for t in of.history.finished if t.ended is not None]
            self.longest = max(ends, default=1.0)
            self.axis_of_time, self.unit = seconds_axis("time since the first trial began", self.longest)

    def of(self, trials: Sequence[Trial]) -> Array:
        if not self.by_time:
            return np.array([t.number for t in trials], dtype=np.float64)
        return np.array([((t.ended or self.zero) - self.zero) / self.unit for t in trials], dtype=np.float64)

    def axis(self, end: float) -> Axis:
        return self.axis_of_time if self.by_time else plain("trial", 0.0, max(end * 1.01, end + 0.5))


def _others(of: Results, clock: _Clock, y: Axis) -> list[Mark]:
    """Trials without a value as crosses on the lower rim, stopped ones where they were, hollow."""
    marks: list[Mark] = []
    parts: list[tuple[Sequence[Trial], Role, str]] = [
        (of.broken, "broken", "breaks a constraint"),
        (of.stopped, "stopped", "stopped early"),
        (of.failed, "failed", of.failed_name),
    ]
    for trials, role, name in parts:
        if trials:
            kept = [trials[i] for i in thinned(len(trials), _MOST_FAILED).tolist()]
            values = np.array(
                [t.result.value if role != "failed" and t.result else y.low for t in kept], dtype=np.float64
            )
            marks.append(Dots(clock.of(kept), values, role, name, [of.said(t) for t in kept]))
    return marks


def _counts(of: Results) -> str:
    """`183 succeeded, 12 failed, 5 stopped`."""
    counts: dict[str, int] = {}
    for trial in of.history.finished:
        if trial.result:
            word = trial.result.outcome.value
            counts[word] = counts.get(word, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count:,} {word}" for word, count in ordered)
