"""A space as columns of numbers: what every searcher that computes with arrays stands on.

One column for every parameter that varies, in the unit cube. `snap` moves rows to the values that would really run
(integers, steps, categories) and empties inactive parameters, for thousands of candidates at once; `space/` does the
same exactly, one value at a time, and has the last word in `decode`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.space import Condition, Configuration, Ordinal, Parameter, Space

__all__ = ["Frame", "frame_of"]

Array = NDArray[np.float64]

LISTED = 4096
"""Domains with at most so many values are snapped by a table."""
COUNTED = 2**53
"""Domains with more values are as good as endless: a unit is a float, which can't tell them apart."""
REMEMBERED = 100_000
"""So many rows are remembered before all are forgotten."""


class Frame:
    """The columns of a space.

    `names` (d,) are the parameters that vary; `is_category` (d,) tells those without an order from those on a scale;
    `counts` (d,) says how many values a column has, 0 for endless. Rows hold units in [0, 1], NaN where inactive. Safe to
    share.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.names = space.dimensions
        self.d = len(self.names)
        domains = [space[name].domain for name in self.names]
        self.is_category = np.array(
            [d.kind == "categorical" and not _is_scale(d) for d in domains], dtype=bool
        )
        sizes = [d.count() or 0 for d in domains]
        self.counts = np.array([n if n <= COUNTED else 0 for n in sizes], dtype=np.int64)
        self.tables = [
            np.array([d.to_unit(d.at(i).value) for i in range(c)]) if 0 < c <= LISTED else None
            for d, c in zip(domains, self.counts.tolist(), strict=True)
        ]
        self.column = {name: j for j, name in enumerate(self.names)}
        self.is_conditional = any(p.when for p in space.parameters)
        self._conditions = [(p, [self._test(c) for c in p.when]) for p in space.parameters if p.when]
        self._rows: dict[str, Array] = {}
        self._cells: Array | None = None

    def encode(self, configurations: Sequence[Configuration]) -> Array:
        """The configurations as rows. **Shapes** (n, d). **Cost** each is computed once and remembered."""
        if not configurations:
            return np.empty((0, self.d))
        rows = self._rows
        found = [rows.get(c.key) for c in configurations]
        missing = [i for i, row in enumerate(found) if row is None]
        if missing:
            if len(rows) > REMEMBERED:
                rows = self._rows = {}  # another one, since other threads may be reading this
            new = [configurations[i] for i in missing]
            for i, c, row in zip(missing, new, self.space.encode(new), strict=True):
                found[i] = rows[c.key] = row
        return np.array(found)

    def decode(self, row: Array) -> Configuration:
        """The configuration that stands at a row. **Shapes** (d,)."""
        filled = np.where(np.isnan(row), 0.5, row)
        return self.space.decode(filled[None, :])[0]

    def cells(self, most: int) -> Array | None:
        """All configurations of a space that has at most so many, as rows; None where there are more. **Cost** once."""
        count = self.space.count()
        if count is None or count > most:
            return None
        if self._cells is None:
            self._cells = self.space.encode([self.space.at(i) for i in range(count)])
        return self._cells

    def snap(self, U: Array) -> Array:
        """The rows moved to the nearest values that can run, NaN where inactive. **Shapes** (m, d) to (m, d)."""
        S = np.clip(np.where(np.isnan(U), 0.5, U), 0.0, 1.0)
        for j, table in enumerate(self.tables):
            if table is not None:
                S[:, j] = table[self.places(S, j)]
        if self.is_conditional:
            S[~self.active(S)] = np.nan
        return S

    def places(self, U: Array, j: int) -> NDArray[np.int64]:
        """Which value of column j each row has, from 0. **Shapes** (m,). Rows hold no NaN there."""
        table = self.tables[j]
        assert table is not None
        if self.is_category[j]:
            return np.minimum((U[:, j] * len(table)).astype(np.int64), len(table) - 1)
        return np.searchsorted((table[1:] + table[:-1]) / 2, U[:, j], side="right")

    def active(self, U: Array) -> NDArray[np.bool_]:
        """Which parameters exist in each row. **Shapes** (m, d) without NaN to (m, d)."""
        on = {p.name: np.ones(len(U), dtype=bool) for p in self.space.parameters if not p.when}
        for parameter, tests in self._conditions:
            holds = np.ones(len(U), dtype=bool)
            for parent, test in tests:
                holds &= on[parent] & test(U)
            on[parameter.name] = holds
        return (
            np.column_stack([on[name] for name in self.names]) if self.d else np.ones((len(U), 0), dtype=bool)
        )

    def _test(self, condition: Condition) -> tuple[str, Callable[[Array], NDArray[np.bool_]]]:
        """A condition on rows: by a table where its parent's values can be listed, else one by one."""
        parent = self.space[condition.parent]
        domain = parent.domain
        j = self.column.get(parent.name)
        if j is None:
            fixed = condition.holds(domain.at(0).value, domain)
            return parent.name, lambda U: np.full(len(U), fixed)
        if self.tables[j] is not None:
            table = np.array(
                [condition.holds(domain.at(i).value, domain) for i in range(domain.count() or 0)]
            )
            return parent.name, lambda U, j=j: table[self.places(U, j)]
        return parent.name, lambda U, j=j: _one_by_one(condition, parent, U[:, j])


def _one_by_one(condition: Condition, parent: Parameter, units: Array) -> NDArray[np.bool_]:
    domain = parent.domain
    return np.array([condition.holds(domain.from_unit(u).value, domain) for u in units.tolist()], dtype=bool)


def _is_scale(domain: Any) -> bool:
    """Whether a list of values is in order, so that neighbours are alike: numbers that only rise or only fall."""
    if isinstance(domain, Ordinal):
        return True
    if not domain.is_numeric or domain.count() < 3:
        return False
    values = [c.value for c in domain.choices]
    steps = [b - a for a, b in itertools.pairwise(values)]
    return all(s > 0 for s in steps) or all(s < 0 for s in steps)


@lru_cache(maxsize=8)
def frame_of(space: Space) -> Frame:
    """The frame of a space, made once."""
    return Frame(space)
