"""Proposes around what a person added: a searcher that does not look back draws it again, and that draw is passed over.

Such a searcher is a sequence of configurations, and an ordinal names a place in it. Where nobody added anything, ordinal
k is served by place k. Else the ordinals that are still open are served, in their order, by the places that are still
free: neither proposed nor added. That rule needs no other memory than the trials. Workers who know of the same
additions never meet, whichever of them writes first, because each takes one open ordinal together with the very
place that serves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from luthier.description import Description
from luthier.history import History
from luthier.search.searcher import Searcher
from luthier.space import Configuration, Space
from luthier.trial import Proposal

__all__ = ["PLACE", "Known", "known_in", "passes_over", "propose_around"]

PLACE = "place"
"""The key of a proposal's note under which stands the place that served it, where that is not its ordinal."""


class Known(NamedTuple):
    """What there is already: the configurations that only people `added`, and which place served each ordinal."""

    added: Set[Configuration] = frozenset()
    places: Mapping[int, int] = {}


def passes_over(description: Description) -> bool:
    """Whether what people added is passed over: nothing is to run twice, and there are so few configurations that the
    same one may come up again."""
    return description.space.count() is not None and not description.algorithm.settings.get("repeats", False)


def known_in(history: History) -> Known:
    """What the trials of a history say. A configuration that was proposed and then added too has been served."""
    added: set[Configuration] = set()
    proposed: set[Configuration] = set()
    places: dict[int, int] = {}
    for trial in history.trials:
        if trial.configuration is None:
            continue
        if trial.proposal is None or trial.proposal.ordinal is None:
            added.add(trial.configuration)
        else:
            ordinal = trial.proposal.ordinal
            proposed.add(trial.configuration)
            places[ordinal] = trial.proposal.note.get(PLACE, ordinal)
    return Known(added - proposed, places)


def propose_around(
    engine: Searcher, space: Space, seed: int, ordinals: Sequence[int], known: Known
) -> list[Proposal]:
    """What a searcher that does not look back proposes for open ordinals, without what was added.

    **Holds** as `Searcher.propose`. **Cost** where anything was added, O(ordinals so far), and one draw for each open
    ordinal and each configuration passed over.
    """
    if not known.added:
        return engine.propose(space, History(), seed, ordinals)
    taken = set(known.places.values())
    made: dict[int, Proposal] = {}
    place = 0
    for ordinal in range(1, max(ordinals, default=0) + 1):
        if ordinal in known.places:
            continue
        place, proposal = _next_free(engine, space, seed, place + 1, taken, known.added)
        if proposal is None:
            break
        note = proposal.note if place == ordinal else {**proposal.note, PLACE: place}
        made[ordinal] = proposal._replace(ordinal=ordinal, note=note)
    return [made[ordinal] for ordinal in ordinals if ordinal in made]


def _next_free(
    engine: Searcher, space: Space, seed: int, place: int, taken: Set[int], added: Set[Configuration]
) -> tuple[int, Proposal | None]:
    """The first place from this one on that is free, and what it proposes; None past the last."""
    while True:
        if place not in taken:
            drawn = engine.propose(space, History(), seed, [place])
            if not drawn or drawn[0].configuration not in added:
                return place, drawn[0] if drawn else None
        place += 1
