"""Random numbers by name: a pure function from (seed, what for) to numbers that never changes.

There is no generator with a state. Every number is a keyed digest of what it is for, so the number of trial 7's
`rate` is the same in every process, whatever was drawn before it, on every machine and version.

**Source** BLAKE2b, RFC 7693, as in the standard library.
"""

from __future__ import annotations

from functools import lru_cache

from luthier.digest import blake2b

__all__ = ["bits", "uniform"]

KINDS = {str: "s", int: "i", bool: "b"}
"""Stands before each word of a purpose, so that 1 and "1" differ."""


@lru_cache(maxsize=64)
def _keyed(seed: int) -> blake2b:
    """The digest as it stands once the key was read, which is half of its work."""
    return blake2b(digest_size=8, key=f"luthier {seed}".encode()[:64])


def bits(seed: int, *purpose: int | str) -> int:
    """64 random bits for this seed and purpose. Any integer is a seed, any words and integers a purpose."""
    digest = _keyed(seed).copy()
    words = "\0".join([f"{KINDS[type(word)]}{word}" for word in purpose])
    digest.update(words.encode("utf-8", "surrogatepass"))
    return int.from_bytes(digest.digest(), "big")


def uniform(seed: int, *purpose: int | str) -> float:
    """A number in the open interval (0, 1), one of 2^52 equally spaced ones, symmetric about one half."""
    return ((bits(seed, *purpose) >> 12) + 0.5) * 2.0**-52
