"""The tree of a space: parameters that always exist together, and those that decide whether they do.

Parameters with the same conditions form a group; the group without conditions is the root. A group is searched with
the trials in which it existed, jointly with its context: all that exists whenever it does, which is the root and the groups
its conditions depend on. A space without conditions is one group without a context.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from luthier.search.frame import Array, frame_of
from luthier.space import Condition, Space

__all__ = ["Group", "groups_of"]


@dataclass(frozen=True, eq=False)
class Group:
    """Columns that exist together, and the columns of their context, which exist whenever they do."""

    columns: NDArray[np.int64]
    context: NDArray[np.int64]

    def exists(self, rows: Array) -> NDArray[np.bool_]:
        """In which rows the group is active. **Shapes** (m, d) to (m,)."""
        return ~np.isnan(rows[:, self.columns[0]])


@lru_cache(maxsize=8)
def groups_of(space: Space) -> tuple[Group, ...]:
    """The groups of a space, each after those it depends on."""
    members: dict[tuple[Condition, ...], list[int]] = {}
    for name, j in frame_of(space).column.items():
        members.setdefault(space[name].when, []).append(j)
    return tuple(
        Group(
            np.array(columns, dtype=np.int64),
            np.array(
                sorted(j for above in _above(space, when) for j in members.get(above, [])), dtype=np.int64
            ),
        )
        for when, columns in members.items()
    )


def _above(space: Space, when: tuple[Condition, ...]) -> set[tuple[Condition, ...]]:
    """The conditions that hold whenever these do: those of the parameters they depend on, and so on up to the root's,
    which are none."""
    found: set[tuple[Condition, ...]] = set()
    for condition in when:
        above = space[condition.parent].when
        found |= {(), above} | _above(space, above)
    return found
