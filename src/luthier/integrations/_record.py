"""A record of trials that another program keeps, given to Luthier's searchers: its trials in, a proposal out.

Optuna and Ray Tune have stores and loops of their own. What they know of their trials is turned into a `History`, and
the searcher answers as it would to an experiment of Luthier's.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from luthier.description import Algorithm
from luthier.errors import SpaceError
from luthier.history import History
from luthier.search import searcher
from luthier.space import Space
from luthier.trial import Outcome, Proposal, Result, Trial, TrialState, trial_seed

__all__ = ["Asking", "Direction", "Told"]

Direction = Literal["maximize", "minimize"]
_names = count(1)


@dataclass(frozen=True)
class Told:
    """What became of one trial, whose numbers count from 1: `value` is the objective, None where there is none, `goals`
    all of several; `excesses` is by how much each constraint is broken; `outcome` is None while it runs."""

    number: int
    values: Mapping[str, Any]
    outcome: Outcome | None = None
    value: float | None = None
    seconds: float | None = None
    goals: tuple[float, ...] | None = None
    excesses: tuple[float, ...] = ()


class Asking:
    """Asks one algorithm about the record of one search. What it remembers only saves time; it may be pickled."""

    def __init__(self, algorithm: str, settings: Mapping[str, Any] | None, seed: int) -> None:
        self.algorithm = Algorithm(algorithm, dict(settings or {}))
        searcher(self.algorithm)  # a name or a setting that does not exist is said here
        self.seed = seed
        self._name = -next(_names)  # tells the searches of a process apart where their arrays are kept
        self._space: Space | None = None
        self._revision = 0
        self._trials: dict[int, tuple[Told, Trial]] = {}
        self._proposals: dict[int, Proposal] = {}

    def propose(
        self, space: Space, record: Iterable[Told], number: int, directions: Sequence[Direction]
    ) -> dict[str, Any] | None:
        """The values for trial `number`; None when the space has no more. Trials that are no configurations of the
        space are passed over, except that a running one's place is kept free."""
        if space != self._space:
            self._space, self._trials = space, {}
        trials = [trial for told in record if (trial := self._trial(space, told)) is not None]
        results = [trial.result for trial in trials if trial.result is not None]
        history = History(
            self._revision,
            tuple(sorted(trials, key=lambda t: t.number)),
            maximize=directions[0] == "maximize",
            objectives=tuple(directions) if len(directions) > 1 else (),
            constraints=max((len(result.constraints) for result in results), default=0),
        )
        began = time.perf_counter()
        found = searcher(self.algorithm).propose(space, history, self.seed, [number])
        if not found:
            return None
        (proposal,) = found
        taken = time.perf_counter() - began
        self._proposals[number] = Proposal(
            proposal.configuration,
            proposal.by,
            number,
            self._revision,
            proposal.mean,
            proposal.deviation,
            taken,
            dict(proposal.note),
        )
        return proposal.configuration.values()

    def _trial(self, space: Space, told: Told) -> Trial | None:
        """The trial as a history has it, the same object as long as nothing changed."""
        known = self._trials.get(told.number)
        if known is not None and known[0] == told:
            return known[1]
        try:
            configuration = space.configuration(dict(told.values))
        except SpaceError:
            return None
        self._revision += 1
        result = None
        if told.outcome is not None:
            result = Result(
                told.outcome,
                "",
                told.value,
                seconds=told.seconds,
                values=told.goals,
                constraints=told.excesses,
            )
        proposal = self._proposals.get(told.number)
        if proposal is not None and proposal.configuration != configuration:
            proposal = None  # what was tried is not what was proposed
        trial = Trial(
            experiment=self._name,
            number=told.number,
            run_id=told.number,
            state=TrialState.RUNNING if result is None else TrialState.FINISHED,
            configuration=configuration,
            attempt=1,
            seed=trial_seed(self.seed, told.number),
            proposal=proposal or Proposal(configuration, "random", told.number),
            result=result,
            created=0.0,
            began=0.0,
            ended=None if result is None else told.seconds or 0.0,
            revision=self._revision,
        )
        self._trials[told.number] = (told, trial)
        return trial
