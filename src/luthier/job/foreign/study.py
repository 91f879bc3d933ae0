"""Trials that another tool made: the nouns its readers make, whatever the format."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple

from luthier.description import Constraint, Objective
from luthier.digest import sha256
from luthier.space import Domain, Value
from luthier.trial import Outcome

__all__ = ["Measured", "Study", "Tried", "note_of"]

LONGEST_NOTE = 2000


class Measured(NamedTuple):
    """One value of a metric of a trial."""

    metric: str
    step: float
    value: float


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial. `name` is what it is called there (`trial 12`, `line 3`); `values` are plain values or `Value`s by
    parameter. `goals` are its objectives, None where it has none. **Units** times are seconds since 1970."""

    name: str
    values: dict[str, Any]
    outcome: Outcome
    reason: str = ""
    goals: tuple[float, ...] | None = None
    excesses: tuple[float, ...] = ()
    measured: tuple[Measured, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    began: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """All trials of one search. `of` is the kind of source (`optuna`, `csv`), `name` what it is called in it; `domains` are
    the values each parameter may take. `said` are sentences for the person who brings it in."""

    of: str
    name: str
    objectives: tuple[Objective, ...]
    domains: dict[str, Domain]
    trials: tuple[Tried, ...]
    constraints: tuple[Constraint, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()

    def digest(self) -> str:
        """What names its content: the same for the same trials, wherever the file lies and however it is laid out."""
        whole = {
            "of": self.of,
            "name": self.name,
            "objectives": [str(objective) for objective in self.objectives],
            "domains": {name: domain.to_dict() for name, domain in self.domains.items()},
            "trials": [_plain(trial) for trial in self.trials],
        }
        return sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _plain(trial: Tried) -> list[Any]:
    values = {name: v.value if isinstance(v, Value) else v for name, v in trial.values.items()}
    what = [trial.name, values, trial.outcome.value, trial.goals, trial.excesses, trial.measured]
    return [*what, trial.notes, trial.began, trial.ended]


def note_of(value: object) -> str:
    """An attribute that is no number, as a short text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_NOTE else f"{text[: LONGEST_NOTE - 1]}…"


def is_finite_number(value: object) -> bool:
    """Whether it is an int or float that can be reckoned with, and no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
