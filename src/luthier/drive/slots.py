"""The places where trials run side by side, each with its devices.

A slot runs one attempt; a second one may be sent ahead, which its guardian starts the moment the first tree is dead.
GPUs belong to slots, not to trials: so a device is never shared by accident and never handed on while a process of
its former trial lives.
"""

from __future__ import annotations

from collections import deque

from luthier.trial import AttemptId

__all__ = ["Slots"]


class Slots:
    """`devices[i]` are the GPUs of slot i, None where trials use none."""

    def __init__(self, devices: list[tuple[str, ...] | None]) -> None:
        self._devices = devices
        self._orders: list[deque[AttemptId]] = [deque() for _ in devices]

    def __len__(self) -> int:
        return len(self._devices)

    def devices(self, slot: int) -> tuple[str, ...] | None:
        """The GPUs of a slot."""
        return self._devices[slot]

    def free(self, *, ahead: bool) -> list[int]:
        """The slots that can take one more order, empty ones first; with `ahead`, also those with one running."""
        empty = [slot for slot, orders in enumerate(self._orders) if not orders]
        return empty + [slot for slot, orders in enumerate(self._orders) if ahead and len(orders) == 1]

    def ahead(self) -> list[AttemptId]:
        """The attempts that were sent ahead and wait for their slot."""
        return [id for orders in self._orders for id in list(orders)[1:]]

    def fill(self, slot: int, id: AttemptId) -> None:
        """Notes that an attempt was sent to a slot."""
        self._orders[slot].append(id)

    def seat(self, id: AttemptId, devices: tuple[str, ...] | None) -> int | None:
        """Gives an adopted attempt a place: the slot of its devices, else an empty one; None when all are busy."""
        seats = [slot for slot, orders in enumerate(self._orders) if not orders]
        if devices:
            seats.sort(key=lambda slot: self._devices[slot] != devices)
        if not seats:
            return None
        self.fill(seats[0], id)
        return seats[0]

    def empty(self, slot: int, id: AttemptId) -> None:
        """Notes that an attempt of a slot ended."""
        self._orders[slot].remove(id)
