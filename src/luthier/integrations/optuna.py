"""`LuthierSampler`: Optuna's studies, searched by Luthier.

    study = optuna.create_study(sampler=luthier.integrations.optuna.LuthierSampler(seed=0))

The study, its storage, its pruners and its loop stay Optuna's. The space is known from the trials before (see
`_optuna_space.py`), conditional ones included, so the first trial and parameters never met before are sampled by
themselves. Which trials were proposed together with which is written in the study, so parallel workers know of each
other's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from secrets import randbits
from threading import RLock
from typing import Any

from luthier.integrations._needed import needed
from luthier.integrations._optuna_space import DefinedByRun, domain_of, told, untold
from luthier.integrations._record import Asking, Direction, Told
from luthier.search.stream import uniform
from luthier.trial import Outcome

__all__ = ["LuthierSampler"]

needed("optuna", "Optuna", "optuna")

from optuna.distributions import BaseDistribution, CategoricalDistribution  # noqa: E402
from optuna.samplers import BaseSampler  # noqa: E402
from optuna.study import Study, StudyDirection  # noqa: E402
from optuna.trial import FrozenTrial, TrialState  # noqa: E402

CONSTRAINTS = "constraints"
"""The trial attribute by which Optuna itself knows what breaks a constraint."""
PROPOSED = "luthier:proposed"
"""The trial attribute that holds what was proposed, for those who propose while the trial runs."""
ENQUEUED = "fixed_params"
"""The trial attribute by which Optuna itself knows what a person enqueued."""
EARLY = 30
"""So many first trials are turned to categories that were never met: the space is known when its branches are."""


class LuthierSampler(BaseSampler):  # type: ignore[misc]
    """Proposes what Luthier's `algorithm` proposes, `auto` unless another is named, with that one's `settings`.

    The same `seed` gives the same search where trials run one after another. Pruned trials count with their last
    intermediate value. Studies of several objectives are searched for their Pareto front. `constraints_func` says of a
    finished trial by how much it breaks each constraint, zero or less where it meets it, as in Optuna's own samplers.
    """

    def __init__(
        self,
        algorithm: str = "auto",
        *,
        seed: int | None = None,
        settings: Mapping[str, Any] | None = None,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
    ) -> None:
        self._seed = randbits(31) if seed is None else seed
        self._asking = Asking(algorithm, settings, self._seed)
        self._guard = RLock()
        self._known: tuple[int, DefinedByRun | None] = (0, None)
        self._constraints = constraints_func

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_guard"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _guard=RLock())

    def reseed_rng(self) -> None:
        """Does nothing: a proposal follows from the study and the seed, so parallel workers may share both."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters that earlier trials had."""
        with self._guard:
            known = self._space_of(study)
        return dict(known.distributions) if known is not None else {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What Luthier proposes for this trial."""
        with self._guard:
            known = self._space_of(study)
            if known is None:
                return {}
            record = [
                _told(known, one)
                for one in study.get_trials(deepcopy=False)
                if one._trial_id != trial._trial_id
            ]
            ways: list[Direction] = [
                "maximize" if way is StudyDirection.MAXIMIZE else "minimize" for way in study.directions
            ]
            values = self._asking.propose(known.space, record, trial.number + 1, ways)
            if values is None:  # every configuration was tried: Optuna goes on, and draws
                return {}
            if known.unmet and trial.number <= EARLY:
                values = known.into_the_unmet(values)
            study._storage.set_trial_system_attr(trial._trial_id, PROPOSED, values)
        return {
            name: untold(known.distributions[name], value)
            for name, value in values.items()
            if name in search_space
        }

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A value for a parameter that nothing is known of: the middle or the first choice in the first trial, then any."""
        begin = 0.0 if isinstance(param_distribution, CategoricalDistribution) else 0.5
        place = begin if trial.number == 0 else uniform(self._seed, "independent", trial.number, param_name)
        return untold(param_distribution, domain_of(param_distribution).from_unit(place).value)

    def _space_of(self, study: Study) -> DefinedByRun | None:
        """The space as the trials that have ended show it, found anew when there are more of them."""
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        if self._known[0] != len(ended) or self._known[1] is None:
            self._known = (len(ended), DefinedByRun.of([(t.params, t.distributions) for t in ended]))
        return self._known[1]

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Notes by how much a trial that has ended breaks the constraints."""
        if self._constraints is not None and state in (TrialState.COMPLETE, TrialState.PRUNED):
            excesses = [float(one) for one in self._constraints(trial)]
            study._storage.set_trial_system_attr(trial._trial_id, CONSTRAINTS, excesses)


def _told(known: DefinedByRun, trial: FrozenTrial) -> Told:
    """One of the study's trials for the record. One that has not ended is known by what was proposed or enqueued."""
    given = {**trial.system_attrs.get(ENQUEUED, {}), **trial.params}
    values = {
        name: told(known.distributions[name], value)
        for name, value in given.items()
        if name in known.distributions
    }
    seconds = trial.duration.total_seconds() if trial.duration is not None else None
    number = trial.number + 1
    match trial.state:
        case TrialState.COMPLETE:
            goals = tuple(trial.values)
            excesses = tuple(trial.system_attrs.get(CONSTRAINTS) or ())
            several = goals if len(goals) > 1 else None
            return Told(number, values, Outcome.SUCCEEDED, goals[0], seconds, several, excesses)
        case TrialState.PRUNED:
            steps = trial.intermediate_values
            last = steps[max(steps)] if steps else None
            return Told(number, values, Outcome.STOPPED, last, seconds)
        case TrialState.FAIL:
            return Told(number, values, Outcome.FAILED, None, seconds)
    return Told(number, {**trial.system_attrs.get(PROPOSED, {}), **values})
