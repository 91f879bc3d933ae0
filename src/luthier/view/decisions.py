"""What the stopping rules made of one trial on its way."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.store import Store

__all__ = ["DecisionRow", "decisions_of"]


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What a rule made of an attempt at a resource, such as an epoch. Where several objectives are compared, it `stops` the
    trial only when it would for each of them."""

    attempt: int
    rule: str
    resource: float
    stops: bool
    reason: str
    time: float


def decisions_of(store: Store, experiment: int, number: int) -> tuple[DecisionRow, ...]:
    """All decisions on a trial, the oldest first."""
    return tuple(
        DecisionRow(
            attempt=event.attempt or 0,
            rule=event.detail["rule"],
            resource=event.detail["resource"],
            stops=event.detail["stops"],
            reason=event.detail["reason"],
            time=event.time,
        )
        for event in store.decisions(experiment, number)
    )
