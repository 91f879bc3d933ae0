"""What more trials would bring: the probability that the next ones improve on the best by anything that matters.

Of trials that come in no particular order, the i-th is the best so far with probability 1 / i. A search that learns makes
such records more often, by a factor that is learned from the second half of its own record; what it found before tells more
of its beginning. A record counts where it improves by more than the noise between equal runs, where that is known, and by
more than a hundredth of the way from the median of its first trials to the best, for a search that polishes the last digit
never ends.

**Source** A. Rényi, "Théorie des éléments saillants d'une suite d'observations" (1962), for 1 / i; the factor is the mean of a
Gamma posterior, records being rare events of rate factor / i. Simulated searches show whether the probabilities hold
(`tests/view/test_view_prospects.py`, docs/search.md). What the Gaussian process itself had predicted of its proposals was
tried beside it and told nothing more; by itself it promises about twice what comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, prod
from statistics import median

from luthier.history import History
from luthier.store import ExperimentRecord, Store
from luthier.trial import Outcome, Trial

__all__ = ["Prospect", "prospect", "prospect_of"]

AHEAD = 10
FEWEST = 20
"""With fewer trials nothing is said."""
_LOOKED_AT = 2000
_SHARE = 0.01
_BEGIN = 10
_SINCE = 0.5

_PRIORS = {
    "auto": (1.0, 1.0),
    "bayesian": (1.0, 1.0),
    "cmaes": (2.0, 1.0),
    "random": (8.0, 8.0),
    "sobol": (8.0, 8.0),
    "tpe": (2.0, 1.3),
}
"""By algorithm the shape and rate of what is believed of the factor beforehand. Random trials make records as chance does;
TPE goes on to make them for longer than a Gaussian process."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """The next `trials` improve on the best by more than `by` with this `probability`."""

    trials: int
    by: float
    probability: float

    def __str__(self) -> str:
        """`another 10 trials would improve on it by more than 0.0004 with a probability of about 8 %`."""
        percent = 100 * self.probability
        about = "under 1" if percent < 1 else "over 99" if percent > 99 else f"about {percent:.0f}"
        more = f" by more than {self.by:.2g}" if self.by else ""
        count = "another trial" if self.trials == 1 else f"another {self.trials} trials"
        return f"{count} would improve on it{more} with a probability of {about} %"


def prospect(store: Store, record: ExperimentRecord, noise: float | None = None) -> Prospect | None:
    """What more trials of an experiment would bring; None where that is not known well enough: with few trials or very many,
    several objectives, constraints, or an algorithm whose order is no chance. `noise` is the deviation between equal runs.

    **Cost** one read of at most 2000 trials.
    """
    what = record.description
    if what.objective is None or what.also or what.constraints or what.algorithm.name not in _PRIORS:
        return None
    if not FEWEST <= record.finished <= _LOOKED_AT:
        return None
    count = None if what.algorithm.settings.get("repeats") else what.space.count()
    ahead = AHEAD if count is None else min(AHEAD, count - record.trials)
    return prospect_of(store.history(record.id), what.algorithm.name, noise or 0.0, ahead)


def prospect_of(history: History, algorithm: str, noise: float = 0.0, ahead: int = AHEAD) -> Prospect | None:
    """The same of a history; see `prospect`."""
    trials = sorted(history.finished, key=lambda trial: (trial.ended or 0.0, trial.number))
    losses = [_loss(trial, history.maximize) for trial in trials]
    known = [loss for loss in losses if loss is not None]
    if len(losses) < FEWEST or 2 * len(known) < FEWEST or ahead < 1:
        return None
    matters = max(_SHARE * (median(known[:_BEGIN]) - min(known)), noise)
    first = int(_SINCE * len(losses))
    seen = sum(first <= place for place in _records(losses, matters))
    chances = sum(1 / (place + 1) for place in range(first, len(losses)))
    shape, rate = _PRIORS[algorithm]
    factor = (shape + seen) / (rate + chances)
    none = prod(max(0.0, 1 - factor / (len(losses) + k)) for k in range(1, ahead + 1))
    return Prospect(ahead, matters, 1 - none)


def _loss(trial: Trial, maximize: bool) -> float | None:
    """A trial's value, less being better; None where it has none to be best by."""
    result = trial.result
    if result is None or result.outcome is not Outcome.SUCCEEDED:
        return None
    if result.value is None or not isfinite(result.value):
        return None
    return -result.value if maximize else result.value


def _records(losses: list[float | None], matters: float) -> list[int]:
    """The places of those that were better than all before them by more than what `matters`; the first is none."""
    places, best = list[int](), None
    for place, loss in enumerate(losses):
        if loss is None:
            continue
        if best is not None and loss < best - matters:
            places.append(place)
        best = loss if best is None else min(best, loss)
    return places
