"""A W&B sweep's YAML as a native file: program or command, method, metric, parameters, early_terminate, run_cap.

**Source** W&B's page of sweep configuration keys. Its `log_uniform` takes exponents of e; nested parameters have a dot
between the names here. What needs their server (project, entity) has no place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import exp, isfinite
from typing import Any

from luthier.job.document import Document
from luthier.job.foreign.search import Notes, Search
from luthier.job.part import Part
from luthier.space import Value
from luthier.space.nearest import hint

__all__ = ["wandb_search"]

TOP = (
    "program", "command", "method", "metric", "parameters", "early_terminate", "run_cap", "name", "description", "project",
    "entity", "imports",
)  # fmt: skip
METHODS = {"grid": "grid", "random": "random", "bayes": "bayesian"}
CONSTRAINTS = (
    "value", "values", "probabilities", "distribution", "min", "max", "mu", "sigma", "q", "parameters", "a", "b",
)  # fmt: skip
RANGES = {
    "uniform": ("linear", "float", False), "int_uniform": ("linear", "int", False), "q_uniform": ("linear", "float", True),
    "log_uniform_values": ("log", "float", False), "q_log_uniform_values": ("log", "float", True),
    "inv_log_uniform_values": ("log", "float", False), "log_uniform": ("log", "float", False),
    "q_log_uniform": ("log", "float", True), "inv_log_uniform": ("log", "float", False),
}  # fmt: skip
NORMAL = {"normal": "normal", "q_normal": "normal", "log_normal": "lognormal", "q_log_normal": "lognormal"}
MACRO = re.compile(r"\$\{([^}]*)\}")


def wandb_search(document: Document) -> Search:
    """The search a sweep's file describes.

    **Raises** UsageError beginning with file:line:column.
    """
    notes = Notes()
    root = Part(document, document.root)
    top = root.entries(None, "a W&B sweep")
    for key, part in top.items():
        if key not in TOP:
            notes.left_out(f"{key} ({part.place})", f"no key of a sweep that is known here{hint(key, TOP)}")
    if "parameters" not in top:
        raise root.error("parameters is missing; a sweep names what it searches there")
    tree: dict[str, Any] = {"name": top["name"].text("a name") if "name" in top else None}
    tree |= _command(top, root, notes)
    tree["parameters"] = _parameters(top["parameters"], "", notes)
    tree |= _search(top, notes)
    for key in ("description", "project", "entity", "imports"):
        if key in top:
            notes.left_out(f"{key} ({top[key].place})", "it is for W&B's server")
    notes.changed(
        "metrics", "what wandb.log sends is not read here: print them, or report them (docs/metrics.md)"
    )
    return Search("a W&B sweep", tree, tuple(notes.said))


# ---------------------------------------------------------------------- the command


def _command(top: dict[str, Part], root: Part, notes: Notes) -> dict[str, Any]:
    program = top["program"].text("the program") if "program" in top else None
    if "command" not in top:
        if program is None:
            raise root.error("there is neither program nor command; write program: train.py")
        return {"command": _interpreted(program), "as_args": True}
    words: list[str] = []
    flags: dict[str, Any] = {}
    for item in top["command"].items("a list of words"):
        word = item.any_text("a word")
        match word:
            case "${env}":
                continue
            case "${interpreter}":
                words.append("python")
            case "${program}" if program is not None:
                words.append(program)
            case "${args}" | "${args_no_hyphens}" | "${args_no_boolean_flags}":
                flags["as_args"] = True
                if word != "${args}":
                    notes.changed(
                        word, "parameters are passed as --name=value; write {{name}} where that is wrong"
                    )
            case "${args_json}" | "${args_json_file}":
                flags["from_env"] = True
                notes.left_out(
                    f"{word} ({item.place})",
                    "the program finds the JSON in the environment, as LUTHIER_PARAMS",
                )
            case _:
                words.append(_filled(word, item, notes))
    if words and words[0] == "/usr/bin/env":
        words = words[1:]
    if not words:
        raise top["command"].error("the command is empty; write the words that run the program")
    return {"command": words, **flags}


def _interpreted(program: str) -> list[str]:
    return ["python", program] if program.endswith(".py") else [program if "/" in program else f"./{program}"]


def _filled(word: str, item: Part, notes: Notes) -> str:
    return MACRO.sub(lambda found: _variable(found[1], item, notes), word)


def _variable(macro: str, item: Part, notes: Notes) -> str:
    """A macro inside a word."""
    kind, _, name = macro.partition(":")
    if kind != "envvar":
        notes.left_out(f"${{{macro}}} ({item.place})", "a macro that is not known here")
        return f"${{{macro}}}"
    notes.changed(f"${{{macro}}}", f"words are not read by a shell; let the program read {name} itself")
    return f"${{{name}}}"


# ---------------------------------------------------------------------- parameters


def _parameters(part: Part, prefix: str, notes: Notes) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, each in part.entries(None, "a mapping from names to what they may be").items():
        given = each.entries(None, "a mapping such as {min: 0, max: 1}")
        full = f"{prefix}{name}"
        for key in given:
            if key not in CONSTRAINTS:
                notes.left_out(f"{key} of {full} ({given[key].place})", "no constraint that is known here")
        if "parameters" in given:
            made |= _parameters(given["parameters"], f"{full}.", notes)
            notes.changed(full, f"its nested parameters are called {full}.NAME here")
        else:
            made[full] = _parameter(full, each, given, notes)
    return made


def _parameter(name: str, part: Part, given: dict[str, Part], notes: Notes) -> Any:
    if "probabilities" in given:
        notes.left_out(
            f"the probabilities of {name} ({given['probabilities'].place})", "all values are as likely here"
        )
    if "value" in given:
        return {"value": given["value"].node.plain()}
    if "values" in given:
        return {"values": [item.node.plain() for item in given["values"].items("a list of values")]}
    kind = given["distribution"].text("a distribution") if "distribution" in given else _usual(given)
    if kind in RANGES:
        return _range(kind, part, given, notes)
    if kind in NORMAL:
        mean, deviation = (_number(given, key, usual) for key, usual in (("mu", 0.0), ("sigma", 1.0)))
        made: dict[str, Any] = {"distribution": NORMAL[kind], "mean": mean, "deviation": deviation}
        return {**made, "q": _number(given, "q", 1.0)} if kind.startswith("q_") else made
    if kind in ("beta", "q_beta"):
        notes.changed(f"{name} ({part.place})", f"{kind} is not known here; it is drawn evenly from 0 to 1")
        return {"min": 0, "max": 1, "type": "float"}
    known = ("constant", "categorical", *RANGES, *NORMAL)
    at = given.get("distribution", part)
    raise at.error(f"there is no distribution {kind!r}{hint(kind, known)}; write values, or min and max")


def _usual(given: dict[str, Part]) -> str:
    """The distribution where none is named."""
    both = [given[key].node.content for key in ("min", "max") if key in given]
    is_whole = all(isinstance(c, Value) and type(c.value) is int for c in both)
    if both:
        return "int_uniform" if is_whole else "uniform"
    return "normal" if "mu" in given else "without min and max"


def _range(kind: str, part: Part, given: dict[str, Part], notes: Notes) -> dict[str, Any]:
    scaling, type, stepped = RANGES[kind]
    if "min" not in given or "max" not in given:
        raise part.error(f"{part.name} is {kind} and lacks {'max' if 'min' in given else 'min'}")
    bounds: list[Any] = [given[key].node.plain() for key in ("min", "max")]
    turn: Callable[[float], float] | None = None
    if kind in ("log_uniform", "q_log_uniform"):
        turn = exp
    elif kind == "inv_log_uniform":
        turn = _inverse
    if turn is not None:
        bounds = sorted(_turned(given[key], turn) for key in ("min", "max"))
        notes.changed(part.name, f"the bounds of {kind} are exponents of e: {bounds[0]:g} to {bounds[1]:g}")
    made: dict[str, Any] = {"min": bounds[0], "max": bounds[1], "type": type}
    if scaling != "linear":
        made["scaling"] = scaling
    if stepped:
        made["step"] = given["q"].node.plain() if "q" in given else 1
        notes.changed(part.name, f"{kind} rounds to multiples of q; here the steps begin at min")
    return made


def _inverse(number: float) -> float:
    return exp(-number)


def _turned(part: Part, turn: Callable[[float], float]) -> float:
    try:
        number = turn(float(part.number()))
    except OverflowError:
        number = float("inf")
    if not isfinite(number) or number <= 0:
        raise part.error("this exponent of e is too large or too small to be a number")
    return number


def _number(given: dict[str, Part], key: str, usual: float) -> Any:
    return given[key].node.plain() if key in given else usual


# ---------------------------------------------------------------------- how it is searched


def _search(top: dict[str, Part], notes: Notes) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "metric" in top:
        metric = top["metric"].entries(
            ("name", "goal", "target"), "a mapping such as {name: loss, goal: minimize}"
        )
        if "name" not in metric:
            raise top["metric"].error("metric has no name; write {name: loss, goal: minimize}")
        goal = metric["goal"].one_of(("minimize", "maximize")) if "goal" in metric else "minimize"
        made["objective"] = {"metric": metric["name"].text("a metric"), "direction": goal}
        if "target" in metric:
            made["goal"] = {"target": metric["target"].number()}
    if "method" in top:
        word = top["method"].text("a method")
        if word not in METHODS:
            known = ", ".join(METHODS)
            raise top["method"].error(
                f"there is no method {word!r}{hint(word, METHODS)}; the methods are {known}"
            )
        made["algorithm"] = METHODS[word]
    if "run_cap" in top:
        made["trials"] = top["run_cap"].whole(1)
    elif made.get("algorithm") != "grid":
        made["trials"] = 30
        notes.changed(
            "trials", "a sweep without run_cap has no end; here it ends after 30, write another number"
        )
    if "early_terminate" in top:
        made |= _early(top["early_terminate"], notes)
    return made


def _early(part: Part, notes: Notes) -> dict[str, Any]:
    given = part.entries(None, "a mapping such as {type: hyperband, min_iter: 3}")
    if "type" not in given or given["type"].text("hyperband") != "hyperband":
        notes.left_out(f"early_terminate ({part.place})", "only its type hyperband is known here")
        return {}
    names = {"eta": "eta", "min_iter": "min_resource", "max_iter": "max_resource", "s": "brackets"}
    settings = {ours: given[theirs].node.plain() for theirs, ours in names.items() if theirs in given}
    for key, each in given.items():
        if key not in (*names, "type"):
            notes.left_out(f"{key} of early_terminate ({each.place})", "the rule has no such setting here")
    return {"early_stopping": {"rule": "hyperband", **settings} if settings else "hyperband"}
