"""The best configuration as a verdict for people and for programs; `best` and the last words of a search both give it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from luthier.cli.output import emit, number, paint, short, table

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord
    from luthier.view.certainty import Certainty
    from luthier.view.verdicts import Best

__all__ = ["best_document", "show_best"]


def best_document(
    record: ExperimentRecord, found: Best | None, none: str = "", sure: Certainty | None = None
) -> dict[str, Any]:
    """The verdict as the fields `docs/json.md` describes."""
    objective = record.description.objective
    return {
        "experiment": record.id,
        "objective": objective._asdict() if objective else None,
        "trials": [_trial(found, index) for index in range(len(found.rows))] if found else [],
        "ties": asdict(found.ties) | {"text": str(found.ties)} if found else None,
        "certainty": _certainty(record, sure) if sure else None,
        "command": found.command if found else None,
        "directory": found.directory if found else None,
        "folds": _folds(record),
        "message": none or None,
    }


def _folds(record: ExperimentRecord) -> int | None:
    """How many times the command is run for one configuration, once for each fold; None where there are none."""
    stages = record.description.stages
    return len(stages.levels) if stages is not None and stages.kind == "folds" else None


def _certainty(record: ExperimentRecord, sure: Certainty) -> dict[str, Any]:
    from luthier.view.certainty import LEVEL, sentence

    return {
        "method": sure.method,
        "level": LEVEL,
        "noise": sure.noise,
        "best": asdict(sure.best) if sure.best else None,
        "recommended": asdict(sure.recommended) if sure.recommended else None,
        "ties": [asdict(tie) for tie in sure.ties],
        "further_ties": sure.further_ties,
        "text": sentence(sure, record.id),
    }


def _trial(found: Best, index: int) -> dict[str, Any]:
    row = found.rows[index]
    kept = ("number", "run_id", "value", "values", "texts", "attempt", "seed", "seconds", "ended")
    return {"id": row.name, **{key: getattr(row, key) for key in kept}}


def show_best(record: ExperimentRecord, found: Best) -> None:
    """Prints the verdict for people."""
    objective = record.description.objective
    first = found.rows[0]
    metric = objective.metric if objective else "value"
    how = "" if objective is None or objective.aggregate == "last" else f" ({objective.aggregate})"
    emit(f"{paint(f'{metric}{how} {number(first.value)}', 'bold', 'green')}  trial {first.name}")
    if len(found.rows) > 1:
        _show_table(found, metric)
    else:
        width = max(map(len, first.texts), default=0)
        for name, text in first.texts.items():
            emit(f"  {name:<{width}}  {text}")
    if found.ties.others:
        names = ", ".join(f"{record.id}.{n}" for n in found.ties.others[:5])
        more = ", …" if len(found.ties.others) > 5 else ""
        emit(f"As good: {found.ties} ({names}{more})")
    if found.command:
        emit(f"Run it: {found.command}")
        if folds := _folds(record):
            emit(f"It is run once for each of {folds} folds, from 0 to {folds - 1}; this is the last.")
        emit(f"Its LUTHIER_SEED was {first.seed}.")


def _show_table(found: Best, metric: str) -> None:
    names = list(dict.fromkeys(name for row in found.rows for name in row.texts))
    heads = ("TRIAL", metric, *names)
    lines = [
        (row.name, number(row.value), *(short(row.values, row.texts).get(name, "-") for name in names))
        for row in found.rows
    ]
    emit(table(heads, lines, right=(metric,)))
