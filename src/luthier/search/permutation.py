"""A seeded order of 0 … N - 1 of which any place can be asked for by itself, for N of any size.

A Feistel network of four keyed digests permutes the numbers of an even count of bits; numbers past N are sent
through again until they fall inside, which takes four passes at most on average. Small N are shuffled outright, for
there a network of few bits would favour some orders.

**Source** Black and Rogaway (2002), Ciphers with arbitrary finite domains (cycle walking); Durstenfeld (1964).
"""

from __future__ import annotations

from functools import lru_cache

from luthier.search.stream import bits

__all__ = ["permuted"]

SHUFFLED = 1024
ROUNDS = 4


def permuted(seed: int, count: int, place: int) -> int:
    """The number that stands at `place` in the seed's order of 0 … `count` - 1. **Cost** O(1), O(1024) once if small."""
    if not 0 <= place < count:
        raise IndexError(place)
    if count <= SHUFFLED:
        return _shuffled(seed, count)[place]
    half = (count.bit_length() + 1) // 2
    while True:
        place = _mixed(seed, half, place)
        if place < count:
            return place


@lru_cache(maxsize=32)
def _shuffled(seed: int, count: int) -> tuple[int, ...]:
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        other = bits(seed, "shuffle", count, last) % (last + 1)
        order[last], order[other] = order[other], order[last]
    return tuple(order)


def _mixed(seed: int, half: int, number: int) -> int:
    """The number after all rounds: a bijection on 2 * `half` bits, since each round can be undone."""
    mask = (1 << half) - 1
    left, right = number >> half, number & mask
    for turn in range(ROUNDS):
        mixed = 0
        for part in range(0, half, 64):
            mixed = mixed << 64 | bits(seed, "feistel", half, turn, part, right)
        left, right = right, left ^ (mixed & mask)
    return left << half | right
