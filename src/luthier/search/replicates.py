"""The same few configurations again and again, in turn: what tells luck from merit.

Every trial has a seed of its own, so each round runs every configuration afresh. The configurations stand in the
settings; a search that is interrupted after any number of trials has run each of them equally often, give or take one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from luthier.errors import UsageError
from luthier.history import History
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["Replicates"]


@dataclass(frozen=True)
class Replicates:
    """Proposes the first configuration, the second, …, and the first again."""

    configurations: tuple[Configuration, ...]

    name: ClassVar[str] = "replicates"
    looks_back: ClassVar[bool] = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Replicates:
        """Reads the setting `configurations`, a list of objects with `values` and, where they were written otherwise,
        `texts`. **Raises** UsageError when it is missing or empty."""
        given = settings.get("configurations") or ()
        if not given:
            raise UsageError(
                "replicates needs the setting configurations: the list of what is to be run again"
            )
        return cls(tuple(Configuration(each["values"], each.get("texts")) for each in given))

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        """One proposal for every ordinal."""
        count = len(self.configurations)
        return [Proposal(self.configurations[(n - 1) % count], by=self.name, ordinal=n) for n in ordinals]
