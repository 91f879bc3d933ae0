"""Everything about one trial, printed. `show.py` calls it for an ID with a point in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from luthier import metrics
from luthier.cli.decided import show_decisions
from luthier.cli.options import Place
from luthier.cli.output import date, duration, emit, emit_json, ending, number, paint, size, table
from luthier.cli.showing import trial_style
from luthier.cli.sparks import spark
from luthier.clock import SystemClock
from luthier.run.folders import Folders
from luthier.view.curves import Curve, curves_of
from luthier.view.decisions import DecisionRow, decisions_of
from luthier.view.logs import last_lines
from luthier.view.trials import AttemptRow, TrialDetail, TrialRow, trial_detail
from luthier.view.verdicts import command_line

if TYPE_CHECKING:
    from luthier.description import Description
    from luthier.store import Store

__all__ = ["show_trial"]

_TAIL = 10


def show_trial(place: Place, store: Store, experiment: int, trial: int, as_json: bool) -> None:
    """Prints one trial. **Raises** NotFound."""
    detail = trial_detail(store, experiment, trial, SystemClock().now())
    found = curves_of(store, store.trial(experiment, trial))
    row = detail.row
    record = store.experiment(experiment)
    command = command_line(store, record, trial)
    decisions = decisions_of(store, experiment, trial)
    courses = [
        _course(record.description, metric.metric, found.get(metric.metric), found)
        for metric in detail.metrics
    ]
    folder = Folders(place.folder).trial(experiment, trial)
    tail = last_lines(place.folder, experiment, trial, row.attempt, _TAIL) if row.attempt else ()
    if not as_json:
        return _print(record.description, detail, courses, decisions, folder, command, tail)
    why = {
        "proposed_by": detail.proposed_by,
        "ordinal": detail.ordinal,
        "predicted_mean": detail.predicted_mean,
        "predicted_deviation": detail.predicted_deviation,
        "note": detail.note,
    }
    emit_json(
        "trial",
        {
            "trial": {"id": row.name, **asdict(row)},
            "attempts": [asdict(attempt) for attempt in detail.attempts],
            "metrics": [
                asdict(metric) | {"first": course.first, "best": course.best, "best_step": course.best_step}
                for metric, course in zip(detail.metrics, courses, strict=True)
            ],
            "decisions": [asdict(decision) for decision in decisions],
            "proposal": why,
            "folder": folder,
            "command": command,
            "tail": list(tail),
        },
    )
    return None


@dataclass(frozen=True, slots=True)
class Course:
    """Where a metric began and how good it was at its best, which only an objective can tell; with its curve."""

    curve: Curve
    first: float | None
    best: float | None
    best_step: float | None


def _course(what: Description, metric: str, curve: Curve | None, known: Collection[str]) -> Course:
    """`curve` is None for a metric that only an earlier attempt reported; `known` are all metrics of the trial."""
    if curve is None:
        return Course(Curve(metric), None, None, None)
    goals = (goal for goal in what.objectives if metrics.matching_name(goal.metric, known) == metric)
    goal = next(goals, None)
    place = curve.best(goal.direction == "maximize") if goal else None
    if place is None:
        return Course(curve, curve.values[0], None, None)
    return Course(curve, curve.values[0], curve.values[place], curve.steps[place])


def _print(
    what: Description,
    detail: TrialDetail,
    courses: Sequence[Course],
    decisions: Sequence[DecisionRow],
    folder: str,
    command: str | None,
    tail: tuple[str, ...],
) -> None:
    row = detail.row
    emit(paint(f"trial {row.name}  {row.outcome or row.state}", "bold", *trial_style(row)))
    facts = {
        "reason": row.reason or "-",
        "came to": f"step {number(row.came_to)}" if row.came_to is not None else "-",
        **_values(what, row),
        "time": duration(row.seconds),
        "peak memory": size(row.peak_bytes) if row.peak_bytes is not None else "-",
        "began": date(row.began),
        "ended": date(row.ended),
        "run id": str(row.run_id),
        "seed": str(row.seed),
        "proposed by": _why(detail),
        "folder": folder,
        "command": command or "-",
    }
    width = max(12, *(len(name) for name, text in facts.items() if text != "-"))
    for name, text in facts.items():
        if text != "-":
            emit(f"  {name:<{width}} {text}")
    _section("Parameters", [f"  {name:<{_widest(row.texts)}}  {text}" for name, text in row.texts.items()])
    _show_metrics(detail, courses)
    show_decisions(decisions)
    _section("Attempts", [_attempt(attempt) for attempt in detail.attempts])
    _section("Last lines", [f"  | {line}" for line in tail])


def _values(what: Description, row: TrialRow) -> dict[str, str]:
    """The value of the objective; of several each under its name."""
    if row.reached is None or not what.also:
        return {"value": number(row.value)}
    return {goal.metric: number(v) for goal, v in zip(what.objectives, row.reached, strict=False)}


def _widest(names: dict[str, str]) -> int:
    return max(map(len, names), default=0)


def _section(heading: str, lines: list[str]) -> None:
    if lines:
        emit(f"\n{paint(heading, 'bold')}")
        for line in lines:
            emit(line)


def _why(detail: TrialDetail) -> str:
    if detail.proposed_by is None:
        return "-"
    place = f", its proposal {detail.ordinal}" if detail.ordinal is not None else ""
    predicted = ""
    if detail.predicted_mean is not None:
        deviation = detail.predicted_deviation
        spread = f" ± {number(deviation)}" if deviation is not None else ""
        predicted = f", predicted {number(detail.predicted_mean)}{spread}"
    return f"{detail.proposed_by}{place}{predicted}"


def _show_metrics(detail: TrialDetail, courses: Sequence[Course]) -> None:
    """A line for each metric; a curve beside those that have one, the best where an objective says what is good."""
    if not detail.metrics:
        return
    heads = ["METRIC", "POINTS", "FIRST", "BEST", "LAST", "STEP", "MIN", "MAX", "AVG"]
    lines = [
        [
            m.metric,
            str(m.count),
            *map(number, (course.first, course.best, m.last, m.last_step, m.min, m.max, m.avg)),
        ]
        for m, course in zip(detail.metrics, courses, strict=True)
    ]
    right = heads[1:]
    if any(len(course.curve) > 1 for course in courses):
        taken = sum(2 + max(map(len, column)) for column in zip(heads, *lines, strict=True))
        heads.append("CURVE")
        lines = [[*line, spark(course.curve, taken)] for line, course in zip(lines, courses, strict=True)]
    emit()
    emit(table(heads, lines, right=right))


def _attempt(attempt: AttemptRow) -> str:
    ended = ending(attempt.outcome or "running", attempt.reason)
    stage = f"{attempt.stage}, {number(attempt.value)}  " if attempt.stage else ""
    began, took = date(attempt.began), duration(attempt.seconds)
    return f"  {attempt.attempt}  {began}  {took:>7}  {stage}{ended}  ({attempt.worker})"
