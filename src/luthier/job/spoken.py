"""A description as a native command line, where one can say it.

Each part is written and read back as the command line would; what does not come back as the same is said to be what
only a file can say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from luthier.description import Constraint, Description, Limits, Objective, Stopping
from luthier.errors import LuthierError
from luthier.job.native import OURS
from luthier.job.quantities import bytes_text, seconds_text
from luthier.job.stages import folds, read_budget
from luthier.run.render import BRACES
from luthier.search import ALGORITHMS
from luthier.space import Configuration, Parameter
from luthier.space.grammar import parse_json_param, parse_param
from luthier.space.value import Value, canonical_text, number_text

__all__ = ["Spoken", "command_line"]

COMMANDS = {"grid": "grid", "random": "random", "sobol": "random", "bayesian": "bayesian"}
SAID = ("acquisition", "kappa", "repeats", "warm_start")


class Spoken(NamedTuple):
    """The words after `luthier`; None where only a file can say it, with the part that is why."""

    words: tuple[str, ...] | None
    why: str = ""


class _OnlyAFile(Exception):
    pass


def command_line(description: Description, tries: Iterable[Configuration] = ()) -> Spoken:
    """The command line that is the same search, typed in the folder of its command."""
    try:
        return Spoken(tuple(_words(description, tries)))
    except _OnlyAFile as part:
        return Spoken(None, str(part))


def _words(description: Description, tries: Iterable[Configuration]) -> Iterator[str]:
    command = description.command
    if command is None:
        raise _OnlyAFile("a Python function")
    if description.environment is not None:
        raise _OnlyAFile("the environment")
    if command.is_lenient and (odd := _unknown(description)):
        raise _OnlyAFile(f"{odd}, which is no parameter")
    yield from _search(description)
    yield from _parameters(description)
    yield from _objectives(description)
    yield from _stopping(description)
    yield from _limits(description.limits)
    for name, flag in (("--as-args", command.as_args), ("--from-env", command.from_environment)):
        if flag:
            yield name
    for pattern in command.patterns:
        yield from ("--metric-pattern", pattern)
    yield from _given("--tensorboard-dir", command.tensorboard)
    yield from _given("--seed", str(description.seed) if description.seed else None)
    yield from _given("--name", description.name)
    for key, text in description.labels.items():
        if key not in OURS:
            yield from ("--label", f"{key}={text}") if "=" not in key else _refuse("the labels")
    yield from _given("--on-finish", description.on_finish)
    if description.keeping.snapshot != "small":
        yield "--snapshot" if description.keeping.snapshot == "all" else "--no-snapshot"
    if description.keeping.reuse:
        yield "--reuse"
    for configuration in tries:
        yield from ("--try", _try(configuration))
    alone = len(command.words) == 1 and any(c.isspace() for c in command.words[0].strip())
    if command.shell != alone:
        raise _OnlyAFile("whether a shell runs the command")
    yield "--"
    yield from command.words


def _unknown(description: Description) -> str | None:
    """A placeholder of the command that is no parameter."""
    assert description.command is not None
    found = (match for word in description.command.words for match in BRACES.finditer(word))
    return next((match[0] for match in found if match[1] not in description.placeholders), None)


def _refuse(part: str) -> tuple[str, str]:
    raise _OnlyAFile(part)


def _given(option: str, text: str | None) -> tuple[str, ...]:
    return () if text is None else (option, text)


def _search(description: Description) -> Iterator[str]:
    name, settings = description.algorithm.name, description.algorithm.settings
    command = COMMANDS.get(name, "tune")
    if command == "tune" and name not in ALGORITHMS:
        raise _OnlyAFile(f"the algorithm {name}")
    if odd := [setting for setting in settings if setting not in SAID]:
        raise _OnlyAFile(f"the setting {odd[0]} of {name}")
    if name == "bayesian" and (
        "acquisition" not in settings or ("kappa" in settings) == (settings["acquisition"] == "ei")
    ):
        raise _OnlyAFile("the settings of bayesian")
    yield command
    if command == "tune" and name != "auto":
        yield from ("--algorithm", name)
    if name == "sobol":
        yield from ("--sequence", "sobol")
    for setting in ("acquisition", "kappa"):
        if setting in settings:
            yield from (f"--{setting}", canonical_text(settings[setting]))
    if settings.get("repeats"):
        if name == "sobol":
            raise _OnlyAFile("repeats of a Sobol sequence")
        yield "--repeats"
    for number in settings.get("warm_start", ()):
        yield from ("--warm-start", str(number))
    if description.trials is not None:
        yield from ("--num-runs", str(description.trials))
    if description.limits.parallel is not None:
        yield from ("--parallel-runs", str(description.limits.parallel))


# ---------------------------------------------------------------------- parameters


def _parameters(description: Description) -> Iterator[str]:
    """All of them; the command line puts those of JSON last, so after one there can only be others."""
    forms = [("--param", parse_param, _plain), ("--json-param", parse_json_param, _json)]
    for parameter in description.space.parameters:
        if parameter.when:
            raise _OnlyAFile(f"when {parameter.name} exists")
        said = [(option, _read_back(parameter, read, write)) for option, read, write in forms]
        option, text = next((each for each in said if each[1] is not None), ("", None))
        if text is None:
            other = _read_back(parameter, parse_param, _plain)
            raise _OnlyAFile(f"the {'place' if other else 'values'} of {parameter.name}")
        if option == "--json-param":
            forms = forms[-1:]
        yield from (option, text)


def _read_back(
    parameter: Parameter, read: Callable[[str], Parameter], write: Callable[[Parameter], str | None]
) -> str | None:
    """The parameter as it is written, if it is read as itself."""
    try:
        written = write(parameter)
        text = f"{parameter.name}={written}"
        return text if written is not None and read(text).to_dict() == parameter.to_dict() else None
    except (LuthierError, ValueError):
        return None


def _plain(parameter: Parameter) -> str | None:
    data = parameter.domain.to_dict()
    match data["kind"]:
        case "float" | "integer":
            fields = [number_text(data["low"]), number_text(data["high"])]
            fields += [data["scaling"]] if data.get("scaling", "linear") != "linear" else []
            step = data.get("step")
            fields += ["int"] if data["kind"] == "integer" else ["float"] if step is not None else []
            return ":".join([*fields, f"step={number_text(step)}"] if step is not None else fields)
        case "normal" | "lognormal":
            inner = [number_text(data["mean"]), number_text(data["deviation"])]
            inner += [f"q={number_text(data['step'])}"] if "step" in data else []
            inner += [data["type"]] if "type" in data else []
            return f"{data['kind']}({','.join(inner)})"
        case "categorical" | "constant":
            return ",".join(value.text for value in _values(parameter))
    return None


def _json(parameter: Parameter) -> str | None:
    if parameter.domain.to_dict()["kind"] not in ("categorical", "constant"):
        return None
    texts = [
        v.text if v.written is not None else json.dumps(v.value, ensure_ascii=False)
        for v in _values(parameter)
    ]
    return f"[{', '.join(texts)}]"


def _values(parameter: Parameter) -> list[Value]:
    return [parameter.domain.at(place) for place in range(parameter.domain.count() or 0)]


def _try(configuration: Configuration) -> str:
    texts = configuration.texts()
    if any("=" in text or text != text.strip() or not text or "=" in name for name, text in texts.items()):
        raise _OnlyAFile("what is tried first")
    return ",".join(f"{name}={text}" for name, text in texts.items())


# ---------------------------------------------------------------------- objective, stopping, limits


def _objectives(description: Description) -> Iterator[str]:
    objective = description.objective
    if objective is not None:
        yield from ("--metric", objective.metric)
        if objective.aggregate != "last":
            yield from ("--metric-agg", objective.aggregate)
        yield f"--{objective.direction}"
    for each in description.also:
        how = "" if each.aggregate == "last" else f":{each.aggregate}"
        text = f"{each.direction}:{each.metric}{how}"
        yield from ("--also", text) if Objective.of(text) == each else _refuse(f"the objective {each}")
    for limit in description.constraints:
        how = "" if limit.aggregate == "last" else f":{limit.aggregate}"
        text = f"{limit.metric}{how} {limit.side} {number_text(limit.bound)}"
        yield from ("--constraint", text) if Constraint.of(text) == limit else _refuse(f"the limit {limit}")


def _stopping(description: Description) -> Iterator[str]:
    yield from _stages(description)
    stopping, stages = description.stopping or Stopping(), description.stages
    in_tune = COMMANDS.get(description.algorithm.name, "tune") == "tune"
    rungs = stages is not None and stages.kind == "rungs"
    usual = "auto" if in_tune and description.objective and not rungs else "none"
    inner = ",".join(f"{key}={canonical_text(value)}" for key, value in stopping.settings.items())
    text = f"{stopping.rule}:{inner}" if inner else stopping.rule
    if text != usual:
        if Stopping.of(text, stopping.conditions) != stopping:
            raise _OnlyAFile("the settings of early stopping")
        yield from ("--early-stopping", text)
    for condition in stopping.conditions:
        yield from ("--stop-condition", condition)
    if (goal := description.goal) is not None:
        yield from _given("--target", None if goal.value is None else repr(goal.value))
        yield from _given("--max-time", None if goal.seconds is None else seconds_text(goal.seconds))
        yield from _given("--no-progress", None if goal.no_progress is None else str(goal.no_progress))


def _stages(description: Description) -> tuple[str, ...]:
    stages, command = description.stages, description.command
    if stages is None or command is None:
        return ()
    if stages.kind == "folds":
        return (
            ("--folds", str(len(stages.levels)))
            if folds(len(stages.levels), command) == stages
            else _refuse("the folds")
        )
    text = (
        f"{stages.parameter}={number_text(stages.levels[0])}:{number_text(stages.levels[-1])}:{stages.eta:g}"
    )
    return ("--budget", text) if read_budget(text) == stages else _refuse("the rungs of the budget")


def _limits(limits: Limits) -> Iterator[str]:
    usual = Limits()
    told: dict[str, str | None] = {
        "--gpus-per-run": number_text(limits.gpus) if limits.gpus else None,
        "--cpus-per-run": None if limits.cpus is None else number_text(limits.cpus),
        "--memory": None if limits.memory_bytes is None else bytes_text(limits.memory_bytes),
        "--timeout": None if limits.timeout_seconds is None else seconds_text(limits.timeout_seconds),
        "--idle-timeout": None
        if limits.idle_timeout_seconds is None
        else seconds_text(limits.idle_timeout_seconds),
        "--grace": None
        if limits.grace_seconds == usual.grace_seconds
        else seconds_text(limits.grace_seconds),
        "--max-attempts": None if limits.max_attempts == usual.max_attempts else str(limits.max_attempts),
        "--retry-failed": str(limits.retry_failed) if limits.retry_failed else None,
        "--on-driver-loss": None if limits.on_driver_loss == usual.on_driver_loss else limits.on_driver_loss,
    }
    for option, text in told.items():
        yield from _given(option, text)
