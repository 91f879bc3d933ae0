"""The loop of a scikit-learn search: asks for candidates, has their folds fitted side by side, tells how they did.

A task is one fold of one candidate. Tasks are made when a worker is free for them, and a candidate is asked for when the
folds of those before it have all been handed out, so no worker waits for another and every candidate follows from all the
results there are. Each fold's scores are reported as they come; when the stopping rule then gives a candidate up, its
other folds are not handed out any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from threading import RLock
from typing import Any

from luthier.errors import NotFound
from luthier.experiment import Asked, Experiment
from luthier.trial import Outcome

__all__ = ["Candidate", "CandidateSearch", "Fitted", "earlier"]

Fitted = tuple[int, int, dict[str, Any]]
"""A candidate's place, a fold's, and what scikit-learn measured."""
MakeTask = Callable[[int, int, dict[str, Any]], Any]
"""Makes the delayed call, for joblib, that fits one fold of one candidate."""
Parallel = Callable[[Iterator[Any]], Iterable[Fitted]]


@dataclass(eq=False)
class Candidate:
    """The parameters of one trial and what was measured of it, fold by fold; None where nothing was yet. `handed_out`
    counts the folds that workers were given; `given_up` says why there are no more, where the rule said so."""

    params: dict[str, Any]
    folds: list[dict[str, Any] | None]
    asked: Asked | None = None
    handed_out: int = 0
    given_up: str | None = None

    @property
    def run(self) -> list[dict[str, Any]]:
        """The folds that were run."""
        return [fold for fold in self.folds if fold is not None]

    @property
    def is_whole(self) -> bool:
        """Whether all its folds were run."""
        return len(self.run) == len(self.folds)

    @property
    def is_done(self) -> bool:
        """Whether nothing more will be run of it."""
        return self.is_whole or (self.given_up is not None and 0 < len(self.run) == self.handed_out)


class CandidateSearch:
    """Runs an experiment whose trials are candidates of `n_splits` folds; its objective, `metric`, is the mean over them of
    what `objective_of` finds. `candidates` are those finished before."""

    def __init__(
        self,
        experiment: Experiment,
        params_of: Callable[[Any], dict[str, Any]],
        n_splits: int,
        metric: str,
        objective_of: Callable[[dict[str, Any]], float],
        candidates: Iterable[Candidate] = (),
    ) -> None:
        self.candidates = list(candidates)
        self._metric = metric
        self._experiment = experiment
        self._params_of = params_of
        self._n_splits = n_splits
        self._objective_of = objective_of
        self._guard = RLock()  # joblib asks for tasks from threads of its own
        self._error: BaseException | None = None

    def run(self, parallel: Parallel, task: MakeTask) -> None:
        """Runs until nothing is left to try; `parallel` yields results as they come."""
        try:
            for place, split, measured in parallel(self._tasks(task)):
                self._take(place, split, measured)
        finally:
            self._give_back()
        if self._error is not None:
            raise self._error

    def run_in_turn(self, parallel: Parallel, task: MakeTask) -> None:
        """The same where results can't be had as they come: one candidate at a time, its folds side by side."""
        try:
            while (place := self._next()) is not None:
                candidate = self.candidates[place]
                candidate.handed_out = self._n_splits  # who gives results all together saves nothing
                tasks = iter([task(place, split, candidate.params) for split in range(self._n_splits)])
                for _, split, measured in parallel(tasks):
                    self._take(place, split, measured)
        finally:
            self._give_back()

    def _tasks(self, task: MakeTask) -> Iterator[Any]:
        """Folds to be fitted, made when one is asked for. An error here would be lost in joblib's threads, so it is kept."""
        try:
            while (place := self._next()) is not None:
                candidate = self.candidates[place]
                for split in range(self._n_splits):
                    with self._guard:
                        if candidate.given_up is not None:
                            break
                        candidate.handed_out += 1
                    yield task(place, split, candidate.params)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001
            self._error = error

    def _next(self) -> int | None:
        """Asks for the next candidate; None when there is no more."""
        with self._guard:
            asked = self._experiment.ask()
            if asked is None:
                return None
            params = self._params_of(asked.params)
            self.candidates.append(Candidate(params, [None] * self._n_splits, asked))
            return len(self.candidates) - 1

    def _take(self, place: int, split: int, measured: dict[str, Any]) -> None:
        with self._guard:
            candidate = self.candidates[place]
            asked = candidate.asked
            assert asked is not None, "a candidate of an earlier call is not fitted again"
            candidate.folds[split] = measured
            numbers = {**numbers_of(measured), self._metric: self._objective_of(measured)}
            why = self._experiment.report(asked, split, **numbers)
            if not any(
                fold["fit_error"] for fold in candidate.run
            ):  # one that failed is a failure, not a loser
                candidate.given_up = why
            if candidate.is_done:
                self._tell(candidate, asked)

    def _tell(self, candidate: Candidate, asked: Asked) -> None:
        why = next((_last_line(fold["fit_error"]) for fold in candidate.run if fold["fit_error"]), None)
        score = sum(map(self._objective_of, candidate.run)) / len(candidate.run)
        if why is not None:
            self._experiment.tell(asked, failed=f"a fit failed: {why}")
        elif not isfinite(score):
            self._experiment.tell(asked, failed=f"its mean score is {score}")
        elif candidate.is_whole:
            self._experiment.tell(asked, score)
        else:
            self._experiment.stop(asked, candidate.given_up or "", value=score)

    def _give_back(self) -> None:
        """Lets go of the candidates whose folds an error or Ctrl-C has left unfinished."""
        with self._guard:
            for candidate in self.candidates:
                if candidate.asked is not None and not candidate.is_done:
                    self._experiment.give_back(candidate.asked)


def numbers_of(measured: Mapping[str, Any]) -> dict[str, float]:
    """What was measured of a fold, as metrics: `fit_time`, `test_score`, or `test_NAME` where there are several."""
    found = {name: float(measured[name]) for name in ("fit_time", "score_time")}
    for kind in ("test", "train"):
        scores = measured.get(f"{kind}_scores")
        named = scores if isinstance(scores, Mapping) else {} if scores is None else {"score": scores}
        found.update({f"{kind}_{name}": float(value) for name, value in named.items()})
    return found


def _last_line(trace: str) -> str:
    return trace.strip().rpartition("\n")[2]


def earlier(
    experiment: Experiment, params_of: Callable[[Any], dict[str, Any]], n_splits: int, error_score: Any
) -> list[Candidate]:
    """The candidates that an experiment has finished, with their folds as they were reported."""
    kinds = (Outcome.SUCCEEDED.value, Outcome.STOPPED.value, Outcome.FAILED.value)
    ended = [t for t in experiment.trials if t.outcome in kinds]
    metrics = sorted({name for trial in ended for name in trial.metrics})
    curves = {name: _curves(experiment, name) for name in metrics}
    made = []
    for trial in ended:
        candidate = Candidate(params_of(trial.params), [])
        for split in range(n_splits):
            if split not in curves["fit_time"].get(trial.number, {}):
                candidate.folds.append(None)
                candidate.given_up = trial.reason
                continue
            found = {name: curves[name].get(trial.number, {}).get(split, error_score) for name in metrics}
            why = trial.reason if trial.outcome == Outcome.FAILED.value else None
            candidate.folds.append(_measured(found, why))
        candidate.handed_out = len(candidate.run)
        made.append(candidate)
    return made


def _curves(experiment: Experiment, metric: str) -> dict[int, dict[float, float]]:
    try:
        return {number: dict(points) for number, points in experiment.curves(metric).items()}
    except NotFound:
        return {}


def _measured(found: Mapping[str, float], why: str | None) -> dict[str, Any]:
    """The undoing of `numbers_of`."""
    times = {name: found.get(name, 0.0) for name in ("fit_time", "score_time")}
    measured: dict[str, Any] = {**times, "fit_error": why}
    for kind in ("test", "train"):
        named = {name[len(kind) + 1 :]: value for name, value in found.items() if name.startswith(kind)}
        if named:
            measured[f"{kind}_scores"] = named["score"] if list(named) == ["score"] else named
    return measured
