"""The commented file that `luthier init` writes for a program: what was found of it, and what else a file can say."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.job.scripts import Option, metrics_of, options_of, variables_of
from luthier.job.suggesting import EPOCHS, Suggestion, suggest
from luthier.job.writing import flow, scalar
from luthier.metrics import is_made_small

__all__ = ["CHANGE", "Found", "look_at", "written"]

PYTHON = (".py", ".pyw")
CHANGE = "CHANGE_ME"
WIDE = 110
EXAMPLE = {"min": 1e-5, "max": 1e-1, "scaling": "log"}


@dataclass
class Found:
    """What is known of a program. `why` says why nothing could be read, if so; `broken` where it is no Python, its line
    and column."""

    searched: list[tuple[Option, Suggestion]] = field(default_factory=list)
    left: list[tuple[Option, Suggestion]] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    why: str = ""
    broken: tuple[int, int] | None = None

    @property
    def epochs(self) -> Option | None:
        """The option that says how long to train."""
        return next((o for o, _ in self.left if EPOCHS.search(o.name) and o.words[0].startswith("--")), None)


def look_at(name: str, text: str) -> Found:
    """What the text of a program tells of its options and metrics."""
    found = Found(variables=variables_of(text))
    if not name.endswith(PYTHON):
        found.why = "only Python programs are searched for their options"
        return found
    try:
        options, found.metrics = options_of(text), metrics_of(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, SyntaxError | ValueError):
            found.broken = _place(text, error)
        found.why = f"it can't be read as Python: {getattr(error, 'msg', None) or error}"
        return found
    for option in options:
        suggestion = suggest(option)
        (found.left if suggestion.tree is None else found.searched).append((option, suggestion))
    if not options and not found.variables:
        found.why = "it has no options of argparse or click"
    return found


def _place(text: str, error: SyntaxError | ValueError) -> tuple[int, int]:
    """Where it stands. Of a null character only some versions of Python tell that."""
    line, column = getattr(error, "lineno", None), getattr(error, "offset", None)
    if line is not None:
        return max(line, 1), max(column or 1, 1)
    before = text.partition("\0")[0]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def written(script: str, start: Sequence[str], found: Found) -> str:
    """The file. `start` are the words that run the program, such as `python train.py`; `script` is what to call it."""
    name = script.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    lines = [
        "# yaml-language-server: $schema=luthier.schema.json",
        "# (for editors, after: luthier run --schema > luthier.schema.json)",
        f"# A search over {_inline(script)}, to be looked over before it runs:",
        "#   luthier run THIS_FILE --dry-run     shows what would run",
        "#   luthier run THIS_FILE               runs it; the same again goes on where it stopped",
        "# All keys: docs/yaml.md",
        "",
        f"# name: {scalar(name or 'search')}    # with a name, the file always means the experiment of that name",
        *_command(start, found),
        "",
        *_parameters(found),
        "",
        *_objective(found),
        "",
        *_rest(found),
    ]
    return "\n".join(lines) + "\n"


def _command(start: Sequence[str], found: Found) -> list[str]:
    lines = ["command:                 # words, without a shell; {{name}} is replaced by each trial's value"]
    words = [(_word(word), "") for word in start]
    options = [*found.searched, *((o, s) for o, s in found.left if o.required)]
    for option, suggestion in sorted(options, key=lambda pair: pair[0].positional and 1):
        words += _words(option, suggestion)
    if not options and not found.variables:
        words.append(
            (_word(f"--{CHANGE}={{{{rate}}}}"), "how the program takes a parameter, such as --rate={{rate}}")
        )
    lines += [f"  - {word}" + (f"    # {comment}" if comment else "") for word, comment in words]
    if found.variables:
        lines.append("from_env: true           # it reads LUTHIER_PARAM_* itself")
    return lines


def _words(option: Option, suggestion: Suggestion) -> list[tuple[str, str]]:
    value = f"{{{{{option.name}}}}}" if suggestion.tree is not None else CHANGE
    comment = "" if suggestion.tree is not None else f"it has to be given; {suggestion.why}"
    if option.positional or (option.flag and option.off):
        return [(_word(value), comment)]
    if option.words[0].startswith("--"):
        return [(_word(f"{option.words[0]}={value}"), comment)]
    return [(_word(option.words[0]), ""), (_word(value), comment)]


def _word(text: str) -> str:
    """A word of the command; `--rate={{rate}}` needs no quotes in a list of lines."""
    return text if re.fullmatch(r"--[\w-]+=\{\{[\w-]+\}\}", text, re.ASCII) else scalar(text)


def _parameters(found: Found) -> list[str]:
    lines = ["parameters:              # a first guess: widen, narrow or remove them"]
    for option, suggestion in found.searched:
        if told := "; ".join(filter(None, [_inline(option.help), _default(option)])):
            lines.append(_cut(f"  # {told}"))
        lines.append(_commented(f"  {scalar(option.name)}: {flow(suggestion.tree)}", suggestion.why))
    named = {option.name.replace("-", "_").lower() for option, _ in found.searched}
    for name in found.variables:
        if name not in named:
            lines.append(
                _commented(f"  {scalar(name)}: {flow(EXAMPLE)}", "CHANGE the range; nothing is known of it")
            )
    if len(lines) == 1:
        note = f"CHANGE: {found.why}" if found.why else "CHANGE: no option has values to try"
        lines.append(_commented(f"  rate: {flow(EXAMPLE)}", note))
    left = [(option, suggestion) for option, suggestion in found.left if not option.required]
    if left:
        lines.append("# Left as they are:")
        lines += [
            _cut(f"#   {_inline(o.words[0])}  {s.why}{'; ' if _default(o) else ''}{_default(o)}")
            for o, s in left
        ]
    lines += [
        "# Other forms: [1, 2, 4] · {min: 0, max: 1, step: 0.1} · {min: 1, max: 8, type: int} ·",
        "#   {values: [small, large], ordered: true} · {min: 0, max: 1, when: {optimizer: sgd}}",
    ]
    return lines


def _default(option: Option) -> str:
    return "" if option.default is None else f"default: {_inline(str(option.default))}"


def _objective(found: Found) -> list[str]:
    if not found.metrics:
        return [
            "# CHANGE: a metric that the program prints, such as 'loss: 0.31' or 'accuracy=0.9'",
            "objective: minimize loss",
        ]
    metric = found.metrics[0]
    way = "minimize" if is_made_small(metric) else "maximize"
    others = f"; it seems to report also {', '.join(found.metrics[1:4])}" if found.metrics[1:] else ""
    text = f"{way} {metric}"
    return [_commented(f"objective: {scalar(text)}", f"found in the program's text{others}")]


def _rest(found: Found) -> list[str]:
    epochs = found.epochs
    name = epochs.name if epochs else "epochs"
    most = epochs.default if epochs and isinstance(epochs.default, int) and epochs.default > 1 else 81
    budget = [
        f"# budget: {{name: {scalar(name)}, min: 1, max: {most}}}    # begin small, let the best go on; needs the word",
        f"#   --{name}={{{{{name}}}}} in the command, and is best with checkpoints (docs/early-stopping.md)",
    ]
    return [
        "trials: 30               # how many, in all",
        "# parallel: 2            # how many side by side (default: one a core)",
        "# algorithm: auto        # or grid, random, sobol, bayesian, tpe, cmaes",
        *_tries(found),
        "# early_stopping: auto   # or none, asha, median, …",
        *budget,
        "# goal: {target: 0.99, max_time: 8h, no_progress: 20}",
        "# resources: {cpus: 2, gpus: 0, memory: 8G}",
        "# limits: {timeout: 2h, idle_timeout: 10m, retry: 1}",
        "# environment: {NAME: text}",
    ]


def _tries(found: Found) -> list[str]:
    """What the program does by itself is tried first, as far as that is known and among what is searched."""
    known = {o.name: o.default for o, s in found.searched if _is_among(o.default, s.tree)}
    if not known:
        return ["# try:                   # configurations to begin with", "#   - {NAME: VALUE}"]
    what = "all" if len(known) == len(found.searched) else "where they are known"
    return [f"try:                     # the program's own defaults first, {what}", f"  - {flow(known)}"]


def _is_among(default: Any, tree: Any) -> bool:
    """Whether a default is one of the values that are searched."""
    if isinstance(tree, dict) and "min" in tree:
        is_number = isinstance(default, int if tree.get("type") == "int" else (int, float))
        return is_number and not isinstance(default, bool) and tree["min"] <= default <= tree["max"]
    values = tree.get("values", ()) if isinstance(tree, dict) else tree
    return isinstance(values, list) and any(type(v) is type(default) and v == default for v in values)


# ---------------------------------------------------------------------- comments


def _commented(line: str, comment: str) -> str:
    return _cut(f"{line}    # {comment}" if comment else line, len(line))


def _cut(line: str, least: int = 0) -> str:
    """A line whose comment is not too long."""
    return line if len(line) <= max(WIDE, least) else line[: max(WIDE, least + 8) - 1].rstrip() + "…"


def _inline(text: str) -> str:
    """A text that can't end a comment."""
    return text if text.isprintable() else json.dumps(text)
