"""Random search: independent draws by the distributions the user gave, of a finite space each configuration once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luthier.compat.hyperopt.documents import Document, miscs_to_idxs_vals
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.record import record_of
from luthier.compat.hyperopt.suggesting import as_seed, written
from luthier.search.permutation import permuted
from luthier.search.stream import uniform
from luthier.space import Configuration
from luthier.trial import Proposal

__all__ = ["drawn", "suggest", "suggest_batch"]

PATIENCE = 32
"""So many draws are repeats before the next configuration is taken that was not tried."""


def suggest(
    new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any, repeats: bool | None = None
) -> list[Document]:
    """New trials at random; none once a finite space was tried whole, unless `repeats`."""
    record = record_of(trials, domain.search)
    record.follow(trials._dynamic_trials)
    first, number = len(trials._dynamic_trials) + 1, as_seed(seed)
    again = domain.repeats if repeats is None else repeats
    docs = []
    also: set[str] = set()
    for place, tid in enumerate(new_ids):
        made = drawn(domain, number, first + place, {} if again else record.taken, also)
        if made is None:
            break
        if not again:
            also.add(made.key)
        docs.append(written(tid, Proposal(made, "random", first + place), domain, trials))
    return docs


def suggest_batch(new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any) -> Any:
    """As `suggest`, but only the values: for every label the ids of the trials that have it, and its values there."""
    return miscs_to_idxs_vals([doc["misc"] for doc in suggest(new_ids, domain, trials, seed)], domain.params)


def drawn(
    domain: Domain, seed: int, number: int, taken: dict[str, int], also: set[str]
) -> Configuration | None:
    """Draw number `number`, or the next of its kind that was not tried; None where all were.

    **Cost** O(1), or O(count) in a finite space that is nearly used up.
    """
    search = domain.search
    count = search.space.count()
    made = None
    for turn in range(PATIENCE):
        made = search.draw(lambda name, turn=turn: uniform(seed, "random", number, turn, name))  # type: ignore[misc]
        if made.key not in taken and made.key not in also:
            return made
    if count is None or (not taken and not also):
        return made
    for place in range(count):
        made = search.space.at(permuted(seed, count, place))
        if made.key not in taken and made.key not in also:
            return made
    return None
