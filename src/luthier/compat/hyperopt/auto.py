"""Luthier's automatic choice: a Gaussian process, TPE now and then, evenly spread points to begin with.

It is what `fmin` uses when it is given no algorithm. The engine would also weigh what a proposal costs against how long
trials take, by the clock; here the same seed has to give the same trials, so only the plain case is left to the clock:
after very many trials that last no time, TPE goes on alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from luthier.compat.hyperopt.documents import Document
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.suggesting import propose

__all__ = ["suggest"]

MANY = 500
"""After so many trials a proposal of the Gaussian process takes a tenth of a second and more."""
RECENT = 15
QUICK_SECONDS = 1.0


def suggest(
    new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any, repeats: bool | None = None
) -> list[Document]:
    """New trials where they teach or promise most."""
    docs = trials._dynamic_trials
    algorithm = "tpe" if len(docs) > MANY and _lasted(docs[-RECENT:]) < QUICK_SECONDS else "auto"
    return propose(algorithm, {}, new_ids, domain, trials, seed, repeats)


def _lasted(docs: Sequence[Document]) -> float:
    """How long trials usually took; without an end where no time is known."""
    known = [
        (doc["refresh_time"] - doc["book_time"]).total_seconds()
        for doc in docs
        if doc["refresh_time"] is not None and doc["book_time"] is not None
    ]
    return median(known) if known else float("inf")
