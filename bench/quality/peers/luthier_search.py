"""Any algorithm of Luthier, driven as the engine drives it, on a record that is kept in memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import luthier
from bench.quality.peers.peer import Exhausted
from bench.quality.problem import Problem
from luthier.description import Algorithm
from luthier.history import History
from luthier.search import searcher
from luthier.trial import Outcome, Result, Trial, TrialState, trial_seed

__all__ = ["PEERS", "Luthier"]


class Luthier:
    """A search by one of Luthier's algorithms."""

    def __init__(self, problem: Problem, seed: int, algorithm: str = "auto") -> None:
        self.version = getattr(luthier, "__version__", "")
        self.problem, self.seed = problem, seed
        self.searcher = searcher(Algorithm(algorithm))
        self.trials: dict[int, Trial] = {}
        self.revision = 0
        self.now = 0.0

    def ask(self, trial: int) -> Mapping[str, Any]:
        history = History(
            revision=self.revision,
            trials=tuple(self.trials.values()),
            maximize=False,
            target=self.problem.budget,
        )
        began = time.perf_counter()
        made = self.searcher.propose(self.problem.space, history, self.seed, [trial])
        took = time.perf_counter() - began
        if not made:
            raise Exhausted
        proposal = made[0]._replace(seen=self.revision, seconds=took)
        self.revision += 1
        self.trials[trial] = Trial(
            experiment=1,
            number=trial,
            run_id=trial,
            state=TrialState.RUNNING,
            configuration=proposal.configuration,
            attempt=1,
            seed=trial_seed(self.seed, trial),
            proposal=proposal,
            result=None,
            created=self.now,
            began=self.now,
            ended=None,
            revision=self.revision,
        )
        return proposal.configuration.values()

    def tell(self, trial: int, loss: float | None, seconds: float) -> None:
        running = self.trials[trial]
        self.now = max(self.now, (running.began or 0.0) + seconds)
        self.revision += 1
        failed = loss is None
        result = Result(
            outcome=Outcome.FAILED if failed else Outcome.SUCCEEDED,
            reason="it failed" if failed else "it ended well",
            value=loss,
            seconds=seconds,
        )
        self.trials[trial] = running._replace(
            state=TrialState.FINISHED, result=result, ended=self.now, revision=self.revision
        )


PEERS = {"random": partial(Luthier, algorithm="random")}
