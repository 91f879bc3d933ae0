"""What options a program has, found by reading its source: `add_argument` of argparse, `option` and `argument` of click.

Nothing is run or imported. What can't be known from the text, such as a default that is computed, is None.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Option", "metrics_of", "options_of", "variables_of"]

KINDS = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "INT": "int",
    "FLOAT": "float",
    "STRING": "str",
}
METRIC = re.compile(r"(?:^|[\s,;{(|\[\"'])([A-Za-z][\w/.-]*)[\"']?\s*[=:]\s*$")
WORDS_OF_METRICS = re.compile(
    r"acc|loss|err|score|f1|auc|rmse|mse|mae|r2|bleu|perplexity|ppl|reward|return|map|iou", re.I
)
VARIABLE = re.compile(r"LUTHIER_PARAM_([A-Z][A-Z0-9_]*)")


@dataclass(frozen=True)
class Option:
    """One option of a program. `words` are how it is written, a single bare name for a positional; `kind` is int, float,
    str, bool, or None where nobody knows. A `flag` takes no value; `off` is the word that turns it off again."""

    name: str
    words: tuple[str, ...]
    kind: str | None = None
    default: Any = None
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    help: str = ""
    required: bool = False
    flag: bool = False
    off: str | None = None
    several: bool = False

    @property
    def positional(self) -> bool:
        return not self.words[0].startswith("-")


def options_of(source: str) -> list[Option]:
    """The options of a Python program, each once, in the order of its text.

    **Raises** SyntaxError, or ValueError, for what is no Python.
    """
    tree = ast.parse(source)
    known = _constants(tree)
    found: dict[str, Option] = {}
    for call in sorted(_calls(tree), key=lambda call: (call.lineno, call.col_offset)):
        option = _read(call, known)
        if option is not None and option.name not in ("help", "version"):
            found.setdefault(option.name, option)
    return list(found.values())


def metrics_of(source: str) -> list[str]:
    """The metrics that a Python program seems to print or report, the likeliest first."""
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            for before, after in zip(node.values, node.values[1:], strict=False):
                if isinstance(before, ast.Constant) and isinstance(after, ast.FormattedValue):
                    found |= dict.fromkeys(METRIC.findall(str(before.value)))
        elif isinstance(node, ast.Call) and _called(node) == "report":
            found |= dict.fromkeys(word.arg for word in node.keywords if word.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= dict.fromkeys(
                re.findall(r"([A-Za-z][\w/]*)\s*[=:]\s*(?:%[\d.]*[fgd]|\{[^{}]*\})", node.value)
            )
    likely = [name for name in found if WORDS_OF_METRICS.search(name)]
    return sorted(
        likely, key=lambda name: (not name.lower().startswith(("val", "test", "valid")), "_" in name)
    )


def variables_of(text: str) -> list[str]:
    """The parameters that a program of any language reads from `LUTHIER_PARAM_*`."""
    return list(dict.fromkeys(name.lower() for name in VARIABLE.findall(text)))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in ("add_argument", "option", "argument"):
            yield node


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _read(call: ast.Call, known: Mapping[str, Any]) -> Option | None:
    """One call as an option; None where it declares none."""
    words = [_literal(word, known) for word in call.args]
    told = {word.arg: word.value for word in call.keywords if word.arg}
    is_argparse = _called(call) == "add_argument"
    texts = tuple(word for word in words if isinstance(word, str))
    if not texts or (not is_argparse and "type" not in told and "default" not in told and not texts[0].startswith("-")
                     and _called(call) == "option"):  # fmt: skip
        return None
    return _argparse(texts, told, known) if is_argparse else _click(texts, told, known)


def _argparse(words: tuple[str, ...], told: Mapping[str, ast.expr], known: Mapping[str, Any]) -> Option:
    action = _word(told.get("action"))
    longest = max(words, key=lambda word: (word.startswith("--"), len(word)))
    name = longest.lstrip("-")
    nargs = _literal(told["nargs"], known) if "nargs" in told else None
    default = _literal(told.get("default"), known)
    flags = ("store_true", "store_false", "store_const", "append_const", "count", "version", "help")
    optional = longest.startswith("-")
    return Option(
        name=name,
        words=(longest,),
        kind=_kind(_word(told.get("type")), default),
        default=default,
        choices=_choices(told.get("choices"), known),
        help=_help(told, known),
        required=_literal(told.get("required"), known) is True if optional else nargs not in ("?", "*"),
        flag=action in flags or action == "BooleanOptionalAction",
        off=f"--no-{name}" if action == "BooleanOptionalAction" else None,
        several=nargs not in (None, "?") or action in ("append", "extend"),
    )


def _click(words: tuple[str, ...], told: Mapping[str, ast.expr], known: Mapping[str, Any]) -> Option:
    options = [word for word in words if word.startswith("-")] or [words[0]]
    longest = max(options, key=lambda word: (word.startswith("--"), len(word)))
    on, slash, off = longest.partition("/")
    default = _literal(told.get("default"), known)
    type = told.get("type")
    choices, low, high, word = (), None, None, _word(type)
    if isinstance(type, ast.Call):
        word = _called(type)
        inner = {each.arg: each.value for each in type.keywords if each.arg}
        if word == "Choice":
            choices = _choices(type.args[0] if type.args else inner.get("choices"), known)
        elif word in ("IntRange", "FloatRange"):
            bounds = [_literal(bound, known) for bound in type.args[:2]] + [None, None]
            low = bounds[0] if bounds[0] is not None else _literal(inner.get("min"), known)
            high = bounds[1] if bounds[1] is not None else _literal(inner.get("max"), known)
            word = "int" if word == "IntRange" else "float"
    required = _literal(told.get("required"), known)
    return Option(
        name=on.lstrip("-"),
        words=(on,),
        kind=_kind(word, default),
        default=default,
        choices=choices,
        low=_number(low),
        high=_number(high),
        help=_help(told, known),
        required=required is True or (not on.startswith("-") and required is None and "default" not in told),
        flag=bool(slash)
        or _literal(told.get("is_flag"), known) is True
        or "flag_value" in told
        or "count" in told,
        off=off.strip() or None,
        several=_literal(told.get("multiple"), known) is True
        or _literal(told.get("nargs"), known) not in (None, 1),
    )


def _help(told: Mapping[str, ast.expr], known: Mapping[str, Any]) -> str:
    text = _literal(told.get("help"), known)
    return " ".join(text.split()) if isinstance(text, str) and text != "==SUPPRESS==" else ""


def _kind(word: str, default: Any) -> str | None:
    """The type by its name; else that of the default. `str2bool` and the like are no kind that is known."""
    if word in KINDS:
        return KINDS[word]
    if word and word not in ("IntRange", "FloatRange"):
        return (
            None
            if "int" not in word.lower() and "float" not in word.lower()
            else "int"
            if "int" in word.lower()
            else "float"
        )
    return type(default).__name__ if isinstance(default, (bool, int, float, str)) else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _choices(node: ast.expr | None, known: Mapping[str, Any]) -> tuple[Any, ...]:
    values = _literal(node, known)
    if not isinstance(values, (list, tuple, set, frozenset, dict, range)):
        return ()
    listed = list(dict.fromkeys(each for each in values if isinstance(each, (str, int, float))))
    return tuple(sorted(listed, key=str)) if isinstance(values, (set, frozenset)) else tuple(listed[:50])


# ---------------------------------------------------------------------- what stands in the text


def _word(node: ast.expr | None) -> str:
    """The last name of what stands there: `argparse.BooleanOptionalAction`, `float`, `"store_true"`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "other" if node is not None else ""


def _constants(tree: ast.Module) -> dict[str, Any]:
    """What the names of the module are, where that is written down."""
    known: dict[str, Any] = {}
    for node in tree.body:
        targets: Sequence[ast.expr] = node.targets if isinstance(node, ast.Assign) else ()
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(node, (ast.Assign, ast.AnnAssign)):
                known[target.id] = _literal(node.value, known)
    return known


def _literal(node: ast.expr | None, known: Mapping[str, Any]) -> Any:
    """The value that stands there, None where it is computed. Of a dict only the keys are known."""
    match node:
        case ast.Name(id=name):
            return known.get(name)
        case ast.Dict(keys=keys):
            return [_literal(key, known) for key in keys]
        case ast.Call(func=ast.Name(id="range"), args=args) if args:
            numbers = [_literal(each, known) for each in args]
            is_range = len(numbers) < 4 and all(type(each) is int and abs(each) < 10**6 for each in numbers)
            return range(*numbers) if is_range and numbers[2:] != [0] else None
        case ast.Call(func=ast.Name(id="list" | "tuple" | "sorted"), args=[inner]):
            return _literal(inner, known)
        case ast.Call(func=ast.Attribute(value=inner, attr="keys"), args=[]):
            return _literal(inner, known)
        case ast.BinOp():
            return _computed(node, known)
        case None:
            return None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _computed(node: ast.BinOp, known: Mapping[str, Any]) -> Any:
    """Small sums, such as `1024 * 4` and `10 ** -3`."""
    left, right = _literal(node.left, known), _literal(node.right, known)
    if not all(type(each) in (int, float) and abs(each) < 10**9 for each in (left, right)):
        return None
    match node.op:
        case ast.Mult():
            return left * right
        case ast.Div() if right:
            return left / right
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Pow() if left > 0 and abs(right) < 20 and left < 1000:
            return left**right
    return None
