"""Frozen values that keep what they work out: what `dataclass(frozen=True)` makes, without compiling code on import.

A frozen dataclass costs 0.6 ms when its module is loaded, because its methods are written as text and compiled; the ten
that every search loads cost more than its first trial's place in the store. A value without cached properties is a
NamedTuple instead, which costs a tenth of it. Construction takes some microseconds, so what is made by the thousand
(`Value`, rows of the store) does not belong here.
"""

from __future__ import annotations

from dataclasses import field
from inspect import get_annotations
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform

__all__ = ["Record"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Record:
    """A class whose annotations are its fields, in order, with their defaults, as a dataclass has them. Two are equal when they
    are of one class and their fields are; `__post_init__` may check them, or put them in order with `_settle`.

    **Raises** TypeError for a field that is missing, unknown or given twice, AttributeError when one is set later.
    """

    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = (name for name, kind in get_annotations(cls).items() if "ClassVar" not in str(kind))
        cls._fields = (*cls._fields, *own)

    def __init__(self, *values: Any, **named: Any) -> None:
        fields = self._fields
        if len(values) > len(fields):
            raise TypeError(f"{type(self).__name__} has {len(fields)} fields, not {len(values)}")
        given = dict(zip(fields, values, strict=False))
        for name in fields[len(values) :]:
            given[name] = named.pop(name) if name in named else self._default(name)
        for name in named:
            raise TypeError(f"{type(self).__name__} has no {name}, or was given it twice")
        self._settle(**given)
        self.__post_init__()

    @classmethod
    def _default(cls, name: str) -> Any:
        try:
            default: Any = getattr(cls, name)
        except AttributeError:
            raise TypeError(f"{cls.__name__} needs its {name}") from None
        made_anew = getattr(default, "default_factory", None)  # as `field(default_factory=dict)` says
        return made_anew() if made_anew else default

    def __post_init__(self) -> None:
        """Checks the fields. **Raises** what the class says."""

    def _replace(self, **changes: Any) -> Self:
        """The same with other fields, as a NamedTuple's `_replace` gives it."""
        return type(self)(**{**self._asdict(), **changes})

    def _asdict(self) -> dict[str, Any]:
        """The fields by name."""
        return {name: self.__dict__[name] for name in self._fields}

    def _settle(self, **fields: Any) -> None:
        """Writes fields, for `__post_init__` alone."""
        self.__dict__.update(fields)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: its {name} can't be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: its {name} can't be deleted")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or other.__class__ is not self.__class__:
            return NotImplemented
        return self._asdict() == other._asdict()

    def __hash__(self) -> int:
        return hash(tuple(self._asdict().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"
