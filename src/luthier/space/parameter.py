"""One parameter: a name, its domain, and the conditions under which it exists. Ordering and checking are `space.py`'s."""

from __future__ import annotations

from typing import Any, NamedTuple

from luthier.space.conditions import Condition
from luthier.space.domains import Domain, domain_from_dict

__all__ = ["Parameter"]


class Parameter(NamedTuple):
    """A name, the values it may take and the conditions under which it exists (all of them must hold)."""

    name: str
    domain: Domain
    when: tuple[Condition, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The parameter as plain JSON values."""
        data = {"name": self.name, **self.domain.to_dict()}
        if self.when:
            data["when"] = [condition.to_list() for condition in self.when]
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Parameter:
        """Reads what `to_dict` wrote."""
        settings = dict(data)
        name, when = settings.pop("name"), settings.pop("when", [])
        return cls(name, domain_from_dict(settings), tuple(Condition.from_list(c) for c in when))

    def __str__(self) -> str:
        when = f" when {' and '.join(map(str, self.when))}" if self.when else ""
        return f"{self.name}: {self.domain}{when}"
