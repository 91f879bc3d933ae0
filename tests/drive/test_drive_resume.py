"""F19 and F3 on paper: a drive that dies at every place, and the next one that goes on as if nothing had happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from drive_paper import Killed, Paper

from luthier.drive.ends import Why
from luthier.testing.faults import record as tell
from luthier.testing.machine import FakeRunner

SPACES = {
    "grid": ("a=1:10:linear:int", "b=1e-6,.50,007,x,y", "c=1,2"),
    "random": ("x=0.001:1.0:log", "n=2:100:linear:int", "cell=gru,lstm,rnn"),
    "sobol": ("x=0.001:1.0:log", "n=2:100:linear:int", "cell=gru,lstm,rnn"),
}


def proposals(paper: Paper, experiment: int) -> list[Any]:
    """What was proposed, to the last bit, and the seeds that were handed out."""
    trials = paper.store.trials(experiment)
    return [(t.number, t.seed, t.configuration.to_json(), t.proposal.ordinal, t.proposal.by) for t in trials]


@pytest.mark.fault
@pytest.mark.parametrize("algorithm", sorted(SPACES))
def test_f19_a_crash_at_each_of_100_trials_changes_no_proposal(paper: Paper, algorithm: str) -> None:
    description = paper.describe(SPACES[algorithm], algorithm=algorithm, trials=100)
    golden = paper.open(description, fresh=True)
    paper.drive(golden, slots=2)
    paper.machine.begun.clear()

    record = paper.open(description, fresh=True)
    crashes = 0
    while not paper.store.experiment(record.id).is_met:
        word = ("began", "ended")[crashes % 2]  # right after a start, next time right after an end

        def at(now: str, word: str = word) -> None:
            if now == word:
                raise Killed

        with pytest.raises(Killed):
            paper.drive(record, slots=1, at=at)
        crashes += 1
    differing = sum(
        a != b for a, b in zip(proposals(paper, golden.id), proposals(paper, record.id), strict=True)
    )
    twice = sum(n > 1 for n in Counter(id.trial for id in paper.machine.begun).values())
    tell("F19", searcher=algorithm, trials=100, crashes=crashes, differing=differing, twice=twice)
    assert differing == twice == 0 and crashes >= 100 and not paper.store.held(record.id)
    assert paper.store.experiment(record.id).finished == 100


class Deaths:
    """Counts the calls to store and runner, and dies before or after one of them."""

    def __init__(self, place: int | None, before: bool) -> None:
        self.place, self.before, self.calls = place, before, 0
        self.names: list[str] = []

    def around(self, name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self.calls += 1
            self.names.append(name)
            here = self.calls
            if here == self.place and self.before:
                raise Killed
            answer = verb(*args, **named)
            if here == self.place:
                raise Killed
            return answer

        return call


STORE = ("reserve", "propose", "abandon", "claim", "renew", "adopt", "report", "finish")
RUNNER = ("start", "adopt", "events", "stop", "withdraw")


class DyingStore:
    """A store whose verbs may be the last thing a driver does."""

    def __init__(self, store: Any, deaths: Deaths) -> None:
        self._store, self._deaths = store, deaths

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._store, name)
        return self._deaths.around(name, verb) if name in STORE else verb

    @contextmanager
    def together(self) -> Iterator[None]:
        deaths = self._deaths
        commit = deaths.around("commit", lambda: None)
        with self._store.together():
            yield
            if deaths.before:
                commit()  # before: nothing of it is durable
        if not deaths.before:
            commit()


@pytest.mark.fault
@pytest.mark.parametrize("slots", [1, 2])
def test_f3_a_driver_that_dies_before_or_after_every_call_loses_nothing(
    paper: Paper, slots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call to the store and to the runner, in a first drive and in the one that comes back after a crash."""
    deaths = Deaths(None, False)
    for name in RUNNER:
        verb = getattr(FakeRunner, name)
        monkeypatch.setattr(
            FakeRunner, name, lambda self, *a, _n=name, _v=verb, **k: deaths.around(_n, _v)(self, *a, **k)
        )
    plain = paper.store

    def one(place: int | None, before: bool, crash_first: bool) -> int:
        nonlocal deaths
        paper.machine.begun.clear()
        paper.store = plain
        record = paper.open(paper.describe(trials=6), fresh=True)
        if crash_first:
            deaths = Deaths(12, False)
            paper.store = DyingStore(plain, deaths)
            with pytest.raises(Killed):
                paper.drive(record, slots=slots)
        deaths = Deaths(place, before)
        paper.store = DyingStore(plain, deaths)
        try:
            paper.drive(record, slots=slots)
        except Killed:
            deaths = Deaths(None, before)
            paper.store = DyingStore(plain, deaths)
            assert paper.drive(record, slots=slots).why is Why.MET
        calls, paper.store = deaths.calls, plain
        found = plain.experiment(record.id)
        runs = Counter(id.trial for id in paper.machine.begun)
        assert (found.finished, found.succeeded, found.trials) == (6, 6, 6), (place, before, found)
        assert runs == dict.fromkeys(range(1, 7), 1), (place, before, deaths.names)
        assert not plain.held(record.id)
        assert not any(plain.holds_any(worker) for worker in paper.alive.dead_workers())
        return calls

    kills = 0
    for crash_first in (False, True):
        calls = one(None, False, crash_first)
        for place in range(1, calls + 1):
            for before in (True, False):
                one(place, before, crash_first)
                kills += 1
    tell("F3 on paper", slots=slots, kills=kills, lost=0, twice=0, leased=0)
    assert kills > 50
