"""What every `suggest` has in common: it is asked for new documents and asks one of Luthier's searches.

A `suggest(new_ids, domain, trials, seed)` is a function of the trials and the seed. The first seed that a search of ours
was given for some trials is kept with them: proposals follow from it and from the trial's place, so that a search that
is interrupted and goes on with the same `Trials` proposes what it would have proposed anyhow.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from luthier.compat.hyperopt.documents import Document, document
from luthier.compat.hyperopt.domain import Domain
from luthier.compat.hyperopt.record import record_of
from luthier.description import Algorithm
from luthier.search import searcher
from luthier.search.searcher import Searcher
from luthier.trial import Proposal

__all__ = ["as_seed", "propose", "search_seed", "written"]


def as_seed(seed: Any) -> int:
    """A whole number from whatever NumPy takes for a seed."""
    try:
        return int(seed)
    except (TypeError, ValueError):
        import numpy as np

        return int(np.random.default_rng(seed).integers(2**63))


def search_seed(trials: Any, seed: Any) -> int:
    """The seed of the search that these trials belong to: the first one that was given for them."""
    if getattr(trials, "search_seed", None) is None:
        number = as_seed(seed)
        try:
            trials.search_seed = number
        except AttributeError:
            return number
    return int(trials.search_seed)


def propose(
    algorithm: str,
    settings: dict[str, Any],
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    repeats: bool | None = None,
) -> list[Document]:
    """New documents with what one of Luthier's searches proposes; fewer where the space has no more configurations,
    unless they may be repeated."""
    import numpy as np

    again = domain.repeats if repeats is None else repeats
    engine = _engine(algorithm, tuple(sorted({**settings, "repeats": again}.items())))
    docs = trials._dynamic_trials
    history = record_of(trials, domain.search).history(docs)
    first = len(docs) + 1
    with np.errstate(all="ignore"):  # a program that wants every overflow raised means its own
        made = engine.propose(
            domain.search.space, history, search_seed(trials, seed), range(first, first + len(new_ids))
        )
    return [written(tid, proposal, domain, trials) for tid, proposal in zip(new_ids, made, strict=False)]


def written(tid: Any, proposal: Proposal, domain: Domain, trials: Any) -> Document:
    """A proposal as a new document. `misc` also tells who proposed it and the values as people read them."""
    values = domain.search.assignment(proposal.configuration)
    doc = document(tid, values, domain.search.dimensions, trials._exp_key)
    doc["misc"]["workdir"] = domain.workdir
    doc["misc"]["values"] = domain.search.shown(values)
    doc["misc"]["proposal"] = {"by": proposal.by, "ordinal": proposal.ordinal, "note": dict(proposal.note)}
    if proposal.mean is not None:
        doc["misc"]["proposal"].update(mean=proposal.mean, deviation=proposal.deviation)
    return doc


@lru_cache(maxsize=32)
def _engine(algorithm: str, settings: tuple[tuple[str, Any], ...]) -> Searcher:
    return searcher(Algorithm(algorithm, dict(settings)))
