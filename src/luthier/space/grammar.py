"""The command line's way of writing parameters, as text.

    NAME=V,V,…                                        --param rate=0.001,0.01
    NAME=MIN:MAX[:SCALING][:TYPE][:step=STEP]         --param rate=.001:1.0:log   layers=2:100:int   p=0:1:step=.1
    NAME=DISTRIBUTION(A,B[,q=STEP][,TYPE])            --param noise=normal(0,1)   size=lognormal(3,1,q=8,int)
    NAME=[JSON,…]                                     --json-param act='["relu", null, "a,b"]'

A single text with a ':' is a range or an error; of several comma separated texts each is a value, so `12:30,14:00`
are two strings. Every refusal is one sentence that names the parameter and says what to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never

from luthier.errors import SpaceError
from luthier.space.domains import Domain
from luthier.space.making import DISTRIBUTIONS, TYPES, as_type, distributed, listed, ranged
from luthier.space.nearest import hint, nearest
from luthier.space.parameter import Parameter
from luthier.space.scaling import SCALINGS
from luthier.space.space import Space
from luthier.space.value import Value, read_number, read_value

__all__ = [
    "FORMAT",
    "JSON_FORMAT",
    "FormatError",
    "parse_json_param",
    "parse_param",
    "parse_params",
    "plain",
    "read_call",
    "read_range",
]

FORMAT = "NAME=VALUE[,VALUE,VALUE,...] or NAME=MIN:MAX[:linear|log|reverse_log[:int|float]]"
JSON_FORMAT = "a json encoded list"
STEPS = ("step", "q")


class FormatError(SpaceError):
    """Says that a parameter's text has the wrong form. `text` is what was typed, `detail` what is wrong with it.

    A door with a sentence of its own makes it of `text`.
    """

    def __init__(self, text: str, detail: str, what: str = "param", form: str = FORMAT) -> None:
        super().__init__(f"Incorrect formatting of {what} '{text}', it must be {form}; {detail}")
        self.text = text
        self.detail = detail
        self._made_of = (text, detail, what, form)

    def __reduce__(self) -> tuple[Any, ...]:
        return (FormatError, self._made_of)


def parse_params(params: Sequence[str], json_params: Sequence[str] = ()) -> Space:
    """The space of all `--param` texts, then all `--json-param` texts, in the order given.

    **Raises** SpaceError with one sentence for the first that can't be read, or a name given twice.
    """
    return Space([*map(parse_param, params), *map(parse_json_param, json_params)])


def parse_param(text: str) -> Parameter:
    """One `--param` text.

    A listed word is an integer, else a float, else a string (`read_value`), and keeps its spelling.

    **Raises** SpaceError with one sentence; its kind FormatError where the form itself is wrong.
    """
    name, value = _split(text, "param", FORMAT)
    if not value:
        raise FormatError(text, "there is no value after the '='")
    try:
        domain = read_call(value) or read_range(text, name, value) or _list(text, value)
    except FormatError:
        raise
    except SpaceError as error:
        raise SpaceError(f"param '{text}': {error}") from None
    return Parameter(name, domain)


def parse_json_param(text: str) -> Parameter:
    """One `--json-param` text, `NAME='[…]'`: values keep JSON's types, and numbers the way they are written.

    **Raises** SpaceError with one sentence; its kind FormatError where it is no JSON list.
    """
    name, value = _split(text, "json param", f"NAME and {JSON_FORMAT}")
    try:
        values = _read_json(value)
    except ValueError as error:
        raise FormatError(text, f"this is not JSON: {error}", "json param", JSON_FORMAT) from None
    if not isinstance(values, list):
        raise FormatError(text, f"write {name}='[{value}]'", "json param", JSON_FORMAT)
    if not values:
        raise SpaceError(f"json param '{text}': the list of values is empty; list at least one value")
    try:
        return Parameter(name, listed([v if isinstance(v, Value) else Value(plain(v)) for v in values]))
    except SpaceError as error:
        raise SpaceError(f"json param '{text}': {error}") from None


def _split(text: str, what: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise FormatError(text, "there is no '='", what, form)
    name = name.strip()
    if not name:
        raise FormatError(text, "there is no name before the '='", what, form)
    odd = next((c for c in name if not (c.isalnum() or c in "_-./")), None)
    if odd is not None:
        raise FormatError(
            text, f"the name holds {odd!r}, write letters, digits, '-', '_', '.' or '/'", what, form
        )
    return name, value.strip()


def _list(text: str, value: str) -> Domain:
    words = [word.strip() for word in value.split(",")]
    if not all(words):
        raise FormatError(text, "one of the values is empty")
    for word in words:
        fields = word.split(":")
        if len(fields) > 2 and all(read_number(f) is not None for f in fields[:2]) and _is_option(fields[2]):
            raise FormatError(text, f"{word!r} is a range, which stands alone without commas")
    return listed([read_value(word) for word in words])


def _is_option(word: str) -> bool:
    return word in SCALINGS or word in TYPES or word.partition("=")[0] in STEPS


def read_range(text: str, name: str, value: str) -> Domain | None:
    """The range that `value` writes, or None where it is a list."""
    if ":" not in value or "," in value:
        return None
    fields = [field.strip() for field in value.split(":")]
    bounds = [read_number(field) for field in fields[:2]]
    for field, bound in zip(fields, bounds, strict=False):
        if bound is None:
            problem = f"{field!r} is not a finite number" if field else "MIN or MAX is missing"
            raise FormatError(
                text,
                f"""{problem} (a value that holds a ':' can be given as --json-param {name}='["{value}"]')""",
            )
    low, high = bounds
    assert low is not None and high is not None
    scaling, type, step = _options(fields[2:])
    return ranged(low, high, scaling, type, step)


def _options(words: Sequence[str]) -> tuple[str | None, str | None, float | None]:
    """Scaling, type and step, each at most once, in any order."""
    found: dict[str, Any] = {}
    for word in words:
        key, equals, number = word.partition("=")
        if equals:
            kind, value = "step", _step(key.strip(), number.strip())
        elif word in SCALINGS:
            kind, value = "scaling", word
        elif word in TYPES:
            kind, value = "type", as_type(word)
        else:
            _unknown(word)
        if kind in found:
            raise SpaceError(f"the {kind} is given twice; write it once")
        found[kind] = value
    return found.get("scaling"), found.get("type"), found.get("step")


def _step(key: str, text: str) -> Any:
    if key not in STEPS:
        raise SpaceError(f"option {key!r} is unknown; write step=STEP{hint(key, STEPS)}")
    step = read_number(text)
    if step is None:
        raise SpaceError(f"the step {text!r} is not a finite number; write step=STEP with a positive number")
    return step


def _unknown(word: str) -> Never:
    words = [*SCALINGS, "int", "float"]
    raise SpaceError(
        f"scaling or type {word!r} is unknown; write linear, log or reverse_log, then int or float{hint(word, words)}"
    )


def read_call(value: str) -> Domain | None:
    """The distribution that `value` writes, or None where it is no call of one."""
    word, opening, rest = value.partition("(")
    word = word.strip()
    if not opening or not rest.endswith(")") or ")" in rest[:-1] or not word.isidentifier():
        return None
    if word not in DISTRIBUTIONS and nearest(word, DISTRIBUTIONS) is None:
        return None
    numbers: list[float] = []
    options: list[str] = []
    for argument in (a.strip() for a in rest[:-1].split(",")):
        number = read_number(argument)
        if number is None:
            options.append(argument)
        elif options:
            raise SpaceError(f"the number {argument} stands after an option; write the numbers first")
        else:
            numbers.append(number)
    if word.startswith("q") and len(numbers) == 3:
        options.append(f"q={numbers.pop()}")
    if "" in options:
        raise SpaceError(f"an argument of {word} is empty; write it as {word}(A,B)")
    scaling, type, step = _options(options)
    return distributed(word, numbers, scaling, type, step)


def _read_json(text: str) -> Any:
    """JSON with its numbers as `Value`s."""
    import json

    def refuse(word: str) -> Never:
        raise ValueError(f"{word} is no JSON number")

    return json.loads(
        text,
        parse_int=lambda s: Value(int(s), s),
        parse_float=_finite,
        parse_constant=refuse,
    )


def _finite(text: str) -> Value:
    number = float(text)
    if number - number != 0:
        raise ValueError(f"{text} is too large")
    return Value(number, text)


def plain(value: Any) -> Any:
    """A JSON tree without the texts of its numbers."""
    if isinstance(value, Value):
        return value.value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
