"""For every group of a space two densities, of its good trials and of the rest, and what they say of a row.

The groups are a tree, and the densities follow the chain rule along it: the root's parameters by themselves, then
each existing group's given its context. Every group splits the trials in which it existed, so a branch
that is rarely good as a whole still knows which of its own trials were the better ones.

**Source** Watanabe (2023), arXiv 2304.11127: a linear share of good trials, weighed by their improvement on the best of
the others. The chain of groups, the running trials among the bad and the chance not to fail are ours; a density
of failures stands in Watanabe and Hutter (2023), c-TPE, arXiv 2211.14411.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, log1p

import numpy as np
from numpy.typing import NDArray

from luthier.search.frame import Array, Frame
from luthier.search.tpe.groups import Group, groups_of
from luthier.search.tpe.kernels import Parzen, is_listed, parzen

__all__ = ["Branch", "branches", "draw", "score", "sorted_from"]

Places = NDArray[np.int64]

GOOD_AT_MOST = 100
BAD_AT_MOST = 500
"""More kernels cost more and say nothing new."""


CAUTION = 10.0
"""The power of the chance not to fail. The best is often next to what fails, and there the chance alone, a half, weighs
too little against the pull of the good trials: with power 1 half of the proposals fail, with 10 one in six."""


@dataclass(frozen=True, eq=False)
class Side:
    """One density of a group: `own` over its columns, `context` over its context's, kernel by kernel of the same
    trials."""

    own: Parzen
    context: Parzen | None

    def log_density(self, rows: Array, places: NDArray[np.int64]) -> Array:
        """The logarithm of the density of the group's values given the context's. **Shapes** (m, d) to (m,)."""
        logs = self.own.log_kernels(rows, places)
        logs += self.own.log_weights
        if self.context is None:
            return _log_sum(logs)
        given = self.context.log_kernels(rows, places)
        logs += given
        given += self.own.log_weights
        return _log_sum(logs) - _log_sum(given)


@dataclass(frozen=True, eq=False)
class Branch:
    """A group with its good and bad side, and that of the failed trials if there are any. `sources` (K - 1,) says
    which scored row each good kernel stands on; `failures` is how many failed, as a share of the scored."""

    group: Group
    good: Side
    bad: Side
    sources: NDArray[np.int64]
    failed: Side | None = None
    failures: float = 0.0

    def score(self, rows: Array, places: NDArray[np.int64]) -> Array:
        """log good - log bad, plus the logarithm of the chance not to fail. **Shapes** (m, d) to (m,).

        That chance is the share of the scored in the density of all: 1 / (1 + failures · failed / scored), to a power.
        """
        good, bad = self.good.log_density(rows, places), self.bad.log_density(rows, places)
        if self.failed is None:
            return good - bad
        kernels = len(self.good.own.centres), len(self.bad.own.centres)
        share = kernels[0] / sum(kernels)
        scored = np.logaddexp(log(share) + good, log1p(-share) + bad)
        odds = log(self.failures) + self.failed.log_density(rows, places) - scored
        return good - bad - CAUTION * np.logaddexp(0.0, odds)


def branches(
    frame: Frame,
    rows: Array,
    losses: Array,
    failed: Array,
    expected: Array,
    share: float,
    near: Places | None = None,
) -> list[Branch]:
    """The branches of a space after these trials. **Shapes** rows (n, d), losses (n,) finite, failed (f, d),
    expected (e, d). `share` of every group's trials are good. `near` (n,) is about the order of the losses, if known.

    **Cost** O(n log n + kernels · d); with `near` O(n + kernels · d), of numpy's smallest steps.
    """
    order = sorted_from(losses, np.arange(len(losses)) if near is None else near)
    made = []
    for group in groups_of(frame.space):
        here = order[group.exists(rows)[order]]
        good = here[: min(ceil(share * len(here)), GOOD_AT_MOST)]
        poor = here[len(good) :]
        running = expected[group.exists(expected)]
        broken = np.flatnonzero(group.exists(failed))
        bad = np.vstack([rows[_thinned(poor, max(BAD_AT_MOST - len(running), 1))], running])
        bar = losses[poor[0]] if len(poor) else losses[good[-1]] if len(good) else 0.0
        weights = np.maximum(bar - losses[good], 1e-12)
        made.append(
            Branch(
                group,
                good=_side(frame, group, rows[good], weights),
                bad=_side(frame, group, bad, None),
                sources=good,
                failed=_side(frame, group, failed[_thinned(broken, BAD_AT_MOST)], None)
                if len(broken)
                else None,
                failures=len(broken) / max(len(here), 1),
            )
        )
    return made


def _side(frame: Frame, group: Group, rows: Array, weights: Array | None) -> Side:
    weights = np.ones(len(rows)) if weights is None else weights
    own = parzen(frame, group.columns, rows, weights)
    return Side(own, parzen(frame, group.context, rows, weights) if len(group.context) else None)


def _thinned(places: Places, most: int) -> Places:
    """At most so many of the places, evenly chosen."""
    if len(places) <= most:
        return places
    return places[np.arange(most) * len(places) // most]


def sorted_from(losses: Array, near: Places) -> Places:
    """The order of losses, none of them NaN, equal ones by place. **Shapes** (n,), (n,) to (n,).

    **Cost** O(n) where `near` is nearly that order: the sort finds its runs.
    """
    order = near[np.argsort(losses[near], kind="stable")]
    ordered = losses[order]
    same = ordered[1:] == ordered[:-1]
    if (same & (order[1:] < order[:-1])).any():  # equal ones stand as they stood in `near`
        tied = np.append(same, False) | np.append(False, same)
        members = order[tied]
        order[tied] = members[np.lexsort((members, ordered[tied]))]
    return order


def draw(frame: Frame, made: Sequence[Branch], m: int, generator: np.random.Generator) -> Array:
    """Rows drawn from the good densities, as they would run. **Shapes** (m, d).

    A row draws all its groups from the same trial where that trial is good in each, so what belongs together stays
    together.
    """
    rows = np.full((m, frame.d), np.nan)
    source = np.full(m, -1, dtype=np.int64)
    n = max((int(b.sources.max(initial=-1)) + 1 for b in made), default=0)
    for branch in made:
        kernels = branch.good.own.choose(m, generator)
        if branch.group.context.size:
            kernel_of = np.full(n + 1, -1, dtype=np.int64)  # the last place answers source -1
            kernel_of[branch.sources] = np.arange(len(branch.sources))
            kernels = np.where(kernel_of[source] < 0, kernels, kernel_of[source])
        else:
            source = np.append(branch.sources, -1)[kernels]
        branch.good.own.draw(rows, kernels, generator)
    return frame.snap(rows)


def score(frame: Frame, made: Sequence[Branch], rows: Array) -> Array:
    """How much likelier each row is among the good than among the bad, as a logarithm. **Shapes** (m, d) to (m,)."""
    places = np.zeros(rows.shape, dtype=np.int64)
    filled = np.where(np.isnan(rows), 0.5, rows)
    for j in np.flatnonzero(is_listed(frame)).tolist():
        places[:, j] = frame.places(filled, j)
    total = np.zeros(len(rows))
    for branch in made:
        here = branch.group.exists(rows)
        if here.any():
            x, p = rows[here], places[here]
            total[here] += branch.score(x, p)
    return total


def _log_sum(logs: Array) -> Array:
    """log Σ exp over the last axis. `logs` is used up: at a thousand kernels the copies would cost more than the sums."""
    most = logs.max(axis=1)
    logs -= most[:, None]
    total: Array = most + np.log(np.exp(logs, out=logs).sum(axis=1))
    return total
