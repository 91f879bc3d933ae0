"""Watches the curves of an experiment's trials, and says which of this worker's own are to end early.

It hears every point once that is durable, keeps what the rules in `stopping/` read, and makes each decision durable with its
reason before anybody acts on it. What other workers' trials have reported it reads from the record. It ends nothing itself:
that is `loop.py`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from luthier import metrics
from luthier.clock import Clock
from luthier.description import Description, Objective
from luthier.space import hint
from luthier.store import Store
from luthier.trial import AttemptId, Outcome, Point, Result, TrialState

if TYPE_CHECKING:
    from luthier.curves import Curves
    from luthier.stopping import Conditions, Decision, StoppingRule

__all__ = ["Referee", "Reporting", "Stop", "decided_stop"]

CATCH_UP_SECONDS = 1.0


class Reporting(Protocol):
    """An attempt of ours that reports: one that a drive runs, or one that a program has asked for."""

    @property
    def id(self) -> AttemptId:
        """Whose points they are."""

    @property
    def summaries(self) -> Collection[str]:
        """The metrics that it has reported so far."""


class Stop(NamedTuple):
    """Why an attempt is to end, and whether it has thereby come to its end, so that its value counts."""

    reason: str
    completes: bool = False


class Side(NamedTuple):
    """One objective: its curves, and the rule that reads them, if any."""

    objective: Objective
    curves: Curves
    rule: StoppingRule | None


class Referee:
    """The stopping rules at work on one experiment. Nothing of them is loaded before a trial reports. Where there are several
    objectives, a trial ends early only when the rule would end it for each of them.

    **Cost** a point some microseconds; a decision a write. Other workers' curves are read once a second at most.
    """

    def __init__(
        self, store: Store, experiment: int, description: Description, worker: str, clock: Clock
    ) -> None:
        self._store = store
        self._experiment = experiment
        self._description = description
        self._worker = worker
        self._clock = clock
        self._made: tuple[Side, ...] | None = None
        self._conditions: Conditions | None = None
        self._verdicts: dict[int, dict[str, tuple[float, Decision]]] = {}
        self._unmet: set[str] | None = None
        self._newest: dict[int, dict[str, Point]] = {}
        self._seen = 0
        self._caught_up = float("-inf")
        self._others: set[int] = set()

    @property
    def decides(self) -> bool:
        """Whether anything may be stopped."""
        return self._description.stopping is not None

    # ------------------------------------------------------------------ hearing

    def hear(self, running: Reporting, points: Sequence[Point], *, is_over: bool = False) -> Stop | None:
        """Takes in what an attempt of ours has reported, and returns why it is to end, if it is. Nothing is decided of one
        that `is_over`.

        **Holds** a decision is durable on return, and so was what it rests on before.
        """
        names = self._names(running)
        if is_over or not self.decides:
            for point in points:
                if point.metric in names:
                    self._add(running.id.trial, names[point.metric], point)
            return None
        self._catch_up()
        with self._store.together():
            for point in points:
                stop = self._at_point(running, point, names.get(point.metric))
                if stop is not None:
                    self.hear(running, points[points.index(point) + 1 :], is_over=True)
                    return stop
        return None

    def _at_point(self, running: Reporting, point: Point, metric: str | None) -> Stop | None:
        """What is decided at one point: why the attempt is to end, or None."""
        number = running.id.trial
        made: list[Decision | None] = []
        if metric is not None:
            side = self._add(number, metric, point)
            decision = side.rule.decide(side.curves, number) if side.rule is not None else None
            if decision is not None:
                made.append(self._agreed(number, metric, decision))
        made.append(self._condition(running, point))
        for each in made:
            if each is not None:
                self._store.note_decision(
                    running.id,
                    each.rule,
                    each.resource,
                    each.reason,
                    stops=each.stop,
                    completes=each.completes,
                )
                if each.stop:
                    return Stop(each.reason, each.completes)
        return None

    def _condition(self, running: Reporting, point: Point) -> Decision | None:
        """What a person's own conditions make of a point, under the names that they have for it."""
        if self._conditions is None:
            return None
        newest = self._newest.setdefault(running.id.trial, {})
        for name in self._conditions.metrics:
            if metrics.matching_name(name, running.summaries) == point.metric:
                known = newest[name] = point._replace(metric=name)
                decision = self._conditions.decide(known, newest)
                if decision is not None:
                    return decision
        return None

    def _agreed(self, number: int, metric: str, decision: Decision) -> Decision:
        """A decision for one objective, as far as it holds for all of them now."""
        if len(self._sides()) == 1:
            return decision
        verdicts = self._verdicts.setdefault(number, {})
        mine = next(side for side in self._sides() if side.objective.metric == metric)
        verdicts[metric] = (mine.curves[number].resource, decision)
        if not decision.stop:
            return decision
        found = [self._verdict(side, number) for side in self._sides()]
        against = [
            f"{side.objective.metric}: {one.reason}"
            for side, one in zip(self._sides(), found, strict=True)
            if one is not None and one.stop
        ]
        stops = len(against) == len(found)
        held = "" if stops else "the other objectives hold it; "
        return replace(decision, stop=stops, reason=held + "; ".join(against))

    def _verdict(self, side: Side, number: int) -> Decision | None:
        """What the rule says of one objective as it stands: anew where it can, else what it said at this very point."""
        curve = side.curves.get(number)
        if curve is None or side.rule is None:
            return None
        at, said = self._verdicts.get(number, {}).get(side.objective.metric, (None, None))
        return said if at == curve.resource else side.rule.decide(side.curves, number)

    def _add(self, number: int, metric: str, point: Point) -> Side:
        side = next(side for side in self._sides() if side.objective.metric == metric)
        side.curves.add(number, point.step, point.value)
        return side

    def begin(self, number: int, *, onward: bool = False) -> None:
        """A new attempt of ours begins; `onward` from where the one before it ended."""
        self._forget(number)
        for side in self._made or ():
            side.curves.begin(number, onward=onward)

    def know(self, running: Reporting, points: Sequence[Point]) -> Stop | None:
        """Takes in what an attempt of ours had reported before it was adopted, and returns why it is to end: it was decided
        before, or would have been had its worker lived a moment longer."""
        self.begin(running.id.trial)
        if not self.decides:
            self.hear(running, points, is_over=True)
            return None
        decided = [
            event.detail
            for event in self._store.decisions(running.id.experiment, running.id.trial)
            if event.attempt == running.id.attempt
        ]
        stop = next((decided_stop(detail) for detail in decided if detail["stops"]), None)
        if stop is not None:
            self.hear(running, points, is_over=True)
            return stop
        upto = max((float(d["resource"]) for d in decided if d["rule"] != "condition"), default=float("-inf"))
        old = [point for point in points if point.step <= upto]
        self.hear(running, old, is_over=True)
        for point in old:
            self._condition(running, point)
        return self.hear(running, points[len(old) :])

    def unmet(self, running: Reporting) -> list[str]:
        """What to say of the conditions once the first trial has ended: metrics that nobody reports."""
        if self._unmet is not None or self._conditions is None or not running.summaries:
            return []
        wanted = self._conditions.metrics
        self._unmet = {name for name in wanted if metrics.matching_name(name, running.summaries) is None}
        return [
            f"a stop condition names {name}, which it did not report{hint(name, running.summaries)}"
            for name in sorted(self._unmet)
        ]

    def ended(self, running: Reporting, result: Result) -> Result:
        """An attempt of ours ended: its result with what the objective was on the way."""
        number = running.id.trial
        self._forget(number)
        if not self._made:
            return result
        curve = self._made[0].curves.get(number)
        for side in self._made:
            side.curves.end(number, result.outcome)
            if not self.decides:
                side.curves.drop(number)  # nobody will compare anything with it
        if curve is None or result.value is None:
            return result
        is_one = curve.count < 2 and result.outcome is not Outcome.STOPPED
        return result if is_one else result._replace(curve=curve.outline())

    # ------------------------------------------------------------------ what others run

    def _catch_up(self) -> None:
        """Reads what trials have reported that other workers ran, or that ran before this one began."""
        if self._clock.elapsed() - self._caught_up < CATCH_UP_SECONDS:
            return
        self._caught_up = self._clock.elapsed()
        changed: set[int] = set()
        sides = self._sides()
        known = sides[0].curves if sides else None
        for event in self._store.events(since=self._seen, experiment=self._experiment):
            self._seen = event.revision
            if event.trial is None:
                continue
            match event.kind:
                case "claimed" | "adopted":
                    mine = event.detail["worker"] == self._worker
                    (self._others.discard if mine else self._others.add)(event.trial)
                case "finished" | "cancelled" | "returned" | "paused":
                    if event.trial in self._others or known is None or event.trial not in known:
                        changed.add(event.trial)
                    self._others.discard(event.trial)
        for number in sorted(changed | self._others):
            self._read(number)

    def _read(self, number: int) -> None:
        """Reads the curves of a trial from the record."""
        trial = self._store.trial(self._experiment, number)
        known = {row.metric for row in self._store.summaries(self._experiment, number)}
        for side in self._sides():
            name = self._name(side.objective, known)
            if name is None:
                continue
            side.curves.begin(number)
            attempt = None if self._goes_onward else trial.attempt
            for point in self._store.points(self._experiment, number, metric=name, attempt=attempt):
                side.curves.add(number, point.step, point.value)
            if trial.state is TrialState.FINISHED and trial.result is not None:
                side.curves.end(number, trial.result.outcome)

    # ------------------------------------------------------------------ parts

    def _forget(self, number: int) -> None:
        self._verdicts.pop(number, None)
        self._newest.pop(number, None)

    @property
    def _goes_onward(self) -> bool:
        """Whether the attempts of a trial continue one another: those of the rungs of a budget."""
        stages = self._description.stages
        return stages is not None and stages.kind == "rungs"

    def _names(self, running: Reporting) -> dict[str | None, str]:
        """The objectives by what they are called in what an attempt reports."""
        return {self._name(each, running.summaries): each.metric for each in self._description.objectives}

    def _name(self, objective: Objective, known: Iterable[str]) -> str | None:
        """How an objective is called in what a trial reports."""
        return metrics.matching_name(objective.metric, known)

    def _sides(self) -> tuple[Side, ...]:
        if self._made is None:
            from luthier.curves import Curves

            stopping, rule = self._description.stopping, None
            if stopping is not None:
                from luthier.stopping import Conditions, stopping_rule

                # A fold says nothing of another one: `staging.py` compares trials by whole folds.
                of_folds = self._description.stages is not None and not self._goes_onward
                rule = None if of_folds else stopping_rule(stopping.rule, stopping.settings)
                self._conditions = Conditions.of(stopping.conditions) if stopping.conditions else None
            self._made = tuple(Side(each, Curves.of(each), rule) for each in self._description.objectives)
        return self._made


def decided_stop(detail: Mapping[str, Any]) -> Stop:
    """A stop as an event `decided` tells of it."""
    return Stop(str(detail["reason"]), bool(detail.get("completes")))
