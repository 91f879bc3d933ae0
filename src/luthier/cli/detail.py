"""Everything about one trial, printed. `show.py` calls it for an ID with a point in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from luthier.cli.decided import show_decisions
from luthier.cli.options import Place
from luthier.cli.output import date, duration, emit, emit_json, ending, many, number, paint, size, table
from luthier.cli.showing import trial_style
from luthier.cli.sparks import spark
from luthier.clock import SystemClock
from luthier.description import IMPORTED
from luthier.run.folders import Folders
from luthier.trial import AttemptId
from luthier.view.courses import Course, courses_of
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
    row = detail.row
    record = store.experiment(experiment)
    command = command_line(store, record, trial)
    decisions = decisions_of(store, experiment, trial)
    courses = courses_of(store, store.trial(experiment, trial), record.description)
    folder = Folders(place.folder).trial(experiment, trial)
    tail = last_lines(place.folder, experiment, trial, row.attempt, _TAIL) if row.attempt else ()
    if not as_json:
        return _print(
            record.description,
            detail,
            courses,
            decisions,
            folder,
            command,
            tail,
            _ran_with(place, store, row),
        )
    emit_json(
        "trial",
        {
            "trial": {"id": row.name, **asdict(row)},
            "attempts": [asdict(attempt) for attempt in detail.attempts],
            "metrics": [_measured(course) for course in courses],
            "decisions": [asdict(decision) for decision in decisions],
            "proposal": _proposal(detail),
            "folder": folder,
            "command": command,
            "tail": list(tail),
        },
    )
    return None


def _measured(course: Course) -> dict[str, Any]:
    """A metric, as the document has it."""
    ends = {"first": course.first, "best": course.best, "best_step": course.best_step}
    return asdict(course.row) | ends


def _proposal(detail: TrialDetail) -> dict[str, Any]:
    """Why it was proposed, as the document has it."""
    return {
        "proposed_by": detail.proposed_by,
        "ordinal": detail.ordinal,
        "predicted_mean": detail.predicted_mean,
        "predicted_deviation": detail.predicted_deviation,
        "note": detail.note,
    }


def _print(
    what: Description,
    detail: TrialDetail,
    courses: Sequence[Course],
    decisions: Sequence[DecisionRow],
    folder: str,
    command: str | None,
    tail: tuple[str, ...],
    ran_with: dict[str, str],
) -> None:
    row = detail.row
    emit(paint(f"trial {row.name}  {row.outcome or row.state}", "bold", *trial_style(row)))
    facts = {
        "reason": row.reason or "-",
        "came to": _came_to(what, row),
        **_values(what, row),
        "time": duration(row.seconds),
        "peak memory": size(row.peak_bytes) if row.peak_bytes is not None else "-",
        "began": date(row.began),
        "ended": date(row.ended),
        "run id": str(row.run_id),
        "seed": str(row.seed),
        "proposed by": _elsewhere(what, detail) or _why(detail),
        "folder": folder,
        "command": command or "-",
        **ran_with,
    }
    width = max(12, *(len(name) for name, text in facts.items() if text != "-"))
    for name, text in facts.items():
        if text != "-":
            emit(f"  {name:<{width}} {text}")
    _section("Parameters", [f"  {name:<{_widest(row.texts)}}  {text}" for name, text in row.texts.items()])
    _show_metrics(courses, by_fold=what.stages is not None and what.stages.kind == "folds")
    show_decisions(decisions, row.reason)
    _section("Attempts", [_attempt(attempt, row) for attempt in detail.attempts])
    _section("Last lines", [f"  | {line}" for line in tail])


def _ran_with(place: Place, store: Store, row: TrialRow) -> dict[str, str]:
    """What it ran with, in a few words; nothing where that is not on record."""
    from luthier.cli.provenance import bundle_line
    from luthier.drive.provenance import Provenance

    id = AttemptId(row.experiment, row.number, row.attempt)
    text = store.provenance(id) if row.attempt else None
    if text is None:
        return {}
    known = Provenance.from_text(text)
    missing = f"not kept: {known.no_code}" if known.no_code else "-"
    more = f"; all of it: {place.hint(f'provenance {row.name}')}" if known.python or known.git else ""
    return {"code": (bundle_line(known.code) or missing) + more, "data": bundle_line(known.data) or "-"}


def _values(what: Description, row: TrialRow) -> dict[str, str]:
    """The value of the objective; of several each under its name."""
    if row.reached is None or not what.also:
        return {"value": number(row.value)}
    return {goal.metric: number(v) for goal, v in zip(what.objectives, row.reached, strict=False)}


def _came_to(what: Description, row: TrialRow) -> str:
    """How far it came, in what it is judged by: a step, a rung, folds."""
    if row.came_to is None:
        return "-"
    if what.stages is None:
        return f"step {number(row.came_to)}"
    if what.stages.kind == "folds":
        return f"{number(row.came_to)} of {many(len(what.stages.levels), 'fold')}"
    return f"{what.stages.parameter}={number(row.came_to)}"


def _widest(names: dict[str, str]) -> int:
    return max(map(len, names), default=0)


def _section(heading: str, lines: list[str]) -> None:
    if lines:
        emit(f"\n{paint(heading, 'bold')}")
        for line in lines:
            emit(line)


def _elsewhere(what: Description, detail: TrialDetail) -> str | None:
    """The tool that made an imported trial."""
    tool = what.labels.get(IMPORTED)
    is_its = tool is not None and any(attempt.worker.startswith(f"{tool} ") for attempt in detail.attempts)
    return tool if is_its else None


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


def _show_metrics(courses: Sequence[Course], *, by_fold: bool) -> None:
    """A line for each metric, or each fold of it; a curve beside those that have one, the best where an objective says what is
    good."""
    if not courses:
        return
    heads = ["METRIC", "POINTS", "FIRST", "BEST", "LAST", "STEP", "MIN", "MAX", "AVG"]
    lines = [
        [
            course.row.metric,
            str(course.row.count),
            *map(number, (course.first, course.best, course.row.last, course.row.last_step)),
            *map(number, (course.row.min, course.row.max, course.row.avg)),
        ]
        for course in courses
    ]
    if any(course.row.fold is not None for course in courses):
        heads.insert(1, "FOLD")
        for line, course in zip(lines, courses, strict=True):
            line.insert(1, number(course.row.fold))
    elif by_fold:
        heads[heads.index("STEP")] = "FOLD"
    right = heads[1:]
    if any(len(course.curve) > 1 for course in courses):
        taken = sum(2 + max(map(len, column)) for column in zip(heads, *lines, strict=True))
        heads.append("CURVE")
        lines = [[*line, spark(course.curve, taken)] for line, course in zip(lines, courses, strict=True)]
    emit()
    emit(table(heads, lines, right=right))


def _attempt(attempt: AttemptRow, row: TrialRow) -> str:
    """One attempt; the reason of the newest stands above, as the trial's."""
    is_said = attempt.attempt == row.attempt and attempt.reason == row.reason
    ended = ending(attempt.outcome or "running", None if is_said else attempt.reason)
    mean = f"mean of {many(attempt.mean_of, 'fold')} " if attempt.mean_of and attempt.mean_of > 1 else ""
    stage = f"{attempt.stage}, {mean}{number(attempt.value)}  " if attempt.stage else ""
    began, took = date(attempt.began), duration(attempt.seconds)
    return f"  {attempt.attempt}  {began}  {took:>7}  {stage}{ended}  ({attempt.worker})"
