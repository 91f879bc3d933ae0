"""What a person adds while a search that does not look back is under way is run once, and the rest is run once too."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random as Chance

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from luthier.clock import FakeClock
from luthier.description import Algorithm, Description
from luthier.drive import planning
from luthier.drive.planning import top_up
from luthier.drive.replaying import proposed_trials, replay
from luthier.history import History
from luthier.search import searcher
from luthier.search.searcher import Searcher
from luthier.space import Configuration, Integer, Parameter, Space
from luthier.store import Store
from luthier.store.memory import MemoryStore
from luthier.store.past import numbers_written
from luthier.store.sqlite import SqliteStore
from luthier.testing.searcher import finite_space
from luthier.trial import Proposal

BOX = Space([Parameter("a", Integer(1, 4)), Parameter("b", Integer(1, 3))])
ACTS = (*("plan",) * 4, "enqueue", "enqueue", "repeat", "abandon", "wait")


class Killed(Exception):
    """The worker is gone, in the middle of a proposal."""


@dataclass
class Interrupted:
    """A searcher that calls `meanwhile` while it computes."""

    engine: Searcher
    meanwhile: Callable[[], None] = lambda: None
    looks_back: bool = False

    @property
    def name(self) -> str:
        return self.engine.name

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        made = self.engine.propose(space, history, seed, ordinals)
        self.meanwhile()
        return made


class Crowd:
    """Workers and a person at one experiment, at random; some of it happens while a proposal is computed."""

    def __init__(
        self, store: Store, clock: FakeClock, description: Description, engine: Interrupted, chance: Chance
    ) -> None:
        self.store, self.clock, self.description, self.chance = store, clock, description, chance
        self.e = store.open_experiment(description)[0].id
        self.depth = self.calls = 0
        engine.meanwhile = self.interrupt

    def interrupt(self) -> None:
        if self.depth < 3:
            for _ in range(self.chance.choice((0, 0, 0, 1, 2))):
                self.act(self.chance.choice(ACTS))
            if self.chance.random() < 0.05:
                raise Killed

    def act(self, name: str) -> None:
        self.depth += 1
        try:
            getattr(self, name)()
        except Killed:
            pass
        self.depth -= 1

    def plan(self) -> None:
        who = self.chance.choice(("ann", "bob", "eve"))
        top_up(self.store, self.e, self.description, self.chance.choice((1, 4)), who, self.clock)

    def add(self, configuration: Configuration) -> None:
        self.calls += 1
        self.store.enqueue(self.e, [configuration], f"call {self.calls}")

    def enqueue(self) -> None:
        """Something that is no trial yet; it may be among those that are being written."""
        space = self.description.space
        known = {t.configuration for t in self.store.trials(self.e)}
        left = [c for c in map(space.at, range(space.finite_count())) if c not in known]
        if left and len(left) > space.finite_count() // 2:
            self.add(self.chance.choice(left))

    def repeat(self) -> None:
        """Something that is a trial already, which the person wants once more."""
        known = [t.configuration for t in self.store.trials(self.e)]
        if known and known[0] is not None and self.chance.random() < 0.2:
            self.add(known[0])

    def abandon(self) -> None:
        self.store.abandon(self.chance.choice(("ann", "bob", "eve")))

    def wait(self) -> None:
        self.clock.advance(self.chance.choice((1.0, 61.0)))


def audit(store: Store, e: int, space: Space) -> int:
    """Nothing that was known was proposed, all of a space that nobody repeated is run; returns how many gave way."""
    trials = {t.number: t for t in store.trials(e)}
    known: set[Configuration] = set()
    for event in store.events(experiment=e):
        new = [trials[number] for number in numbers_written(event)]
        for trial in new:
            assert trial.configuration is not None and trial.proposal is not None
            assert trial.proposal.ordinal is None or trial.configuration not in known
            known.add(trial.configuration)
    if len(known) == len(trials):
        assert len(known) == space.finite_count()
    assert all(one.agrees for one in replay(store, e, proposed_trials(store, e)))
    return sum("place" in t.proposal.note for t in trials.values() if t.proposal)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("name", ["grid", "random", "sobol"])
def test_nothing_known_is_proposed_and_nothing_is_left_out(
    kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever workers and a person do, in any order, in the middle of a proposal, killed and taken over."""
    root = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    count = iter(range(10**6))
    gave_way = 0
    monkeypatch.setattr(planning, "AHEAD", 3)

    @settings(
        max_examples=40 if kind == "memory" else 12,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(st.sampled_from(ACTS), min_size=3, max_size=20),
        st.sampled_from([BOX, finite_space()]),
        st.randoms(use_true_random=False),
    )
    def prove(acts: list[str], space: Space, chance: Chance) -> None:
        nonlocal gave_way
        clock = FakeClock()
        store: Store = (
            MemoryStore(clock) if kind == "memory" else SqliteStore(root / f"{next(count)}.db", clock)
        )
        description = Description("/p", space, Algorithm(name), seed=5)
        engine = Interrupted(searcher(description.algorithm))
        monkeypatch.setattr(planning, "searcher", lambda algorithm: engine)
        crowd = Crowd(store, clock, description, engine, chance)
        for act in acts:
            crowd.act(act)
        engine.meanwhile = lambda: None
        for who in ("ann", "bob", "eve"):
            store.abandon(who)
        while top_up(store, crowd.e, description, 5, "zoe", clock):
            pass
        assert store.experiment(crowd.e).reserved == 0
        gave_way += audit(store, crowd.e, space)
        store.close()

    try:
        prove()
    finally:
        shutil.rmtree(root)
    assert gave_way > 20


@pytest.mark.parametrize("name", ["grid", "random", "sobol"])
def test_a_configuration_tried_first_is_not_drawn_again(name: str) -> None:
    store, clock = MemoryStore(FakeClock()), FakeClock()
    space = Space([Parameter("r", Integer(1, 3))])
    description = Description("/p", space, Algorithm(name), trials=3, seed=0)
    e = store.open_experiment(description)[0].id
    store.enqueue(e, [space.at(1)], "mine")
    assert top_up(store, e, description, 3, "w", clock) == 2
    assert {t.configuration for t in store.trials(e)} == {space.at(i) for i in range(3)}
    assert store.experiment(e).target == 3


def test_with_repeats_nothing_gives_way() -> None:
    store, clock = MemoryStore(FakeClock()), FakeClock()
    plain = Description("/p", BOX, Algorithm("random", {"repeats": True}), trials=20, seed=5)
    drawn = searcher(plain.algorithm).propose(BOX, History(), 5, range(1, 20))
    e = store.open_experiment(plain)[0].id
    store.enqueue(e, [drawn[3].configuration], "mine")
    top_up(store, e, plain, 19, "w", clock)
    made = [t.configuration for t in proposed_trials(store, e)]
    assert made == [p.configuration for p in drawn]
