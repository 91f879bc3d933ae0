"""Scrambled Sobol points: as random as random ones, but spread evenly over the space.

Point k is the exclusive or of the direction numbers that k's bits select, so it is computed from its ordinal alone.
Scrambling multiplies the direction numbers of every parameter by a random lower-triangular matrix and shifts the
points by random digits; both keep the net: of the first 2^m points, every interval of length 2^-m of a parameter holds
exactly one. From a finite space repeats are passed over (`distinct.py`).

**Source** Sobol (1967); direction numbers of Joe and Kuo (2008), `joe_kuo.txt`; scrambling of Matousek (1998), On the
L2-discrepancy for anchored boxes. Points stand in natural, not in Gray code order: the sets of 2^m are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from luthier.errors import SpaceError
from luthier.history import History
from luthier.search.distinct import Distinct
from luthier.search.stream import bits
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["DIGITS", "DIMENSIONS", "Sobol", "directions", "point", "scrambled"]

INDEX_BITS = 32  # up to 2^32 points
DIGITS = 52  # binary digits of a coordinate; the half added below the last one is still exact in a float
DIMENSIONS = 1024


@lru_cache(maxsize=1)
def _table() -> list[str]:
    from importlib.resources import files

    text = (files("luthier.search") / "joe_kuo.txt").read_text("ascii")
    return [line for line in text.splitlines() if not line.startswith("#")]


@lru_cache(maxsize=DIMENSIONS)
def directions(dimension: int) -> tuple[int, ...]:
    """The direction numbers of a dimension, from 0, each as an integer of INDEX_BITS binary digits.

    **Source** Joe and Kuo (2008), equation 2: m_k = 2 a_1 m_{k-1} xor … xor 2^s m_{k-s} xor m_{k-s}.
    """
    if dimension == 0:
        return tuple(1 << (INDEX_BITS - 1 - k) for k in range(INDEX_BITS))
    _, s, a, *m = map(int, _table()[dimension - 1].split())
    for k in range(s, INDEX_BITS):
        new = m[k - s] ^ (m[k - s] << s)
        for i in range(1, s):
            if a >> (s - 1 - i) & 1:
                new ^= m[k - i] << i
        m.append(new)
    return tuple(m[k] << (INDEX_BITS - 1 - k) for k in range(INDEX_BITS))


@lru_cache(maxsize=4096)
def scrambled(seed: int, dimension: int) -> tuple[int, ...]:
    """The direction numbers after the random matrix, of DIGITS digits each, and last the random shift.

    Digit r of a product is digit r of the factor plus a random sum of the more significant digits before it.
    """
    rows = []
    for r in range(DIGITS):
        above = bits(seed, "sobol matrix", dimension, r) & ((1 << min(r, INDEX_BITS)) - 1)
        row = above << (INDEX_BITS - min(r, INDEX_BITS))
        rows.append(row | (1 << (INDEX_BITS - 1 - r)) if r < INDEX_BITS else row)
    multiplied = []
    for direction in directions(dimension):
        product = 0
        for row in rows:
            product = product << 1 | (row & direction).bit_count() & 1
        multiplied.append(product)
    return (*multiplied, bits(seed, "sobol shift", dimension) >> (64 - DIGITS))


def point(seed: int, dimension: int, index: int) -> float:
    """Coordinate `dimension` of point `index`, both from 0, in the open interval (0, 1). **Cost** O(bits of index)."""
    *multiplied, digits = scrambled(seed, dimension)
    bit = 0
    while index:
        if index & 1:
            digits ^= multiplied[bit]
        index >>= 1
        bit += 1
    return (digits + 0.5) * 2.0**-DIGITS


@lru_cache(maxsize=8)
def _distinct(space: Space, seed: int) -> Distinct:
    return Distinct(space, seed, lambda number: _drawn(space, seed, number))


def _drawn(space: Space, seed: int, number: int) -> Configuration:
    units = {name: point(seed, d, number - 1) for d, name in enumerate(space.dimensions)}
    return space.from_unit(units)


@dataclass(frozen=True)
class Sobol:
    """Proposes the points of a scrambled Sobol sequence; every parameter that varies has a dimension."""

    repeats: bool = False

    name: ClassVar[str] = "sobol"
    looks_back: ClassVar[bool] = False

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        """One proposal for every ordinal; none past the last configuration of a finite space.

        **Raises** SpaceError for more parameters, or more points, than there are direction numbers for.
        """
        if len(space.dimensions) > DIMENSIONS:
            raise SpaceError(
                f"the space has {len(space.dimensions)} parameters that vary and Sobol's sequence "
                f"at most {DIMENSIONS}; use random instead"
            )
        if max(ordinals, default=0) > 1 << INDEX_BITS:
            raise SpaceError(
                f"Sobol's sequence has at most {1 << INDEX_BITS} points here; use random instead"
            )
        made = ((n, self._at(space, seed, n)) for n in ordinals)
        return [Proposal(c, by=self.name, ordinal=n) for n, c in made if c is not None]

    def _at(self, space: Space, seed: int, ordinal: int) -> Configuration | None:
        if self.repeats or space.count() is None:
            return _drawn(space, seed, ordinal)
        return _distinct(space, seed).at(ordinal)
