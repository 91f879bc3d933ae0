"""The JSON Schema of the file of `luthier run`, for editors: keys, types and words; what goes together is `checking.py`'s.

It is made of the same tables that the reader uses, so that no key is known to one of them alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.job.keys import (
    AGGREGATES,
    BUDGET,
    CONSTRAINT,
    DIRECTIONS,
    FOLDS,
    GOAL,
    KEYS,
    LIMITS,
    METRICS,
    OBJECTIVE,
    RESOURCES,
    SNAPSHOTS,
)
from luthier.search import ALGORITHMS
from luthier.space.declared import FORMS
from luthier.space.making import DISTRIBUTIONS, TYPES
from luthier.space.scaling import SCALINGS
from luthier.stopping.registry import RULES

__all__ = ["DIALECT", "schema"]

Json = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ANY_SCALAR: Json = {"type": ["string", "number", "boolean", "null"]}
TEXT: Json = {"type": ["string", "number", "boolean"]}
TEXTS: Json = {"type": "object", "additionalProperties": TEXT}
AMOUNT: Json = {"type": ["string", "number"], "exclusiveMinimum": 0}
NUMBER: Json = {"type": "number"}
POSITIVE: Json = {"type": "number", "exclusiveMinimum": 0}
FLAG: Json = {"type": "boolean"}
RULE_TEXT = r"^\s*(" + "|".join(RULES) + r")\s*(:.*)?$"
DIRECTION_TEXT = r"^\s*(minimize|maximize)(\s+|\s*:\s*)\S"


def schema() -> Json:
    """The whole schema."""
    parts = {
        "name": TEXT,
        "command": {"oneOf": [TEXT, {"type": "array", "minItems": 1, "items": TEXT}]},
        "directory": TEXT,
        "as_args": FLAG,
        "from_env": FLAG,
        "lenient": FLAG,
        "parameters": {"oneOf": [{"type": "string"}, _parameters()]},
        "objective": _one_or_more(_objective()),
        "constraints": _one_or_more(_constraint()),
        "algorithm": _algorithm(),
        "warm_start": _one_or_more(_whole(1)),
        "try": _one_or_more({"type": "object", "minProperties": 1}),
        "trials": _whole(1),
        "parallel": _whole(1),
        "seed": {"type": "integer"},
        "budget": _budget(),
        "folds": {"oneOf": [_whole(2), _object(FOLDS, {"count": _whole(2), "name": TEXT}, ["count"])]},
        "early_stopping": _early_stopping(),
        "stop_conditions": _one_or_more(TEXT, most=5),
        "goal": _object(GOAL, {"target": NUMBER, "max_time": AMOUNT, "no_progress": _whole(1)}),
        "resources": _resources(),
        "limits": _limits(),
        "environment": TEXTS,
        "files": TEXTS,
        "metrics": _object(METRICS, {"patterns": _one_or_more(TEXT), "tensorboard": TEXT}),
        "labels": TEXTS,
        "on_finish": TEXT,
        "snapshot": _words(SNAPSHOTS),
        "reuse": FLAG,
        "check": FLAG,
    }
    return {
        "$schema": DIALECT,
        "title": "An experiment of Luthier",
        "description": "What 'luthier run FILE' runs: a command, the parameters to search, and how.",
        **_object(KEYS, parts, ["command", "parameters"]),
    }


def _object(told: Mapping[str, str], parts: Mapping[str, Json], needed: Sequence[str] = ()) -> Json:
    """A mapping with these keys and no others."""
    made: Json = {
        "type": "object",
        "properties": {key: {"description": text, **parts[key]} for key, text in told.items()},
        "additionalProperties": False,
    }
    return {**made, "required": list(needed)} if needed else made


def _one_or_more(item: Json, *, most: int | None = None) -> Json:
    many: Json = {"type": "array", "items": item}
    return {"oneOf": [item, {**many, "maxItems": most} if most else many]}


def _whole(least: int) -> Json:
    return {"type": "integer", "minimum": least}


def _words(words: Sequence[str]) -> Json:
    return {"enum": list(words)}


# ---------------------------------------------------------------------- parameters


def _parameters() -> Json:
    return {"type": "object", "minProperties": 1, "additionalProperties": _parameter()}


def _parameter() -> Json:
    """A list, a text such as .001:1:log, or one of the forms of `space/declared.py`."""
    forms = [_form(form, keys) for form, keys in FORMS.items()]
    return {"anyOf": [{"type": "array", "minItems": 1}, {"type": "string", "pattern": r"[:(]"}, *forms]}


def _form(form: str, keys: Sequence[str]) -> Json:
    parts = {
        "distribution": _words(list(DISTRIBUTIONS)),
        "values": {"type": "array", "minItems": 1},
        "choices": {"type": "array", "minItems": 1},
        "value": {},
        "range": _object(dict.fromkeys(FORMS["min"], ""), _numbers()),
        "ordered": FLAG,
        **_numbers(),
        "when": {"type": ["string", "object", "array"]},
    }
    told = {key: TOLD.get(key, "") for key in (*keys, "when")}
    return _object(told, parts, [form])


def _numbers() -> dict[str, Json]:
    names = ("min", "low", "max", "high", "mean", "mu", "deviation", "sigma", "std", "step", "q")
    scalings = {"scaling": _words(SCALINGS), "scale": _words(SCALINGS), "log": FLAG}
    return {**dict.fromkeys(names, NUMBER), **scalings, "type": _words(list(TYPES))}


TOLD = {
    "min": "The smallest value.",
    "max": "The largest value.",
    "step": "Only MIN, MIN + step, … up to MAX.",
    "scaling": "linear (default), log or reverse_log.",
    "type": "float (default) or int.",
    "values": "The values, as they are handed to the command.",
    "ordered": "Whether the order of the values means something.",
    "value": "Held fixed at this value.",
    "distribution": "normal, lognormal, uniform, …",
    "when": "Exists only when another parameter has a value: {optimizer: sgd}, or 'layers >= 3'.",
}


# ---------------------------------------------------------------------- how it is searched


def _objective() -> Json:
    parts = {
        "metric": TEXT,
        "direction": _words(DIRECTIONS),
        "minimize": TEXT,
        "maximize": TEXT,
        "aggregate": _words(AGGREGATES),
    }
    return {"oneOf": [{"type": "string", "pattern": DIRECTION_TEXT}, _object(OBJECTIVE, parts)]}


def _constraint() -> Json:
    parts = {"metric": TEXT, "max": NUMBER, "min": NUMBER, "aggregate": _words(AGGREGATES)}
    return {"oneOf": [{"type": "string", "pattern": "[<>]="}, _object(CONSTRAINT, parts, ["metric"])]}


def _algorithm() -> Json:
    """A name, or a mapping with the settings of that algorithm and no others."""
    forms = [_settled("name", name, settings) for name, settings in ALGORITHMS.items()]
    words = [*ALGORITHMS, "tune"]
    return {"anyOf": [_words(words), *forms, _settled("name", "tune", ALGORITHMS["auto"])]}


def _early_stopping() -> Json:
    forms = [_settled("rule", rule, settings) for rule, settings in RULES.items()]
    return {"anyOf": [{"type": "string", "pattern": RULE_TEXT}, *forms]}


def _settled(key: str, word: str, settings: Sequence[str]) -> Json:
    parts = {key: {"const": word}, **{each: ANY_SCALAR for each in settings if each != "warm_start"}}
    return {"type": "object", "properties": parts, "required": [key], "additionalProperties": False}


def _budget() -> Json:
    levels = {"type": "array", "minItems": 1, "maxItems": 64, "items": POSITIVE}
    eta = {"type": "number", "exclusiveMinimum": 1}
    parts = {"name": TEXT, "min": POSITIVE, "max": POSITIVE, "eta": eta, "levels": levels}
    return {"oneOf": [{"type": "string", "pattern": r".=.*:"}, _object(BUDGET, parts, ["name"])]}


def _resources() -> Json:
    parts = {
        "cpus": POSITIVE,
        "gpus": {"type": "number", "minimum": 0},
        "memory": AMOUNT,
        "image": TEXT,
        "install": _one_or_more(TEXT),
        "mounts": _one_or_more(TEXT),
        "strict": FLAG,
    }
    return _object(RESOURCES, parts)


def _limits() -> Json:
    parts = {
        "timeout": AMOUNT,
        "idle_timeout": AMOUNT,
        "grace": AMOUNT,
        "attempts": _whole(1),
        "retry": _whole(0),
        "on_driver_loss": _words(("continue", "stop")),
    }
    return _object(LIMITS, parts)
