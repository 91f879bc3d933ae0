"""What Optuna's two storages have in common: distributions, states, times and attributes, as they are written down.

**Source** the formats that Optuna documents; the tables and op codes are read in `optuna_rdb.py` and `optuna_journal.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

from luthier.description import Constraint, Direction, Objective
from luthier.errors import SpaceError, UsageError
from luthier.job.foreign.study import Measured, Study, Tried, is_finite_number, note_of
from luthier.space import Categorical, Constant, Domain, Float, Integer, Value
from luthier.space.value import identity
from luthier.trial import Outcome

__all__ = ["CONSTRAINTS", "RawStudy", "RawTrial", "chosen", "study_of"]

METRIC_NAMES = "study:metric_names"
CONSTRAINTS = "constraints"
"""The attributes by which Optuna itself knows the names of objectives, and by how much a trial breaks its constraints."""
STATES = {0: "RUNNING", 1: "COMPLETE", 2: "PRUNED", 3: "FAIL", 4: "WAITING"}
TELLING = 1e-9


@dataclass
class RawTrial:
    """A trial as a storage has it: internal values and the distributions' texts by name."""

    number: int
    state: str
    params: dict[str, tuple[float, str]] = field(default_factory=dict)
    values: dict[int, float] = field(default_factory=dict)
    steps: dict[int, float] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)
    began: float | None = None
    ended: float | None = None


@dataclass
class RawStudy:
    """A study as a storage has it."""

    name: str
    directions: list[Direction]
    trials: list[RawTrial] = field(default_factory=list)
    user: dict[str, Any] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)


class _Numbers(NamedTuple):
    """A distribution of numbers."""

    kind: str
    low: float
    high: float
    log: bool
    step: float | None


def chosen(studies: Sequence[str], wanted: str | None, source: str) -> str:
    """The study that is meant.

    **Raises** UsageError naming those there are.
    """
    if not studies:
        raise UsageError(f"{source} has no study")
    if wanted is None and len(studies) == 1:
        return studies[0]
    shown = ", ".join(studies[:20]) + (f" and {len(studies) - 20} more" if len(studies) > 20 else "")
    if wanted is None:
        raise UsageError(f"{source} has {len(studies)} studies; choose one with --study NAME: {shown}")
    if wanted not in studies:
        raise UsageError(f"{source} has no study {wanted!r}; there {_are(studies)}: {shown}")
    return wanted


def _are(studies: Sequence[str]) -> str:
    return "is" if len(studies) == 1 else "are"


def study_of(raw: RawStudy, metrics: Sequence[str] = ()) -> Study:
    """The study as a noun of ours. `metrics` are names for its objectives where they shall have others.

    **Raises** UsageError for a distribution that is unknown, and where there are not as many names as objectives.
    """
    objectives = _objectives(raw, metrics)
    names = [objective.metric for objective in objectives]
    domains = _domains(raw)
    constraints = _constraints(raw)
    waiting = [trial for trial in raw.trials if trial.state == "WAITING"]
    trials = tuple(_tried(trial, names, constraints) for trial in raw.trials if trial.state != "WAITING")
    said = [f"left out: {len(waiting)} that wait in Optuna and have not begun"] if waiting else []
    if any(trial.state == "RUNNING" for trial in raw.trials):
        said.append("trials that still run in Optuna are kept as killed, with what they had reported")
    labels = {key: note_of(value) for key, value in raw.user.items()}
    return Study("optuna", raw.name, objectives, domains, trials, constraints, labels, tuple(said))


def _objectives(raw: RawStudy, metrics: Sequence[str]) -> tuple[Objective, ...]:
    count = len(raw.directions)
    usual = ["value"] if count == 1 else [f"value_{place}" for place in range(count)]
    names = list(metrics) or raw.system.get(METRIC_NAMES) or usual
    if len(names) != count or len(set(names)) != count:
        raise UsageError(
            f"the study {raw.name!r} has {count} objective{'s' * (count != 1)}, "
            f"and {len(names)} names are given ({', '.join(map(str, names))}); name each once with --metric"
        )
    return tuple(Objective(str(name), direction=way) for name, way in zip(names, raw.directions, strict=True))


def _constraints(raw: RawStudy) -> tuple[Constraint, ...]:
    """The constraints that all complete trials know: met at zero or less, as ours."""
    known = [_excesses(trial) for trial in raw.trials if trial.state == "COMPLETE"]
    names = [name for name in known[0] if all(name in each for each in known)] if known else []
    return tuple(Constraint(name, 0.0) for name in names)


def _excesses(raw: RawTrial) -> dict[str, float]:
    """By how much a trial breaks each constraint. Those set by `set_constraint` have names, those of a sampler none."""
    listed = raw.system.get(CONSTRAINTS) or ()
    found = {f"constraint_{place}": float(excess) for place, excess in enumerate(listed)}
    for key, excess in raw.system.items():
        kind, colon, name = key.partition(":")
        if kind == CONSTRAINTS and colon and is_finite_number(excess):
            found[name] = float(excess)
    return found


# ---------------------------------------------------------------------- trials


def _tried(raw: RawTrial, names: Sequence[str], constraints: Sequence[Constraint]) -> Tried:
    goals = tuple(raw.values[place] for place in sorted(raw.values)) or None
    goals = goals if goals and len(goals) == len(names) else None
    measured = [Measured(names[0], float(step), value) for step, value in sorted(raw.steps.items())]
    last = max(raw.steps, default=0)
    outcome, reason = _ended(raw, goals)
    if goals and outcome is Outcome.SUCCEEDED:
        ends = zip(names, goals, strict=True)
        measured += [
            Measured(n, float(last), v) for n, v in ends if raw.steps.get(last) != v or n != names[0]
        ]
    elif raw.steps and len(names) == 1:
        goals = (raw.steps[last],)
    broken = _excesses(raw)
    measured += [Measured(name, 0.0, excess) for name, excess in broken.items()]
    is_whole = all(constraint.metric in broken for constraint in constraints)
    excesses = tuple(broken[constraint.metric] for constraint in constraints) if is_whole else ()
    notes = {}
    for key, value in raw.user.items():
        if is_finite_number(value):
            metric = f"{key} (attribute)" if key in names or key in broken else key
            measured.append(Measured(metric, 0.0, float(value)))
        else:
            notes[key] = note_of(value)
    values = {name: _external(value, text) for name, (value, text) in raw.params.items()}
    return Tried(
        f"trial {raw.number}", values, outcome, reason, goals, excesses, tuple(measured), notes, raw.began, raw.ended
    )  # fmt: skip


def _ended(raw: RawTrial, goals: tuple[float, ...] | None) -> tuple[Outcome, str]:
    match raw.state:
        case "COMPLETE" if goals is not None:
            return Outcome.SUCCEEDED, ""
        case "PRUNED":
            return Outcome.STOPPED, "pruned by Optuna"
        case "RUNNING":
            return Outcome.KILLED, "it still ran in Optuna when it was imported"
    why = raw.system.get("fail_reason")
    return Outcome.FAILED, f"failed in Optuna: {note_of(why)}" if why else "failed in Optuna"


# ---------------------------------------------------------------------- distributions


@lru_cache(maxsize=4096)
def _read(text: str) -> _Numbers | tuple[Any, ...]:
    """A distribution: its numbers, or its choices."""
    try:
        data = json.loads(text)
        name, given = (data["name"], data["attributes"]) if "name" in data else (data["type"], data)
        kind = str(name).removesuffix("Distribution").lower()
        if kind == "categorical":
            return tuple(given["choices"])
        known = {"float", "int", "uniform", "loguniform", "discreteuniform", "intuniform", "intloguniform"}
        if kind not in known:
            raise UsageError(f"Optuna's distribution {name} is unknown to this Luthier")
        log = bool(given.get("log")) or "log" in kind
        step = given.get("q") if kind == "discreteuniform" else given.get("step")
        numbers = "int" if kind.startswith("int") else "float"
        return _Numbers(numbers, given["low"], given["high"], log, None if log else step)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"Optuna's distribution {text[:200]} can't be read") from None


def _choice(value: Any) -> Value:
    """A choice as a value; what no record can hold as a number is a text."""
    if isinstance(value, float) and not isfinite(value):
        return Value(str(value))
    return Value(value)


def _external(value: float, text: str) -> Any:
    """What the program was given for the number that Optuna keeps."""
    distribution = _read(text)
    if not isinstance(value, (int, float)) or not isfinite(value):
        raise UsageError(f"Optuna's parameter has the value {value}, which is no finite number")
    if not isinstance(distribution, _Numbers):
        place = int(value)
        if not 0 <= place < len(distribution):
            raise UsageError(f"Optuna's choice {value:g} is none of {text[:200]}")
        return _choice(distribution[place])
    if distribution.kind == "int":
        return round(value)
    # exp(log(high)) may be a hair above high.
    low, high = distribution.low, distribution.high
    inside = min(max(value, low), high)
    return inside if abs(inside - value) <= TELLING * max(abs(low), abs(high)) else value


def _domains(raw: RawStudy) -> dict[str, Domain]:
    """The values each parameter may take, in the order in which they were met."""
    texts: dict[str, dict[str, None]] = {}
    for trial in raw.trials:
        for name, (_, text) in trial.params.items():
            texts.setdefault(name, {})[text] = None
    made = {}
    for name, each in texts.items():
        try:
            made[name] = _domain([_read(text) for text in each])
        except (SpaceError, UsageError) as error:
            raise UsageError(f"the study {raw.name!r}, parameter {name!r}: {error}") from None
    return made


def _domain(known: Sequence[_Numbers | tuple[Any, ...]]) -> Domain:
    """One domain that holds all of a parameter's distributions: Optuna lets ranges change on the way."""
    if not all(isinstance(one, _Numbers) for one in known):
        return _listed(
            one if isinstance(one, tuple) and not isinstance(one, _Numbers) else () for one in known
        )
    numbers = [one for one in known if isinstance(one, _Numbers)]
    low, high = min(one.low for one in numbers), max(one.high for one in numbers)
    kind = "int" if all(one.kind == "int" for one in numbers) else "float"
    if low == high:
        return Constant((Value(int(low) if kind == "int" else float(low)),))
    log = all(one.log for one in numbers)
    steps = {one.step for one in numbers}
    same = len(steps) == 1 and len({one.low for one in numbers}) == 1
    step = next(iter(steps)) if same else None
    if kind == "int":
        return Integer(
            int(low), int(high), "log" if log else "linear", int(step) if step and step != 1 else None
        )
    return Float(low, high, "log" if log else "linear", step)


def _listed(each: Iterable[Sequence[Any]]) -> Domain:
    choices = {identity(value.value): value for listed in each for value in map(_choice, listed)}
    values = tuple(choices.values())
    return Constant(values) if len(values) == 1 else Categorical(values)


def direction_of(word: object) -> Direction:
    """`MINIMIZE`, `MAXIMIZE`, or their numbers in a journal."""
    return "maximize" if word in ("MAXIMIZE", 2) else "minimize"


def attributes(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Attributes by name, from rows with a JSON text each."""
    made = {}
    for row in rows:
        try:
            made[row["key"]] = json.loads(row["value_json"])
        except ValueError:
            made[row["key"]] = row["value_json"]
    return made
