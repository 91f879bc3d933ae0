"""How often the locked test set of an experiment was looked at, and what came of it.

A test set tells what to expect of a configuration as long as nothing was chosen by it, so the record keeps every look. One
that reported no metric showed nothing, and does not count.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from luthier.store import ExperimentRecord, Store

__all__ = ["Look", "look_document", "look_sentences", "looked_before", "looks_of"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Look:
    """One run of a command that scored the test set with a trial's configuration. `value` is the objective's, None where the
    command reported only other metrics."""

    trial: int
    time: float
    command: str
    outcome: str
    reason: str
    seconds: float | None
    value: float | None
    metrics: dict[str, float]
    folder: str

    @property
    def counts(self) -> bool:
        """Whether there was anything to see."""
        return bool(self.metrics)

    @property
    def day(self) -> str:
        """The date of it on this machine."""
        return datetime.fromtimestamp(self.time, UTC).astimezone().strftime("%Y-%m-%d")


def looks_of(store: Store, experiment: int) -> tuple[Look, ...]:
    """All looks at the test set, the oldest first, those that showed nothing too."""
    return tuple(
        Look(trial=event.trial, time=event.time, **event.detail)
        for event in store.looks(experiment)
        if event.trial is not None
    )


def look_document(record: ExperimentRecord, look: Look) -> dict[str, Any]:
    """A look as the fields `docs/json.md` describes."""
    return {"id": f"{record.id}.{look.trial}", **asdict(look), "counts": look.counts}


def look_sentences(record: ExperimentRecord, looks: tuple[Look, ...]) -> list[str]:
    """`accuracy 0.93 (looked at 2026-11-21, trial 144.7)`: a sentence for each look that counts, the oldest first. Only the
    first was at a test set that nobody had seen."""
    kept = [look for look in looks if look.counts]
    said = [
        f"{_metrics(record, look)} (looked at {look.day}, trial {record.id}.{look.trial}{_place(n, len(kept))})"
        for n, look in enumerate(kept, 1)
    ]
    if len(said) > _SHOWN + 1:
        said[_SHOWN:-1] = [f"… and {len(said) - _SHOWN - 1} more looks"]
    return said


def looked_before(record: ExperimentRecord, looks: tuple[Look, ...]) -> str | None:
    """The warning before a further look; None before the first."""
    kept = [look for look in looks if look.counts]
    if not kept:
        return None
    last = kept[-1]
    often = "once" if len(kept) == 1 else "twice" if len(kept) == 2 else f"{len(kept)} times"
    latest = "" if len(kept) == 1 else "last "
    return (
        f"the test set of experiment {record.id} has been looked at {often} ({latest}{last.day}, trial "
        f"{record.id}.{last.trial}); whatever is chosen by a further look makes its value too good to be true"
    )


def _metrics(record: ExperimentRecord, look: Look) -> str:
    objective = record.description.objective
    if objective is not None and look.value is not None:
        return f"{objective.metric} {look.value:.6g}"
    named = [f"{name} {value:.6g}" for name, value in look.metrics.items()]
    return ", ".join(named[:_SHOWN]) + (", …" if len(named) > _SHOWN else "")


def _place(n: int, of: int) -> str:
    return f"; look {n} of {of}" if of > 1 else ""
