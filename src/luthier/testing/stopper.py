"""The contract of a stopping rule, as tests to inherit: `class TestMine(StopperContract)` with `make` overridden.

    class TestMedian(StopperContract):
        def make(self):
            return stopping_rule("median")

The trials of every test are played side by side as the engine plays them: a point is added, the rule is asked, and whom it
stops ends there. pytest collects subclasses whose names begin with `Test`; nothing but the standard library is needed.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from math import inf, isnan, nan
from random import Random

from luthier.curves import Curves, Standing
from luthier.description import Aggregate, Direction
from luthier.stopping.rule import Decision, StoppingRule
from luthier.trial import Outcome

__all__ = ["StopperContract", "learning", "play"]

_BOTH: tuple[Direction, ...] = ("minimize", "maximize")
Losses = Sequence[Sequence[float]]
Said = list[tuple[int, int, Decision]]


def learning(trials: int = 40, points: int = 27, seed: int = 1, noise: float = 0.01) -> list[list[float]]:
    """Losses that fall as those of real training do, each to a level of its own."""
    chance = Random(seed)
    made = []
    for _ in range(trials):
        level, drop, power = chance.random(), chance.uniform(0.2, 3.0), chance.uniform(0.3, 1.2)
        made.append([level + drop * t**-power + chance.gauss(0.0, noise) for t in range(1, points + 1)])
    return made


def play(
    rule: StoppingRule,
    losses: Losses,
    *,
    parallel: int = 4,
    aggregate: Aggregate = "last",
    direction: Direction = "minimize",
    first_step: float = 0,
    spacing: float = 1,
) -> tuple[Curves, Said]:
    """Plays trials 1, 2, … with these losses, some at a time, point by point in turn. Returns all curves, and every
    decision with the trial's number and how many of its points were there."""
    sign = -1.0 if direction == "maximize" else 1.0
    curves, said = Curves(aggregate, direction), []
    waiting, running = list(range(1, len(losses) + 1)), dict[int, int]()
    while waiting or running:
        while waiting and len(running) < parallel:
            running[waiting[0]] = 0
            curves.begin(waiting.pop(0))
        for number, at in list(running.items()):
            curves.add(number, first_step + at * spacing, sign * losses[number - 1][at])
            decision = rule.decide(curves, number)
            running[number] = at + 1
            if decision is not None:
                said.append((number, at + 1, decision))
            if decision is not None and decision.stop:
                curves.end(number, Outcome.STOPPED)
                del running[number]
            elif at + 1 == len(losses[number - 1]):
                curves.end(number, Outcome.SUCCEEDED)
                del running[number]
    return curves, said


def stopped(said: Said) -> dict[int, int]:
    """After how many points each stopped trial was."""
    return {number: points for number, points, decision in said if decision.stop}


class StopperContract:
    """What every stopping rule promises. Override `make`; set `alone` where a rule judges a trial by itself, and so may
    end the best one, and `aggregate` where a rule is for another one."""

    alone = False
    aggregate: Aggregate = "last"

    def make(self) -> StoppingRule:
        """The rule under test, as a user would make it."""
        raise NotImplementedError

    def played(self, losses: Losses, direction: Direction = "minimize", parallel: int = 4) -> Said:
        """Every decision on these losses."""
        return play(self.make(), losses, aggregate=self.aggregate, direction=direction, parallel=parallel)[1]

    def test_decisions_say_who_where_and_why(self) -> None:
        for _, points, decision in self.played(learning()):
            assert decision.rule
            assert 0 < decision.resource <= points
            assert decision.reason == decision.reason.strip() != ""
            assert "\n" not in decision.reason

    def test_same_points_same_decisions(self) -> None:
        assert self.played(learning()) == self.played(learning())

    def test_decisions_do_not_depend_on_when_it_was_asked(self) -> None:
        losses = learning()
        curves, _ = play(self.make(), losses, aggregate=self.aggregate)
        fresh = Curves(self.aggregate, "minimize")
        for number, curve in curves.complete.items():
            for at in range(curve.count):
                fresh.add(number, at, losses[number - 1][at])
            fresh.end(number, Outcome.SUCCEEDED)
        asked: list[Decision | None] = []
        late: list[Decision | None] = []
        for rule_curves, into in ((curves, asked), (fresh, late)):
            if rule_curves is curves:
                for number in list(curves):
                    if number not in curves.complete:
                        curves.begin(number)
            for at, loss in enumerate(learning(seed=2)[0]):
                rule_curves.add(len(losses) + 1, at, loss)
                into.append(self.make().decide(rule_curves, len(losses) + 1))
        assert asked == late

    def test_the_direction_only_mirrors(self) -> None:
        there, mirrored = (self.played(learning(), direction) for direction in _BOTH)
        assert stopped(there) == stopped(mirrored)

    def test_who_is_unknown_or_has_ended_is_left_alone(self) -> None:
        curves, _ = play(self.make(), learning(12), aggregate=self.aggregate)
        assert self.make().decide(curves, 99) is None
        curves.begin(50)
        assert self.make().decide(curves, 50) is None
        for number in list(curves):
            if curves[number].standing is not Standing.RUNNING:
                assert self.make().decide(curves, number) is None

    def test_the_first_trial_is_not_stopped(self) -> None:
        if not self.alone:
            assert stopped(self.played(learning(1))) == {}

    def test_who_leads_all_the_way_is_never_stopped(self) -> None:
        if self.alone:
            return
        losses = learning()
        lowest = [min(column) - 0.5 for column in zip(*losses, strict=True)]
        for place in (1, 20, len(losses)):
            losses_with = [*losses[: place - 1], lowest, *losses[place - 1 :]]
            assert place not in stopped(self.played(losses_with))

    def test_a_constant_objective_stops_nobody(self) -> None:
        if not self.alone:
            assert stopped(self.played([[0.5] * 20] * 20)) == {}

    def test_any_number_is_ordinary_input(self) -> None:
        chance = Random(3)
        odd = [nan, inf, -inf, 1e308, -1e308, 0.0, 1e-320]
        rows = [[chance.choice([*odd, chance.random()]) for _ in range(16)] for _ in range(30)]
        rows += [[nan] * 16, [inf] * 16, [-inf] * 16, [1e308, -1e308] * 8]
        for direction in _BOTH:
            for _, _, decision in self.played(rows, direction):
                assert decision.reason

    def test_who_has_no_number_does_not_run_to_its_end_beside_those_who_have(self) -> None:
        rows = [*learning(12), [nan] * 27, [0.5, 0.4, *[nan] * 25], [inf] * 27]
        gone = stopped(self.played(rows))
        if len(stopped(self.played(learning(12)))) and not self.alone:
            assert {13, 14, 15} <= set(gone)

    def test_steps_may_be_anything(self) -> None:
        chance = Random(4)
        steps = [0, 0, 5, 3, -1, 2.5, 100, 1e9, nan, inf, 7, 7, 1e12]
        curves = Curves(self.aggregate, "minimize")
        for number in range(1, 30):
            ended = False
            for step in steps:
                curves.add(number, step, chance.random())
                decision = self.make().decide(curves, number)
                if decision is not None and decision.stop:
                    curves.end(number, Outcome.STOPPED)
                    ended = True
                    break
            if not ended:
                curves.end(number, Outcome.SUCCEEDED)
            assert not isnan(curves[number].resource)

    def test_it_says_in_one_line_what_it_will_do(self) -> None:
        line = self.make().explain()
        assert line == line.strip() != ""
        assert "\n" not in line

    def test_it_is_a_frozen_value(self) -> None:
        rule = self.make()
        assert pickle.loads(pickle.dumps(rule)) == rule
        assert hash(rule) == hash(self.make())
        try:
            rule.surprise = 1  # type: ignore[attr-defined]
        except (FrozenInstanceError, AttributeError, TypeError):
            return
        raise AssertionError("a stopping rule keeps no state, but an attribute could be set on it")
