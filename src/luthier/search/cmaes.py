"""CMA-ES: a normal distribution that moves, widens and turns with the results, for numbers only.

It suits many cheap trials of many numeric parameters. The distribution is made anew from the record for every
proposal: results in the order in which they came, whoever proposed them, are cut into generations, and each generation
moves the distribution (`evolution.py`). So workers never wait for each other: what is not finished yet belongs to a
later generation, however early it was proposed, and a generation once complete stays what it is; only a trial that is
begun again leaves it. When the distribution has shrunk to a point the search begins again elsewhere with generations
twice as large.

**Source** Hansen (2016), arXiv 1604.00772; restarts of Auger and Hansen (2005); steps kept alive after Hamano et al.
(2022), CMA-ES with margin, arXiv 2205.13482: theirs shifts the mean too, ours only draws wider.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from luthier.errors import SpaceError
from luthier.history import History
from luthier.search.beginning import unseen
from luthier.search.distinct import Distinct
from luthier.search.evolution import Distribution, begin, population_of, update
from luthier.search.frame import Array, Frame, frame_of
from luthier.search.ledger import Record, Tried, reading
from luthier.search.sobol import DIMENSIONS, point
from luthier.search.stream import bits
from luthier.search.threads import one_thread
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["Cmaes"]

SPENT = 1e-9
"""A distribution whose longest axis is shorter has converged."""
TRIES = 16
WIDER = 1.3
"""What was tried already is drawn again, so many times, each time so much wider."""


@dataclass(frozen=True)
class Cmaes:
    """Proposes draws of the distribution. `sigma` is its first deviation as a share of each range, `population` the
    size of a generation, 0 for 4 + ⌊3 ln d⌋."""

    sigma: float = 0.25
    population: int = 0

    name: ClassVar[str] = "cmaes"
    looks_back: ClassVar[bool] = True

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        """One proposal for every ordinal; none past the last configuration of a finite space.

        **Raises** SpaceError naming a parameter that is no number or exists only sometimes, or where there is more to reach
        than one objective. **Cost** O(n) to read the history; generations once computed are remembered.
        """
        _check(space)
        if history.has_aims:
            raise SpaceError(
                "cmaes follows one objective without constraints; use auto, bayesian or tpe here"
            )
        made: list[Proposal] = []
        with one_thread(), reading(space, history) as record:
            state = self._state(space, history, record, seed)
            for ordinal in ordinals:
                tried = Tried(record.taken, [p.configuration for p in made])
                found = self._next(space, state, seed, ordinal, tried)
                if found is not None:
                    note = {"generation": state.generation, "sigma": state.sigma}
                    made.append(Proposal(found, by=self.name, ordinal=ordinal, note=note))
        return made

    def distribution(self, space: Space, history: History, seed: int) -> Distribution:
        """The distribution after all whole generations of a history."""
        with reading(space, history) as record:
            return self._state(space, history, record, seed)

    def _state(self, space: Space, history: History, record: Record, seed: int) -> Distribution:
        frame = frame_of(space)
        rows, losses, ours, own = self._told(history, record)
        mean = _best_known(frame, history, rows[:own], losses[:own])
        rows, losses, foreign = rows[own:], losses[own:], ~ours[own:]
        state = _begun(mean.tobytes(), self.sigma, self.population or population_of(frame.d))
        at, restarts = 0, 0
        while at + state.population <= len(rows):
            part = slice(at, at := at + state.population)
            order = np.argsort(losses[part], kind="stable")
            state = _after(frame, state, rows[part].tobytes(), order.tobytes(), foreign[part].tobytes())
            if state.sigma * float(state.lengths.max()) < SPENT:
                restarts += 1
                elsewhere = np.array([point(seed, j % DIMENSIONS, restarts) for j in range(frame.d)])
                state = _begun(elsewhere.tobytes(), self.sigma, 2 * state.population)
        return state

    def _told(self, history: History, record: Record) -> tuple[Array, Array, NDArray[np.bool_], int]:
        """Rows, losses and whether they are ours, of what is known in the order in which it became so, and how many of
        them our first proposal saw. What failed or is not a number lost the most there is."""
        revisions = record.revisions
        order = np.lexsort((record.numbers, revisions))
        losses = np.concatenate([record.losses, np.full(len(record.failed), np.inf)])[order]
        ours = np.asarray(record.by[order] == self.name, dtype=bool)
        own = min(
            (t.proposal.seen for t in history.trials if t.proposal and t.proposal.by == self.name),
            default=None,
        )
        before = len(order) if own is None else int(np.searchsorted(revisions[order], own, side="right"))
        rows = np.vstack([record.rows, record.failed])[order]
        return rows, np.where(np.isnan(losses), np.inf, losses), ours, before

    def _next(
        self, space: Space, state: Distribution, seed: int, ordinal: int, tried: Tried
    ) -> Configuration | None:
        """The first of the ordinal's draws that was not tried."""
        if state.generation == 0 and space.count() is not None:
            found = _first_draws(self, space, state, seed).at(ordinal)
            if found is None or found not in tried:
                return found
        for row in _draws(frame_of(space), state, seed, ordinal):
            configuration = frame_of(space).decode(row)
            if configuration not in tried:
                return configuration
        return unseen(space, seed, ordinal, tried)


def _check(space: Space) -> None:
    frame = frame_of(space)
    for parameter in space.parameters:
        if parameter.when and parameter.name in frame.column:
            raise SpaceError(
                f"cmaes can't search parameter {parameter.name!r}, which exists only when "
                f"{' and '.join(map(str, parameter.when))}; use tpe"
            )
    for name, is_category in zip(frame.names, frame.is_category.tolist(), strict=True):
        if is_category:
            raise SpaceError(
                f"cmaes searches numbers, and parameter {name!r} is the list {space[name].domain}; use tpe"
            )


def _best_known(frame: Frame, history: History, rows: Array, losses: Array) -> Array:
    """Where the search begins: the best row that was known before its first trial, else the centre. **Shapes** (d,)"""
    values = np.array([o.value for o in history.earlier], dtype=np.float64)
    losses = np.concatenate([-values if history.maximize else values, losses])
    rows = np.vstack([frame.encode([o.configuration for o in history.earlier]), rows])
    if not np.isfinite(losses).any():
        return np.full(frame.d, 0.5)
    best: Array = rows[np.where(np.isfinite(losses), losses, np.inf).argmin()]
    return best


@lru_cache(maxsize=64)
def _begun(mean: bytes, sigma: float, population: int) -> Distribution:
    return begin(np.frombuffer(mean), sigma, population)


@lru_cache(maxsize=8192)
def _after(frame: Frame, state: Distribution, rows: bytes, order: bytes, foreign: bytes) -> Distribution:
    """The distribution after one more generation, remembered: a search adds to its record far more than it rewrites.
    What a stopped trial is worth may change with every result, its place in its generation seldom does."""
    X = np.frombuffer(rows).reshape(state.population, frame.d)
    places = np.frombuffer(order, dtype=np.int64)
    return update(state, X, places, np.frombuffer(foreign, dtype=bool), _stretch(frame, state))


@lru_cache(maxsize=8)
def _first_draws(searcher: Cmaes, space: Space, state: Distribution, seed: int) -> Distinct:
    frame = frame_of(space)
    return Distinct(space, seed, lambda number: frame.decode(next(_draws(frame, state, seed, number))))


def _draws(frame: Frame, state: Distribution, seed: int, ordinal: int) -> Iterator[Array]:
    """Draws of one ordinal as they would run, each wider than the one before; what leaves the cube is reflected."""
    generator = np.random.Generator(np.random.PCG64(bits(seed, Cmaes.name, ordinal)))
    deviation = state.sigma * _stretch(frame, state)
    for attempt in range(TRIES):
        y = state.axes @ (state.lengths * generator.standard_normal(frame.d))
        x = state.mean + WIDER**attempt * deviation * y
        yield frame.snap((1.0 - np.abs(np.mod(x, 2.0) - 1.0))[None, :])[0]


def _stretch(frame: Frame, state: Distribution) -> NDArray[np.float64]:
    """By how much stepped coordinates are drawn wider, so that one trial in a generation leaves the mean's
    step along some coordinate. **Shapes** (d,)

    **Source** Hamano et al. (2022): the margin α = 1 / (d population).
    """
    stretch = np.ones(frame.d)
    far = float(ndtri(1.0 - 1.0 / (max(frame.d, 1) * state.population)))
    for j, table in enumerate(frame.tables):
        if table is not None:
            edges = (table[1:] + table[:-1]) / 2
            nearest = float(np.abs(edges - state.mean[j]).min())
            stretch[j] = max(1.0, nearest / (far * float(state.deviations[j])))
    return stretch
