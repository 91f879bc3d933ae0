"""Who plays: Luthier's search with one of its stopping rules, and Optuna's TPE with one of its pruners."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.curves.tables import Table
from luthier.curves import Curves
from luthier.description import Algorithm
from luthier.history import History
from luthier.search import searcher
from luthier.space import Categorical, Float, Integer
from luthier.stopping import Decision, StoppingRule
from luthier.trial import Outcome, Result, Trial, TrialState, trial_seed

__all__ = ["Luthier", "Optuna"]


class Luthier:
    """One of Luthier's algorithms, as the engine drives it, and a stopping rule or none. `random` draws rows of the table
    themselves, each once."""

    def __init__(
        self,
        table: Table,
        seed: int,
        rule: StoppingRule | None,
        algorithm: str = "auto",
        target: int | None = None,
    ) -> None:
        self.table, self.seed, self.rule, self.target = table, seed, rule, target
        self.searcher = None if algorithm == "random" else searcher(Algorithm(algorithm))
        self.order = np.random.default_rng(seed).permutation(len(table.listed))
        self.curves = Curves("avg" if table.aggregate == "avg" else "last", "minimize")
        self.trials: dict[int, Trial] = {}
        self.decisions: list[tuple[int, Decision]] = []
        self.revision = 0

    def ask(self, trial: int) -> int | None:
        self.curves.begin(trial)
        if self.searcher is None:
            return int(self.order[trial - 1]) if trial <= len(self.order) else None
        history = History(
            revision=self.revision, trials=tuple(self.trials.values()), maximize=False, target=self.target
        )
        made = self.searcher.propose(self.table.space, history, self.seed, [trial])
        if not made:
            return None
        proposal = made[0]._replace(seen=self.revision)
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
            created=float(self.revision),
            began=float(self.revision),
            ended=None,
            revision=self.revision,
        )
        return self.table.row(proposal.configuration)

    def report(self, trial: int, point: int, loss: float) -> bool:
        self.curves.add(trial, point, loss)
        decision = self.rule.decide(self.curves, trial) if self.rule else None
        if decision is None:
            return False
        self.decisions.append((trial, decision))
        return decision.stop

    def end(self, trial: int, stopped: bool) -> None:
        curve = self.curves[trial]
        outcome = Outcome.STOPPED if stopped else Outcome.SUCCEEDED
        self.curves.end(trial, outcome)
        if self.searcher is None:
            return
        self.revision += 1
        result = Result(
            outcome, "it ended", value=curve.loss, seconds=float(curve.count), curve=curve.outline()
        )
        self.trials[trial] = self.trials[trial]._replace(
            state=TrialState.FINISHED,
            result=result,
            ended=float(self.revision),
            revision=self.revision,
        )


class Optuna:
    """Optuna's TPE, or its random sampler over the rows, and a pruner of its own."""

    def __init__(self, table: Table, seed: int, pruner: Any, algorithm: str = "tpe") -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.optuna, self.table = optuna, table
        self.order = np.random.default_rng(seed).permutation(len(table.listed))
        self.random = algorithm == "random"
        sampler = (
            optuna.samplers.RandomSampler(seed) if self.random else optuna.samplers.TPESampler(seed=seed)
        )
        self.study = optuna.create_study(sampler=sampler, pruner=pruner)
        self.running: dict[int, Any] = {}
        self.seen: dict[int, list[float]] = {}

    def ask(self, trial: int) -> int | None:
        if self.random and trial > len(self.order):
            return None
        asked = self.running[trial] = self.study.ask()
        self.seen[trial] = []
        if self.random:
            return int(self.order[trial - 1])
        values = {p.name: self._suggest(asked, p.name, p.domain) for p in self.table.space.parameters}
        return self.table.row(self.table.space.configuration(values))

    def _suggest(self, asked: Any, name: str, domain: Any) -> Any:
        match domain:
            case Categorical():
                return asked.suggest_categorical(name, [value.value for value in domain.choices])
            case Integer():
                return asked.suggest_int(name, domain.low, domain.high, log=domain.scaling == "log")
            case Float():
                return asked.suggest_float(name, domain.low, domain.high, log=domain.scaling == "log")
        raise TypeError(domain)

    def report(self, trial: int, point: int, loss: float) -> bool:
        self.seen[trial].append(loss)
        asked = self.running[trial]
        asked.report(loss, point)
        return bool(asked.should_prune())

    def end(self, trial: int, stopped: bool) -> None:
        state = self.optuna.trial.TrialState
        if stopped:
            self.study.tell(self.running.pop(trial), state=state.PRUNED)
            return
        seen = self.seen[trial]
        value = float(np.mean(seen)) if self.table.aggregate == "avg" else seen[-1]
        if value != value:
            self.study.tell(self.running.pop(trial), state=state.FAIL)
        else:
            self.study.tell(self.running.pop(trial), value)
