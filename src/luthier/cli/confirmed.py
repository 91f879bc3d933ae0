"""The last words of a confirmation: how the leaders did in their fresh runs, and whether the winner is real."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.cli.options import Place
from luthier.cli.output import emit, emit_json, number, paint, say, short, table
from luthier.view.rounding import rounded

if TYPE_CHECKING:
    from luthier.drive.ends import Ending
    from luthier.store import ExperimentRecord, Store
    from luthier.view.confirmation import Confirmation

__all__ = ["print_confirmation"]


def print_confirmation(store: Store, folder: Path, ending: Ending, *, as_json: bool) -> None:
    """Tells what a confirmation found, as far as it came."""
    from luthier.view.confirmation import confirmed

    record = ending.record
    verdict = confirmed(record, store.trials(record.id))
    if as_json:
        emit_json("confirm", _document(record, verdict, str(ending.why)))
        return
    emit()
    _show_table(record, verdict)
    emit(paint(f"{verdict.text[0].upper()}{verdict.text[1:]}.", "bold"))
    say(f"All fresh runs: {Place(folder).hint(f'show {record.id}')}")


def _document(record: ExperimentRecord, verdict: Confirmation, ended: str) -> dict[str, Any]:
    return {
        "experiment": verdict.of,
        "confirmation": record.id,
        "ended": ended,
        "target": record.target,
        "finished": record.finished,
        "found": str(verdict.found),
        "best": verdict.best,
        "p": verdict.p,
        "text": verdict.text,
        "leaders": [
            {"id": f"{verdict.of}.{row.trial}", **asdict(row), "texts": texts}
            for row, texts in zip(verdict.rows, _texts(record), strict=True)
        ],
    }


def _texts(record: ExperimentRecord) -> list[dict[str, str]]:
    """The leaders' configurations as they are written, for tables."""
    from luthier.search.replicates import Replicates

    again = Replicates.of(record.description.algorithm.settings)
    return [short(each.values(), each.texts()) for each in again.configurations]


def _show_table(record: ExperimentRecord, verdict: Confirmation) -> None:
    texts = _texts(record)
    names = list(dict.fromkeys(name for each in texts for name in each))
    heads = ("TRIAL", "SEARCHED", "MEAN", "SD", "RUNS", "95 %", *names)
    lines = []
    for row, each in zip(verdict.rows, texts, strict=True):
        half = (row.high - row.low) / 2 if row.high is not None and row.low is not None else 0.0
        lines.append(
            (
                f"{verdict.of}.{row.trial}",
                number(row.searched),
                "-" if row.mean is None else rounded(row.mean, half),
                "-" if row.deviation is None else rounded(row.deviation, row.deviation),
                str(len(row.reached)),
                "-"
                if row.low is None or row.high is None
                else f"{rounded(row.low, half)} to {rounded(row.high, half)}",
                *(each.get(name, "-") for name in names),
            )
        )
    emit(table(heads, lines, right=("SEARCHED", "MEAN", "SD", "RUNS")))
