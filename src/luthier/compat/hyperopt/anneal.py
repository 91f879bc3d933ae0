"""Annealing: one of the best trials, moved a little; the moves shrink as trials add up.

A search to compare others with. It works in the unit cube, where every distribution is even: a number moves within a
window around where it was, an option is kept or drawn anew. Normal numbers move by a normal step.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

from luthier.compat.hyperopt.documents import Document
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.rand import PATIENCE, drawn
from luthier.compat.hyperopt.record import record_of
from luthier.compat.hyperopt.suggesting import as_seed, written
from luthier.search.stream import bits, uniform
from luthier.space import Categorical, Configuration, Normal, Value
from luthier.space.normal import probability, quantile
from luthier.trial import Proposal, Trial

__all__ = ["suggest"]


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    avg_best_idx: float = 2.0,
    shrink_coef: float = 0.1,
    repeats: bool | None = None,
) -> list[Document]:
    """New trials around the best ones. `avg_best_idx` is the mean rank, from 1, of the trial to start from; a greater
    `shrink_coef` makes the moves shrink faster."""
    record = record_of(trials, domain.search)
    history = record.history(trials._dynamic_trials)
    scored = [
        t
        for t in history.scored
        if t.result and t.result.value is not None and t.result.value == t.result.value
    ]
    best = sorted(scored, key=lambda t: t.result.value if t.result and t.result.value is not None else 0.0)
    width = 1.0 / (1.0 + len(best) * shrink_coef)
    again = domain.repeats if repeats is None else repeats
    first, number = len(trials._dynamic_trials) + 1, as_seed(seed)
    docs = []
    also: set[str] = set()
    for place, tid in enumerate(new_ids):
        tried: dict[str, int] = {} if again else record.taken
        made = _moved(domain, best, bits(number, "anneal", first + place), width, avg_best_idx, tried, also)
        if made is None:
            break
        if not again:
            also.add(made.key)
        docs.append(written(tid, Proposal(made, "anneal", first + place), domain, trials))
    return docs


def _moved(
    domain: Domain,
    best: list[Trial],
    seed: int,
    width: float,
    mean_rank: float,
    taken: dict[str, int],
    also: set[str],
) -> Configuration | None:
    """A neighbour of one of the best that was not tried; a random draw where there is none."""
    for turn in range(PATIENCE if best else 0):
        rank = _geometric(uniform(seed, "rank", turn), mean_rank)
        from_here = best[min(rank, len(best) - 1)].configuration
        assert from_here is not None
        made = _neighbour(domain, from_here, bits(seed, "move", turn), min(1.0, width * (1 + turn / 8)))
        if made.key not in taken and made.key not in also:
            return made
    return drawn(domain, seed, 0, taken, also)


def _neighbour(domain: Domain, configuration: Configuration, seed: int, width: float) -> Configuration:
    """The configuration with every value moved; what exists only now is drawn."""

    def pick(name: str) -> Value:
        one = domain.search.dimensions[name]
        u = uniform(seed, "value", name)
        if name not in configuration or one.domain.count() == 1:
            return one.quantile(u)
        if isinstance(one.domain, Categorical):
            is_kept = uniform(seed, "keep", name) > width
            return configuration[name] if is_kept else one.quantile(u)
        middle = one.domain.to_unit(configuration[name].value)
        if isinstance(one.domain, Normal):  # a window of probability would draw the tails back to the middle
            return one.domain.from_unit(probability(quantile(middle) + width * quantile(u)))
        low = min(max(middle - width / 2, 0.0), 1.0 - width)
        return one.domain.from_unit(low + width * u)

    return domain.search.space.choose(lambda p: pick(p.name))


def _geometric(u: float, mean: float) -> int:
    """A rank from 0, geometrically distributed with this mean, counted from 1."""
    share = 1.0 / max(mean, 1.0 + 1e-9)
    return int(log(u) / log(1.0 - share))
