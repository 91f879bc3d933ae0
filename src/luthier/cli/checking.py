"""What the first trials tell about a command, in sentences, for `luthier check` and for a search that has just begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier import metrics
from luthier.cli.output import duration
from luthier.drive.listener import Ended
from luthier.drive.preflight import bill, unwired
from luthier.store import ExperimentRecord

if TYPE_CHECKING:
    from luthier.description import Description

__all__ = ["check_lines", "said_at_once", "same_folds", "served_names", "unwired"]


def check_lines(ended: Ended, record: ExperimentRecord, slots: int) -> list[str]:
    """The pre-flight in words: what one trial took, where its metrics were found, what the search will cost."""
    cost = bill(ended, record.target, slots, record.description.stages)
    took = f"check: one trial took {duration(cost.trial_seconds)}"
    if cost.peak_bytes:
        took += f" and {cost.peak_bytes / 1e6:.0f} MB"
    lines = []
    found = ", ".join(f"{name} ({source})" for name, source in sorted(ended.sources.items()))
    took += f"; metrics: {found}" if found else "; it reported no metric"
    lines.append(took)
    lines += [f"check: {said}" for said in served_names(record.description, ended)]
    if record.description.stopping is not None and (said := said_at_once(record.description, ended)):
        lines.append(f"check: no trial can be ended early: {said}")
    if cost.search_seconds is not None and cost.trials and cost.trials > 1:
        lines.append(
            f"check: {cost.trials} trials on {slots} slot{'s' * (slots > 1)} will take about "
            f"{duration(cost.search_seconds)}"
        )
    return lines


def served_names(description: Description, ended: Ended) -> list[str]:
    """Which reported metric meets an objective, where it is called otherwise: `keras/val_acc is met by val_accuracy`."""
    names = {
        each.metric: metrics.matching_name(each.metric, ended.metrics) for each in description.objectives
    }
    return [f"{metric} is met by {name}" for metric, name in names.items() if name not in (None, metric)]


def said_at_once(description: Description, ended: Ended) -> str:
    """Where all points of the objective came as the trial ended: that they did, and what to do. Else it is empty."""
    objective = description.objective
    metric = metrics.matching_name(objective.metric, ended.metrics) if objective else None
    if metric not in ended.at_once:
        return ""
    return (
        f"all points of {metric} came at once, as the trial ended. If it prints them on its way, they lie in a buffer: "
        "flush it after each (fflush(stdout) in C, python -u), or begin the command with stdbuf -oL"
    )


def same_folds(description: Description, first: Ended, second: Ended) -> list[str]:
    """That two folds of one trial gave the same, where the command names no fold; else nothing."""
    stages, command = description.stages, description.command
    if stages is None or stages.kind != "folds" or command is None or not first.metrics:
        return []
    is_named = any(f":{stages.parameter}:" in word for word in command.words)
    if is_named or first.metrics != second.metrics:
        return []
    same = ", ".join(sorted(first.metrics))
    return [
        f"{first.waits} and {second.waits} gave the same {same}; does the command use :fold: or LUTHIER_FOLD?"
    ]
