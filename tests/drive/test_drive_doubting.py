"""A worker that fails where others succeed is set aside; one that fails where all fail is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from luthier.drive.doubting import Doubts
from luthier.store import Tally
from luthier.trial import AttemptId, Outcome


class Told:
    """A store that knows nothing but how it went elsewhere, and how often it was asked."""

    def __init__(self, **tallies: Tally) -> None:
        self.known, self.asked = tallies, 0

    def tallies(self, experiment: int) -> dict[str, Tally]:
        self.asked += 1
        return self.known


def doubts(store: Any, failures: int) -> Doubts:
    made = Doubts(store, 1, "me")
    for n in range(failures):
        made.hear(AttemptId(1, n + 1, 1), Outcome.FAILED, f"no space left on device ({n})")
    return made


def record(running: int = 0) -> Any:
    return SimpleNamespace(running=running)


def test_nobody_is_asked_before_five_failures_in_a_row() -> None:
    store = Told(other=Tally(100, 0, 0))
    made = doubts(store, 4)
    assert not made.look(record(), 0, 0.0) and store.asked == 0
    made.hear(AttemptId(1, 5, 1), Outcome.SUCCEEDED, "")
    made.hear(AttemptId(1, 6, 1), Outcome.FAILED, "x")
    assert not made.look(record(), 0, 9.0) and store.asked == 0 and len(made.failed) == 1


def test_it_is_set_aside_where_others_succeed() -> None:
    store = Told(me=Tally(0, 5, 0), other=Tally(3, 0, 1))
    made = doubts(store, 5)
    assert made.look(record(2), 1, 0.0)
    assert made.reason == (
        "5 trials in a row failed here, but elsewhere 3 of 3 went well; the last one: no space left on device (4)"
    )
    assert [id.trial for id in made.failed] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("good", "bad", "failures", "aside"), [(10, 10, 5, False), (10, 10, 12, True), (0, 20, 50, False)]
)
def test_where_failures_are_common_it_takes_more_of_them(
    good: int, bad: int, failures: int, aside: bool
) -> None:
    made = doubts(Told(other=Tally(good, bad, 0)), failures)
    assert made.look(record(3), 1, 0.0) is aside and not made.waits


def test_it_waits_for_the_others_while_nobody_can_tell() -> None:
    store = Told(me=Tally(0, 5, 0), other=Tally(0, 0, 4))
    made = doubts(store, 5)
    assert not made.look(record(4), 0, 0.0) and made.waits
    store.known["other"] = Tally(9, 0, 0)
    assert not made.look(record(4), 0, 0.5) and store.asked == 1  # not asked at every turn
    assert made.look(record(4), 0, 1.5)
    alone = doubts(Told(me=Tally(0, 5, 0)), 5)
    assert not alone.look(record(1), 1, 0.0) and not alone.waits


def test_an_interrupted_attempt_tells_nothing() -> None:
    made = doubts(Told(other=Tally(9, 0, 0)), 4)
    made.hear(AttemptId(1, 5, 1), Outcome.INTERRUPTED, "Ctrl-C")
    made.hear(AttemptId(1, 5, 2), Outcome.FAILED, "x")
    assert made.look(record(), 0, 0.0)
