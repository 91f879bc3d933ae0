"""The loop of a scikit-learn search: asks for candidates, has their folds fitted side by side, tells how they did.

A task is one fold of one candidate. Tasks are made when a worker is free for them, and a candidate is asked for when the
folds of those before it have all been handed out, so no worker waits for another and every candidate follows from all the
results there are. Each fold's scores are reported as they come, which is where a poor candidate is given up.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from threading import RLock
from typing import Any

from luthier.errors import NotFound
from luthier.experiment import Asked, Experiment
from luthier.trial import Outcome, Result

__all__ = ["Candidate", "CandidateSearch", "Fitted", "earlier", "take_back"]

Fitted = tuple[int, int, dict[str, Any]]
"""A candidate's place, a fold's, and what scikit-learn measured."""
MakeTask = Callable[[int, int, dict[str, Any]], Any]
"""Makes the delayed call, for joblib, that fits one fold of one candidate."""
Parallel = Callable[[Iterator[Any]], Iterable[Fitted]]


@dataclass(eq=False)
class Candidate:
    """The parameters of one trial and what was measured of it, fold by fold; None where nothing was yet."""

    params: dict[str, Any]
    folds: list[dict[str, Any] | None]
    asked: Asked | None = None
    given_up: bool = field(default=False)

    @property
    def is_done(self) -> bool:
        return all(fold is not None for fold in self.folds)


class CandidateSearch:
    """Runs an experiment whose trials are candidates of `n_splits` folds. `candidates` are those finished before."""

    def __init__(
        self,
        experiment: Experiment,
        params_of: Callable[[Any], dict[str, Any]],
        n_splits: int,
        objective_of: Callable[[dict[str, Any]], float],
        candidates: Iterable[Candidate] = (),
    ) -> None:
        self.candidates = list(candidates)
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
                params = self.candidates[place].params
                tasks = iter([task(place, split, params) for split in range(self._n_splits)])
                for _, split, measured in parallel(tasks):
                    self._take(place, split, measured)
        finally:
            self._give_back()

    def _tasks(self, task: MakeTask) -> Iterator[Any]:
        """Folds to be fitted, made when one is asked for. An error here would be lost in joblib's threads, so it is kept."""
        try:
            while (place := self._next()) is not None:
                for split in range(self._n_splits):
                    candidate = self.candidates[place]
                    if candidate.given_up:
                        break
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
            self._experiment.report(asked, split, **numbers_of(measured))
            candidate.given_up = self._should_stop(candidate)
            if not candidate.is_done:
                return
            folds = [fold for fold in candidate.folds if fold is not None]
            why = next((_last_line(fold["fit_error"]) for fold in folds if fold.get("fit_error")), None)
            if why is not None:
                self._experiment.tell(asked, failed=f"a fit failed: {why}")
                return
            score = sum(self._objective_of(fold) for fold in folds) / self._n_splits
            if isfinite(score):
                self._experiment.tell(asked, score)
            else:
                self._experiment.tell(asked, failed=f"its mean score is {score}")

    def _give_back(self) -> None:
        """Lets go of the candidates whose folds an error or Ctrl-C has left unfinished."""
        with self._guard:
            for candidate in self.candidates:
                if candidate.asked is not None and not candidate.is_done:
                    self._experiment.give_back(candidate.asked)

    def _should_stop(self, candidate: Candidate) -> bool:
        """Whether a candidate is not worth its remaining folds. A stopping rule will say so here."""
        return False


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
    ended = [t for t in experiment.trials if t.outcome in (Outcome.SUCCEEDED.value, Outcome.FAILED.value)]
    metrics = sorted({name for trial in ended for name in trial.metrics})
    curves = {name: _curves(experiment, name) for name in metrics}
    made = []
    for trial in ended:
        candidate = Candidate(params_of(trial.params), [])
        for split in range(n_splits):
            found = {name: curves[name].get(trial.number, {}).get(split, error_score) for name in metrics}
            why = trial.reason if trial.outcome == Outcome.FAILED.value else None
            candidate.folds.append(_measured(found, why))
        made.append(candidate)
    return made


def take_back(experiment: Experiment) -> None:
    """Puts the candidates of processes that are gone back into the queue: those of this machine that do not live, and
    those whose lease ran out."""
    here = f"ask:{socket.gethostname()}:"
    for held in experiment._store.held(experiment.id):
        pid = held.worker.removeprefix(here)
        is_dead = held.worker.startswith(here) and pid.isdecimal() and not _lives(int(pid))
        if held.lapsed or is_dead:
            experiment._store.finish(held.id, Result(Outcome.LOST, "its process is gone"), again=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
