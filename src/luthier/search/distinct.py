"""Draws without repeats from a finite space, as a sequence that depends on the space, the seed and the draws only.

Draw 1, 2, 3, … is taken if it was not taken before. When too many draws in a row are repeats, the next configuration
in a seeded order of the whole space that was not taken is taken instead, so the sequence always ends with every
configuration taken once. What was computed is remembered, and a process that remembers nothing computes the same.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from luthier.search.permutation import permuted
from luthier.space import Configuration, Space

__all__ = ["Distinct"]

PATIENCE = 32


class Distinct:
    """The distinct configurations of `draw(1)`, `draw(2)`, …, then the rest of the space. Safe to share."""

    def __init__(self, space: Space, seed: int, draw: Callable[[int], Configuration]) -> None:
        self.space = space
        self.seed = seed
        self.draw = draw
        self.count = space.finite_count()
        self._taken: list[Configuration] = []
        self._seen: set[str] = set()
        self._drawn = 0
        self._place = 0
        self._lock = Lock()

    def at(self, ordinal: int) -> Configuration | None:
        """Configuration number `ordinal`, from 1; None past the last. **Cost** O(ordinal) once, then O(1)."""
        if ordinal > self.count:
            return None
        with self._lock:
            while len(self._taken) < ordinal:
                taken = self._next()
                self._seen.add(taken.key)
                self._taken.append(taken)
            return self._taken[ordinal - 1]

    def _next(self) -> Configuration:
        for _ in range(PATIENCE):
            self._drawn += 1
            configuration = self.draw(self._drawn)
            if configuration.key not in self._seen:
                return configuration
        while True:
            configuration = self.space.at(permuted(self.seed, self.count, self._place))
            self._place += 1
            if configuration.key not in self._seen:
                return configuration
