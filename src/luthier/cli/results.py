"""The last words of a search: what was found, the command that runs it, what to try next, and the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from luthier.cli.options import Place
from luthier.cli.output import emit, emit_json, many, say
from luthier.clock import SystemClock
from luthier.drive.ends import Ending, Why
from luthier.store import ExperimentRecord, Store

__all__ = ["exit_code", "print_result"]


def exit_code(ending: Ending) -> int:
    """0 when something succeeded, 1 when nothing did, 124 when time was up, 130 after Ctrl-C."""
    if ending.why is Why.INTERRUPTED:
        return 130
    if ending.why is Why.TIME:
        return 124
    if ending.why is Why.PAUSED:
        return 0
    return 0 if ending.record.succeeded else 1


def print_result(store: Store, folder: Path, ending: Ending, *, as_json: bool) -> int:
    """Tells what a search found, on standard output, and returns the exit code."""
    record, place = ending.record, Place(folder)
    if record.description.algorithm.name == "replicates":
        from luthier.cli.confirmed import print_confirmation

        if not as_json:
            _say_counts(store, record)
        print_confirmation(store, folder, ending, as_json=as_json)
        return exit_code(ending)
    if as_json:
        emit_json("search", _document(store, ending))
        return exit_code(ending)
    _say_counts(store, record)
    if record.description.objective is not None and record.finished:
        _show_best(store, record, place)
    return exit_code(ending)


def _show_best(store: Store, record: ExperimentRecord, place: Place) -> None:
    """Shows the best trial, or why there is none."""
    from luthier.cli.outlook import outlook_lines
    from luthier.cli.verdict import show_best
    from luthier.view.verdicts import best, why_none

    found = best(store, record, 1, SystemClock().now())
    if found is None:
        say(why_none(store, record, place.hint))
        return
    emit()
    if record.description.also:
        _show_front(store, record)
    else:
        show_best(record, found)
    for line in outlook_lines(store, record):
        emit(line)
    say(f"All trials: {place.hint(f'show {record.id}')}")


def _show_front(store: Store, record: ExperimentRecord) -> None:
    from luthier.cli.front import show_front
    from luthier.view.front import front

    found = front(store, record, SystemClock().now())
    if found is not None:
        show_front(record, found)


def _say_counts(store: Store, record: ExperimentRecord) -> None:
    other = ", ".join(f"{n} {outcome}" for outcome, n in store.unsuccessful(record.id).items())
    parts = [f"{many(record.finished, 'trial')} finished", f"{record.succeeded} succeeded"]
    parts += [other] if other else []
    parts += _still_to_run(record)
    say(f"Experiment {record.id}: {', '.join(parts)}.")


def _still_to_run(record: ExperimentRecord) -> list[str]:
    """What is left: to be run, or, with the target met, only written."""
    left = record.queued + record.running
    if not record.is_met:
        parts = [f"{left} still to run"] if left else []
        return [*parts, f"{record.waiting} between two stages"] if record.waiting else parts
    parts = [f"{record.running} still running"] if record.running else []
    if record.queued:
        wait = "is written and waits" if record.queued == 1 else "are written and wait"
        parts.append(f"{record.queued} more {wait} for a larger --num-runs")
    return parts


def _document(store: Store, ending: Ending) -> dict[str, Any]:
    from luthier.cli.outlook import outlook_document
    from luthier.cli.verdict import best_document
    from luthier.view.verdicts import best

    record = ending.record
    found = best(store, record, 1, SystemClock().now())
    return {
        "experiment": record.id,
        "ended": str(ending.why),
        "target": record.target,
        "trials": record.trials,
        "finished": record.finished,
        "succeeded": record.succeeded,
        "unsuccessful": {str(outcome): n for outcome, n in store.unsuccessful(record.id).items()},
        "best": best_document(record, found) | outlook_document(store, record) if found else None,
    }
