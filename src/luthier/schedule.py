"""How a trial is cut into parts, and when a trial or the whole search ends before its end: parts of a `Description`.

What the rules and settings of a `Stopping` mean is `stopping/`'s; who acts on all of this is `drive/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from luthier.errors import UsageError

__all__ = ["Goal", "Stages", "Stopping"]


class Stopping(NamedTuple):
    """Which rule ends poor trials early, with its settings; and a person's own `conditions`, any of which ends a trial."""

    rule: str = "none"
    settings: dict[str, Any] = {}  # noqa: RUF012  never changed, as nothing here is
    conditions: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, conditions: Sequence[str] = ()) -> Stopping:
        """Reads `asha` and `asha:eta=3,min_resource=2`; which rules and settings there are is `stopping.registry`'s.
        **Raises** UsageError for anything else."""
        name, _, rest = text.partition(":")
        settings: dict[str, Any] = {}
        for part in filter(None, rest.split(",")):
            key, sign, value = (each.strip() for each in part.partition("="))
            if not sign or not key or key in settings:
                raise UsageError(
                    f"{text!r}: {part!r} is no setting of a stopping rule; write RULE:NAME=VALUE,NAME=VALUE, "
                    "such as asha:eta=3"
                )
            settings[key] = _number(value)
        return cls(name.strip(), settings, tuple(conditions))

    @classmethod
    def from_dict(cls, data: dict[str, Any] | None) -> Stopping | None:
        """Reads what `_asdict` wrote."""
        return cls(**{**data, "conditions": tuple(data["conditions"])}) if data else None


class Stages(NamedTuple):
    """The parts a trial runs in, an attempt each: rungs of a budget, of which each is `eta` times the one before and only the
    best `1 / eta` go on; or folds from 0, whose values are averaged. A stage's level is handed to the command as
    `parameter`; where that is empty, the environment alone tells it."""

    kind: Literal["rungs", "folds"]
    parameter: str
    levels: tuple[float, ...]
    eta: float = 3.0

    def text(self, stage: int) -> str:
        """A stage's level as the command gets it: `27`, `0.5`."""
        return f"{self.levels[stage]:.12g}"

    def name(self, stage: int) -> str:
        """A stage as people call it: `epochs=9`, `fold 2`."""
        return f"fold {self.text(stage)}" if self.kind == "folds" else f"{self.parameter}={self.text(stage)}"

    def value(self, stage: int) -> float | int:
        """A stage's level as a number, a whole one where it is."""
        level = self.levels[stage]
        return int(level) if level == int(level) else level

    @classmethod
    def from_dict(cls, data: dict[str, Any] | None) -> Stages | None:
        """Reads what `_asdict` wrote."""
        return cls(**{**data, "levels": tuple(data["levels"])}) if data else None


class Goal(NamedTuple):
    """When the whole search ends before its trials are used up: a value of the objective that is reached, seconds that
    one command may take, finished trials in a row of which none was better."""

    value: float | None = None
    seconds: float | None = None
    no_progress: int | None = None


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
