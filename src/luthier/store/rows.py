"""Rows of the database to the nouns of `trial`, and back. Knows columns, no connections.

JSON has no NaN and SQLite stores one as NULL, so a NaN is kept as the text 'nan' in columns that hold any number.
A text that is no valid Unicode (a file name, a line of output) can't be bound; `storable` says how it is kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isnan
from typing import Any

from luthier.description import Description
from luthier.space import Configuration
from luthier.store.contract import Event, ExperimentRecord, SummaryRow, Wish
from luthier.trial import (
    Attempt,
    AttemptId,
    Outcome,
    Proposal,
    Result,
    Trial,
    TrialState,
)

__all__ = [
    "Row",
    "attempt_of",
    "event_of",
    "experiment_of",
    "number_of",
    "proposal_text",
    "result_columns",
    "result_of",
    "storable",
    "stored_number",
    "summary_of",
    "trial_of",
]

Row = Sequence[Any]


def storable(text: str) -> str:
    """`text` as UTF-8 can hold it. A lone surrogate is written `\\udc80`, which within JSON reads back as it was."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def stored_number(value: float | None) -> float | str | None:
    """What a column without a type holds for `value`."""
    if value is None:
        return None
    return "nan" if isnan(value) else float(value)


def number_of(stored: float | str | None) -> float | None:
    """The number behind what `stored_number` made."""
    return None if stored is None else float(stored)


def result_columns(result: Result) -> dict[str, Any]:
    """The columns that keep a result, but for its value, which each dialect keeps in its own way."""
    return {
        "outcome": result.outcome.value,
        "reason": storable(result.reason),
        "exit_code": result.exit_code,
        "signal": result.signal,
        "seconds": result.seconds,
        "cpu_seconds": result.cpu_seconds,
        "peak_bytes": result.peak_bytes,
        "aims": _aims_text(result),
    }


def _aims_text(result: Result) -> str | None:
    """All objectives and constraints of a result, and its curve; None where it has one objective and nothing else. This
    JSON is read by us alone, so NaN and infinities stand in it as Python writes them."""
    parts: dict[str, list[Any]] = {}
    if result.values is not None:
        parts["values"] = [float(value) for value in result.values]
    if result.constraints:
        parts["excesses"] = [float(excess) for excess in result.constraints]
    if result.curve:
        parts["curve"] = [[float(resource), float(value)] for resource, value in result.curve]
    return json.dumps(parts, separators=(",", ":")) if parts else None


def proposal_text(proposal: Proposal) -> str:
    """A proposal without its configuration, as JSON; what is absent is left out."""
    parts: dict[str, Any] = {"by": proposal.by}
    if proposal.seen:
        parts["seen"] = proposal.seen
    for key in ("mean", "deviation"):
        if getattr(proposal, key) is not None:
            parts[key] = getattr(proposal, key)
    if proposal.seconds:
        parts["seconds"] = round(proposal.seconds, 6)
    if proposal.note:
        parts["note"] = proposal.note
    return json.dumps(parts, separators=(",", ":"))


def result_of(row: Row) -> Result | None:
    """The columns outcome, reason, value, exit_code, signal, seconds, cpu_seconds, peak_bytes and aims, in this order."""
    outcome, reason, value, exit_code, signal, seconds, cpu, peak, aims = row
    if outcome is None:
        return None
    if aims is None:
        return Result(Outcome(outcome), reason, number_of(value), exit_code, signal, seconds, peak, cpu)
    parts = json.loads(aims)
    values = tuple(parts["values"]) if "values" in parts else None
    return Result(
        Outcome(outcome),
        reason,
        number_of(value),
        exit_code,
        signal,
        seconds,
        peak,
        cpu,
        values,
        tuple(parts.get("excesses", ())),
        tuple((resource, value) for resource, value in parts.get("curve", ())),
    )


def trial_of(row: Row) -> Trial:
    """A row of `reads.sql`'s trial columns, in their order."""
    (experiment, number, run_id, state, configuration, attempt, seed, ordinal, proposal, *rest) = row
    created, began, ended, revision, worker, stage = rest[9:]
    read = Configuration.from_json(configuration) if configuration is not None else None
    why = None
    if proposal is not None and read is not None:
        parts = json.loads(proposal)
        why = Proposal(configuration=read, ordinal=ordinal, **parts)
    return Trial(
        experiment=experiment,
        number=number,
        run_id=run_id,
        state=TrialState(state),
        configuration=read,
        attempt=attempt,
        seed=seed,
        proposal=why,
        result=result_of(rest[:9]),
        created=created,
        began=began,
        ended=ended,
        revision=revision,
        worker=worker,
        stage=stage,
    )


def attempt_of(experiment: int, trial: int, row: Row) -> Attempt:
    """A row of `read_attempts`."""
    number, worker, began, ended, command, *result, seed, stage = row
    id, words = AttemptId(experiment, trial, number), tuple(json.loads(command)) if command else None
    return Attempt(id, worker, began, seed, ended, result_of(result), words, stage)


def experiment_of(row: Row, description: Description) -> ExperimentRecord:
    """A row of `read_experiment`, whose description is read once and handed in."""
    id, identity, seed, _, target, wish, *rest = row
    return ExperimentRecord(id, identity, seed, description, target, Wish(wish), *rest)


def summary_of(row: Row) -> SummaryRow:
    """A row of `read_summaries`, without the trial's number."""
    metric, count, last, step, minimum, maximum, total, numbers = row
    known = [float("nan") if value is None else float(value) for value in (last, total)]
    return SummaryRow(metric, count, known[0], step, minimum, maximum, known[1], numbers)


def event_of(row: Row) -> Event:
    """A row of `read_events`."""
    revision, time, experiment, trial, attempt, kind, detail = row
    return Event(revision, time, experiment, trial, attempt, kind, json.loads(detail) if detail else {})
