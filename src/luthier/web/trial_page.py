"""One trial with all that is known of it: parameters, why it was tried, attempts, command, what it ran with, what it left."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from luthier.history import History
from luthier.run.environment import parameter_variable
from luthier.store import Store
from luthier.trial import Trial
from luthier.view.curves import attempts_of, curve_of, points_of
from luthier.view.decisions import decisions_of
from luthier.view.provenance import provenance
from luthier.view.reasons import reason
from luthier.view.trials import trial_detail
from luthier.view.verdicts import command_line
from luthier.web.logs import outputs_of
from luthier.web.wire import number, plain

__all__ = ["points_document", "trial_document"]


def trial_document(
    store: Store, folder: Path, experiment: int, number_of_trial: int, now: float
) -> dict[str, Any]:
    """Everything about a trial. **Raises** NotFound."""
    record, trial = store.experiment(experiment), store.trial(experiment, number_of_trial)
    found = trial_detail(store, experiment, number_of_trial, now)
    row, configuration = found.row, trial.configuration
    texts = configuration.texts() if configuration else {}
    return {
        "id": row.name,
        "number": row.number,
        "state": row.state,
        "outcome": row.outcome,
        "reason": row.reason,
        "stage": trial.stage,
        "attempt": row.attempt,
        "created": row.created,
        "began": row.began,
        "ended": row.ended,
        "seconds": number(row.seconds),
        "worker": row.worker,
        "seed": row.seed,
        "objective": plain(_objective(trial, [goal.metric for goal in record.description.objectives])),
        "metrics": {name: number(value) for name, value in row.metrics.items()},
        "summaries": [plain(asdict(metric)) for metric in found.metrics],
        "parameters": [
            {"name": name, "text": texts[name], "value": plain(value)} for name, value in row.values.items()
        ],
        "why": _why(store, trial),
        "attempts": [plain(asdict(attempt)) for attempt in found.attempts],
        "decisions": [plain(asdict(one)) for one in decisions_of(store, experiment, number_of_trial)],
        "command": command_line(store, record, number_of_trial),
        "directory": record.description.command.directory if record.description.command else None,
        "variables": {parameter_variable(name): text for name, text in texts.items()},
        "provenance": _provenance(store, folder, trial),
        "files": _files(folder, trial),
        "curves": [metric.metric for metric in found.metrics],
        "revision": trial.revision,
    }


def _files(folder: Path, trial: Trial) -> list[dict[str, Any]]:
    """What the newest attempt left."""
    if not trial.attempt:
        return []
    left = outputs_of(folder, trial.experiment, trial.number, trial.attempt)
    return [{"name": name, "bytes": size} for name, size in left]


def _objective(trial: Trial, names: list[str]) -> dict[str, Any]:
    values = (trial.result.values or (trial.result.value,)) if trial.result else ()
    return dict(zip(names, values, strict=False))


def _why(store: Store, trial: Trial) -> dict[str, Any] | None:
    """Who proposed it, and what was expected of it beside what it came to."""
    proposal = trial.proposal
    if proposal is None or trial.configuration is None:
        return None
    record, value = store.experiment(trial.experiment), trial.result.value if trial.result else None
    try:
        text = reason(record, proposal, History(maximize=_is_large(record.description.objective)))
    except (ArithmeticError, ValueError, KeyError):
        text = ""
    return {
        "by": proposal.by,
        "text": f"{proposal.by}: {text}" if text else proposal.by,
        "predicted_mean": number(proposal.mean),
        "predicted_deviation": number(proposal.deviation),
        "outcome": number(value),
        "note": plain(dict(proposal.note)),
    }


def _is_large(objective: Any) -> bool:
    return objective is not None and objective.direction == "maximize"


def _provenance(store: Store, folder: Path, trial: Trial) -> dict[str, Any] | None:
    """What it ran with: code, data, Python, git, machine; the list of packages is left out for its length."""
    if not trial.attempt:
        return None
    known = provenance(store, folder, trial.experiment, trial.number)
    if not known.is_known:
        return None
    ran = known.ran_with
    python = {name: value for name, value in (ran.python or {}).items() if name != "packages"}
    told = ("code", "data", "no_code", "git", "python", "machine", "variables", "luthier")
    found = {name: getattr(ran, name) for name in told} | {"reused": known.reused, "folder": known.folder}
    if ran.python:
        found["python"] = {**python, "packages": len(ran.python.get("packages") or ())}
    return {name: plain(value) for name, value in found.items() if value}


def points_document(store: Store, experiment: int, number_of_trial: int, metric: str) -> dict[str, Any]:
    """One metric of a trial, every point of it."""
    trial = store.trial(experiment, number_of_trial)
    curve = curve_of(store, trial, metric)
    times = [
        point.time
        for attempt in attempts_of(store, trial)
        for point in points_of(store, trial, attempt)
        if point.metric == metric
    ]
    return {
        "metric": metric,
        "steps": [number(step) for step in curve.steps],
        "values": [number(value) for value in curve.values],
        "times": times[: len(curve)],
        "attempts": list(curve.attempts),
        "stages": list(curve.stages),
    }
