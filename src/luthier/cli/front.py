"""The front of several objectives as a table for people and as fields for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luthier.cli.output import emit, many, number, paint, short, table

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord
    from luthier.view.front import Front

__all__ = ["front_document", "show_front"]

_SHOWN = 20


def front_document(record: ExperimentRecord, found: Front | None) -> dict[str, Any] | None:
    """The front as the fields `docs/json.md` describes, the best trial of the first objective first; None without one."""
    if found is None:
        return None
    kept = ("number", "values", "texts", "seed", "seconds")
    return {
        "objectives": [str(objective) for objective in record.description.objectives],
        "constraints": [str(constraint) for constraint in record.description.constraints],
        "trials": [
            {"id": row.name, "reached": list(values), **{key: getattr(row, key) for key in kept}}
            for row, values in zip(found.rows, found.values, strict=True)
        ],
        "allowed": found.allowed,
        "scored": found.scored,
    }


def show_front(record: ExperimentRecord, found: Front, top: int | None = None) -> None:
    """Prints the front: one trial a line, its objectives and its parameters; the best of the first objective first."""
    what = record.description
    heads = [str(objective) for objective in what.objectives]
    said = f"{many(len(found.rows), 'best trade-off')}: no trial is better in one objective and as good in the others"
    emit(paint(said, "bold", "green"))
    if what.constraints:
        limits = ", ".join(map(str, what.constraints))
        emit(f"{found.allowed} of {many(found.scored, 'trial')} kept {limits}")
    names = list(dict.fromkeys(name for row in found.rows for name in row.texts))
    shown = list(zip(found.rows, found.values, strict=True))[: top or _SHOWN]
    lines = [
        (row.name, *map(number, values), *(short(row.values, row.texts).get(name, "-") for name in names))
        for row, values in shown
    ]
    emit(table(("TRIAL", *heads, *names), lines, right=tuple(heads)))
    left = len(found.rows) - len(shown)
    if left:
        emit(f"and {left} more; see them with --top {len(found.rows)}")
