"""What a history says, as arrays: what was tried, how it went, what is still running.

Rows are those of the space's `Frame`, read by the ledger that all searchers share (`search/ledger.py`). Earlier experiments' results (a warm start) come as rows of their own with the
number of their source, so that a model may believe them less than this experiment's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.history import History
from luthier.search.earlier import sources_of
from luthier.search.frame import Array, Frame
from luthier.search.ledger import reading
from luthier.search.partway import Partway
from luthier.space import Configuration

__all__ = ["Evidence", "evidence_of"]

HALF = 20


@dataclass(frozen=True, eq=False)
class Evidence:
    """**Shapes** `rows` (n, d) and `losses` (n,), less is better, of scored trials; `failed` (f, d) rows whose
    configuration made them fail; `running` (q, d) rows of results to come; `tried` (t, d) everything that may not be
    proposed again and `taken` their keys; `earlier` (w, d) with `earlier_losses` (w,), results of other experiments, and
    `sources` (w,) which of them each comes from, from 1. `partway` says more of the scored where some stand part of the way,
    and is None where none does. `trouble` is the share of such failures among the trials that
    ended, those of HALF trials ago counting half."""

    rows: Array
    losses: Array
    failed: Array
    running: Array
    tried: Array
    earlier: Array
    earlier_losses: Array
    sources: NDArray[np.int64]
    taken: frozenset[str]
    trouble: float
    partway: Partway | None = None

    @property
    def n(self) -> int:
        """How many results of this experiment there are."""
        return len(self.losses)

    @property
    def experiments(self) -> int:
        """How many experiments the results come from, this one included."""
        return 1 + int(self.sources.max(initial=0))

    @property
    def best(self) -> NDArray[np.int64]:
        """The places of the scored trials from the best to the worst; NaN last."""
        return np.argsort(self.losses, kind="stable")


def evidence_of(frame: Frame, history: History, also: Sequence[Configuration] = ()) -> Evidence:
    """The arrays of a history; `also` are configurations proposed since it was read, which count as running."""
    more = frame.encode(also)
    sign = -1.0 if history.maximize else 1.0
    with reading(frame.space, history) as record:
        return Evidence(
            rows=record.rows.copy(),
            losses=record.losses.copy(),
            failed=record.failed.copy(),
            running=np.vstack([record.expected, more]),
            tried=np.vstack([record.known, more]),
            taken=frozenset(record.taken).union(c.key for c in also),
            earlier=frame.encode([o.configuration for o in history.earlier]),
            earlier_losses=sign * np.array([o.value for o in history.earlier], dtype=np.float64),
            sources=sources_of(history.earlier),
            trouble=_trouble(history) if len(record.failed) else 0.0,
            partway=record.partway,
        )


def _trouble(history: History) -> float:
    failed = set(map(id, history.failed))
    weights = 0.5 ** (np.arange(len(history.finished))[::-1] / HALF)
    return float(weights @ np.array([id(t) in failed for t in history.finished]) / weights.sum())
