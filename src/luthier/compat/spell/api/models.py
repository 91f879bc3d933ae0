"""How a parameter of a search is written in Python: `ValueSpec` for a list, `RangeSpec` for a range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.compat.spell.errors import SpellError
from luthier.errors import SpaceError
from luthier.space import Parameter, Space, hint
from luthier.space.domains import Domain
from luthier.space.making import listed, ranged
from luthier.space.scaling import SCALINGS
from luthier.space.value import Value

__all__ = ["FLOAT", "INT", "LINEAR", "LOG", "REVERSE_LOG", "RangeSpec", "ValueSpec", "space_from"]

LINEAR, LOG, REVERSE_LOG = "linear", "log", "reverse_log"
INT, FLOAT = "int", "float"


@dataclass(frozen=True)
class ValueSpec:
    """A list of values to choose from."""

    values: Sequence[Any]


@dataclass(frozen=True)
class RangeSpec:
    """Numbers from `min` to `max`. `scaling` is LINEAR, LOG or REVERSE_LOG, `type` is INT or FLOAT."""

    min: float
    max: float
    scaling: str = LINEAR
    type: str = FLOAT


def space_from(params: Mapping[str, Any], *, lists: bool = True, ranges: bool = True) -> Space:
    """The space of a program's `params`, in their order. **Raises** SpellError for what is no such value, naming it."""
    if not isinstance(params, Mapping):
        raise SpellError(f"params must be a dict of names to values, not a {type(params).__name__}")
    if not params:
        raise SpellError("params is empty; there is no parameter to search")
    parameters = []
    for name, spec in params.items():
        _check_kind(name, spec, lists=lists, ranges=ranges)
        try:
            parameters.append(Parameter(str(name), _domain(spec)))
        except SpaceError as error:
            raise SpellError(f"param {name!r}: {error}") from None
    try:
        return Space(parameters)
    except SpaceError as error:
        raise SpellError(str(error)) from None


def _check_kind(name: str, spec: Any, *, lists: bool, ranges: bool) -> None:
    if lists and ranges and not isinstance(spec, (ValueSpec, RangeSpec)):
        raise SpellError(
            f"values of params must be either a ValueSpec of RangeSpec; {name!r} is a {type(spec).__name__}"
        )
    if not lists and not isinstance(spec, RangeSpec):
        raise SpellError(f"values of params must be a RangeSpec; {name!r} is a {type(spec).__name__}")
    if not ranges and not isinstance(spec, ValueSpec):
        raise SpellError(f"values of params must be a ValueSpec; {name!r} is a {type(spec).__name__}")


def _domain(spec: ValueSpec | RangeSpec) -> Domain:
    if isinstance(spec, RangeSpec):
        if spec.scaling not in SCALINGS:
            known = "LINEAR, LOG or REVERSE_LOG"
            raise SpaceError(f"scaling {spec.scaling!r} is not {known}{hint(str(spec.scaling), SCALINGS)}")
        if spec.type not in (INT, FLOAT):
            raise SpaceError(f"type {spec.type!r} is not INT or FLOAT{hint(str(spec.type), (INT, FLOAT))}")
        return ranged(spec.min, spec.max, spec.scaling, spec.type, None)
    values = spec.values
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise SpaceError(f"ValueSpec takes a list of values, not {values!r}")
    return listed([value if isinstance(value, Value) else Value(_plain(value)) for value in values])


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's own."""
    item = getattr(value, "item", None)
    return item() if callable(item) and not isinstance(value, (int, float, str)) else value
