"""Why a configuration was proposed, as one honest sentence."""

from __future__ import annotations

from luthier.description import Algorithm
from luthier.history import History
from luthier.search.beginning import first
from luthier.search.frame import frame_of
from luthier.search.gaussian.bayesian import begins
from luthier.search.gaussian.evidence import evidence_of
from luthier.store import ExperimentRecord
from luthier.trial import Proposal

__all__ = ["reason"]

_BLIND = {
    "grid": "it is the next combination of the grid, which looks at no result",
    "random": "it was drawn at random, which looks at no result",
    "sobol": "it is the next point of an evenly spread sequence, which looks at no result",
    "replicates": "it is one of the leaders, run again to tell luck from merit",
}


def reason(record: ExperimentRecord, proposal: Proposal, seen: History) -> str:
    """Why a proposal was made, given the history it saw."""
    note = proposal.note
    if proposal.ordinal is None:
        return "a person asked for it, so no algorithm chose it"
    if "safest" in note:
        return f"{note['safest']} trials failed so far, and here success is the most likely"
    if "from" in note:
        return f"it was among the best of an earlier search: {note['from']}"
    if proposal.by in _BLIND:
        return _BLIND[proposal.by]
    if proposal.mean is not None and len(note.get("predicted", ())) > 1:
        return "of what was not tried, it promised to improve the best trade-offs most"
    if proposal.mean is not None:
        return _promise(record.description.algorithm, maximize=seen.maximize)
    if proposal.by == "tpe" and "good" in note:
        return f"the {note['good']} best results lie closer to it than the others do"
    if proposal.by == "cmaes":
        return f"it was drawn from the cloud that {note.get('generation', 0)} generations of results moved"
    return _beginning(record, proposal, seen)


def _promise(algorithm: Algorithm, *, maximize: bool) -> str:
    if algorithm.name == "bayesian" and algorithm.settings.get("acquisition", "ucb") == "ucb":
        kappa = algorithm.settings.get("kappa", 2.0)
        bound = f"mean and {kappa:g} deviations together" if maximize else f"mean less {kappa:g} deviations"
        return f"of what was not tried, the {bound} {'are highest' if maximize else 'is lowest'} here"
    return "of what was not tried, it promised the largest improvement over the best"


def _beginning(record: ExperimentRecord, proposal: Proposal, seen: History) -> str:
    """A point of the beginning, which is also where a search turns that finds nothing better to propose."""
    space = record.description.space
    frame = frame_of(space)
    evidence = evidence_of(frame, seen)
    is_centre = proposal.configuration == first(space, record.seed, 1)
    what = "it is the centre of the space" if is_centre else "it is an evenly spread point"
    if proposal.by != "tpe" and not begins(frame, seen, evidence, proposal.ordinal or 0):
        return f"{what}: nothing else that is new promised more"
    if not evidence.n:
        return f"{what}: nothing was known yet"
    return f"{what}: too few results for a model"
