"""The places where trials run side by side, each with its devices.

A slot runs one attempt; others may be sent ahead, which its guardian starts the moment the tree before is dead.
GPUs belong to slots, not to trials: so a device is never shared by accident and never handed on while a process of
its former trial lives. An adopted attempt is a guest: the slots whose place it takes are given nothing while it runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from luthier.trial import AttemptId

__all__ = ["Slots"]


class Slots:
    """`devices[i]` are the GPUs of slot i, None where trials use none."""

    def __init__(self, devices: list[tuple[str, ...] | None]) -> None:
        self._devices = devices
        self._orders: list[deque[AttemptId]] = [deque() for _ in devices]
        self._guests: list[set[AttemptId]] = [set() for _ in devices]

    def __len__(self) -> int:
        return len(self._devices)

    def devices(self, slot: int) -> tuple[str, ...] | None:
        """The GPUs of a slot."""
        return self._devices[slot]

    def free(self, ahead: int) -> list[int]:
        """The slots that can take one more order, once for each, the emptiest first; `ahead` may wait in each."""
        places = [
            (waiting, slot)
            for slot, orders in enumerate(self._orders)
            if not self._guests[slot]
            for waiting in range(len(orders), ahead + 1)
        ]
        return [slot for _, slot in sorted(places)]

    def shortest(self, ended: Iterable[AttemptId]) -> int:
        """How many orders the slot with the fewest still has, not counting attempts that ended."""
        gone = set(ended)
        return min((sum(id not in gone for id in orders) for orders in self._orders), default=0)

    def ahead(self) -> list[AttemptId]:
        """The attempts that were sent ahead and wait for their slot."""
        return [id for orders in self._orders for id in list(orders)[1:]]

    def fill(self, slot: int, id: AttemptId) -> None:
        """Notes that an attempt was sent to a slot."""
        self._orders[slot].append(id)

    def seat(self, id: AttemptId, devices: tuple[str, ...] | None) -> None:
        """Gives an adopted attempt a place: a slot with just its devices, else all that share one, else any.

        When every place is taken it shares one, and that slot starts nothing before both have ended.
        """
        slots = range(len(self._orders))
        same = [slot for slot in slots if self._devices[slot] == devices]
        sharing = [slot for slot in slots if {*(self._devices[slot] or ())} & {*(devices or ())}]
        taken = sharing if sharing and not same else [min(same or slots, key=self._load)]
        for slot in taken:
            self._guests[slot].add(id)

    def _load(self, slot: int) -> int:
        return len(self._orders[slot]) + len(self._guests[slot])

    def empty(self, slot: int | None, id: AttemptId) -> None:
        """Notes that an attempt of a slot ended, or, with no slot, an adopted one."""
        if slot is not None:
            self._orders[slot].remove(id)
            return
        for guests in self._guests:
            guests.discard(id)
