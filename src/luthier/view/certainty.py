"""How sure it is which trial is best: an interval, the probability, and the trials that can't be told from it.

The best of many values was partly luck. How much luck there is in one value is learned from runs of the same
configuration (repeats, and the fresh runs of `best --confirm`), else from a model of the search, which smooths over
neighbours; where there is neither, that is said. `posterior.py` turns what is known into draws of the true values;
here they are read: interval, probability, ties, and which trial to use, which need not be the luckiest. A model alone
passes nobody over: the results must show noise of their own (`noise.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from luthier.history import History
from luthier.space import Space
from luthier.store import ExperimentRecord, Sort, Store
from luthier.trial import Trial
from luthier.view.experiments import is_allowed
from luthier.view.noise import is_noise_shown
from luthier.view.repeats import Repeats, computable, incomparable, repeats_of
from luthier.view.rounding import chance, rounded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from luthier.view import posterior

__all__ = ["LEVEL", "Believe", "Certainty", "Contender", "certainty", "sentence", "weighed"]

Believe = Callable[[Space, History], "tuple[NDArray[np.float64], NDArray[np.float64]] | None"]
"""What a model knows of the true values at each of `History.scored`, in the objective's units: the middle (n,) of its
belief, and joint draws (k, n). None where it can't tell."""

LEVEL = 0.95
_FEWEST = 5
"""With fewer values than this no model is asked."""
_FEWEST_SPARE = 4
"""Repeats beyond the first run of each configuration, below which a model, where there is one, knows the noise better."""
_LOOKED_AT = 2000
"""The best trials that are looked at; those behind them can't be best."""
_LISTED = 5
_SURELY = 0.7
"""How probable a model has to find it that another one is better before the trial with the best value is passed over."""
_TIE = 1 - LEVEL
"""A trial ties with the recommended one while it is better with at least this probability."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A configuration that may be best. `trial` stands for its `runs` (the best of them, with `value`); `mean` is what
    to expect of it, between `low` and `high` at `LEVEL`; `probability` is that of being the best of all."""

    trial: int
    value: float
    runs: int
    mean: float
    low: float
    high: float
    probability: float


@dataclass(frozen=True, slots=True)
class Certainty:
    """What is known, by which `method`. `best` is the trial with the best value, `recommended` the one to use; `ties`
    can't be told from that one, `further_ties` more are not listed. `ranking` has a trial of each configuration, the
    one expected to be best first. `noise` is the deviation between equal runs, where they told it. Nothing is known but
    the ranking of the others where `incomparable` is the trial with the best value, which can't be computed with."""

    method: Literal["repeats", "model", "none"] = "none"
    best: Contender | None = None
    recommended: Contender | None = None
    ties: tuple[Contender, ...] = ()
    further_ties: int = 0
    noise: float | None = None
    ranking: tuple[int, ...] = ()
    incomparable: int | None = None

    @property
    def is_passed_over(self) -> bool:
        """Whether another trial than the one with the best value is recommended."""
        return (
            self.best is not None
            and self.recommended is not None
            and self.best.trial != self.recommended.trial
        )

    def leaders(self, count: int) -> tuple[int, ...]:
        """The first of the ranking; with room for two or more the luckiest is among them, so that its luck is tested."""
        first = self.ranking[:count]
        if self.best is None or self.best.trial in first or count < 2:
            return first
        return (*first[:-1], self.best.trial)


def certainty(
    store: Store,
    record: ExperimentRecord,
    fresh: Sequence[Trial] = (),
    believe: Believe | None = None,
) -> Certainty:
    """How sure the verdict on an experiment is. `fresh` are trials of its confirmations.

    **Cost** one read of at most 2000 trials, and numpy where there is something to compute.
    """
    objective = record.description.objective
    if objective is None:
        return Certainty()
    maximize = objective.direction == "maximize"
    if record.finished <= _LOOKED_AT:
        read = store.history(record.id)
    else:
        best_first = Sort("value", smallest_first=not maximize)
        read = History(record.revision, tuple(store.trials(record.id, best_first, _LOOKED_AT)))
    if record.description.constraints:
        read = read._replace(trials=tuple(t for t in read.trials if is_allowed(record, t)))
    history = read._replace(maximize=maximize, target=record.target)
    return weighed(record.description.space, history, fresh, believe)


def weighed(
    space: Space, history: History, fresh: Sequence[Trial] = (), believe: Believe | None = None
) -> Certainty:
    """How sure the verdict on a history is: see `certainty`."""
    repeats = repeats_of(history, fresh)
    draws = _drawn(space, computable(history), repeats, believe)
    if draws is None:
        sure = Certainty(ranking=tuple(each.trial for each in repeats))
    else:
        sure = _read(repeats, draws, history.maximize)
        if sure.is_passed_over and draws.noise is None and not is_noise_shown(space, computable(history)):
            sure = _unknown(sure)
    best = incomparable(history)
    return sure if best is None else Certainty(ranking=sure.ranking, incomparable=best)


def _drawn(
    space: Space, history: History, repeats: Sequence[Repeats], believe: Believe | None
) -> posterior.Draws | None:
    """What the true values of `repeats` may be, by a model of the history or by the repeats; None if neither tells."""
    spare = sum(len(each.values) - 1 for each in repeats)
    believed = None
    differ = any(
        len(set(each.values)) > 1 for each in repeats
    )  # they show the noise better than a model guesses it
    if believe is not None and len(repeats) >= _FEWEST and spare < _FEWEST_SPARE and not differ:
        believed = believe(space, history)
    if not spare and believed is None:
        return None
    from luthier.view import posterior

    if believed is None:
        return posterior.from_repeats([each.values for each in repeats], history.maximize)
    means, drawn = believed
    place = {trial.number: i for i, trial in enumerate(history.scored)}
    at = [place[each.trial] for each in repeats]
    return posterior.from_beliefs(means[at], drawn[:, at], history.maximize)


def _read(repeats: Sequence[Repeats], draws: posterior.Draws, maximize: bool) -> Certainty:
    """The verdict of the draws, whose `places` index `repeats`."""
    import numpy as np

    turned = draws.values if maximize else -draws.values
    tops = turned == turned.max(axis=1, keepdims=True)
    chances = (tops / tops.sum(axis=1, keepdims=True)).mean(axis=0)
    lows, highs = np.quantile(draws.values, [_TIE / 2, 1 - _TIE / 2], axis=0)
    contenders = [
        Contender(
            trial=repeats[place].trial,
            value=repeats[place].value,
            runs=len(repeats[place].values),
            mean=float(draws.means[i]),
            low=float(lows[i]),
            high=float(highs[i]),
            probability=float(chances[i]),
        )
        for i, place in enumerate(draws.places)
    ]
    luckiest = draws.places.index(0)
    is_surer = draws.noise is not None or (turned[:, 0] > turned[:, luckiest]).mean() >= _SURELY
    first = 0 if is_surer else luckiest
    ties = [
        contenders[i]
        for i in range(len(contenders))
        if i != first and (turned[:, i] >= turned[:, first]).mean() >= _TIE
    ]
    order = [first, *(i for i in range(len(contenders)) if i != first)]
    return Certainty(
        method="model" if draws.noise is None else "repeats",
        best=contenders[luckiest],
        recommended=contenders[first],
        ties=tuple(ties[:_LISTED]),
        further_ties=max(len(ties) - _LISTED, 0),
        noise=draws.noise,
        ranking=tuple(contenders[i].trial for i in order),
    )


def _unknown(sure: Certainty) -> Certainty:
    """The same where a model's opinion is not to be had: its ranking alone, behind the trial with the best value."""
    assert sure.best is not None
    first = sure.best.trial
    return Certainty(ranking=(first, *(trial for trial in sure.ranking if trial != first)))


def sentence(sure: Certainty, experiment: int) -> str | None:
    """The verdict in words: `0.9421 (95 %: 0.935 to 0.947), best with probability 0.61; ties: 144.7 (0.9418)`. None
    when nothing is known. Where a model smooths the values, it says that they are its means."""
    if sure.incomparable is not None:
        return f"not known: the value of {experiment}.{sure.incomparable} can't be compared with any; it may have diverged"
    best, first = sure.best, sure.recommended
    if best is None or first is None:
        return None
    if sure.noise == 0:
        return "equal configurations gave equal values, so there is no luck in them"
    what = f"{_interval(first)}, best with probability {chance(first.probability)}"
    if best.trial != first.trial:
        value = rounded(best.value, (first.high - first.low) / 2)
        lucky = (
            f"had the best value ({value}), but neighbours differ as by luck; unless it gives that again,"
            if sure.method == "model"
            else f"had the luckiest run ({value}), but"
        )
        what = f"{experiment}.{best.trial} {lucky} {experiment}.{first.trial} is the better choice: {what}"
    said = "; these are means of a model, not the observed values" if sure.method == "model" else ""
    if not sure.ties:
        return what + said
    ties = [f"{experiment}.{tie.trial} ({rounded(tie.mean, (tie.high - tie.low) / 2)})" for tie in sure.ties]
    more = f" and {sure.further_ties} more" if sure.further_ties else ""
    return f"{what}; ties: {', '.join(ties)}{more}{said}"


def _interval(known: Contender) -> str:
    spread = (known.high - known.low) / 2
    if spread == 0:
        return f"{rounded(known.mean, 0.0)} (all its runs are equal)"
    low, high = rounded(known.low, spread), rounded(known.high, spread)
    return f"{rounded(known.mean, spread)} ({LEVEL:.0%}: {low} to {high})".replace("%", " %")
