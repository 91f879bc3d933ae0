"""What a history says of trials that stand part of the way."""

from __future__ import annotations

from luthier.history import History, is_partial
from luthier.testing.searcher import endless_space, history_of
from luthier.trial import Outcome, Result, TrialState

SPACE = endless_space()
FIRST = history_of([SPACE.from_unit(dict.fromkeys(SPACE.dimensions, 0.5))]).trials[0]
CURVE = ((1.0, 0.9), (4.0, 0.5))


def one(number: int, outcome: Outcome, *, curve=(), state=TrialState.FINISHED, value: float | None = 0.5):
    return FIRST._replace(number=number, state=state, result=Result(outcome, "", value=value, curve=curve))


def test_what_is_partial() -> None:
    complete = one(1, Outcome.SUCCEEDED, curve=CURVE)
    stopped = one(2, Outcome.STOPPED, curve=CURVE)
    by_hand = one(3, Outcome.STOPPED)  # nobody knows how far it got, so it counts with what it had
    waiting = one(4, Outcome.SUCCEEDED, curve=CURVE, state=TrialState.WAITING)
    waits_silently = one(5, Outcome.SUCCEEDED, state=TrialState.WAITING)
    killed = one(6, Outcome.KILLED, curve=CURVE)
    nothing = one(7, Outcome.STOPPED, value=None)
    running = FIRST._replace(number=8, state=TrialState.RUNNING, result=None)
    trials = (complete, stopped, by_hand, waiting, waits_silently, killed, nothing, running)
    assert [is_partial(t) for t in trials] == [False, True, False, True, False, False, False, False]
    history = History(trials=trials, maximize=False)
    assert history.partial == (stopped, waiting)
    assert history.scored == (complete, stopped, by_hand)
    assert history.complete == (complete, by_hand)
    assert history.pending == (waiting, waits_silently, running)
    assert history.failed == ()


def test_without_curves_all_that_is_scored_is_complete() -> None:
    history = History(trials=(one(1, Outcome.SUCCEEDED), one(2, Outcome.STOPPED), one(3, Outcome.FAILED)))
    assert history.complete == history.scored
    assert history.partial == ()
