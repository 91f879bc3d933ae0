"""How often a worker looks at the record: a few at each beat, thousands together as often as a hundred."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from luthier.clock import FakeClock
from luthier.drive import glances
from luthier.drive.ends import Interrupts
from luthier.drive.glances import Glances
from luthier.store.crew import MOST_RESERVED
from luthier.testing.simulate import Plan, simulate


class Record(NamedTuple):
    """An experiment of which only the attempts that run are known, and the trials that are being written."""

    running: int = 0
    reserved: int = 0
    trials: int = 0


def looks(running: int, mine: int, seconds: float) -> int:
    """How often a worker looks that wakes eight times a second."""
    clock, record = FakeClock(), Record(running)
    made, found = Glances(clock, Interrupts()), 0
    for _ in range(int(seconds * 8)):
        found += made.are_due(as_record(record), mine)
        clock.advance(0.125)  # eighths add up exactly
    return found


def as_record(record: Record) -> Any:
    return record


@pytest.mark.parametrize(
    ("running", "mine", "found"),
    [
        (0, 0, 800),
        (1, 1, 800),
        (100, 1, 800),
        (1000, 1, 50),
        (1000, 10, 800),
        (5000, 1, 10),
        (100_000, 1, 10),
    ],
)
def test_the_more_there_are_the_less_often_each_looks(running: int, mine: int, found: int) -> None:
    assert looks(running, mine, 100.0) == found


def test_a_signal_is_heeded_with_the_next_beat() -> None:
    clock, interrupts = FakeClock(), Interrupts()
    made = Glances(clock, interrupts)
    crowd = as_record(Record(10_000))
    assert made.are_due(crowd, 1) and not made.are_due(crowd, 1)
    interrupts.count += 1
    assert made.are_due(crowd, 1) and not made.are_due(crowd, 1)
    interrupts.drains = True
    assert made.are_due(crowd, 1) and not made.are_due(crowd, 1)
    made.at_once()
    assert made.are_due(crowd, 1) and not made.are_due(crowd, 1)


def test_who_finds_a_thousand_numbers_taken_leaves_it_to_the_others_as_long_as_they_go_on() -> None:
    clock = FakeClock()
    made = Glances(clock, Interrupts())
    assert not made.others_write(as_record(Record(reserved=MOST_RESERVED - 1, trials=999)))
    for k in range(20):  # they go on
        assert made.others_write(as_record(Record(reserved=MOST_RESERVED, trials=1000 + k)))
        clock.advance(0.9)
    stuck = as_record(Record(reserved=MOST_RESERVED, trials=1020))
    assert made.others_write(stuck)
    clock.advance(1.1)
    assert not made.others_write(stuck)  # they died over it
    assert not made.others_write(as_record(Record(reserved=MOST_RESERVED + 900, trials=2000)))
    assert made.others_write(as_record(Record(reserved=2 * MOST_RESERVED, trials=3000)))
    assert not made.others_write(as_record(Record(reserved=0, trials=3000)))
    assert made.others_write(as_record(Record(reserved=MOST_RESERVED, trials=4000)))


def test_when_trials_run_out_the_crowd_is_not_forgotten_at_once() -> None:
    """Fewer run then, and as many look."""
    clock = FakeClock()
    made = Glances(clock, Interrupts())
    assert made.are_due(as_record(Record(10_000)), 1)
    clock.advance(10.0)
    assert made.are_due(as_record(Record(1)), 0)
    clock.advance(9.0)
    assert not made.are_due(as_record(Record(1)), 0)
    found = 0
    for _ in range(600):
        clock.advance(1.0)
        found += made.are_due(as_record(Record(1)), 0)
    assert found > 300 and made.are_due(as_record(Record(1)), 0)


def test_a_crowd_looks_seldom_and_does_all_that_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty workers that take ten for a crowd: the same trials, a fraction of the questions, and no trial waits for a look."""
    plan = Plan(
        5, hosts=4, workers=40, trials=400, typical_seconds=20.0, lease_seconds=60.0, most_wakes=10**6
    )
    often = simulate(plan)
    monkeypatch.setattr(glances, "CROWD", 2)
    seldom = simulate(plan)
    assert often.attempts == seldom.attempts == 400
    assert seldom.asked["experiment"] < often.asked["experiment"] / 5
    assert seldom.seconds < often.seconds + 2 * glances.MOST_SECONDS


def test_workers_of_a_crowd_are_sent_away_and_killed_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glances, "CROWD", 1)
    killed = adopted = 0
    for seed in range(30):
        plan = Plan(
            seed, hosts=2, workers=8, trials=24, crashes=1, freezes=1, leaves=2, wishes=1, failing=0.1
        )
        told = simulate(plan)
        killed, adopted = killed + told.killed, adopted + told.adopted
    assert killed > 30 and adopted > 10
