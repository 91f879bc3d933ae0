"""Rungs: the few resources at which trials are compared, and what a trial's rank there says about it.

**Source** Li et al., "A system for massively parallel hyperparameter tuning" (ASHA, 2020), the variant that stops; ties
within the noise as in Bohdal et al. (PASHA, 2023), with a noise that is read from the bends of the two curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, hypot, inf, log

from luthier.curves import Curve, Curves

__all__ = ["Ranked", "reached", "said", "verdict"]

Entries = Sequence[tuple[float, int]]


def reached(curve: Curve, first: float, eta: float, end: float | None) -> float | None:
    """The highest of the rungs first, first · eta, first · eta² … that the newest point reached or passed; None where it
    did not. The end is no rung, nor is what lies beyond it."""
    if not curve.resource >= first:
        return None
    power = floor(log(curve.resource / first, eta) + 1e-9)
    place = first * eta**power
    if place > curve.resource:  # by the last bit
        place = first * eta ** (power - 1)
    if not curve.before < place or place >= (inf if end is None else end) or curve.at(place) is None:
        return None
    return place


class Ranked:
    """What a trial's rank among `entries` says: whether it is among the best 1 / eta of them, or as good as these."""

    __slots__ = ("among", "band", "count", "kept", "rank")

    def __init__(self, curves: Curves, number: int, entries: Entries, rank: int, eta: float) -> None:
        self.count, self.rank = len(entries), rank
        self.kept = ceil(self.count / eta)
        worst = entries[self.kept - 1]
        self.band = hypot(curves[number].noise, curves[worst[1]].noise)
        self.among = rank <= self.kept or entries[rank - 1][0] - worst[0] <= self.band

    @property
    def words(self) -> str:
        """`is rank 7 of 9; the best 3 go on`."""
        tied = self.among and self.rank > self.kept
        held = f"the best {self.kept} go on" if self.kept > 1 else "the best one goes on"
        return f"is rank {self.rank} of {self.count}; {held}" + (
            ", and what differs by noise only" if tied else ""
        )


def said(curves: Curves, number: int, place: float) -> str:
    """`0.31 at step 4`: what a trial had at a resource, in the words it was reported in."""
    curve = curves[number]
    loss = curve.at(place)
    return f"{curves.shown(curve.loss if loss is None else loss)} at step {curve.step(place):g}"


def verdict(
    curves: Curves, number: int, place: float, eta: float, entries: Entries | None = None
) -> tuple[bool, str]:
    """Whether a trial goes on from a rung, and the sentence that says why. `entries` are those it is compared with, the
    best first; all that came so far where they are not given."""
    if entries is None:
        rung = curves.rung(place)
        entries, rank = rung.entries, rung.rank(number)
    else:
        rank = next((at for at, entry in enumerate(entries, 1) if entry[1] == number), None)
    value = said(curves, number, place)
    if rank is None or len(entries) < eta:
        least = ceil(eta)
        return True, f"{value}: {len(entries)} came so far; nothing is stopped before {least} have"
    ranked = Ranked(curves, number, entries, rank, eta)
    return ranked.among, f"{value} {ranked.words}"
