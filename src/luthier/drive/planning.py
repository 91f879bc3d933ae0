"""Keeps the queue filled: reserves numbers within the budget, asks the searcher, writes what it proposes.

The number is taken first and the proposal computed afterwards, outside any transaction; so forty workers never make one
trial too many, and one that dies in between leaves a reservation that the next one proposes again. Searchers that do
not look back are asked for many at once, around what a person added (`search/around.py`). The others propose one trial
at a time, so that each sees the one before; what a proposal saw is kept with it, and `replaying.py` gives it the same
to see again.
"""

from __future__ import annotations

import os
from typing import Any

from luthier.clock import Clock
from luthier.description import Description
from luthier.drive.tools import MADE_WITH, first_proposal, tools
from luthier.history import History
from luthier.search import searcher
from luthier.search.around import Known, known_in, passes_over, propose_around
from luthier.search.searcher import Searcher
from luthier.store import Claim, Store, Wish
from luthier.store.past import EXPECTED
from luthier.trial import Proposal

__all__ = ["AHEAD", "ask", "nonce", "top_up"]

AHEAD = 32
"""How many trials are written at once when no result could change them."""

TRIES = 8
"""How often a proposal is made anew because another worker wrote the same configuration meanwhile, before the number is
left for the next turn."""


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
    if not engine.looks_back:
        return _write_ahead(store, experiment, description, engine, max(want, AHEAD), worker)
    written = 0
    while written < want and _write_next(store, experiment, description, engine, worker, clock):
        written += 1
    return written


def _write_ahead(
    store: Store, experiment: int, description: Description, engine: Searcher, want: int, worker: str
) -> int:
    """Writes many trials at once.

    They are written only if nobody added a configuration while they were made, which the transaction makes sure of;
    else they are made again. So all workers propose around the same ones, and none of their proposals are equal.
    """
    key = nonce()
    reserved = store.reserve(experiment, want, worker, key)
    if not reserved:
        return 0
    number = {r.ordinal: r.number for r in reserved}
    for _ in range(TRIES):
        added = _added(store, experiment, description)
        known = known_in(store.history(experiment)) if added else Known()
        proposals = propose_around(engine, description.space, description.seed, list(number), known)
        pairs = [(number[p.ordinal], p) for p in proposals if p.ordinal is not None]
        with store.together():
            if _added(store, experiment, description) == added:
                return store.propose(experiment, key, pairs, exhausted=len(pairs) < len(reserved))
    return 0


def _added(store: Store, experiment: int, description: Description) -> int:
    """How many trials people added that have to be passed over."""
    if not passes_over(description):
        return 0
    record = store.experiment(experiment)
    return record.trials - record.proposed


def _write_next(
    store: Store, experiment: int, description: Description, engine: Searcher, worker: str, clock: Clock
) -> bool:
    """Writes one trial that follows from all that is known now; False when there is none to write.

    A configuration that another worker wrote while this one was computed is refused by the store, and the searcher is
    asked again: now it sees the other's.
    """
    key, distinct = nonce(), not description.algorithm.settings.get("repeats", False)
    for _ in range(TRIES):
        reserved = store.reserve(
            experiment, 1, worker, key
        )  # heard again, it answers with what is still open
        if not reserved:
            return False
        (place,) = reserved
        history, before = store.history(experiment), clock.elapsed()
        proposals = engine.propose(description.space, history, description.seed, [place.ordinal])
        seconds = clock.elapsed() - before
        made = [
            (place.number, p._replace(seen=history.revision, seconds=seconds, note=_note(p, history)))
            for p in proposals
        ]
        if store.propose(experiment, key, made, exhausted=not made, distinct=distinct):
            return True
    return False


def _note(proposal: Proposal, history: History) -> dict[str, Any]:
    """What the record does not tell by itself: which trials were counted on, for a lease lapses without a trace, and
    the versions it was made with where they are not those of the first proposal."""
    note = dict(proposal.note)
    if history.expected:
        note[EXPECTED] = [trial.number for trial in history.expected]
    first = first_proposal(history)
    if first is None or first.note.get(MADE_WITH) != tools():
        note[MADE_WITH] = tools()
    return note


def ask(
    store: Store, experiment: int, n: int, worker: str, lease_seconds: float, clock: Clock
) -> list[Claim]:
    """Claims up to `n` trials for a program that runs them itself, proposing them first where needed."""
    for _ in range(TRIES):
        record = store.experiment(experiment)
        if record.queued < n:
            description = record.description._replace(seed=record.seed)
            top_up(store, experiment, description, n - record.queued, worker, clock)
        claims = store.claim(experiment, n, worker, nonce(), lease_seconds)
        is_planned = record.target is not None and record.trials >= record.target
        if claims or is_planned or record.wish is not Wish.RUN:
            return claims  # else others have taken what was written here
    return []
