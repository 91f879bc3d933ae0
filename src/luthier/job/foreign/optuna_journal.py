"""Reads a study from an Optuna journal: a file of JSON lines, each one operation on a study or a trial.

The lines are applied in their order, as Optuna itself does. A last line that was cut off (a writer was killed) ends the
journal, and that is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from luthier.errors import UsageError
from luthier.job.foreign.optuna_parts import STATES, RawStudy, RawTrial, chosen, direction_of

__all__ = ["is_journal", "read_journal"]

FINISHED = ("COMPLETE", "PRUNED", "FAIL")


def is_journal(path: Path) -> bool:
    """Whether the first line of a file is an operation."""
    with open(path, "rb") as file:
        first = file.readline(1_000_000)
    try:
        return "op_code" in json.loads(first)
    except (ValueError, TypeError):
        return False


def read_journal(path: Path, wanted: str | None) -> tuple[RawStudy, tuple[str, ...]]:
    """Reads the study of this name, or the only one, and what there is to say of the file.

    **Raises** UsageError, with file:line, for a line that is no operation, and where the study is not clear.
    """
    journal, said = _Journal(), []
    for number, text, is_last in _lines(path):
        try:
            journal.apply(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if is_last and isinstance(error, ValueError):
                said.append(f"{path}:{number}: the last line is cut off, and left out")
                break
            raise UsageError(f"{path}:{number}: this is no operation of an Optuna journal") from None
    names = {study.name: study for study in journal.studies.values()}
    return names[chosen(list(names), wanted, str(path))], tuple(said)


def _lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """The lines with their numbers, and whether it is the last."""
    with open(path, "rb") as file:
        before: tuple[int, bytes] | None = None
        for number, line in enumerate(file, 1):
            if line.strip():
                if before:
                    yield *before, False
                before = number, line
        if before:
            yield *before, True


@dataclass
class _Journal:
    """What the operations so far have made. Trials are numbered across all studies, in the order they were created."""

    studies: dict[int, RawStudy] = field(default_factory=dict)
    trials: dict[int, RawTrial] = field(default_factory=dict)
    created: int = 0
    begun: int = 0

    def apply(self, log: dict[str, Any]) -> None:
        """Applies one operation; an unknown one (of a newer Optuna) changes nothing that we read."""
        match log["op_code"]:
            case 0:
                self._create_study(log)
            case 1:
                self.studies.pop(log["study_id"], None)
            case 2 | 3 as code if log["study_id"] in self.studies:
                study = self.studies[log["study_id"]]
                if code == 2:
                    study.user.update(log["user_attr"])
                else:
                    study.system.update(log["system_attr"])
            case 4 if log["study_id"] in self.studies:
                self._create_trial(self.studies[log["study_id"]], log)
            case 5 | 6 | 7 | 8 | 9 as code:
                trial = self.trials.get(log["trial_id"])
                if trial is not None and trial.state not in FINISHED:
                    _change(trial, code, log)

    def _create_study(self, log: dict[str, Any]) -> None:
        name = str(log["study_name"])
        if name in [study.name for study in self.studies.values()]:
            return
        self.studies[self.created] = RawStudy(name, [direction_of(way) for way in log["directions"]])
        self.created += 1

    def _create_trial(self, study: RawStudy, log: dict[str, Any]) -> None:
        trial = RawTrial(
            number=len(study.trials),
            state=STATES.get(log.get("state", 0), "FAIL"),
            steps={int(step): _float(value) for step, value in log.get("intermediate_values", {}).items()},
            user=dict(log.get("user_attrs", {})),
            system=dict(log.get("system_attrs", {})),
            began=_time(log.get("datetime_start")),
            ended=_time(log.get("datetime_complete")),
        )
        texts = log.get("distributions", {})
        trial.params = {name: (value, texts[name]) for name, value in log.get("params", {}).items()}
        alone = log.get("value")
        values = log.get("values") or ([] if alone is None else [alone])
        trial.values = {place: _float(value) for place, value in enumerate(values)}
        study.trials.append(trial)
        self.trials[self.begun] = trial
        self.begun += 1


def _change(trial: RawTrial, code: int, log: dict[str, Any]) -> None:
    match code:
        case 5:
            trial.params[log["param_name"]] = (log["param_value_internal"], log["distribution"])
        case 6:
            state = STATES.get(log["state"], "FAIL")
            if state == "RUNNING" and trial.state != state:
                trial.began = _time(log.get("datetime_start"))
            if state in FINISHED:
                trial.ended = _time(log.get("datetime_complete"))
            trial.state = state
            if log.get("values") is not None:
                trial.values = {place: _float(value) for place, value in enumerate(log["values"])}
        case 7:
            trial.steps[int(log["step"])] = _float(log["intermediate_value"])
        case 8:
            trial.user.update(log["user_attr"])
        case 9:
            trial.system.update(log["system_attr"])


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _time(text: object) -> float | None:
    try:
        return None if text is None else datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
