"""Everything about one trial, printed. `show.py` calls it for an ID with a point in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from luthier.cli.options import Place
from luthier.cli.output import date, duration, emit, emit_json, ending, number, paint, size, table
from luthier.cli.showing import trial_style
from luthier.clock import SystemClock
from luthier.run.folders import Folders
from luthier.view.logs import last_lines
from luthier.view.trials import AttemptRow, TrialDetail, trial_detail
from luthier.view.verdicts import command_line

if TYPE_CHECKING:
    from luthier.store import Store

__all__ = ["show_trial"]

_TAIL = 10


def show_trial(place: Place, store: Store, experiment: int, trial: int, as_json: bool) -> None:
    """Prints one trial. **Raises** NotFound."""
    detail = trial_detail(store, experiment, trial, SystemClock().now())
    row = detail.row
    command = command_line(store, store.experiment(experiment), trial)
    folder = Folders(place.folder).trial(experiment, trial)
    tail = last_lines(place.folder, experiment, trial, row.attempt, _TAIL) if row.attempt else ()
    if not as_json:
        return _print(detail, folder, command, tail)
    attempts = [asdict(attempt) for attempt in detail.attempts]
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
            "attempts": attempts,
            "metrics": [asdict(metric) for metric in detail.metrics],
            "proposal": why,
            "folder": folder,
            "command": command,
            "tail": list(tail),
        },
    )
    return None


def _print(detail: TrialDetail, folder: str, command: str | None, tail: tuple[str, ...]) -> None:
    row = detail.row
    emit(paint(f"trial {row.name}  {row.outcome or row.state}", "bold", *trial_style(row)))
    facts = {
        "reason": row.reason or "-",
        "value": number(row.value),
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
    for name, text in facts.items():
        if text != "-":
            emit(f"  {name:<12} {text}")
    _section("Parameters", [f"  {name:<{_widest(row.texts)}}  {text}" for name, text in row.texts.items()])
    _show_metrics(detail)
    _section("Attempts", [_attempt(attempt) for attempt in detail.attempts])
    _section("Last lines", [f"  | {line}" for line in tail])


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


def _show_metrics(detail: TrialDetail) -> None:
    if not detail.metrics:
        return
    heads = ("METRIC", "POINTS", "LAST", "STEP", "MIN", "MAX", "AVG")
    lines = [
        (
            m.metric,
            str(m.count),
            number(m.last),
            number(m.last_step),
            number(m.min),
            number(m.max),
            number(m.avg),
        )
        for m in detail.metrics
    ]
    emit()
    emit(table(heads, lines, right=heads[1:]))


def _attempt(attempt: AttemptRow) -> str:
    ended = ending(attempt.outcome or "running", attempt.reason)
    return f"  {attempt.attempt}  {date(attempt.began)}  {duration(attempt.seconds):>7}  {ended}  ({attempt.worker})"
