"""The tree-structured Parzen estimator as a searcher: it begins spread out, then goes where good trials are denser.

Each proposal draws candidates from the density of the good trials and keeps the one that the density of the rest
explains least, away from where trials fail. Running trials count among the rest, so that workers keep apart. Nothing
is proposed twice; a finite space is searched to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from luthier.history import History
from luthier.search.beginning import opening, unseen
from luthier.search.earlier import matched, sources_of
from luthier.search.frame import Array, Frame, frame_of
from luthier.search.ledger import Record, Tried, reading
from luthier.search.merit import merits
from luthier.search.permutation import permuted
from luthier.search.searcher import in_turn
from luthier.search.stream import bits
from luthier.search.threads import one_thread
from luthier.search.tpe.branches import Branch, branches, draw, score
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["Tpe"]

ENOUGH = 4
"""Results before any model is made; running trials may make up the rest of the beginning."""
LEFT = 256
"""So many untried configurations are compared where all candidates were tried."""


@dataclass(frozen=True)
class Tpe:
    """Proposes by two densities. `startup` trials begin the search, `share` of the trials are the good ones,
    `candidates` are drawn for each proposal. With `repeats` a configuration may be proposed again."""

    startup: int = 7
    share: float = 0.1
    candidates: int = 64
    repeats: bool = False

    name: ClassVar[str] = "tpe"
    looks_back: ClassVar[bool] = True

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        """One proposal for every ordinal; none past the last configuration of a finite space.

        **Cost** O(n) in the trials, of numpy's smallest steps; the densities are capped.
        """
        return in_turn(ordinals, lambda ordinal, also: self.next(space, history, seed, ordinal, also))

    def next(
        self, space: Space, history: History, seed: int, ordinal: int, also: Sequence[Configuration] = ()
    ) -> Proposal | None:
        """The proposal of one ordinal. `also` are configurations proposed since the history was read, which count as
        running. None where every configuration was tried."""
        with one_thread(), reading(space, history) as record:
            tried = Tried(()) if self.repeats else Tried(record.taken, also)
            frame = frame_of(space)
            told = len(record.rows) + len(record.failed) + len(history.earlier)
            coming = len(record.expected) + len(also)
            if told < ENOUGH or told + coming < self.startup or not frame.d:
                return opening(space, history, seed, ordinal, tried, self.name, repeats=self.repeats)
            expected = np.vstack([record.expected, frame.encode(also)])
            rows, losses, near = _scored(frame, history, record)
            model = branches(frame, rows, losses, record.failed, expected, self.share, near)
            generator = np.random.Generator(np.random.PCG64(bits(seed, self.name, ordinal)))
            chosen = _best(frame, model, draw(frame, model, self.candidates, generator), tried)
            if chosen is None:
                chosen = _likeliest(frame, model, _left(space, seed, ordinal, tried))
        note = {"good": len(model[0].sources)}
        return None if chosen is None else Proposal(chosen, by=self.name, ordinal=ordinal, note=note)


def _left(space: Space, seed: int, ordinal: int, tried: Tried) -> list[Configuration]:
    """Some of the configurations that were not tried; none where all were. **Cost** O(tried) in a finite space."""
    count = space.count()
    if count is None:
        found = unseen(space, seed, ordinal, tried)
        return [] if found is None else [found]
    left: list[Configuration] = []
    for place in range(count):
        configuration = space.at(permuted(seed, count, place))
        if configuration not in tried:
            left.append(configuration)
            if len(left) == LEFT:
                break
    return left


def _scored(frame: Frame, history: History, record: Record) -> tuple[Array, Array, NDArray[np.int64]]:
    """Rows and losses of what is known, earlier experiments' first, and about the order of the losses. **Shapes**
    (n, d), (n,) in [-1, 1], (n,).

    Only the order and the proportions of losses count here. What is not a number is as bad as the worst; infinities
    become the nearest number there is. Of several objectives the order is that of `merit.py`; what other experiments found
    has no place in it.
    """
    rows, losses, near = record.rows, _plain(record.losses), record.order
    if history.has_aims:
        columns = [_plain(column) for column in history.all_losses().T]
        losses = merits(np.column_stack(columns), history.excesses())
        return rows, losses, np.argsort(losses, kind="stable")
    if history.earlier:
        then = np.array([o.value for o in history.earlier], dtype=np.float64)
        then = -then if history.maximize else then
        sources = sources_of(history.earlier)
        for source in range(1, int(sources.max()) + 1):
            mine = sources == source
            then[mine] = matched(losses, _plain(then[mine]))
        losses = np.concatenate([then, losses])
        rows = np.vstack([frame.encode([o.configuration for o in history.earlier]), rows])
        near = np.concatenate([np.arange(len(then)), len(then) + near])
    return rows, losses / (float(np.abs(losses).max(initial=0.0)) or 1.0), near


def _plain(losses: Array) -> Array:
    """Losses with what is not a number as bad as the worst, and infinities as the nearest number there is. **Shapes**
    (n,) to (n,)."""
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return np.zeros(len(losses))
    return np.nan_to_num(losses, nan=finite.max(), posinf=finite.max(), neginf=finite.min())


def _best(frame: Frame, model: Sequence[Branch], rows: Array, tried: Tried) -> Configuration | None:
    """The configuration of the best row that was not tried."""
    for row in rows[np.argsort(-score(frame, model, rows), kind="stable")]:
        configuration = frame.decode(row)
        if configuration not in tried:
            return configuration
    return None


def _likeliest(frame: Frame, model: Sequence[Branch], left: Sequence[Configuration]) -> Configuration | None:
    """The best of configurations, of which some may be too rare for a row to lead back to them."""
    return left[np.argsort(-score(frame, model, frame.encode(left)), kind="stable")[0]] if left else None
