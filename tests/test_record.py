"""A Record is what a frozen dataclass would be."""

from __future__ import annotations

import copy
import pickle
from dataclasses import field
from functools import cached_property
from typing import Any, ClassVar

import pytest

from luthier.record import Record


class Range(Record):
    low: float
    high: float = 1.0
    notes: dict[str, str] = field(default_factory=dict)

    kind: ClassVar[str] = "range"

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError("no range")
        self._settle(low=float(self.low))

    @cached_property
    def middle(self) -> float:
        return (self.low + self.high) / 2


class Named(Range):
    name: str = ""


def test_fields_come_by_place_by_name_and_by_default() -> None:
    made = Range(0, high=3.0)
    assert (made.low, made.high, made.notes, made.middle) == (0.0, 3.0, {}, 1.5) and type(made.low) is float
    assert repr(made) == "Range(low=0.0, high=3.0, notes={})"
    assert Named(0.0, name="x")._asdict() == {"low": 0.0, "high": 1.0, "notes": {}, "name": "x"}
    made.notes["a"] = "b"
    assert Range(0, high=3.0).notes == {}  # each has its own


@pytest.mark.parametrize(
    ("values", "named", "said"),
    [
        ((), {}, "Range needs its low"),
        ((1, 2, {}, 4), {}, "Range has 3 fields, not 4"),
        ((0,), {"low": 1}, "Range has no low, or was given it twice"),
        ((0,), {"top": 1}, "Range has no top, or was given it twice"),
    ],
)
def test_what_is_missing_or_too_much_is_said(
    values: tuple[Any, ...], named: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        Range(*values, **named)


def test_equal_are_those_of_one_class_with_equal_fields() -> None:
    known = Range(0.0, 2.0)
    known.middle  # noqa: B018 - what was worked out is no field
    assert known == Range(0.0, 2.0) != Range(0.0, 3.0) and Range(0.0) != Named(0.0) != (0.0, 1.0, {}, "")
    assert len({Named(0.0, notes=None), Named(0.0, notes=None), Named(0.5, notes=None)}) == 2  # type: ignore[arg-type]


def test_it_is_frozen_and_changes_by_being_made_anew() -> None:
    made = Range(0.0, 2.0)
    assert made.middle == 1.0 and made._replace(high=4.0).middle == 2.0 and made.high == 2.0
    with pytest.raises(ValueError, match="no range"):
        made._replace(high=-1.0)
    with pytest.raises(AttributeError, match="its low can't be set"):
        made.low = 1.0  # type: ignore[misc]
    with pytest.raises(AttributeError, match="its low can't be deleted"):
        del made.low
    for twin in (copy.deepcopy(made), copy.copy(made), pickle.loads(pickle.dumps(made))):
        assert twin == made and twin.middle == 1.0
