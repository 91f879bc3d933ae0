"""What a proposal saw can be read again from the record, whatever happened while it was computed and afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest
from drive_paper import HOLD, Killed, Paper, die_at, failing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from luthier.clock import FakeClock
from luthier.description import Algorithm, Description, Objective
from luthier.drive import planning, replaying
from luthier.drive.planning import TRIES, top_up
from luthier.drive.replaying import agree, history_at, proposed_trials, replay
from luthier.drive.tools import MADE_WITH, tools
from luthier.history import History
from luthier.run.runner import Order
from luthier.search.around import PLACE
from luthier.space import Configuration, Float, Integer, Parameter, Space
from luthier.space.grammar import parse_params
from luthier.store import Store, Wish
from luthier.store.memory import MemoryStore
from luthier.store.past import EXPECTED, Past
from luthier.store.sqlite import SqliteStore
from luthier.trial import Observation, Outcome, Proposal, Result, Trial, TrialState

ENDLESS = Space([Parameter("x", Float(0.0, 1.0))])
SMALL = Space([Parameter("a", Integer(1, 4)), Parameter("b", Integer(1, 3))])


def visible(history: History) -> str:
    """Everything in a history that a searcher may use, as one text."""
    trials = [
        (t.number, t.state, t.attempt, t.configuration, t.proposal, t.result, t.proposal and t.proposal.note)
        for t in history.trials
    ]
    kinds = [[t.number for t in kind] for kind in (history.expected, history.pending, history.scored)]
    return repr((trials, kinds, history.maximize, history.target, history.earlier))


def drawn(*facts: object) -> float:
    """A number in [0, 1) that any change of the facts changes."""
    return int.from_bytes(blake2b(repr(facts).encode(), digest_size=6).digest(), "big") / 2**48


@dataclass
class Nosy:
    """Proposes what follows from every detail of the history, and from nothing else: two workers that see the same
    propose the same. Keeps what it was shown; calls `meanwhile` while it computes. `tires` is how often it says that
    the space has nothing more."""

    tires: float = 0.0
    meanwhile: Callable[[], None] = lambda: None
    shown: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    name: ClassVar[str] = "nosy"
    looks_back: ClassVar[bool] = True

    def propose(self, space: Space, history: History, seed: int, ordinals: Sequence[int]) -> list[Proposal]:
        (ordinal,) = ordinals
        self.shown.setdefault((history.revision, ordinal), []).append(repr(history))
        made = self.choose(space, history, seed)
        self.meanwhile()
        note = {"trials": len(history.trials)}
        return [] if made is None else [Proposal(made, self.name, ordinal, mean=0.1, note=note)]

    def choose(self, space: Space, history: History, seed: int) -> Configuration | None:
        """One configuration that was not tried, None when there is none."""
        tried = {t.configuration for t in history.trials}
        place = drawn(visible(history), seed)
        count = space.count()
        if drawn(place) < self.tires:
            return None
        if count is None:
            return space.from_unit(dict.fromkeys(space.dimensions, place))
        left = [c for c in map(space.at, range(count)) if c not in tried]
        return left[int(place * len(left))] if left else None


@pytest.fixture
def nosy(monkeypatch: pytest.MonkeyPatch) -> Nosy:
    """The searcher that planning and replaying find, whatever algorithm is named."""
    engine = Nosy()
    for module in (planning, replaying):
        monkeypatch.setattr(module, "searcher", lambda algorithm: engine)
    return engine


def described(space: Space = ENDLESS, trials: int | None = 20, **settings: bool) -> Description:
    known = (Observation(Configuration({"x": 0.25}), 3.0, "7.1"),)
    return Description(
        "/p",
        space,
        Algorithm("random", dict(settings)),
        objective=Objective("loss", direction="minimize"),
        trials=trials,
        seed=5,
        earlier=known,
    )


def proposals(store: Store, e: int) -> list[Proposal]:
    return [t.proposal for t in proposed_trials(store, e) if t.proposal]


# ---------------------------------------------------------------------- the property

VALUES = (0.5, -1.0, 1e300, float("inf"), float("nan"), None)
ACTS = (
    *("plan",) * 4,
    *("claim", "claim", "claim", "end", "end", "again", "rung", "promote"),
    *("cancel", "retry", "enqueue", "adopt", "wait", "reboot", "amend", "pause", "abandon"),
)


class Crowd:
    """Workers that plan and run one experiment at random; some of it happens while a proposal is computed."""

    def __init__(self, store: Store, clock: FakeClock, engine: Nosy, space: Space, chance: Random) -> None:
        self.store, self.clock, self.engine, self.chance = store, clock, engine, chance
        self.other = store.open_experiment(described()._replace(project="/other"))[0].id
        self.description = described(space, 5)
        self.e = store.open_experiment(self.description)[0].id
        self.depth = self.calls = 0
        engine.meanwhile = self.interrupt

    def interrupt(self) -> None:
        """What others do while a proposal is computed."""
        if self.depth < 3:
            for _ in range(self.chance.choice((0, 0, 1, 3))):
                self.act(self.chance.choice(ACTS))

    def act(self, name: str) -> None:
        """One thing that happens to the record."""
        self.depth += 1
        getattr(self, name)()
        self.depth -= 1

    def who(self) -> str:
        return self.chance.choice(("ann", "bob", "eve"))

    def nonce(self) -> str:
        self.calls += 1
        return f"call {self.calls}"

    def some(self, *states: TrialState) -> Trial | None:
        found = [t for t in self.store.trials(self.e) if t.state in states]
        return self.chance.choice(found) if found else None

    def plan(self) -> None:
        top_up(self.store, self.e, self.description, self.chance.choice((1, 1, 3)), self.who(), self.clock)

    def claim(self) -> None:
        self.store.claim(self.e, self.chance.choice((1, 2)), self.who(), self.nonce())

    def end(self, again: bool = False, pause: bool = False) -> None:
        held = self.store.held(self.e)
        if held:
            kinds = [Outcome.INTERRUPTED, Outcome.LOST] if again else [Outcome.SUCCEEDED, Outcome.FAILED]
            result = Result(self.chance.choice(kinds), "so it ended", self.chance.choice(VALUES), seconds=1.5)
            self.store.finish(self.chance.choice(held).id, result, again=again, pause=pause)

    def again(self) -> None:
        self.end(again=True)

    def rung(self) -> None:
        self.end(pause=True)

    def promote(self) -> None:
        if trial := self.some(TrialState.WAITING):
            self.store.promote(self.e, trial.number)

    def cancel(self) -> None:
        if trial := self.some(TrialState.QUEUED, TrialState.WAITING):
            self.store.cancel(self.e, trial.number, Outcome.KILLED, "not wanted")

    def retry(self) -> None:
        if trial := self.some(TrialState.FINISHED):
            self.store.retry(self.e, trial.number)

    def enqueue(self) -> None:
        space = self.description.space
        chosen = space.from_unit({name: self.chance.random() for name in space.dimensions})
        self.store.enqueue(self.e, [chosen], self.nonce())

    def adopt(self) -> None:
        for held in self.store.held(self.e)[:1]:
            self.store.adopt(held.id, held.worker, self.who())

    def wait(self) -> None:
        self.clock.advance(self.chance.choice((1.0, 61.0)))

    def reboot(self) -> None:
        self.clock.reboot(f"boot {self.nonce()}")

    def amend(self) -> None:
        trials = self.chance.choice((None, 3, 6, 12))
        self.store.open_experiment(self.description._replace(trials=trials))

    def pause(self) -> None:
        """Somebody pauses it, something happens, and it goes on; another experiment has its own events."""
        self.store.set_wish(self.e, Wish.PAUSE)
        self.store.enqueue(self.other, [Configuration({"x": 0.5})], self.nonce())
        self.store.set_wish(self.e, Wish.RUN)

    def abandon(self) -> None:
        self.store.abandon(self.who())


def check(store: Store, e: int, engine: Nosy) -> int:
    """Compares what every proposal was shown with what the record says it saw; returns how many there were."""
    trials = proposed_trials(store, e)
    past = Past(store, e)
    for trial in trials:
        why = trial.proposal
        assert why is not None and why.ordinal is not None and why.seen > 0
        shown = engine.shown[why.seen, why.ordinal]
        assert repr(past.at(why.seen, why.note.get(EXPECTED, ()))) in shown
        assert repr(history_at(store, e, why)) in shown
    now = store.history(e)
    assert repr(Past(store, e).at(now.revision, [t.number for t in now.expected])) == repr(now)
    engine.meanwhile = lambda: None
    assert [one.trial for one in replay(store, e, trials) if not one.agrees] == []
    return len(trials)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_what_a_proposal_saw_is_read_again_from_the_record(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever two planners and a crowd of workers do, in any order and in the middle of a proposal."""
    root = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    count = iter(range(10**6))
    checked = left = 0

    @settings(
        max_examples=200 if kind == "memory" else 80,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(st.sampled_from(ACTS), min_size=10, max_size=60),
        st.sampled_from([ENDLESS, SMALL]),
        st.randoms(use_true_random=False),
    )
    def prove(acts: list[str], space: Space, chance: Random) -> None:
        nonlocal checked, left
        clock, engine = FakeClock(), Nosy(tires=0.03)
        for module in (planning, replaying):
            monkeypatch.setattr(module, "searcher", lambda algorithm: engine)
        store: Store = (
            MemoryStore(clock) if kind == "memory" else SqliteStore(root / f"{next(count)}.db", clock)
        )
        crowd = Crowd(store, clock, engine, space, chance)
        for act in acts:
            crowd.act(act)
        chosen = [p.configuration for p in proposals(store, crowd.e)]
        assert len(set(chosen)) == len(chosen)
        checked += check(store, crowd.e, engine)
        left += sum(map(len, engine.shown.values())) - len(chosen)
        store.close()

    try:
        prove()
    finally:
        shutil.rmtree(root)
    assert checked > 150 and left > 50  # the crowd does meet


# ---------------------------------------------------------------------- with the real drive, on paper


def unsteady(order: Order) -> Result | None:
    """Fails at first, every third trial; every fifth goes on until it is ended."""
    if order.id.trial % 5 == 0 and order.id.attempt == 1:
        return HOLD
    if order.id.trial % 3 == 0 and order.id.attempt < 3:
        return failing(order)
    Path(order.folder, "stdout.log").write_text(f"loss: {order.id.trial * 0.1}\n", encoding="utf-8")
    return Result(Outcome.SUCCEEDED, "", exit_code=0, seconds=2.0 * order.id.attempt)


def test_a_search_that_was_killed_and_went_on_is_replayed(paper: Paper, nosy: Nosy) -> None:
    record = paper.open(paper.describe(("x=0.0:1.0",), algorithm="random", trials=18, retry_failed=1))
    paper.script = unsteady
    for what, place in (("began", 3), ("ended", 4), ("ended", 3)):
        with pytest.raises(Killed):
            paper.drive(record, slots=3, at=die_at(what, place))
        paper.machine.clock.advance(61.0)
    paper.store.retry(1, 1)
    paper.store.enqueue(1, [Configuration({"x": 0.125})], "mine")
    for id in list(paper.machine.running):
        paper.machine.end(id, Result(Outcome.LOST, "the machine was switched off"))
    paper.script = lambda order: unsteady(order) or failing(order)
    assert paper.drive(record, slots=3).record.finished >= 18
    assert check(paper.store, 1, nosy) >= 17
    assert max(t.attempt for t in paper.store.trials(1)) >= 2


# ---------------------------------------------------------------------- planning


def test_each_proposal_sees_the_one_before(nosy: Nosy) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    e = store.open_experiment(described())[0].id
    assert top_up(store, e, described(), 3, "w", clock) == 3
    made = proposals(store, e)
    assert [p.note.get(EXPECTED) for p in made] == [None, [1], [1, 2]]
    assert [p.note["trials"] for p in made] == [0, 1, 2]
    assert [p.seen for p in made] == [1, 2, 3]
    assert store.experiment(e).trials == 3


def test_a_history_says_all_that_the_description_says_of_it(nosy: Nosy) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    e = store.open_experiment(described(SMALL, 100))[0].id
    top_up(store, e, described(), 1, "w", clock)
    (why,) = proposals(store, e)
    history = history_at(store, e, why)
    assert (history.maximize, history.target, history.earlier) == (False, 12, described().earlier)


def test_a_warm_start_is_kept_as_written_and_is_no_part_of_what_an_experiment_is() -> None:
    written = Configuration({"x": 0.5}, {"x": ".50"})
    description = described()._replace(earlier=(Observation(written, -1.5, "7.3"),))
    again = Description.from_dict(description.to_dict())
    assert again == description
    assert again.earlier[0].configuration.texts() == {"x": ".50"}
    assert description.identity() == described().identity()
    assert description.amended(described()._replace(earlier=())).earlier == description.earlier
    older = {key: value for key, value in description.to_dict().items() if key != "earlier"}
    assert Description.from_dict(older).earlier == ()


def test_no_transaction_is_held_while_a_proposal_is_computed(tmp_path: Path, nosy: Nosy) -> None:
    clock = FakeClock()
    store, other = SqliteStore(tmp_path / "s.db", clock), SqliteStore(tmp_path / "s.db", clock)
    e = store.open_experiment(described())[0].id
    nosy.meanwhile = lambda: store._db._open.in_transaction and pytest.fail("the record is held")
    top_up(store, e, described(), 2, "w", clock)
    nosy.meanwhile = lambda: other.enqueue(e, [Configuration({"x": 0.5})], planning.nonce()) and None
    assert top_up(store, e, described(), 1, "w", clock) == 1
    assert [t.number for t in store.trials(e)] == [1, 2, 3, 4]
    store.close(), other.close()


def twin_of(store: Store, e: int, engine: Nosy) -> Callable[[], None]:
    """Writes, each time, just what is about to be proposed."""

    def write() -> None:
        same = engine.choose(described().space, store.history(e), 5)
        assert same is not None
        store.enqueue(e, [same], planning.nonce())

    return write


def test_a_twin_that_was_written_meanwhile_is_never_written(nosy: Nosy) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    e = store.open_experiment(described(trials=None))[0].id
    write = twin_of(store, e, nosy)
    rivals = iter([write, write])

    def twice() -> None:
        next(rivals, lambda: None)()

    nosy.meanwhile = twice
    assert top_up(store, e, described(), 1, "w", clock) == 1
    configurations = [t.configuration for t in store.trials(e)]
    assert len(configurations) == len(set(configurations)) == 3
    check(store, e, nosy)


def test_where_others_are_always_first_the_number_waits_for_the_next_turn(nosy: Nosy) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    e = store.open_experiment(described(trials=None))[0].id
    nosy.meanwhile = twin_of(store, e, nosy)
    assert top_up(store, e, described(), 2, "w", clock) == 0
    record = store.experiment(e)
    assert (record.reserved, record.trials, record.proposed) == (1, TRIES + 1, 1)
    nosy.meanwhile = lambda: None
    assert top_up(store, e, described(), 1, "w", clock) == 1
    assert [p.ordinal for p in proposals(store, e)] == [1]


def test_repeats_may_be_asked_for(nosy: Nosy) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    e = store.open_experiment(described(trials=None, repeats=True))[0].id
    nosy.meanwhile = twin_of(store, e, nosy)
    assert top_up(store, e, described(repeats=True), 1, "w", clock) == 1
    one, other = (t.configuration for t in store.trials(e))
    assert one == other


def test_the_end_of_a_finite_space_ends_the_search(nosy: Nosy) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    e = store.open_experiment(described(SMALL, 100))[0].id
    store.enqueue(e, [SMALL.at(3)], "mine")
    assert top_up(store, e, described(SMALL, 100), 50, "w", clock) == 11
    assert {t.configuration for t in store.trials(e)} == {SMALL.at(k) for k in range(12)}
    store.open_experiment(described(Space(SMALL.parameters), 100, repeats=False))
    assert store.experiment(e).reserved == 0


# ---------------------------------------------------------------------- replaying


def searched(store: Store, clock: FakeClock, n: int = 4) -> int:
    e = store.open_experiment(described())[0].id
    for _ in range(n):
        top_up(store, e, described(), 1, "w", clock)
        for claim in store.claim(e, 1, "w", planning.nonce()):
            store.finish(claim.id, Result(Outcome.SUCCEEDED, "", 0.5 + claim.id.trial))
    return e


def test_other_versions_are_noted_where_they_change(nosy: Nosy, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    e = searched(store, clock, 2)
    newer = {**tools(), "numpy": "99.0"}
    monkeypatch.setattr(planning, "tools", lambda: newer)
    searched(store, clock, 2)
    monkeypatch.undo()
    notes = [p.note.get(MADE_WITH) for p in proposals(store, e)]
    assert notes == [tools(), None, newer, newer]
    monkeypatch.setattr(replaying, "searcher", lambda algorithm: nosy)
    found = [one.made_with for one in replay(store, e, proposed_trials(store, e))]
    assert found == [tools(), tools(), newer, newer]


def test_a_changed_record_is_found_out(nosy: Nosy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last proposal is one that the history does not lead to."""
    clock = FakeClock()
    store = MemoryStore(clock)
    e = searched(store, clock)
    reserved = store.reserve(e, 1, "w", "forged")
    forged = Proposal(Configuration({"x": 0.5}), "nosy", 5, seen=store.revision())
    store.propose(e, "forged", [(reserved[0].number, forged)])
    found = list(replay(store, e, proposed_trials(store, e)))
    assert [one.agrees for one in found] == [True] * 4 + [False]
    history = history_at(store, e, forged)
    assert found[-1].again == nosy.choose(ENDLESS, history, 5) != forged.configuration


def test_who_does_not_look_back_is_replayed_without_a_history() -> None:
    for name in ("grid", "random", "sobol"):
        clock = FakeClock()
        store = MemoryStore(clock)
        description = described(SMALL, 10)._replace(algorithm=Algorithm(name))
        e = store.open_experiment(description)[0].id
        store.enqueue(e, [SMALL.at(0)], "mine")
        top_up(store, e, description, 3, "w", clock)
        trials = proposed_trials(store, e)
        assert len(trials) == 9
        assert all(one.agrees for one in replay(store, e, trials))
        assert {p.seen for p in proposals(store, e)} == {0}
        assert all(p.note.keys() <= {PLACE} for p in proposals(store, e))


def test_a_past_is_asked_forwards_only() -> None:
    store = MemoryStore(FakeClock())
    e = store.open_experiment(described())[0].id
    past = Past(store, e)
    past.at(3)
    with pytest.raises(ValueError, match="revision 2 comes before 3"):
        past.at(2)


@pytest.fixture
def wide() -> Space:
    return Space(
        tuple(parse_params(("rate=1e-6:1.0:log", "kind=1,2", "width=1:100:linear:int"), ()).parameters)
    )


def test_a_tolerance_is_a_share_of_the_range_on_its_scale(wide: Space) -> None:
    def made(rate: float = 1e-3, kind: int = 1, width: int = 50) -> Configuration:
        return Configuration({"rate": rate, "kind": kind, "width": width})

    assert agree(wide, made(), made())
    assert not agree(wide, made(), made(1e-3 * (1 + 1e-12)))
    assert agree(wide, made(), made(1e-3 * (1 + 1e-12)), 1e-9)
    assert agree(wide, made(1e-6), made(2e-6), 0.06) and not agree(wide, made(1e-6), made(2e-6), 0.04)
    assert agree(wide, made(), made(width=51), 0.02) and not agree(wide, made(), made(width=52), 0.01)
    assert not agree(wide, made(), made(kind=2), 1.0)
    assert not agree(wide, made(), Configuration({"rate": 1e-3, "kind": 1}), 1.0)
