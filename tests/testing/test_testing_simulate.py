"""F18: worlds made of a seed each, in which everything goes wrong and every promise is kept; and that they would notice if not.

python -m luthier.testing.simulate SEED            # one of them again, told step by step
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from luthier.clock import FakeClock
from luthier.drive import recovering
from luthier.drive.leases import Leases
from luthier.store.memory import MemoryStore
from luthier.testing.faults import record, scaled
from luthier.testing.simulate import BrokenPromise, Plan, drawn, simulate
from luthier.testing.simulation.link import Mishaps, Queue
from luthier.testing.simulation.places import PLACES
from luthier.testing.simulation.world import Actor, Forever, World
from luthier.trial import AttemptId, TrialState

# ---------------------------------------------------------------------- F18

SEEDS = {"memory": (1790, 200_000), "sqlite": (200, 20_000), "postgres": (10, 2_000)}
"""How many worlds there are with their store in each place: on every commit, and at night."""
FOUND = (41297,)
"""Worlds in which a night found a promise broken: they are looked at with every commit."""


@pytest.mark.fault
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", list(SEEDS))
def test_no_promise_is_broken_in_any_world(kind: str) -> None:
    worlds = scaled(*SEEDS[kind])
    first = {"memory": 0, "sqlite": 1_000_000, "postgres": 2_000_000}[kind]  # no world twice
    sums: dict[str, float] = {}
    with PLACES[kind]() as place:
        for seed in (*FOUND, *range(first, first + worlds)):
            told = simulate(drawn(seed), place)
            for name in ("killed", "adopted", "attempts", "refused", "seconds"):
                sums[name] = sums.get(name, 0) + getattr(told, name)
    assert sums["killed"] > worlds / 2 and sums["adopted"] > worlds / 2  # else nothing was put to the test
    assert sums["refused"] > worlds / 20 or worlds < 100
    hours = round(sums.pop("seconds") / 3600)
    record(f"F18 simulation, {kind}", worlds=worlds, simulated_hours=hours, **sums, broken_promises=0)


# ---------------------------------------------------------------------- bugs that are planted


def bypassing(original: Callable[..., Any], change: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *words, **named: change(original, self, *words, **named)


def finish_without_fence(finish: Any, store: Any, id: AttemptId, result: Any, **named: Any) -> Any:
    """Whoever comes ends whichever attempt runs."""
    trial = store._trial(id.experiment, id.trial)
    return finish(store, trial.id if trial.state is TrialState.RUNNING else id, result, **named)


def reserve_beyond_the_budget(reserve: Any, store: Any, experiment: int, *words: Any) -> Any:
    row = store._row(experiment)
    row.target += 1
    try:
        return reserve(store, experiment, *words)
    finally:
        row.target -= 1


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "finish without a fence": (MemoryStore, "finish", bypassing(MemoryStore.finish, finish_without_fence)),
    "reserve beyond the budget": (
        MemoryStore,
        "reserve",
        bypassing(MemoryStore.reserve, reserve_beyond_the_budget),
    ),
    # Found by these worlds: longer leases are renewed less often than once a minute.
    "who takes over gets a minute": (
        MemoryStore,
        "adopt",
        bypassing(
            MemoryStore.adopt, lambda adopt, store, id, one, other, seconds: adopt(store, id, one, other)
        ),
    ),
    "leases are not renewed": (Leases, "keep", lambda self, running: None),
    "nobody takes over": (recovering.Rounds, "go", lambda rounds: None),
    "the living are robbed": (recovering, "_is_free", lambda drive, held: True),
}


@pytest.mark.parametrize("name", list(PLANTED))
def test_a_planted_bug_is_found_among_the_seeds_of_every_commit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a world in which nothing is broken means something."""
    monkeypatch.setattr(*PLANTED[name])
    for seed in range(200):
        try:
            simulate(drawn(seed))
        except BrokenPromise as error:
            assert str(error).endswith(f"python -m luthier.testing.simulate {seed}")
            return
    pytest.fail(f"{name}: no world noticed")


# ---------------------------------------------------------------------- the world itself


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_world_is_the_same_to_the_last_step_whenever_it_happens(kind: str) -> None:
    with PLACES[kind]() as place:
        for seed in range(12):
            assert simulate(drawn(seed), place) == simulate(drawn(seed), place)


def test_an_undisturbed_worker_makes_one_attempt_a_trial() -> None:
    told = simulate(Plan(1, workers=1, stormy_seconds=0.0))
    assert (told.killed, told.adopted, told.refused, told.attempts) == (0, 0, 0, 8)


def test_actors_take_turns_and_time_passes_only_while_all_sleep() -> None:
    world, seen = World(1, FakeClock(), 1000), list[tuple[str, float]]()

    def steps(*seconds: float) -> Callable[[Actor], None]:
        def body(actor: Actor) -> None:
            for each in seconds:
                seen.append((actor.name, world.time))
                actor.sleep(each)
            seen.append((actor.name, world.time))

        return body

    world.begin("a", steps(2.0, 2.0))
    world.begin("b", steps(3.0), after=0.5)
    world.at(1.0, lambda: seen.append(("now", world.time)))
    world.run()
    assert seen == [("a", 0.0), ("b", 0.5), ("now", 1.0), ("a", 2.0), ("b", 3.5), ("a", 4.0)]
    assert world.clock.elapsed() == FakeClock().elapsed() + 4.0


def test_an_error_of_one_actor_ends_the_world_and_is_raised() -> None:
    world, ended = World(1, FakeClock(), 1000), list[str]()

    def waits(actor: Actor) -> None:
        try:
            while True:
                actor.sleep(1.0)
        finally:
            ended.append(actor.name)

    def fails(actor: Actor) -> None:
        actor.sleep(5.0)
        raise ValueError("this one")

    world.begin("waits", waits)
    world.begin("fails", fails)
    with pytest.raises(ValueError, match="this one"):
        world.run()
    assert ended == ["waits"]


def test_who_waits_for_ever_is_told_of() -> None:
    world = World(1, FakeClock(), 50)

    def waits(actor: Actor) -> None:
        while True:
            actor.sleep(1.0)

    world.begin("a", waits)
    with pytest.raises(Forever, match="a still waits"):
        world.run()


def test_commits_queue_for_the_disk() -> None:
    """A hundred workers whose trials take a tenth of a second want more commits than a disk of a hundred a second makes."""
    told = simulate(Plan(3, workers=20, trials=60, typical_seconds=0.1, commit_seconds=0.01))
    assert told.waited_seconds > told.commits * 0.01
    alone = simulate(Plan(3, workers=1, trials=10, typical_seconds=2.0, commit_seconds=0.01))
    assert alone.waited_seconds == 0.0


def test_on_a_server_what_adds_no_event_queues_for_nobody() -> None:
    world = World(1, FakeClock(), 10)
    for is_server, waits in ((True, [1.0, 2.0, 1.0, 3.0]), (False, [1.0, 2.0, 3.0, 4.0])):
        queue = Queue(world, 1.0, is_server=is_server)
        assert [queue.wait_seconds(name) for name in ("claim", "finish", "renew", "claim")] == waits


def test_workers_come_one_after_the_other() -> None:
    told = simulate(Plan(2, workers=5, trials=40, typical_seconds=5.0, arriving_seconds=30.0))
    joined = [float(line.split(" s ")[0]) for line in told.lines if line.endswith("joins")]
    assert len(joined) == 5 and max(joined) > 10.0 and min(joined) < max(joined) - 5.0


def test_workers_that_only_look_make_nobody_wait() -> None:
    """Thousands of them look five times a second: that must take no lock."""
    alone = simulate(Plan(4, workers=1, trials=1, typical_seconds=60.0, lease_seconds=60.0))
    assert alone.asked["experiment"] > 5 * alone.seconds / 2 and alone.commits < 20


def test_a_kill_before_and_after_each_verb_is_among_them() -> None:
    lines = [
        line
        for seed in range(80)
        for line in simulate(Plan(seed, hosts=1 + seed % 2, mishaps=Mishaps(kill=0.03))).lines
        if "is killed" in line
    ]
    moments = {line.partition("is killed ")[2] for line in lines}
    assert {
        "before the commit",
        "before finish",
        "after together",
        "before report",
        "before reserve",
    } <= moments
