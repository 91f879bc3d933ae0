"""Keeps the queue filled: reserves numbers within the budget, asks the searcher, writes what it proposes.

The number is taken first and the proposal computed afterwards, outside any transaction; so forty workers never make
one trial too many, and one that dies in between leaves a reservation that the next one proposes again. Searchers
that do not look back are asked for many at once; the others for as many as can start now.
"""

from __future__ import annotations

import os
from dataclasses import replace

from luthier.clock import Clock
from luthier.description import Description
from luthier.history import History
from luthier.search import searcher
from luthier.store import Claim, Store

__all__ = ["AHEAD", "ask", "nonce", "top_up"]

AHEAD = 32
"""How many trials are written at once when no result could change them."""


def nonce() -> str:
    """A name no other call has, under which a verb may be repeated."""
    return os.urandom(8).hex()


def top_up(
    store: Store, experiment: int, description: Description, want: int, worker: str, clock: Clock
) -> int:
    """Writes up to `want` new trials, as far as budget and space reach; returns how many.

    **Holds** proposals written are durable; a reservation that was not proposed is taken over by the next call.
    """
    engine = searcher(description.algorithm)
    key = nonce()
    reserved = store.reserve(experiment, want if engine.looks_back else max(want, AHEAD), worker, key)
    if not reserved:
        return 0
    history = store.history(experiment) if engine.looks_back else History()
    before = clock.elapsed()
    proposals = engine.propose(description.space, history, description.seed, [r.ordinal for r in reserved])
    seconds = (clock.elapsed() - before) / len(reserved)
    if engine.looks_back:
        proposals = [replace(p, seen=history.revision, seconds=seconds) for p in proposals]
    number = {r.ordinal: r.number for r in reserved}
    pairs = [(number[p.ordinal], p) for p in proposals if p.ordinal is not None]
    return store.propose(experiment, key, pairs, exhausted=len(proposals) < len(reserved))


def ask(
    store: Store, experiment: int, n: int, worker: str, lease_seconds: float, clock: Clock
) -> list[Claim]:
    """Claims up to `n` trials for a program that runs them itself, proposing them first where needed."""
    record = store.experiment(experiment)
    if record.queued < n:
        description = replace(record.description, seed=record.seed)
        top_up(store, experiment, description, n - record.queued, worker, clock)
    return store.claim(experiment, n, worker, nonce(), lease_seconds)
