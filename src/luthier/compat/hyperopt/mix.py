"""One of several searches at random, each trial anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose
from typing import Any

from luthier.compat.hyperopt.documents import Document
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.suggesting import as_seed
from luthier.search.stream import bits, uniform

__all__ = ["suggest"]

NEARLY_ONE = 1e-6


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    p_suggest: Sequence[tuple[float, Callable[..., list[Document]]]],
) -> list[Document]:
    """What one of the (probability, suggest) pairs suggests.

    **Raises** ValueError where the probabilities don't sum to 1.
    """
    weights = [float(p) for p, _ in p_suggest]
    if not isclose(sum(weights), 1.0, abs_tol=NEARLY_ONE) or min(weights) < 0:
        raise ValueError("Probabilities should sum to 1", tuple(weights))
    number = as_seed(seed)
    left = uniform(number, "mix", len(trials._dynamic_trials))
    chosen = p_suggest[-1][1]
    for weight, one in p_suggest:
        left -= weight
        if left < 0:
            chosen = one
            break
    return chosen(new_ids, domain, trials, seed=bits(number, "mix") >> 33)
