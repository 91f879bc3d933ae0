"""A command line of Guild AI's as a native file: `guild run train.py lr=loguniform[1e-5:1e-1] act=[relu,tanh]`.

**Source** Guild's pages of flags and of `guild run`: a list is tried value by value, `[MIN:MAX]` and the search functions are
drawn from, the sequence functions are lists that are written short.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from luthier.errors import UsageError
from luthier.job.foreign.search import Notes, Search
from luthier.space import Value
from luthier.space.nearest import hint
from luthier.space.value import read_number, read_value

__all__ = ["guild_search"]

FLAG = re.compile(r"(?P<name>[A-Za-z_][\w.-]*)=(?P<text>.*)", re.DOTALL)
CALL = re.compile(r"(?P<kind>[a-z]*)\[(?P<inner>.*)\]", re.DOTALL)
SEQUENCES = ("range", "linspace", "logspace")
DRAWN = ("", "uniform", "loguniform")
OPTIMIZERS = {
    "gp": "bayesian", "bayesian": "bayesian", "random": "random", "grid": "grid", "forest": "auto", "gbrt": "auto",
}  # fmt: skip
VALUED = {
    "-o": "optimizer", "--optimizer": "optimizer", "-m": "trials", "--max-trials": "trials", "--trials": "trials",
    "-N": "minimize", "--minimize": "minimize", "-X": "maximize", "--maximize": "maximize", "-l": "label",
    "--label": "label", "-t": "tag", "--tag": "tag", "--random-seed": "seed", "-d": "run-dir", "--run-dir": "run-dir",
    "-O": "opt-flag", "--opt-flag": "opt-flag", "--gpus": "gpus", "-r": "remote", "--remote": "remote",
    "--proto": "proto", "--restart": "restart", "--start": "start", "-C": "run-chdir",
}  # fmt: skip
HOW = {"first": None, "last": "last", "min": "min", "max": "max", "avg": "avg", "mean": "avg", "total": None}
USUAL_TRIALS = 20
"""As many as Guild's optimizers run where nobody says."""
MOST = 10_000


def guild_search(words: Sequence[str]) -> Search:
    """The search a command line describes; the words `guild run` may stand before it.

    **Raises** UsageError for a flag that can't be read, and where nothing is searched.
    """
    notes, rest = Notes(), list(words)
    for word in ("guild", "run"):
        if rest and rest[0] == word:
            rest.pop(0)
    flags, options, operation = _taken(rest, notes)
    parameters = {name: _declared(name, text, notes) for name, text in flags}
    if not any("value" not in declared for declared in parameters.values()):
        raise UsageError(
            "no flag has several values, such as lr=[0.1,0.2] or lr=loguniform[1e-5:1e-1]; nothing is searched"
        )
    draws = any("min" in declared for declared in parameters.values())
    made: dict[str, Any] = {"command": _command(operation, notes), "as_args": True, "parameters": parameters}
    made |= _search(options, draws, notes)
    first = {name: declared.pop("first") for name, declared in parameters.items() if "first" in declared}
    if first:
        made["try"] = [first]
    return Search("Guild's command line", made, tuple(notes.said))


def _taken(words: Sequence[str], notes: Notes) -> tuple[list[tuple[str, str]], dict[str, str], str | None]:
    """The flags, the options that are known, and the operation."""
    flags: list[tuple[str, str]] = []
    options: dict[str, str] = {}
    operation: str | None = None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        found = FLAG.fullmatch(word)
        if word.startswith("-"):
            option, equals, text = word.partition("=")
            if option not in VALUED:
                if option not in ("-y", "--yes"):
                    notes.left_out(word, "it is about Guild itself")
                continue
            if not equals and not rest:
                raise UsageError(f"{option} has no value")
            options[VALUED[option]] = text if equals else rest.pop(0)
        elif found is not None:
            flags.append((found["name"], found["text"]))
        elif word.startswith("@"):
            notes.left_out(word, "a batch file lists trials; try them with the key try (docs/yaml.md)")
        elif operation is None:
            operation = word
        else:
            raise UsageError(f"{word!r} is neither a flag (NAME=VALUE) nor an option of guild run")
    return flags, options, operation


def _command(operation: str | None, notes: Notes) -> list[str]:
    if operation is None:
        raise UsageError(
            "there is no script in the command; write it, such as: guild run train.py lr=[0.1,0.2]"
        )
    if operation.endswith(".py"):
        notes.changed(
            "flags", "the program gets them as --name=value; it is not rewritten where it reads no arguments"
        )
        return ["python", operation]
    notes.changed(
        f"the operation {operation}",
        "its command stands in guild.yml, which is not read: write it in its place",
    )
    return [operation]


# ---------------------------------------------------------------------- flags


def _declared(name: str, text: str, notes: Notes) -> dict[str, Any]:
    found = CALL.fullmatch(text.strip())
    if found is None:
        return {"value": _word(text)}
    kind, inner = found["kind"], found["inner"]
    if kind == "" and ":" not in inner:
        values = [_word(word) for word in inner.split(",") if word.strip()]
        if not values:
            raise UsageError(f"{name}={text}: the list is empty; list at least one value")
        return {"values": values}
    if kind in SEQUENCES:
        return {"values": _sequence(name, text, kind, inner)}
    if kind not in DRAWN:
        known = (*SEQUENCES, *DRAWN[1:])
        raise UsageError(
            f"{name}={text}: there is no function {kind!r}{hint(kind, known)}; the functions are {', '.join(known)}"
        )
    numbers = _numbers(name, text, inner, 2, 3)
    low, high = numbers[:2]
    whole = all(isinstance(number, int) for number in (low, high)) and kind != "loguniform"
    made: dict[str, Any] = {"min": low, "max": high, "type": "int" if whole else "float"}
    if kind == "loguniform":
        made["scaling"] = "log"
    return {**made, "first": numbers[2]} if len(numbers) > 2 else made


def _word(text: str) -> Value:
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\"":
        return Value(bare[1:-1])
    return Value(bare == "true") if bare in ("true", "false") else read_value(bare)


def _numbers(name: str, text: str, inner: str, least: int, most: int) -> list[int | float]:
    numbers = [read_number(word.strip()) for word in inner.split(":")]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers) or not least <= len(known) <= most:
        raise UsageError(
            f"{name}={text}: write {least} to {most} numbers with colons between them, such as [0.1:0.9]"
        )
    return known


def _sequence(name: str, text: str, kind: str, inner: str) -> list[Any]:
    """The values a sequence function lists; both ends belong to it."""
    numbers = _numbers(name, text, inner, 2, 4 if kind == "logspace" else 3)
    low, high = numbers[:2]
    if kind == "range":
        step = numbers[2] if len(numbers) > 2 else 1
        count = int((high - low) / step + 1e-9) + 1 if step > 0 else 0
    else:
        step, count = 0, int(numbers[2]) if len(numbers) > 2 else 5
    if not 1 <= count <= MOST:
        raise UsageError(f"{name}={text}: these are {count} values; make it from 1 to {MOST}")
    if kind == "range":
        return [_clean(low + k * step) for k in range(count)]
    places = [low + (high - low) * k / max(count - 1, 1) for k in range(count)]
    base = numbers[3] if len(numbers) > 3 else 10
    return [_clean(place if kind == "linspace" else base**place) for place in places]


def _clean(number: float) -> int | float:
    """A number without the noise of its last digits."""
    return number if isinstance(number, int) else float(f"{number:.12g}")


# ---------------------------------------------------------------------- how it is searched


def _search(options: dict[str, str], draws: bool, notes: Notes) -> dict[str, Any]:
    made: dict[str, Any] = {"algorithm": "random" if draws else "grid"}
    named = options.pop("optimizer", None)
    if named is not None:
        if named not in OPTIMIZERS:
            notes.changed(f"the optimizer {named}", "it is not known here; Luthier chooses one itself")
        made["algorithm"] = OPTIMIZERS.get(named, "auto")
        if named in ("forest", "gbrt"):
            notes.changed(
                f"the optimizer {named}", "there is none with trees here; Luthier chooses one itself"
            )
    goals = [way for way in ("minimize", "maximize") if way in options]
    if len(goals) > 1:
        raise UsageError("--minimize and --maximize exclude one another; give one of them")
    if goals:
        made["objective"] = _objective(goals[0], options.pop(goals[0]), notes)
    elif made["algorithm"] in ("bayesian", "auto"):
        made["objective"] = "minimize loss"
        notes.changed("objective", "Guild's optimizers make loss small where nothing else is said")
    for option, key in (("trials", "trials"), ("seed", "seed")):
        text = options.pop(option, None)
        if text is not None and not text.isdigit():
            raise UsageError(f"{option} {text!r} is no whole number")
        if text is not None:
            made[key] = int(text)
    if made["algorithm"] != "grid":
        made.setdefault("trials", USUAL_TRIALS)
    for option, text in options.items():
        notes.left_out(f"{option} {text}", "it is about Guild itself")
    return made


def _objective(way: str, text: str, notes: Notes) -> Any:
    """A column of Guild's: a metric, with how its values become one before it."""
    how, _, metric = text.strip().rpartition(" ")
    if how and how not in HOW:
        metric, how = text.strip(), ""
    aggregate = HOW.get(how, "last")
    if how and aggregate is None:
        notes.changed(f"{way} {text}", f"{how} is not known here; the last value counts")
    return {"metric": metric, "direction": way, "aggregate": aggregate or "last"}
