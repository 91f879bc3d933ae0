"""Trials that run in stages: what an attempt that finished one means, and who goes on.

After each fold a trial goes on at once, unless the rule says that the others won't make it the best; its value is the mean
of its folds. After a rung of the budget it waits, and goes on once it is among the best of those that came so far
(`stopping/promotion.py`); who never will be is stopped with what it reached. Everything follows from the record, so any
worker can do it, after any crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import TYPE_CHECKING, NamedTuple

from luthier import metrics
from luthier.description import Description, Objective, Stages
from luthier.drive.work import Running
from luthier.store import ExperimentRecord, Store
from luthier.trial import AttemptId, Outcome, Result, Trial, TrialState

if TYPE_CHECKING:
    from luthier.curves import Curves
    from luthier.drive.listener import Listener
    from luthier.stopping import Promotion, StoppingRule

__all__ = ["Staged", "Staging"]


class Staged(NamedTuple):
    """How an attempt of a trial in stages ended: its result, and the stage it finished where its trial waits for the next."""

    result: Result
    waits: str = ""


class Staging:
    """The stages of one experiment."""

    def __init__(self, store: Store, experiment: int, description: Description) -> None:
        assert description.stages is not None and description.objective is not None, (
            "stages compare by a metric"
        )
        self._store = store
        self._experiment = experiment
        self._stages: Stages = description.stages
        self._objective: Objective = description.objective
        self._stopping = description.stopping
        self._rule: StoppingRule | None = None
        # by trial: its revision, and its values by stage
        self._known: dict[int, tuple[int, dict[int, float]]] = {}
        self._passed_over: list[int] = []  # since this was last told

    # ------------------------------------------------------------------ an attempt ended

    def ended(self, running: Running, result: Result) -> Staged:
        """What becomes of a trial whose attempt ended so."""
        number, stage = running.id.trial, running.claim.stage
        known = self._values(self._store.trial(self._experiment, number))
        if result.outcome is Outcome.STOPPED:
            return Staged(self._with_course(result, known, stage))
        if result.outcome is not Outcome.SUCCEEDED or result.value is None:
            return Staged(result)
        known = {**known, stage: result.value}
        result = self._with_course(result, known, stage + 1)
        is_last = stage + 1 >= len(self._stages.levels)
        if self._stages.kind == "rungs":
            return Staged(result, "" if is_last else self._stages.name(stage))
        if is_last:
            return Staged(result)
        reason = self._hopeless(running.id, known)
        if reason is not None:
            return Staged(result._replace(outcome=Outcome.STOPPED, reason=reason))
        return Staged(result, self._stages.name(stage))

    def _with_course(self, result: Result, known: dict[int, float], before: int) -> Result:
        """A result with what the stages `before` one came to: the value of each rung, or the mean up to each fold."""
        done = [at for at in range(before) if at in known]
        if self._stages.kind == "rungs":
            curve = tuple((self._stages.levels[at], known[at]) for at in done)
        else:
            values = [known[at] for at in done]
            curve = tuple((float(n), fsum(values[:n]) / n) for n in range(1, len(values) + 1))
        return result._replace(value=curve[-1][1] if curve else None, curve=curve)

    def _values(self, trial: Trial) -> dict[int, float]:
        """What a trial had in each stage it has finished, the newest attempt of each counting."""
        kept = self._known.get(trial.number)
        if kept is not None and kept[0] == trial.revision:
            return kept[1]
        found: dict[int, float] = {}
        for attempt in self._store.attempts(self._experiment, trial.number) if trial.attempt else ():
            if attempt.result is None or attempt.result.outcome is not Outcome.SUCCEEDED:
                continue
            value = attempt.result.value
            if self._stages.kind == "folds":  # its result has the mean up to there
                points = self._store.points(self._experiment, trial.number, attempt=attempt.id.attempt)
                value = metrics.objective_value(self._objective, metrics.summarize(points))
            if value is not None:
                found[attempt.stage] = value
        self._known[trial.number] = (trial.revision, found)
        return found

    def _hopeless(self, id: AttemptId, known: dict[int, float]) -> str | None:
        """Why a trial's other folds would be in vain, as far as a rule says so; it is in the record then."""
        number = id.trial
        if self._stopping is None or self._stopping.rule == "none":
            return None
        from luthier.stopping import stopping_rule

        if self._rule is None:
            name, settings = self._stopping.rule, self._stopping.settings
            if name in ("auto", "folds"):
                known_settings = settings if name == "folds" else {}
                name, settings = "folds", {"folds": len(self._stages.levels), **known_settings}
            self._rule = stopping_rule(name, settings)
        curves = self._curves(number)
        curves.begin(number)
        decision = None
        for stage in sorted(known):
            curves.add(number, float(stage), known[stage])
            decision = self._rule.decide(curves, number)
        if decision is None or not decision.stop:
            return None
        self._store.note_decision(id, decision.rule, decision.resource, decision.reason, stops=True)
        return decision.reason

    def _curves(self, but: int) -> Curves:
        """All trials by their folds."""
        from luthier.curves import Curves

        curves = Curves("avg", self._objective.direction)
        for trial in self._store.trials(self._experiment):
            if trial.number == but:
                continue
            for stage, value in sorted(self._values(trial).items()):
                curves.add(trial.number, float(stage), value)
            if trial.state is TrialState.FINISHED and trial.result is not None:
                curves.end(trial.number, trial.result.outcome)
        return curves

    # ------------------------------------------------------------------ who goes on

    def advance(self, record: ExperimentRecord) -> bool:
        """Sends on the waiting trials that may go on, and lets go of those that never will; whether there were any.

        **Holds** may be repeated, and done by several workers: each trial is moved once.
        """
        if not record.waiting:
            return False
        if self._stages.kind == "folds":
            waiting = [t.number for t in self._trials() if t.state is TrialState.WAITING]
            return sum(self._store.promote(self._experiment, number) for number in waiting) > 0
        moved = False
        while (made := self._next(record)).number is not None or made.out:
            for number, reason in made.out.items():
                if self._store.cancel(self._experiment, number, Outcome.STOPPED, reason):
                    self._passed_over.append(number)
                    moved = True
            if made.number is not None:
                moved |= self._store.promote(self._experiment, made.number)
        return moved

    def tell(self, listener: Listener) -> None:
        """Tells of the trials that `advance` let go, once that is durable."""
        numbers, self._passed_over = self._passed_over, []
        for number in numbers:
            trial = self._store.trial(self._experiment, number)
            listener.passed_over(trial, self._stages.name(trial.stage))

    def _next(self, record: ExperimentRecord) -> Promotion:
        """Which waiting trial goes on from its rung, and which never will."""
        from luthier.stopping import promotion

        trials = self._trials()
        under_way = (TrialState.QUEUED, TrialState.RUNNING)
        finished = {}
        for trial in trials:
            known = self._values(trial)
            if known:
                finished[trial.number] = [known[stage] for stage in sorted(known)]
        return promotion(
            finished,
            [t.number for t in trials if t.state is TrialState.WAITING],
            levels=self._stages.levels,
            eta=self._stages.eta,
            direction=self._objective.direction,
            under_way={t.number: t.stage for t in trials if t.state in under_way},
            coming=None if record.target is None else max(0, record.target - len(trials)),
        )

    def _trials(self) -> Sequence[Trial]:
        return self._store.trials(self._experiment)
