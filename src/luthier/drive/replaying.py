"""Makes every proposal of a search again from the record, and compares it with what was proposed.

A proposal depends on the space, the settings, the seed, its ordinal and the history it saw, and on nothing else; the
record holds them all. So a search that ran in parallel, was killed and went on can be checked to the last bit where
it was made, and within a tolerance under other versions or on another processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from luthier.drive.tools import MADE_WITH, first_proposal
from luthier.history import History
from luthier.search import searcher
from luthier.search.around import PLACE
from luthier.space import Configuration, Space
from luthier.store import Store
from luthier.store.past import EXPECTED, Past
from luthier.trial import Proposal, Trial

__all__ = ["Replayed", "agree", "history_at", "proposed_trials", "replay"]

_LISTED = ("categorical", "ordinal", "constant")


@dataclass(frozen=True, slots=True)
class Replayed:
    """A trial, and what its searcher proposes when it sees again what it saw.

    `again` is None where it proposes nothing. `made_with` are the versions and the machine that made the recorded one
    (`tools.py`), empty where they were not noted: a searcher that does not look back needs none.
    """

    trial: Trial
    again: Configuration | None
    agrees: bool
    made_with: dict[str, str]


def history_at(store: Store, experiment: int, proposal: Proposal) -> History:
    """What the searcher was shown when it made a recorded proposal; empty when it does not look back.

    **Cost** reads the experiment once; for the histories of many proposals use `Past`, in the order of what they saw.
    """
    return _seen_by(proposal, Past(store, experiment))


def proposed_trials(store: Store, experiment: int) -> list[Trial]:
    """The trials that the algorithm proposed, in the order of what it saw. Those a person added are left out."""
    mine = [t for t in store.trials(experiment) if t.proposal and t.proposal.ordinal is not None]
    return sorted(mine, key=lambda t: (t.proposal.seen if t.proposal else 0, t.number))


def replay(store: Store, experiment: int, trials: list[Trial], tolerance: float = 0.0) -> Iterator[Replayed]:
    """Makes the proposals of these trials again, in the order `proposed_trials` gives. `tolerance` is as for `agree`."""
    record = store.experiment(experiment)
    description = record.description._replace(seed=record.seed)
    engine, past = searcher(description.algorithm), Past(store, experiment)
    for trial in trials:
        proposal = trial.proposal
        assert proposal is not None and proposal.ordinal is not None, "the algorithm's own trials have both"
        history = _seen_by(proposal, past)
        # Which place of its sequence served is on record: it depends on what people had added by then.
        place = proposal.note.get(PLACE, proposal.ordinal)
        made = engine.propose(description.space, history, description.seed, [place])
        again = made[0].configuration if made else None
        same = again is not None and agree(description.space, proposal.configuration, again, tolerance)
        yield Replayed(trial, again, same, _made_with(proposal, history))


def agree(space: Space, a: Configuration, b: Configuration, tolerance: float = 0.0) -> bool:
    """Whether two configurations are the same, or, with a `tolerance`, have the same listed values and numbers that
    differ by no more than this share of their parameter's range (on its scale)."""
    if a == b:
        return True
    if not tolerance or set(a) != set(b):
        return False
    for name in a:
        domain, one, other = space[name].domain, a[name].value, b[name].value
        if domain.kind in _LISTED:
            if one != other:
                return False
        elif abs(domain.to_unit(one) - domain.to_unit(other)) > tolerance:
            return False
    return True


def _seen_by(proposal: Proposal, past: Past) -> History:
    """The history a proposal was made from."""
    return past.at(proposal.seen, proposal.note.get(EXPECTED, ())) if proposal.seen else History()


def _made_with(proposal: Proposal, history: History) -> dict[str, str]:
    """What a proposal was made with: what it says, or else the first proposal that it saw."""
    first = first_proposal(history)
    return dict(proposal.note.get(MADE_WITH) or (first.note.get(MADE_WITH) if first else None) or {})
