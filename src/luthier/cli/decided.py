"""The decisions of the stopping rules on a trial as a table; `show` and `explain` print it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from luthier.cli.output import emit, number, table

if TYPE_CHECKING:
    from luthier.view.decisions import DecisionRow

__all__ = ["show_decisions"]

_SHOWN = 8


def show_decisions(rows: Sequence[DecisionRow], said: str | None = None) -> None:
    """Prints the newest decisions, one a line; the attempt is told where there were several. What has been `said` above as
    the trial's reason is not repeated."""
    if not rows:
        return
    has_attempts = any(row.attempt != rows[0].attempt for row in rows)
    heads = [*(["ATTEMPT"] if has_attempts else []), "RULE", "AT", "DECISION", "WHY"]
    lines = [
        [
            *([str(row.attempt)] if has_attempts else []),
            row.rule,
            number(row.resource),
            "stop" if row.stops else "go on",
            "the reason above" if row.reason == said else row.reason,
        ]
        for row in rows[-_SHOWN:]
    ]
    emit()
    emit(table(heads, lines, right=("ATTEMPT", "AT")))
    if len(rows) > _SHOWN:
        emit(f"and {len(rows) - _SHOWN} before; see them with --json")
