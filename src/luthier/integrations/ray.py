"""`LuthierSearch`: Ray Tune's trials, searched by Luthier.

    tune.Tuner(train, param_space={"lr": tune.loguniform(1e-5, 1), "layers": tune.randint(1, 5)},
               tune_config=tune.TuneConfig(search_alg=LuthierSearch(seed=0), metric="loss", mode="min", num_samples=50))

Tune's domains become Luthier's; a `tune.choice` of dicts that hold domains is a choice of spaces. Schedulers, resources
and checkpoints stay Tune's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from secrets import randbits
from typing import Any

from luthier.errors import SpaceError, UsageError
from luthier.integrations._needed import needed
from luthier.integrations._record import Asking, Direction, Told
from luthier.space.distributions import (
    Choice,
    Distribution,
    choice,
    integers,
    loguniform,
    normal,
    uniform,
)
from luthier.space.tree import Tree
from luthier.trial import Outcome

__all__ = ["LuthierSearch"]

needed("ray.tune", "Ray Tune", "ray")

import cloudpickle  # noqa: E402
from ray.tune.search import Searcher  # noqa: E402
from ray.tune.search import sample as domains  # noqa: E402


@dataclass(frozen=True)
class _Kept:
    """A part of a configuration that a tree would read as a part of the space."""

    what: Any

    def __repr__(self) -> str:
        return repr(self.what)


class LuthierSearch(Searcher):  # type: ignore[misc]
    """Proposes what Luthier's `algorithm` proposes, `auto` unless another is named, with that one's `settings`.

    Give the space here or as Tune's `param_space`; the metric and mode here or in `TuneConfig`. `points_to_evaluate` are
    tried first. The same `seed` gives the same search where trials run one after another. Wrap it in Tune's
    `ConcurrencyLimiter` to learn from more results before each proposal.
    """

    _metric: Any  # a name, None before it is known
    _mode: str | None

    def __init__(
        self,
        space: Mapping[str, Any] | None = None,
        metric: str | None = None,
        mode: str | None = None,
        *,
        algorithm: str = "auto",
        settings: Mapping[str, Any] | None = None,
        seed: int | None = None,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self._asking = Asking(algorithm, settings, randbits(31) if seed is None else seed)
        self._tree = Tree.of(_domains_of(space)) if space else None
        self._waiting = [dict(point) for point in points_to_evaluate or ()]
        self._told: dict[str, Told] = {}
        self._last: dict[str, float] = {}

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        """Takes Tune's own space, metric and mode; False when a space was given already."""
        if self._tree is not None and config:
            return False
        self._metric = metric or self._metric
        self._mode = mode or self._mode
        if config:
            self._tree = Tree.of(_domains_of(config))
        return True

    def suggest(self, trial_id: str) -> Any:
        """The configuration of a new trial; `Searcher.FINISHED` when the space has no more."""
        if self._tree is None or self._mode not in ("min", "max") or not self._metric:
            raise UsageError(
                "LuthierSearch knows no space, metric or mode; give them to it, or param_space to the Tuner and metric "
                "and mode to TuneConfig"
            )
        number = len(self._told) + 1
        if self._waiting:
            values = self._read(self._waiting.pop(0))
        else:
            way: Direction = "maximize" if self._mode == "max" else "minimize"
            found = self._asking.propose(self._tree.space, self._told.values(), number, [way])
            if found is None:
                return Searcher.FINISHED
            values = found
        self._told[trial_id] = Told(number, values)
        return _plain(self._tree.fill_plain(values))

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Hears what a trial reports on its way."""
        value = result.get(self._metric)
        if isinstance(value, (int, float)):
            self._last[trial_id] = float(value)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Hears how a trial ended. One that ended without a result counts with what it reported last."""
        known = self._told.get(trial_id)
        if known is None:
            return
        if result:
            self.on_trial_result(trial_id, result)
        value = self._last.pop(trial_id, None)
        seconds = (result or {}).get("time_total_s")
        if error or (value is not None and not isfinite(value)):
            ended = Told(known.number, known.values, Outcome.FAILED, None, seconds)
        elif value is None:  # nothing is known that could be blamed on the configuration
            ended = Told(known.number, known.values, Outcome.KILLED, None, seconds)
        else:
            ended = Told(known.number, known.values, Outcome.SUCCEEDED, value, seconds)
        self._told[trial_id] = ended

    def add_evaluated_point(
        self,
        parameters: Mapping[str, Any],
        value: float,
        error: bool = False,
        pruned: bool = False,
        intermediate_values: Sequence[float] | None = None,
    ) -> None:
        """Takes a configuration that was evaluated elsewhere."""
        if self._tree is None:
            raise UsageError("LuthierSearch knows no space yet; give it one before its points")
        outcome = Outcome.FAILED if error else Outcome.STOPPED if pruned else Outcome.SUCCEEDED
        number = len(self._told) + 1
        told = Told(number, self._read(parameters), outcome, None if error else float(value))
        self._told[f"evaluated {number}"] = told

    def save(self, checkpoint_path: str) -> None:
        """Writes all that the search knows into a file."""
        Path(checkpoint_path).write_bytes(cloudpickle.dumps(self.__dict__))

    def restore(self, checkpoint_path: str) -> None:
        """Reads what `save` wrote; the search goes on where it was."""
        self.__dict__.update(cloudpickle.loads(Path(checkpoint_path).read_bytes()))

    def _read(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a configuration as Tune has it; what stands in it besides the space is passed over."""
        assert self._tree is not None, "both callers have looked"
        known = {key: _kept(value) for key, value in parameters.items() if key in self._tree.keys}
        return self._tree.read(known).values()


def _domains_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Tune's space as Luthier's. What is no domain is kept out of the search."""
    return {key: _domain(str(key), what) for key, what in config.items()}


def _domain(place: str, what: Any) -> Any:
    if isinstance(what, Mapping):
        if set(what) == {"grid_search"}:
            raise SpaceError(f"{place}: a searcher does not walk a grid_search; write tune.choice instead")
        return {key: _domain(f"{place}/{key}", inner) for key, inner in what.items()}
    if isinstance(what, (Distribution, Choice)):
        return what
    if not isinstance(what, domains.Domain):
        return _kept(what)
    sampler, step = what.get_sampler(), None
    if isinstance(sampler, domains.Quantized):
        sampler, step = sampler.sampler, sampler.q
    is_log = isinstance(sampler, domains.LogUniform)
    match what:
        case domains.Categorical():
            options = [
                _domain(place, one) if isinstance(one, Mapping) else _kept(one) for one in what.categories
            ]
            return choice(options)
        case domains.Integer():
            step = None if step in (None, 1) else int(step)
            return integers(what.lower, what.upper - (step is None), log=is_log, step=step)
        case domains.Float() if isinstance(sampler, domains.Normal):
            return normal(sampler.mean, sampler.sd, step=step)
        case domains.Float() if isfinite(what.lower) and isfinite(what.upper):
            return (loguniform if is_log else uniform)(what.lower, what.upper, step=step)
    raise SpaceError(
        f"{place}: {type(what).__name__} can't be searched; write tune.uniform, loguniform, randint, choice or their kin"
    )


def _kept(what: Any) -> Any:
    """Lists and the like, held together; in dicts, those in them."""
    if isinstance(what, Mapping):
        return {key: _kept(inner) for key, inner in what.items()}
    return _Kept(what) if isinstance(what, (list, tuple, range)) else what


def _plain(filled: Any) -> Any:
    """A filled tree as Tune's configuration."""
    if isinstance(filled, _Kept):
        return filled.what
    return {key: _plain(inner) for key, inner in filled.items()} if isinstance(filled, Mapping) else filled
