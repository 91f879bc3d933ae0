"""Parameters as an already parsed tree declares them: what stood in a YAML or JSON file.

    rate:    [0.001, 1e-2]                                a list, kept as written
    dropout: {min: 0.1, max: 0.5, step: 0.1}              a range; also scaling (or scale, or log: true), type
    epochs:  {range: {min: 3, max: 5, step: 1}}           the same as RiseML writes it
    size:    {values: [small, large], ordered: true}      also `choices`
    noise:   {distribution: normal, mean: 0, deviation: 1, q: 0.5}
    kernel:  {value: poly}                                held fixed
    momentum: {min: 0, max: 1, when: {optimizer: sgd}}    or when: "layers >= 3"

Scalars come as `Value` where their spelling is known, else plain. A text such as `.001:1.0:log` is read as on the
command line; any other bare scalar is refused, for it may have been meant as a list. Files are read in `job/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.errors import SpaceError
from luthier.space.choices import Constant, Ordinal
from luthier.space.conditions import Condition, parse_conditions
from luthier.space.domains import Domain
from luthier.space.grammar import plain, read_call, read_range
from luthier.space.making import as_scaling, as_type, distributed, listed, ranged
from luthier.space.nearest import hint
from luthier.space.parameter import Parameter
from luthier.space.space import ConditionError, Space
from luthier.space.value import Value, canonical_text

__all__ = ["DeclarationError", "declare", "declare_parameter"]

LOW = ("min", "low")
HIGH = ("max", "high")
STEP = ("step", "q")
SCALING = ("scaling", "scale", "log")
MEAN = ("mean", "mu")
DEVIATION = ("deviation", "sigma", "std")
FORMS: dict[str, tuple[str, ...]] = {
    "distribution": ("distribution", *LOW, *HIGH, *MEAN, *DEVIATION, *STEP, *SCALING, "type"),
    "values": ("values", "ordered"),
    "choices": ("choices", "ordered"),
    "value": ("value",),
    "range": ("range",),
    "min": (*LOW, *HIGH, *STEP, *SCALING, "type"),
    "low": (*LOW, *HIGH, *STEP, *SCALING, "type"),
}
ALL_KEYS = tuple(dict.fromkeys([key for keys in FORMS.values() for key in keys] + ["when"]))


class DeclarationError(SpaceError):
    """Says what is wrong in a declared tree. `path` leads to the spot: keys and list indexes from the top."""

    def __init__(self, message: str, path: tuple[str | int, ...]) -> None:
        super().__init__(message, path)
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


def declare(tree: Mapping[str, Any]) -> Space:
    """The space that a mapping from names to declarations describes.

    **Raises** DeclarationError with one sentence and the path to what it is about.
    """
    try:
        return Space([declare_parameter(str(name), spec) for name, spec in tree.items()])
    except ConditionError as error:
        raise DeclarationError(str(error), (error.parameter, "when")) from None


def declare_parameter(name: str, spec: Any) -> Parameter:
    """One parameter from its declaration.

    **Raises** DeclarationError.
    """
    when: tuple[Condition, ...] = ()
    path: list[str | int] = [name]
    try:
        if not name:
            raise SpaceError("the name is empty; write a name before the colon")
        if isinstance(spec, Mapping):
            domain = _mapping(spec, path)
            if "when" in spec:
                path[:] = [name, "when"]
                when = parse_conditions(spec["when"])
        elif isinstance(spec, (list, tuple)):
            domain = listed(_values(spec))
        else:
            domain = _scalar(name, spec)
    except SpaceError as error:
        raise DeclarationError(f"parameter {name!r}: {error}", tuple(path)) from None
    return Parameter(name, domain, when)


def _scalar(name: str, spec: Any) -> Domain:
    text = spec.text if isinstance(spec, Value) else canonical_text(spec)
    if isinstance(spec.value if isinstance(spec, Value) else spec, str):
        if domain := read_call(text):
            return domain
        fields = text.split(":")
        if len(fields) > 1 and "//" not in text and (domain := read_range(f"{name}={text}", name, text)):
            return domain
    shown = canonical_text([plain(spec)])
    raise SpaceError(f"{text} is no list; write {shown} to try it, or {{value: {text}}} to hold it fixed")


def _mapping(spec: Mapping[str, Any], path: list[str | int]) -> Domain:
    name = path[0]
    form = next((key for key in FORMS if key in spec), None)
    if form is None:
        _refuse_unknown(spec, ALL_KEYS, path)
        path[:] = [name]
        raise SpaceError("it declares no values; write a list, or min and max, or values, or distribution")
    _refuse_unknown(spec, (*FORMS[form], "when"), path)
    path[:] = [name, form]
    match form:
        case "values" | "choices":
            return _chosen(spec, form, path)
        case "value":
            return Constant((_value(spec["value"]),))
        case "range":
            inner = spec["range"]
            if not isinstance(inner, Mapping):
                raise SpaceError("a range is written {min: MIN, max: MAX, step: STEP}")
            for key in inner:
                if key not in FORMS["min"]:
                    path[:] = [name, "range", key]
                    _unknown(key, FORMS["min"])
            return _between(inner, path)
        case "distribution":
            return _distribution(spec, path)
    return _between(spec, path)


def _refuse_unknown(spec: Mapping[str, Any], known: Sequence[str], path: list[str | int]) -> None:
    for key in spec:
        if key not in known:
            path.append(key)
            _unknown(key, known)


def _unknown(key: object, known: Sequence[str]) -> None:
    raise SpaceError(
        f"key {str(key)!r} is unknown here{hint(str(key), known)}; write one of {', '.join(known)}"
    )


def _chosen(spec: Mapping[str, Any], form: str, path: list[str | int]) -> Domain:
    values = spec[form]
    if not isinstance(values, (list, tuple)):
        raise SpaceError(f"{form} is not a list; write {form}: {canonical_text([plain(values)])}")
    choices = _values(values)
    path[1:] = ["ordered"]
    return Ordinal(tuple(choices)) if _flag(spec, "ordered") else listed(choices)


def _between(spec: Mapping[str, Any], path: list[str | int]) -> Domain:
    low, high = _number(spec, LOW, path), _number(spec, HIGH, path)
    if low is None or high is None:
        raise SpaceError(f"{'min' if low is None else 'max'} is missing; write both min and max")
    step, scaling, type = _number(spec, STEP, path), _scaling(spec), _word(spec, "type")
    return ranged(low, high, scaling, as_type(type) if type else None, step)


def _distribution(spec: Mapping[str, Any], path: list[str | int]) -> Domain:
    word = _word(spec, "distribution") or ""
    first = [_number(spec, keys, path) for keys in (LOW, MEAN)]
    second = [_number(spec, keys, path) for keys in (HIGH, DEVIATION)]
    is_normal = word.endswith("normal")
    numbers = [n[is_normal] for n in (first, second)]
    if any(n[not is_normal] is not None for n in (first, second)):
        raise SpaceError(f"{word} takes {'mean and deviation' if is_normal else 'min and max'}")
    given = [n for n in numbers if n is not None]
    type, step = _word(spec, "type"), _number(spec, STEP, path)
    return distributed(word, given, _scaling(spec), as_type(type) if type else None, step)


def _number(spec: Mapping[str, Any], keys: Sequence[str], path: list[str | int]) -> float | None:
    """The number under the one of `keys` that is there."""
    given = [key for key in keys if key in spec]
    if not given:
        return None
    if len(given) > 1:
        raise SpaceError(f"{given[0]} and {given[1]} mean the same; write one of them")
    value = plain(spec[given[0]])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        path[1:] = [*path[1:][:1], given[0]] if path[1:] == ["range"] else [given[0]]
        raise SpaceError(f"{given[0]} is {canonical_text(value)}, not a number; write a decimal number")
    return value


def _scaling(spec: Mapping[str, Any]) -> str | None:
    given = [key for key in SCALING if key in spec]
    if len(given) > 1:
        raise SpaceError(f"{given[0]} and {given[1]} mean the same; write one of them")
    if given == ["log"]:
        return "log" if _flag(spec, "log") else None
    word = _word(spec, given[0]) if given else None
    return as_scaling(word) if word else None


def _word(spec: Mapping[str, Any], key: str) -> str | None:
    if key not in spec:
        return None
    value = plain(spec[key])
    if not isinstance(value, str):
        raise SpaceError(f"{key} is {canonical_text(value)}, not a word")
    return value


def _flag(spec: Mapping[str, Any], key: str) -> bool:
    value = plain(spec.get(key, False))
    if not isinstance(value, bool):
        raise SpaceError(f"{key} is {canonical_text(value)}; write true or false")
    return value


def _values(items: Sequence[Any]) -> list[Value]:
    return [_value(item) for item in items]


def _value(item: Any) -> Value:
    """A listed item; lists and mappings in it are opaque choices."""
    return item if isinstance(item, Value) else Value(plain(item))
