"""A description as what Luthier's own users write: the file of `luthier run` that is the same search.

`reading.py` reads it back to the same identity. The project is not said: it is where the file is run. Nor are snapshots
and what an earlier experiment found, which belong to the record. The command line is `spoken.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from luthier.description import (
    DOOR,
    WITHOUT,
    Constraint,
    Description,
    Environment,
    Keeping,
    Limits,
    Objective,
)
from luthier.errors import UsageError
from luthier.job.quantities import bytes_text, seconds_text
from luthier.job.stages import folds, levels
from luthier.job.writing import block
from luthier.schedule import Stages
from luthier.space import Configuration, Parameter
from luthier.space.conditions import OPERATORS, Condition
from luthier.space.value import Value, canonical_text, number_text

__all__ = ["EXPANDED", "native_yaml"]

EXPANDED = ("parameters", "environment", "files", "labels")
"""The sections whose entries stand on lines of their own."""
OURS = (DOOR, WITHOUT)
"""Labels that Luthier itself wrote: by which a door knows its experiments, and what this machine could not do."""


def native_yaml(description: Description, tries: Iterable[Configuration] = ()) -> str:
    """The file that is the same search.

    **Raises** UsageError for what no file can say, such as a Python function.
    """
    return block(native_tree(description, tries), EXPANDED)


def native_tree(description: Description, tries: Iterable[Configuration] = ()) -> dict[str, Any]:
    """The same as mappings and lists, whose leaves `writing.py` knows."""
    command = description.command
    if command is None:
        what = description.function or "the program that asks for its trials"
        raise UsageError(f"this search tunes {what}, and only commands can be described in a file")
    labels = {key: text for key, text in description.labels.items() if key not in OURS}
    objectives = [_objective(each) for each in description.objectives]
    tree = {
        "name": description.name,
        "command": command.words[0] if command.shell else list(command.words),
        "directory": command.directory,
        "as_args": command.as_args,
        "from_env": command.from_environment,
        "lenient": command.is_lenient,
        "parameters": {p.name: _parameter(p) for p in description.space.parameters},
        "objective": objectives if len(objectives) > 1 else objectives[0] if objectives else None,
        "constraints": [_constraint(each) for each in description.constraints],
        "algorithm": _algorithm(description),
        "warm_start": description.algorithm.settings.get("warm_start"),
        "trials": description.trials,
        "parallel": description.limits.parallel,
        "seed": description.seed or None,
        **_stages(description),
        **_stopping(description),
        "goal": _goal(description),
        **_limits(description.limits),
        **_surroundings(description),
        "metrics": _some(patterns=list(command.patterns), tensorboard=command.tensorboard),
        "try": [_configuration(each) for each in tries],
        "labels": labels,
        "on_finish": description.on_finish,
        "snapshot": None
        if description.keeping.snapshot == Keeping().snapshot
        else description.keeping.snapshot,
        "reuse": description.keeping.reuse,
    }
    kept = {key: value for key, value in tree.items() if value}
    return {**kept, "environment": {}} if description.environment == Environment() else kept


def _some(**parts: Any) -> dict[str, Any]:
    """What is there."""
    return {
        key: value for key, value in parts.items() if value is not None and value is not False and value != []
    }


# ---------------------------------------------------------------------- the space


def _parameter(parameter: Parameter) -> Any:
    data: dict[str, Any] = parameter.domain.to_dict()
    kind = data.pop("kind")
    match kind:
        case "categorical" | "ordinal" | "constant":
            made: Any = _listed(kind, data)
        case "float" | "integer":
            made = {"min": _short(data["low"]), "max": _short(data["high"])}
            made |= {"scaling": data["scaling"]} if data.get("scaling", "linear") != "linear" else {}
            made |= {"step": _short(data["step"])} if data.get("step") is not None else {}
            if kind == "integer":
                made["type"] = "int"
            elif data.get("step") is not None:
                made["type"] = "float"
        case _:
            made = {"distribution": kind} | {
                key: _short(value) if isinstance(value, float) else value for key, value in data.items()
            }
    if not parameter.when:
        return made
    return {**(made if isinstance(made, dict) else {"values": made}), "when": _when(parameter.when)}


def _listed(kind: str, data: Mapping[str, Any]) -> Any:
    texts: Sequence[str | None] = data.get("texts") or [None] * len(data["values"])
    values = [Value(value, text) for value, text in zip(data["values"], texts, strict=True)]
    if kind == "constant":
        return {"value": values[0]}
    return {"values": values, "ordered": True} if kind == "ordinal" else values


def _when(conditions: Sequence[Condition]) -> Any:
    each = [{c.parent: _condition(c)} for c in conditions]
    return each[0] if len(each) == 1 else each


def _condition(condition: Condition) -> Any:
    if condition.operator == "in":
        return list(condition.values)
    value = condition.values[0]
    is_plain = not isinstance(value, (list, dict)) and not str(value).startswith(tuple(OPERATORS))
    return (
        value if condition.operator == "==" and is_plain else f"{condition.operator} {canonical_text(value)}"
    )


def _configuration(configuration: Configuration) -> dict[str, Any]:
    return {name: configuration[name] for name in configuration}


# ---------------------------------------------------------------------- the search


def _objective(objective: Objective) -> Any:
    plain = (
        not any(sign in objective.metric for sign in ":()\n") and objective.metric == objective.metric.strip()
    )
    if plain:
        return str(objective)
    return _some(
        metric=objective.metric,
        direction=objective.direction,
        aggregate=None if objective.aggregate == "last" else objective.aggregate,
    )


def _constraint(constraint: Constraint) -> Any:
    how = "" if constraint.aggregate == "last" else f":{constraint.aggregate}"
    text = f"{constraint.metric}{how} {constraint.side} {number_text(constraint.bound)}"
    try:
        if Constraint.of(text) == constraint:
            return text
    except UsageError:
        pass
    side = "max" if constraint.side == "<=" else "min"
    return {"metric": constraint.metric, side: constraint.bound, "aggregate": constraint.aggregate}


def _algorithm(description: Description) -> Any:
    name, settings = description.algorithm.name, dict(description.algorithm.settings)
    settings.pop("warm_start", None)  # a key of its own
    if name == "bayesian":
        settings = {"acquisition": None, "kappa": None, **settings}  # said, that no default takes its place
        if settings["acquisition"] == "ei" and settings["kappa"] is None:
            del settings["kappa"]
    return {"name": name, **settings} if settings else name


def _stages(description: Description) -> dict[str, Any]:
    stages = description.stages
    if stages is None:
        return {}
    if stages.kind == "folds":
        assert description.command is not None
        count = len(stages.levels)
        return {"folds": count if folds(count, description.command) == stages else _odd(stages)}
    least, most = stages.levels[0], stages.levels[-1]
    if levels(least, most, stages.eta) == stages.levels:
        range = {"min": _short(least), "max": _short(most), "eta": _short(stages.eta)}
        return {"budget": {"name": stages.parameter, **range}}
    shown = [_short(level) for level in stages.levels]
    return {"budget": {"name": stages.parameter, "levels": shown, "eta": _short(stages.eta)}}


def _odd(stages: Stages) -> dict[str, Any]:
    return {"count": len(stages.levels), "name": stages.parameter}


def _stopping(description: Description) -> dict[str, Any]:
    stopping, rungs = description.stopping, description.stages and description.stages.kind == "rungs"
    is_auto = description.algorithm.name == "auto" and description.objective is not None and not rungs
    rule = stopping.rule if stopping else "none"
    settings = stopping.settings if stopping else {}
    said: Any = {"rule": rule, **settings} if settings else rule
    made = {} if said == ("auto" if is_auto else "none") else {"early_stopping": said}
    if stopping and stopping.conditions:
        made["stop_conditions"] = list(stopping.conditions)
    return made


def _goal(description: Description) -> dict[str, Any]:
    goal = description.goal
    if goal is None:
        return {}
    time = None if goal.seconds is None else seconds_text(goal.seconds)
    return _some(target=goal.value, max_time=time, no_progress=goal.no_progress)


def _short(number: float) -> float | int:
    return int(number) if number == int(number) and abs(number) < 2**53 else number


# ---------------------------------------------------------------------- what is around it


def _limits(limits: Limits) -> dict[str, Any]:
    usual = Limits()
    given = {
        "timeout": limits.timeout_seconds and seconds_text(limits.timeout_seconds),
        "idle_timeout": limits.idle_timeout_seconds and seconds_text(limits.idle_timeout_seconds),
        "grace": None if limits.grace_seconds == usual.grace_seconds else seconds_text(limits.grace_seconds),
        "attempts": None if limits.max_attempts == usual.max_attempts else limits.max_attempts,
        "retry": limits.retry_failed or None,
        "on_driver_loss": None if limits.on_driver_loss == usual.on_driver_loss else limits.on_driver_loss,
    }
    return {"limits": {key: value for key, value in given.items() if value is not None}}


def _surroundings(description: Description) -> dict[str, Any]:
    limits, environment = description.limits, description.environment
    resources = _some(
        cpus=None if limits.cpus is None else _short(limits.cpus),
        gpus=_short(limits.gpus) if limits.gpus else None,
        memory=None if limits.memory_bytes is None else bytes_text(limits.memory_bytes),
    )
    if environment is None:
        return {"resources": resources}
    resources |= _some(
        image=environment.image, install=list(environment.install), mounts=list(environment.mounts)
    )
    if not environment.strict:
        resources["strict"] = False
    return {"resources": resources, "environment": environment.variables, "files": environment.files}
