"""Spell's three ways to write a parameter, with its own error messages.

    grid        NAME=VALUE[,VALUE…]                      any search: NAME='[…]' as JSON
    random      the same, or NAME=MIN:MAX[:SCALING[:TYPE]]
    bayesian    NAME=MIN:MAX[:TYPE]

Values keep the spelling they were given. What Spell took and then stumbled over (MIN above MAX, a logarithm of zero, an
unknown scaling) is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from luthier.compat.spell.errors import SpellError
from luthier.errors import SpaceError
from luthier.space import Parameter, Space
from luthier.space.domains import Domain
from luthier.space.grammar import FormatError, parse_json_param
from luthier.space.making import TYPES, listed, ranged
from luthier.space.nearest import hint
from luthier.space.scaling import SCALINGS
from luthier.space.value import read_number, read_value

__all__ = ["FORMS", "read_space"]

_LIST = "NAME=VALUE[,VALUE,VALUE,...]"
FORMS = {
    "grid": _LIST,
    "random": f"{_LIST} or NAME=MIN:MAX[:linear|log|reverse_log[:int|float]]",
    "bayesian": "NAME=MIN:MAX[:int|float]",
    "run": "NAME=VALUE",
}
"""How a parameter is to be written, by the kind of search."""


def read_space(kind: str, params: Sequence[str], json_params: Sequence[str] = ()) -> Space:
    """The space of all `--param` texts, then all `--json-param` texts, in the order given.

    **Raises** SpellError with one sentence for the first that can't be read, or a name given twice.
    """
    parameters: list[Parameter] = []
    for text in params:
        parameters.append(_read(kind, text))
        _refuse_second(parameters, text, "param", f"it must be {FORMS[kind]}")
    for text in json_params:
        parameters.append(_read_json(text))
        _refuse_second(parameters, text, "json param", "it must be a json encoded list")
    try:
        return Space(parameters)
    except SpaceError as error:
        raise SpellError(str(error)) from None


def _refuse_second(parameters: Sequence[Parameter], text: str, what: str, form: str) -> None:
    name = parameters[-1].name
    if any(one.name == name for one in parameters[:-1]):
        raise SpellError(f"Incorrect formatting of {what} '{text}', {form}; {name} is given twice")


def _wrong(kind: str, text: str, detail: str) -> SpellError:
    return SpellError(f"Incorrect formatting of param '{text}', it must be {FORMS[kind]}; {detail}")


def _read(kind: str, text: str) -> Parameter:
    name, equals, value = text.partition("=")
    if not equals:
        raise _wrong(kind, text, "there is no '='")
    if not name.strip():
        raise _wrong(kind, text, "there is no name before the '='")
    if not value.strip():
        raise _wrong(kind, text, "there is no value after the '='")
    if "=" in value:
        raise _wrong(
            kind,
            text,
            f"there is a second '='; a value that holds one can be written --json-param {name}='[…]'",
        )
    try:
        return Parameter(name.strip(), _READERS[kind](text, value))
    except SpellError:
        raise
    except SpaceError as error:
        raise SpellError(f"param '{text}': {error}") from None


def _read_json(text: str) -> Parameter:
    try:
        return parse_json_param(text)
    except FormatError as error:
        raise SpellError(
            f"Incorrect formatting of json param '{text}', it must be a json encoded list; {error.detail}"
        ) from None
    except SpaceError as error:
        raise SpellError(str(error)) from None


# ---------------------------------------------------------------------- what stands after the '='


def _values(kind: str, text: str, value: str) -> Domain:
    words = [word.strip() for word in value.split(",")]
    if not all(words):
        raise _wrong(kind, text, "one of the values is empty")
    return listed([read_value(word) for word in words])


def _one(text: str, value: str) -> Domain:
    return listed([read_value(value)])


def _grid(text: str, value: str) -> Domain:
    return _values("grid", text, value)


def _random(text: str, value: str) -> Domain:
    """Whatever holds a ':' is a range here, as it was in Spell."""
    if ":" not in value:
        return _values("random", text, value)
    low, high, rest = _bounds("random", text, value)
    if len(rest) > 2:
        raise _wrong("random", text, "there are more than four fields")
    scaling = rest[0] if rest else "linear"
    if scaling not in SCALINGS:
        also = f"; a type is the fourth field, after linear: {text}" if scaling in TYPES else ""
        also = also.replace(f":{scaling}", f":linear:{scaling}")
        raise _wrong("random", text, f"{scaling!r} is no scaling{hint(scaling, SCALINGS)}{also}")
    return ranged(low, high, scaling, _type("random", text, rest[1:]), None)


def _bayesian(text: str, value: str) -> Domain:
    if ":" not in value:
        raise _wrong(
            "bayesian",
            text,
            "this search takes ranges only (`luthier bayesian` takes lists of values as well)",
        )
    low, high, rest = _bounds("bayesian", text, value)
    if rest and rest[0] in SCALINGS:
        raise _wrong(
            "bayesian",
            text,
            f"the third field is the type, and {rest[0]!r} is a scaling, which this search has none of "
            "(`luthier bayesian` has)",
        )
    if len(rest) > 1:
        raise _wrong("bayesian", text, "there are more than three fields")
    return ranged(low, high, "linear", _type("bayesian", text, rest), None)


_READERS: dict[str, Callable[[str, str], Domain]] = {
    "grid": _grid,
    "random": _random,
    "bayesian": _bayesian,
    "run": _one,
}


def _bounds(kind: str, text: str, value: str) -> tuple[float, float, list[str]]:
    fields = [field.strip() for field in value.split(":")]
    found = []
    for field in fields[:2]:
        number = read_number(field)
        if number is None:
            raise _wrong(kind, text, _no_number(kind, text, field))
        found.append(number)
    return found[0], found[1], fields[2:]


def _no_number(kind: str, text: str, field: str) -> str:
    problem = f"{field!r} is not a finite number" if field else "MIN or MAX is missing"
    if kind == "bayesian":
        return problem
    name, _, value = text.partition("=")
    return f"""{problem} (values that hold a ':' can be given as --json-param {name}='["{value}"]')"""


def _type(kind: str, text: str, rest: Sequence[str]) -> str:
    if not rest:
        return "float"
    if rest[0] not in ("int", "float"):
        raise _wrong(kind, text, f"{rest[0]!r} is no type{hint(rest[0], ('int', 'float'))}")
    return rest[0]
