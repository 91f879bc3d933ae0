"""What might be tried for an option of a program, by its name, type, default and choices: a first guess, for a person to
look at.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from luthier.job.scripts import Option
from luthier.space import Value

__all__ = ["EPOCHS", "Suggestion", "suggest"]

Tree = Any


class Suggestion(NamedTuple):
    """What to try, as it stands in a file, and why; or with nothing to try why the option is left as it is."""

    tree: Tree | None
    why: str = ""


NOT_SEARCHED = re.compile(
    r"(^|[-_])(seed|random[-_]state|device|gpus?|cuda|cpu|workers?|jobs|threads|port|host|rank|world[-_]size|verbose|verbosity|"
    r"debug|quiet|log|logs?[-_]?(dir|level|interval|every)?|dir|folder|path|file|data|dataset|input|output|out|save|load|resume|"
    r"checkpoint|ckpt|config|name|project|run[-_]id|wandb|tensorboard|fold|folds|version|url|user|token|profile|test)($|[-_])",
    re.I,
)
EPOCHS = re.compile(
    r"(^|[-_])(epochs?|max[-_]epochs|num[-_]epochs|n[-_]epochs|(max[-_])?(steps|iters?|iterations)|max[-_]iter)$",
    re.I,
)

LOG = "log"
RANGES: list[tuple[str, float, float, str, str]] = [
    (
        r"(^|[-_])(lr|learning[-_]?rate|eta0?|step[-_]size)\d*($|[-_])",
        1e-5,
        1e-1,
        LOG,
        "learning rates matter by powers of ten",
    ),
    (
        r"(^|[-_])(wd|weight[-_]?decay|l1|l2|alpha|lambda|reg\w*)($|[-_])",
        1e-6,
        1e-1,
        LOG,
        "penalties matter by powers of ten",
    ),
    (r"drop(out|[-_]?path|[-_]?rate)?", 0.0, 0.5, "", "more than a half is seldom of use"),
    (
        r"(^|[-_])(momentum|beta\d?|rho|decay)($|[-_])",
        0.5,
        0.999,
        "reverse_log",
        "dense near 1, where it matters",
    ),
    (r"(^|[-_])(subsample|colsample\w*|fraction|ratio|share)($|[-_])", 0.5, 1.0, "", "a share"),
    (r"^c$", 1e-2, 1e3, LOG, "how much errors cost, by powers of ten"),
    (r"(^|[-_])gamma$", 1e-5, 1.0, LOG, "a width, by powers of ten"),
    (r"(^|[-_])(temperature|tau)$", 0.1, 10.0, LOG, "a ratio"),
    (r"(^|[-_])(label[-_]smoothing|warmup[-_]?(ratio|share))", 0.0, 0.3, "", "a small share"),
]
"""Numbers by their names: from, to, on which scale, and why."""
COUNTS: list[tuple[str, int, int, str, str]] = [
    (
        r"(^|[-_])(layers?|depth|num[-_]layers|n[-_]layers|blocks)$",
        1,
        8,
        "",
        "each count, both ends included",
    ),
    (r"max[-_]depth", 2, 12, "", "each count, both ends included"),
    (r"(^|[-_])degree$", 2, 5, "", "higher ones seldom help"),
    (
        r"(^|[-_])(units?|hidden\w*|width|dim|channels|filters|embed\w*|neurons)",
        16,
        512,
        LOG,
        "sizes matter by ratios",
    ),
    (r"(estimators|trees)", 50, 1000, LOG, "sizes matter by ratios"),
    (r"(^|[-_])(heads?)$", 1, 8, "", "each count, both ends included"),
    (r"(neighbo\w*|^k)$", 1, 50, LOG, "sizes matter by ratios"),
]


def suggest(option: Option) -> Suggestion:
    """What to try for an option."""
    if option.several:
        return Suggestion(None, "takes several values")
    if NOT_SEARCHED.search(option.name) and not option.choices:
        return Suggestion(None, "changes nothing that should be searched")
    if EPOCHS.search(option.name):
        return Suggestion(None, "says how long to train: see budget below")
    if option.flag:
        if option.off is not None:
            return Suggestion([Value(option.words[0]), Value(option.off)], "on or off")
        return Suggestion(None, "is a flag without a value")
    if option.choices:
        return Suggestion(list(option.choices), "its choices")
    if option.kind == "float":
        return _float(option)
    if option.kind == "int":
        return _int(option)
    return Suggestion(None, "takes a text" if option.kind == "str" else "takes what nobody has said")


def _float(option: Option) -> Suggestion:
    default = _number(option.default)
    for pattern, low, high, scaling, why in RANGES:
        if re.search(pattern, option.name, re.I):
            if default is not None and default > 0 and scaling == LOG and not low <= default <= high:
                low, high = _rounded(default / 100), _rounded(default * 100)
            return _range(option, low, high, scaling, why)
    if option.low is not None and option.high is not None and option.low < option.high:
        return _range(option, option.low, option.high, "", "what it takes")
    if default is not None and 0 < default < 1e100:
        return _range(
            option,
            _rounded(default / 10),
            _rounded(default * 10),
            LOG,
            "ten times to either side of the default",
        )
    return Suggestion(None, "is a number of which nothing else is known")


def _int(option: Option) -> Suggestion:
    default = _number(option.default)
    if re.search(r"batch", option.name, re.I):
        around = int(default) if default and 1 <= default <= 10**6 else 64
        sizes = sorted({max(1, around // 4), max(1, around // 2), around, around * 2, around * 4})
        return Suggestion({"values": sizes, "ordered": True}, "sizes around the default, in their order")
    for pattern, low, high, scaling, why in COUNTS:
        if re.search(pattern, option.name, re.I):
            if default is not None and default > 0 and not low <= default <= high:
                low, high = max(1, int(default) // 4), int(default) * 4
            return _range(option, low, high, scaling, why)
    if option.low is not None and option.high is not None and option.low < option.high:
        return _range(option, option.low, option.high, "", "what it takes")
    if default is not None and 0 < default < 1e15:
        low, high = max(1, int(default) // 4), int(default) * 4
        return _range(option, low, high, LOG if high > 40 else "", "four times to either side of the default")
    return Suggestion(None, "is a number of which nothing else is known")


def _range(option: Option, low: float, high: float, scaling: str, why: str) -> Suggestion:
    """A range inside what the option takes."""
    low = low if option.low is None else max(low, option.low)
    high = high if option.high is None else min(high, option.high)
    if not low < high or (scaling and low <= 0):
        return Suggestion(None, "is a number of which nothing else is known")
    is_int = option.kind == "int"
    tree: dict[str, Any] = {"min": _short(low, is_int), "max": _short(high, is_int)}
    if tree["min"] >= tree["max"]:
        return Suggestion(None, "takes a single number")
    tree |= {"scaling": scaling} if scaling else {}
    return Suggestion({**tree, "type": "int"} if is_int else tree, why)


def _short(number: float, is_int: bool) -> float | int:
    return int(number) if is_int or (number == int(number) and abs(number) < 1e15) else number


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _rounded(number: float) -> float:
    return float(f"{number:.2g}")
