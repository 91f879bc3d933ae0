"""What any domain can do, and how one is read back from plain JSON.

The kinds themselves: ranges in `ranges.py`, listed values in `choices.py`, distributions in `normal.py`. A searcher
knows domains by this protocol and asks for a kind only where its mathematics differs.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from luthier.errors import SpaceError
from luthier.space.choices import Categorical, Constant, Ordinal
from luthier.space.normal import LogNormal, Normal
from luthier.space.ranges import Float, Integer
from luthier.space.value import Value

__all__ = ["Domain", "domain_from_dict"]


class Domain(Protocol):
    """The values one parameter may take. Frozen, hashable and comparable."""

    @property
    def kind(self) -> str:
        """`float`, `integer`, `categorical`, `ordinal`, `constant`, `normal` or `lognormal`."""

    @property
    def is_uniform(self) -> bool:
        """Whether `from_unit` makes all values of a finite domain equally likely."""

    def count(self) -> int | None:
        """The number of values, None where they are endless."""

    def at(self, index: int) -> Value:
        """The value number `index` of a finite domain, from 0."""

    def index_of(self, value: Any) -> int:
        """The inverse of `at` for a plain value."""

    def from_unit(self, u: float) -> Value:
        """The value that stands at `u` in [0, 1]. Greater `u` never gives an earlier or smaller value."""

    def to_unit(self, value: Any) -> float:
        """Where a plain value stands; exactly undone by `from_unit` on finite domains."""

    def contains(self, value: object) -> bool:
        """Whether a plain value belongs to the domain."""

    def read(self, raw: object) -> Value:
        """A user's text, number or `Value` as a value of this domain, its text kept; SpaceError if it is none."""

    def to_dict(self) -> dict[str, Any]:
        """The domain as plain JSON values."""


def domain_from_dict(data: dict[str, Any]) -> Domain:
    """Reads what a domain's `to_dict` wrote.

    **Raises** SpaceError for a kind this Luthier does not know.
    """
    settings = dict(data)
    kind = settings.pop("kind", None)
    match kind:
        case "float":
            return Float(**settings)
        case "integer":
            return Integer(**settings)
        case "normal":
            return Normal(**settings)
        case "lognormal":
            return LogNormal(**settings)
        case "categorical" | "ordinal" | "constant":
            values = settings["values"]
            texts = settings.get("texts") or [None] * len(values)
            made = {"categorical": Categorical, "ordinal": Ordinal, "constant": Constant}[cast(str, kind)]
            return made(tuple(Value(v, t) for v, t in zip(values, texts, strict=True)))
    raise SpaceError(
        f"a domain of the kind {kind!r} is unknown to this Luthier; upgrade it to open the experiment"
    )
