"""What is said of an experiment beside its best trial: what the test set said, and what more trials would bring."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from luthier.view.experiments import wish_reason
from luthier.view.looks import look_document, look_sentences, looks_of
from luthier.view.prospects import prospect

if TYPE_CHECKING:
    from luthier.store import ExperimentRecord, Store

__all__ = ["outlook_document", "outlook_lines"]


def outlook_lines(
    store: Store, record: ExperimentRecord, noise: float | None = None, *, says_why: bool = False
) -> list[str]:
    """`Test: accuracy 0.93 (looked at 2026-11-21, trial 144.7)`, and a sentence on what more trials would bring; also why the
    search ended, where that is wanted and trials are left."""
    why = wish_reason(store, record)
    lines = [f"Ended: {why}"] if why is not None and says_why else []
    lines += [f"Test: {sentence}" for sentence in look_sentences(record, looks_of(store, record.id))]
    ahead = prospect(store, record, noise)
    if ahead is not None:
        text = str(ahead)
        lines.append(f"{text[0].upper()}{text[1:]}.")
    return lines


def outlook_document(store: Store, record: ExperimentRecord, noise: float | None = None) -> dict[str, Any]:
    """The same as the fields `docs/json.md` describes."""
    ahead = prospect(store, record, noise)
    return {
        "ended_because": wish_reason(store, record),
        "looks": [look_document(record, look) for look in looks_of(store, record.id)],
        "prospect": asdict(ahead) | {"text": str(ahead)} if ahead is not None else None,
    }
