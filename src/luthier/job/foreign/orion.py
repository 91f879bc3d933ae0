"""A command line of Orion's as a native file: `orion hunt -n NAME python train.py --lr~'loguniform(1e-5, 1.0)'`.

**Source** Orion's pages of search spaces and of the command line. A prior is a call of a distribution; it is read as a
Python expression of literals, and never run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from luthier.errors import UsageError
from luthier.job.foreign.search import Notes, Search
from luthier.space.nearest import hint

__all__ = ["orion_search"]

MARKED = re.compile(r"(?P<flag>-{0,2}(?P<name>[A-Za-z_][\w.-]*))~(?P<prior>.*)", re.DOTALL)
EQUALS = re.compile(r"(?P<flag>-{1,2}(?P<name>[A-Za-z_][\w.-]*))=orion~(?P<prior>.*)", re.DOTALL)
PRIORS = ("uniform", "loguniform", "normal", "gaussian", "choices", "random", "randint", "fidelity")
FLAGS = (
    "--debug",
    "-d",
    "--init-only",
    "--enable-evc",
    "--manual-resolution",
    "--auto-resolution",
    "-v",
    "-vv",
    "-vvv",
)
TRIALS = ("--max-trials", "--exp-max-trials")
NAME = ("-n", "--name")
WORKERS = ("--n-workers",)
LARGEST_FILE = 1_000_000


class _Prior(NamedTuple):
    """A call that was read."""

    kind: str
    args: list[Any]
    options: dict[str, Any]


def orion_search(words: Sequence[str]) -> Search:
    """The search a command line describes; the words `orion hunt` may stand before it.

    **Raises** UsageError for a prior that can't be read, and where there is none.
    """
    notes, rest = Notes(), list(words)
    for word in ("orion", "hunt"):
        if rest and rest[0] == word:
            rest.pop(0)
    tree: dict[str, Any] = {}
    rest = _options(rest, tree, notes)
    if not rest:
        raise UsageError(
            "there is no command after Orion's own options; write the whole line, as you would type it"
        )
    parameters: dict[str, Any] = {}
    first: dict[str, Any] = {}
    command: list[str] = []
    for word in rest:
        command += _word(word, tree, parameters, first, notes)
    if not parameters:
        raise UsageError(
            "there is no prior in the command, such as -x~'uniform(0, 1)'; put it in quotes for the shell"
        )
    trials = tree.pop("trials", None)
    if trials is None:
        trials = 30
        notes.changed(
            "trials", "a hunt without --max-trials has no end; here it ends after 30, write another number"
        )
    notes.changed(
        "objective",
        "Orion makes what report_objective is given small, which is not read here: print objective=VALUE",
    )
    made = {"name": tree.pop("name", None), "command": command, "parameters": parameters}
    made |= {"objective": "minimize objective", "trials": trials, **tree, "try": [first] if first else []}
    return Search("Orion's command line", made, tuple(notes.said))


def _options(words: list[str], tree: dict[str, Any], notes: Notes) -> list[str]:
    """Takes Orion's own options; returns the words of the program."""
    rest = list(words)
    while rest and rest[0].startswith("-") and "~" not in rest[0]:
        option, equals, text = rest.pop(0).partition("=")
        if option in FLAGS:
            notes.left_out(option, "it is about Orion itself")
            continue
        if not equals:
            if not rest:
                raise UsageError(f"{option} has no value")
            text = rest.pop(0)
        if option in NAME:
            tree["name"] = text
        elif option in (*TRIALS, *WORKERS) and text.isdigit() and int(text):
            tree["parallel" if option in WORKERS else "trials"] = int(text)
        else:
            notes.left_out(f"{option} {text}", "it is about Orion itself")
    return rest


def _word(
    word: str, tree: dict[str, Any], parameters: dict[str, Any], first: dict[str, Any], notes: Notes
) -> list[str]:
    """A word of the program, its prior taken out."""
    found = EQUALS.fullmatch(word) or MARKED.fullmatch(word)
    if found is None:
        _look_into(word, notes)
        return [word]
    flag, name, text = found["flag"], found["name"], found["prior"]
    text = text.removeprefix("+")
    if text.startswith(("-", ">")):
        notes.left_out(word, "it changes an earlier experiment; write the parameter as it is to be")
        return []
    prior = _read(word, text)
    if prior.kind == "fidelity":
        tree["budget"] = _fidelity(word, name, prior)
    elif name in parameters:
        raise UsageError(f"{word}: {name} has a prior already; give each parameter one")
    else:
        parameters[name] = _declared(word, name, prior, notes)
        if "default_value" in prior.options:
            first[name] = prior.options["default_value"]
    value = f"{{{{{name}}}}}"
    if "=" in word[: found.start("prior")]:
        return [f"{flag}={value}"]
    return [flag, value] if flag.startswith("-") else [value]


def _look_into(word: str, notes: Notes) -> None:
    """Says where a file of the program has priors in it."""
    path = Path(word)
    try:
        if path.suffix in (".yaml", ".yml", ".json", ".txt", ".cfg", ".ini") and path.is_file():
            with open(path, encoding="utf-8", errors="replace") as file:
                if "orion~" in file.read(LARGEST_FILE):
                    notes.left_out(
                        f"the priors in {word}", "write the file with {{name}} under files (docs/yaml.md)"
                    )
    except OSError:
        pass


def _read(word: str, text: str) -> _Prior:
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError
        args = [ast.literal_eval(arg) for arg in call.args]
        options = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise UsageError(f"{word}: {text!r} is no prior; write one such as uniform(0, 1)") from None
    if call.func.id not in PRIORS:
        known = ", ".join(PRIORS)
        name = call.func.id
        raise UsageError(f"{word}: there is no prior {name!r}{hint(name, PRIORS)}; the priors are {known}")
    return _Prior(call.func.id, args, options)


def _numbers(word: str, prior: _Prior, names: tuple[str, str], usual: tuple[Any, Any]) -> tuple[Any, Any]:
    """The two numbers of a prior, by place or by name."""
    given = dict(zip(names, usual, strict=True))
    given |= dict(zip(names, prior.args, strict=False))
    given |= {name: prior.options[name] for name in names if name in prior.options}
    for value in given.values():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UsageError(f"{word}: {prior.kind} takes two numbers, such as {prior.kind}(1, 2)")
    return given[names[0]], given[names[1]]


def _declared(word: str, name: str, prior: _Prior, notes: Notes) -> Any:
    for option in ("shape", "precision"):
        if option in prior.options:
            why = (
                "a parameter is one value here"
                if option == "shape"
                else "values are whole numbers or exact here"
            )
            notes.left_out(f"{option} of {name}", why)
    discrete = prior.options.get("discrete") is True
    if prior.kind == "choices":
        return {"values": _choices(word, name, prior, notes)}
    if prior.kind in ("normal", "gaussian"):
        mean, deviation = _numbers(word, prior, ("loc", "scale"), (0.0, 1.0))
        made = {"distribution": "normal", "mean": mean, "deviation": deviation}
        return {**made, "q": 1, "type": "int"} if discrete else made
    low, high = _numbers(word, prior, ("low", "high"), (0, 1))
    if prior.kind == "randint":
        low, high = (0, low) if len(prior.args) == 1 else (low, high)
        return {"min": low, "max": high - 1, "type": "int"}
    made = {"min": low, "max": high, "type": "int" if discrete else "float"}
    return {**made, "scaling": "log"} if prior.kind == "loguniform" else made


def _choices(word: str, name: str, prior: _Prior, notes: Notes) -> list[Any]:
    options = (
        prior.args[0]
        if len(prior.args) == 1 and isinstance(prior.args[0], (list, tuple, dict))
        else prior.args
    )
    if isinstance(options, dict):
        notes.left_out(f"the probabilities of {name}", "all values are as likely here")
    if not options:
        raise UsageError(f"{word}: choices has none; write choices(['a', 'b'])")
    return list(options)


def _fidelity(word: str, name: str, prior: _Prior) -> dict[str, Any]:
    low, high = _numbers(word, prior, ("low", "high"), (1, 1))
    base = prior.args[2] if len(prior.args) > 2 else prior.options.get("base", 2)
    return {"name": name, "min": low, "max": high, "eta": base}
