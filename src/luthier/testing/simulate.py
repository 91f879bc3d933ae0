"""Worlds made of one seed: the real drive and a real store in simulated time, and everything that can befall them.

    python -m luthier.testing.simulate 17              # one world again, told step by step
    python -m luthier.testing.simulate 0:2000          # many; says which seeds broke a promise
    python -m luthier.testing.simulate 0:50 --store sqlite

Workers on several machines work on one experiment; they are killed at any verb, before and after it takes effect, paused
for longer than their leases, cut off, drained, and others come. When all is over the record is held against the
promises (`simulation/promises.py`). A seed decides everything, so that what failed once fails again. Read `simulation/world.py`
first to see how time passes here.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import NamedTuple

from luthier.description import Algorithm, Command, Description, Limits, Objective
from luthier.space import Space
from luthier.space.grammar import parse_params
from luthier.store import Store, Wish
from luthier.testing.simulation.hosts import METRIC, Host
from luthier.testing.simulation.link import Mishaps, Queue
from luthier.testing.simulation.lives import Scene
from luthier.testing.simulation.places import PLACES, Place, memory
from luthier.testing.simulation.promises import broken, events_of
from luthier.testing.simulation.world import World

__all__ = ["BrokenPromise", "Plan", "Told", "drawn", "simulate"]

DESCRIPTION = (
    "Lets worlds of the real drive and a real store happen in simulated time, and checks what was promised."
)
NOTHING_GOES_WRONG = Mishaps()
LONG = 0.1
"""The share of worlds that are slow."""
SPACE = ("x=0.0:1.0", "n=1,2,3,4,5")
GRID = ("a=1,2,3,4", "b=1,2,3")


class BrokenPromise(AssertionError):
    """A world in which a promise was broken: how, and the command that shows it again. `lines` are its story."""

    def __init__(self, seed: int, faults: Sequence[str], scene: Scene) -> None:
        again = f"see it again with: python -m luthier.testing.simulate {seed}"
        super().__init__("\n".join([f"in the world of seed {seed}", *faults, again]))
        self.lines = _lines(scene)


@dataclass(frozen=True)
class Plan:
    """What a world is made of. With one host its workers know of each other's deaths at once; with several only leases tell.

    `failing` is the share of programs that fail. Crashes, freezes, drains and wishes are counted; they fall somewhere in the
    first `stormy_seconds`, after which nothing goes wrong any more, so that every world comes to its end. A commit takes the
    disk `commit_seconds`; the workers come within `arriving_seconds`.
    """

    seed: int
    hosts: int = 1
    workers: int = 2
    slots: int = 1
    trials: int = 8
    algorithm: str = "random"
    typical_seconds: float = 2.0
    failing: float = 0.0
    lease_seconds: float = 6.0
    pace: float = 1.0
    mishaps: Mishaps = NOTHING_GOES_WRONG
    commit_seconds: float = 0.0
    arriving_seconds: float = 2.0
    stormy_seconds: float = 15.0
    crashes: int = 0
    freezes: int = 0
    leaves: int = 0
    wishes: int = 0
    most_wakes: int = 50_000

    @property
    def target(self) -> int:
        """How many trials there will be: a grid has no more than its points."""
        return min(self.trials, 12) if self.algorithm == "grid" else self.trials

    def describe(self) -> Description:
        """The experiment that is worked on."""
        params = GRID if self.algorithm == "grid" else SPACE
        return Description(
            "/simulated",
            Space(tuple(parse_params(params, ()).parameters)),
            Algorithm(self.algorithm),
            Command(("train",), "/simulated"),
            Objective(METRIC, direction="minimize"),
            self.target,
            self.seed,
            Limits(max_attempts=100),
        )


class Told(NamedTuple):
    """What happened in a world: the simulated time it took, how often workers were killed, and how often attempts went to
    another worker's; how many attempts there were, late writes that were refused, and commits, and how long these queued;
    which verbs the store was asked, how often; and the lines of its story."""

    seconds: float
    killed: int
    adopted: int
    attempts: int
    refused: int
    commits: int
    waited_seconds: float
    asked: dict[str, int]
    lines: list[str]


def drawn(seed: int) -> Plan:
    """The world of a seed: small, and with all kinds of trouble."""
    dice = Random(f"plan {seed}")
    hosts = dice.choice([1, 1, 2, 3])
    often = dice.choice([0.0, 0.002, 0.01])
    mishaps = Mishaps(
        kill=often,
        lost_answer=dice.choice([0.0, 0.05]) if hosts > 1 else 0.0,
        cut=dice.choice([0.0, often]) if hosts > 1 else 0.0,
        way_seconds=dice.choice([0.0, 0.01, 0.05]),
    )
    plan = Plan(
        seed,
        hosts,
        workers=dice.choice([1, 2, 3]) if hosts == 1 else dice.randint(hosts, 4),
        slots=dice.choice([1, 1, 2]),
        trials=dice.randint(3, 10),
        algorithm=dice.choice(["random", "random", "sobol", "grid", "tpe"]),
        typical_seconds=dice.choice([0.2, 1.0, 4.0]),
        failing=dice.choice([0.0, 0.1]),
        pace=dice.uniform(1.0, 6.0),
        mishaps=mishaps,
        crashes=dice.choice([0, 0, 1]),
        freezes=dice.choice([0, 1, 2]),
        leaves=dice.choice([0, 0, 1]),
        wishes=dice.choice([0, 0, 0, 1]),
    )
    if dice.random() < LONG:  # leases and trials of minutes, and workers that look every few seconds
        plan = replace(plan, typical_seconds=200.0, lease_seconds=300.0, pace=30.0, stormy_seconds=400.0)
    return plan


def simulate(plan: Plan, place: Place = memory) -> Told:
    """Lets a world happen, with its store in some place, and holds its record against the promises.

    **Raises** BrokenPromise where one was broken, or somebody in it came upon an error.
    """
    clock, opened = place()
    world = World(plan.seed, clock, plan.most_wakes)
    store = opened()
    try:
        record, _ = store.open_experiment(plan.describe(), fresh=True)
        scene = _scene(plan, world, opened, record.id)
        _befall(plan, scene, store)
        try:
            world.run()
        except Exception as error:
            raise BrokenPromise(plan.seed, [f"{type(error).__name__}: {error}"], scene) from error
        if faults := broken(scene, store, plan.target):
            raise BrokenPromise(plan.seed, faults, scene)
        return _told(scene, store)
    finally:
        store.close()


def _scene(plan: Plan, world: World, opened: Callable[[], Store], experiment: int) -> Scene:
    """The hosts and their workers, who come one after the other."""
    scene = Scene(
        world,
        opened,
        experiment,
        plan.mishaps,
        Queue(world, plan.commit_seconds, is_server=plan.hosts > 1),
        is_shared=plan.hosts > 1,
        slots=plan.slots,
        lease_seconds=plan.lease_seconds,
        pace=plan.pace,
    )
    scene.hosts += [
        Host(world, f"host{k + 1}", plan.seed, plan.typical_seconds, plan.failing) for k in range(plan.hosts)
    ]
    for k in range(plan.workers):
        scene.join(scene.hosts[k % plan.hosts], world.dice.uniform(0.0, plan.arriving_seconds))
    return scene


def _befall(plan: Plan, scene: Scene, store: Store) -> None:
    """Enters what will go wrong, and when."""
    dice, world = scene.world.dice, scene.world

    def some_time(happens: Callable[[], None]) -> None:
        world.at(dice.uniform(0.0, plan.stormy_seconds), happens)

    for _ in range(plan.crashes):
        some_time(partial(scene.crash, dice.choice(scene.hosts), for_good=dice.random() < 0.5))
    for _ in range(plan.freezes):
        stops = dice.choice([scene.freeze, scene.pause])
        some_time(partial(stops, dice.choice(scene.hosts), dice.uniform(0.5, 3.0) * plan.lease_seconds))
    for _ in range(plan.leaves):
        some_time(partial(scene.ask_to_leave, dice.choice(scene.hosts), drains=dice.random() < 0.5))
    for _ in range(plan.wishes):
        some_time(partial(scene.wish, store, dice.choice([Wish.PAUSE, Wish.STOP, Wish.KILL])))
    world.at(plan.stormy_seconds, scene.calm)
    world.at(plan.stormy_seconds, partial(scene.wish, store, Wish.RUN))


def _told(scene: Scene, store: Store) -> Told:
    kinds = Counter(event.kind for event in events_of(store, scene.experiment))
    return Told(
        scene.world.time,
        scene.killed,
        kinds["adopted"],
        kinds["claimed"],
        kinds["stale"],
        scene.queue.commits,
        scene.queue.waited_seconds,
        dict(scene.queue.asked),
        _lines(scene),
    )


def _lines(scene: Scene) -> list[str]:
    return [f"{time:9.3f} s  {what}" for time, what in scene.world.told]


def main() -> int:
    """Lets the worlds of some seeds happen; exit code 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m luthier.testing.simulate", description=DESCRIPTION)
    parser.add_argument("seeds", help="one seed, or FIRST:LAST (without the last)")
    parser.add_argument("--store", choices=list(PLACES), default="memory")
    asked = parser.parse_args()
    first, _, last = asked.seeds.partition(":")
    failed = 0
    with PLACES[asked.store]() as place:
        for seed in range(int(first), int(last) if last else int(first) + 1):
            try:
                lines, said = simulate(drawn(seed), place).lines, "all promises were kept"
            except BrokenPromise as error:
                lines, said = error.lines, str(error)
                failed += 1
            if not last:
                sys.stdout.write("\n".join([f"{drawn(seed)}", *lines, said, ""]))
            elif failed and said.startswith("in "):
                sys.stdout.write(f"{said}\n")
    if last:
        sys.stdout.write(f"{failed} of {int(last) - int(first)} worlds broke a promise\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
