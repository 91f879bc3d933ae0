"""When which trial ran, in lanes: a worker has as many as it ran trials side by side."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.trial import Attempt, Outcome, Trial
from luthier.view.figures.axes import seconds_axis
from luthier.view.figures.chart import Chart, Lanes, Mark, Panel, Role, Spans
from luthier.view.figures.results import Results, many, shown
from luthier.view.scales import label

__all__ = ["packed", "timeline"]

Array = NDArray[np.float64]

_MOST = 3000
_NAMED = 12
_GROUPS: tuple[tuple[Role, str, tuple[Outcome, ...]], ...] = (
    ("result", "succeeded", (Outcome.SUCCEEDED,)),
    ("stopped", "stopped early", (Outcome.STOPPED,)),
    ("failed", "failed", (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY)),
    ("gone", "killed, interrupted or lost", (Outcome.KILLED, Outcome.INTERRUPTED, Outcome.LOST)),
)


@dataclass(frozen=True, slots=True)
class _Ran:
    """One attempt: who ran it, from when to when, and how it ended (None while it runs)."""

    worker: str
    begin: float
    end: float
    outcome: Outcome | None
    text: str


def timeline(of: Results) -> Chart:
    """Every attempt as a bar from its begin to its end. Of more than 3,000 trials the newest are shown.

    **Cost** one read for each trial that is shown.
    """
    title = f"When the trials of {of.name} ran"
    begun = [t for t in of.history.trials if t.attempt]
    chosen = begun[-_MOST:]
    tried = [(t, a) for t in chosen for a in of.store.attempts(of.record.id, t.number)]
    if not tried:
        return Chart(title, words="No trial has begun yet.")
    known = [*(a.ended for _, a in tried if a.ended is not None), *(a.began for _, a in tried)]
    now = max(known)
    ran = [_ran(t, a, now) for t, a in tried]
    zero = min(one.begin for one in ran)
    lanes, names = _lanes(ran)
    axis, unit = seconds_axis("time since the first trial began", now - zero)
    marks = _spans(ran, lanes, zero, unit)
    count = int(lanes.max()) + 1
    busy = sum(one.end - one.begin for one in ran) / max((now - zero) * count, 1e-9)
    said = [
        f"{many(len(ran), 'attempt')}, up to {count} side by side, {100 * min(busy, 1.0):.0f} % of the time busy",
        shown(len(chosen), len(begun), "trials, the newest"),
    ]
    size = (760.0, 110.0 + min(max(18.0 * count, 60.0), 620.0))
    panel = Panel(axis, Lanes(count, names), marks)
    return Chart(title, "; ".join(filter(None, said)), (panel,), size=size)


def _ran(trial: Trial, attempt: Attempt, now: float) -> _Ran:
    """One attempt. Short ones are claimed ahead of time, so that the seconds an attempt ran are counted back from its end
    rather than forward from its claim."""
    result = attempt.result
    end = attempt.ended if attempt.ended is not None else now
    took = result.seconds if result and result.seconds is not None else end - attempt.began
    begin = min(max(attempt.began, end - took), end)
    how = result.outcome.value if result else "running"
    text = f"trial {trial.name}, attempt {attempt.id.attempt}: {how} after {took:.3g} s"
    return _Ran(attempt.worker, begin, end, result.outcome if result else None, text)


def _lanes(ran: list[_Ran]) -> tuple[NDArray[np.int64], tuple[tuple[float, str], ...]]:
    """A lane for each attempt, workers one below the other in the order they appeared, and the workers' names with the
    middle of their lanes."""
    lanes = np.zeros(len(ran), dtype=np.int64)
    by_worker: dict[str, list[int]] = {}
    for i in sorted(range(len(ran)), key=lambda i: ran[i].begin):
        by_worker.setdefault(ran[i].worker, []).append(i)
    first, names = 0, []
    for worker, places in by_worker.items():
        used = packed([(ran[i].begin, ran[i].end) for i in places])
        lanes[places] = first + np.array(used)
        count = max(used) + 1
        names.append((first + (count - 1) / 2, label(worker, 20)))
        first += count
    return lanes, tuple(names) if len(names) <= _NAMED else ()


def packed(spans: list[tuple[float, float]]) -> list[int]:
    """The lowest free lane for each of some spans, which rise by their begin."""
    free: list[int] = []
    running: list[tuple[float, int]] = []
    lanes, count = [], 0
    for begin, end in spans:
        while running and running[0][0] <= begin:
            heapq.heappush(free, heapq.heappop(running)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane, count = count, count + 1
        lanes.append(lane)
        heapq.heappush(running, (end, lane))
    return lanes


def _spans(ran: list[_Ran], lanes: NDArray[np.int64], zero: float, unit: float) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    running: tuple[Role, str, tuple[Outcome | None, ...]] = ("running", "running", (None,))
    for role, name, outcomes in (*_GROUPS, running):
        places = [i for i, one in enumerate(ran) if one.outcome in outcomes]
        if places:
            begin = np.array([(ran[i].begin - zero) / unit for i in places])
            end = np.array([(ran[i].end - zero) / unit for i in places])
            marks.append(Spans(lanes[places], begin, end, role, name, [ran[i].text for i in places]))
    return tuple(marks)
