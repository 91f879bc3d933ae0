"""The arrays of a ledger that followed a search are those of one that reads it for the first time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.errors import SpaceError
from luthier.history import History
from luthier.search.frame import frame_of
from luthier.search.ledger import CHUNK, Ledger, Record, Tried
from luthier.space import Configuration
from luthier.testing.searcher import endless_space, history_of
from luthier.trial import Outcome, Result, Trial, TrialState

SPACE = endless_space()
TRIALS = history_of(SPACE.decode(np.random.default_rng(5).random((40, 7)))).trials
KINDS = ("scored", "as good as others", "diverged", "nameless", "failed", "killed", "running", "begun again")
PARTIAL = ("stopped", "stopped without a curve", "waiting", "complete")


def as_kind(trial: Trial, kind: str) -> Trial:
    match kind:
        case "as good as others":
            return trial._replace(result=Result(Outcome.SUCCEEDED, "", value=float(trial.number % 3)))
        case "diverged":
            return trial._replace(result=Result(Outcome.SUCCEEDED, "", value=math.nan))
        case "nameless":
            return trial._replace(state=TrialState.RESERVED, configuration=None, proposal=None, result=None)
        case "failed":
            return trial._replace(result=Result(Outcome.OUT_OF_MEMORY, "too large"))
        case "killed":
            return trial._replace(result=Result(Outcome.KILLED, "by hand"))
        case "running":
            return trial._replace(state=TrialState.RUNNING, result=None)
        case "begun again":
            return trial._replace(state=TrialState.QUEUED, result=None)
        case "stopped without a curve":
            return trial._replace(result=Result(Outcome.STOPPED, "by hand", value=0.5))
        case "stopped" | "waiting" | "complete":
            value = 1.0 / (trial.number % 5 + 1)
            curve = tuple(
                (float(r), value + 1 / r)
                for r in (1, 4, 16)[: 3 if kind == "complete" else 1 + trial.number % 2]
            )
            outcome = Outcome.STOPPED if kind == "stopped" else Outcome.SUCCEEDED
            state = TrialState.WAITING if kind == "waiting" else TrialState.FINISHED
            return trial._replace(state=state, result=Result(outcome, "", value=curve[-1][1], curve=curve))
    return trial


def same(one: Record, other: Record) -> None:
    for name in ("rows", "losses", "failed", "expected", "numbers", "revisions", "order"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.by.tolist() == other.by.tolist()
    assert one.taken == other.taken


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(st.sampled_from(KINDS), max_size=40), st.booleans()), max_size=5))
def test_a_ledger_remembers_nothing_but_work(moments: list[tuple[list[str], bool]]) -> None:
    follower = Ledger(SPACE)
    for kinds, maximize in moments:
        trials = tuple(as_kind(t, kind) for t, kind in zip(TRIALS, kinds, strict=False))
        history = History(trials=trials, maximize=maximize)
        read = follower.read(history)
        same(read, Ledger(SPACE).read(history))
        told = [*history.scored, *history.failed]
        assert read.numbers.tolist() == [t.number for t in told]
        assert read.revisions.tolist() == [t.revision for t in told]
        np.testing.assert_array_equal(read.losses, history.losses())
        np.testing.assert_array_equal(read.order, np.argsort(history.losses(), kind="stable"))
        frame = frame_of(SPACE)
        for rows, kept in ((read.failed, history.failed), (read.expected, history.expected)):
            np.testing.assert_array_equal(
                rows, frame.encode([t.configuration for t in kept if t.configuration])
            )
        assert set(read.taken) == {t.configuration.key for t in trials if t.configuration}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(KINDS + PARTIAL), max_size=40), st.booleans(), st.booleans()),
        max_size=5,
    )
)
def test_so_does_one_that_meets_trials_part_of_the_way(moments: list[tuple[list[str], bool, bool]]) -> None:
    follower = Ledger(SPACE)
    for kinds, maximize, several in moments:
        trials = tuple(as_kind(t, kind) for t, kind in zip(TRIALS, kinds, strict=False))
        way = "maximize" if maximize else "minimize"
        history = History(trials=trials, maximize=maximize, objectives=(way, way) if several else ())
        read, anew = follower.read(history), Ledger(SPACE).read(history)
        same(read, anew)
        waiting = [t for t in history.partial if t.state is TrialState.WAITING]
        told = sorted([*history.scored, *([] if several else waiting)], key=lambda t: t.number)
        assert read.numbers.tolist() == [t.number for t in (*told, *history.failed)]
        assert len(read.expected) == len(history.expected) - (0 if several else len(waiting))
        assert (read.partway is None) == (several or not history.partial)
        if read.partway is not None and anew.partway is not None:
            np.testing.assert_array_equal(read.partway.estimates, anew.partway.estimates)
            complete = [t.number in {c.number for c in history.complete} for t in told]
            np.testing.assert_array_equal(
                read.losses[complete], History(trials=history.complete, maximize=maximize).losses()
            )
        assert set(read.taken) == {t.configuration.key for t in trials if t.configuration}


def test_it_grows() -> None:
    trials = tuple(
        TRIALS[k % 40]._replace(number=k + 1, result=Result(Outcome.SUCCEEDED, "", value=float(k)))
        for k in range(700)
    )
    ledger = Ledger(SPACE)
    for n in (10, 300, 700):
        record = ledger.read(History(trials=trials[:n], maximize=False))
        assert record.losses.tolist() == list(range(n))
        assert sum(record.taken.values()) == n


def test_what_changes_late_in_a_long_history_is_read() -> None:
    """Trials far apart change at once; the others, in other chunks and in the same ones, stay as they were."""
    trials = [TRIALS[k % 40]._replace(number=k + 1) for k in range(3 * CHUNK + 5)]
    ledger = Ledger(SPACE)
    ledger.read(History(trials=tuple(trials)))
    for places, kind in (
        ([CHUNK - 1, CHUNK, 3 * CHUNK + 4], "failed"),
        ([2 * CHUNK + 7], "running"),
        ([0, CHUNK], "scored"),
        ([3 * CHUNK], "as good as others"),
    ):
        for place in places:
            trials[place] = as_kind(TRIALS[place % 40]._replace(number=place + 1), kind)
        history = History(trials=tuple(trials))
        same(ledger.read(history), Ledger(SPACE).read(history))


def test_what_could_not_be_read_leaves_no_trace() -> None:
    ledger = Ledger(SPACE)
    good = History(trials=TRIALS[:5])
    ledger.read(good)
    outside = TRIALS[0]._replace(configuration=Configuration({"cell": "none such"}))
    with pytest.raises(SpaceError):
        ledger.read(History(trials=(outside, *TRIALS[1:7])))
    same(ledger.read(good), Ledger(SPACE).read(good))


def test_tried() -> None:
    one, other, third = (t.configuration for t in TRIALS[:3])
    assert one is not None and other is not None
    tried = Tried({one.key}, [other])
    assert one in tried and other in tried and third not in tried
