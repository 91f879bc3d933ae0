"""One simulated world of thousands of workers and a million trials: what each verb costs in it, and what gives way first.

    python bench/scale_out.py --world 10000 1000000 [--place sqlite] [--seconds 30]

The real drive works on a real store in simulated time (`luthier.testing.simulate`); only programs, clocks and the way between
them are made up. The CPU time of each verb is taken where it is called, and medians are compared: between the time when the
first thousand trials were finished and the end, and between worlds of ten workers and this one when equally many were. The
record is held against the promises at the end. SQLite stands in for the server here: the verbs and their indexes are the
same, and one file serves all, for they take turns. How many commits a second a server makes is given, as `scale_out.py` measured it.
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from luthier.clock import FakeClock
from luthier.store import Store, Verdict
from luthier.testing.simulate import Plan, Told, simulate
from luthier.testing.simulation.places import PLACES, Place

__all__ = ["run_world"]

CROWD = (10_000, 20_000)
"""Worlds of few and of many workers are compared while so many trials are finished."""
SIZES = (1_000, 10_000, 100_000, 1_000_000)
SAMPLES = 5_000
"""So many calls of a verb at most are kept of each stage, evenly."""
TOLD_SECONDS = 20.0


class Stage(NamedTuple):
    """A part of a world: from when `begins` trials are finished to when `ends` are."""

    title: str
    begins: int
    ends: int


class Board:
    """What is known of each verb in one world."""

    def __init__(self, workers: int, trials: int) -> None:
        self.workers, self.trials, self.finished = workers, trials, 0
        self.stages = [Stage(f"{size:,}", size // 2, size) for size in SIZES if size <= trials]
        self.stages.append(Stage("crowd", *CROWD))
        self.taken: dict[tuple[str, str], array[float]] = {}
        self._calls: dict[tuple[str, str], int] = {}
        self._steps: dict[tuple[str, str], int] = {}
        self._began = self._told = time.monotonic()

    def add(self, verb: str, seconds: float) -> None:
        """Notes a call."""
        for title, begins, ends in self.stages:
            if begins <= self.finished < ends:
                place = (verb, title)
                calls = self._calls[place] = self._calls.get(place, 0) + 1
                kept, step = self.taken.setdefault(place, array("f")), self._steps.get(place, 1)
                if calls % step == 0:
                    kept.append(seconds)
                if len(kept) >= 2 * SAMPLES:  # every second one from now on
                    self.taken[place], self._steps[place] = kept[1::2], 2 * step

    def count(self, clock: FakeClock) -> None:
        """Notes that a trial is finished, and shows now and then how far it is."""
        self.finished += 1
        now = time.monotonic()
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            print(
                f"  {self.finished:>9,} of {self.trials:,} trials, {clock.elapsed() - FakeClock().elapsed():7,.0f} s simulated, "
                f"{now - self._began:5,.0f} s here, {peak_gigabytes():.1f} GB",
                flush=True,
            )

    def median(self, verb: str, title: str) -> float | None:
        """Of the CPU seconds of a verb in a stage; None where it was hardly called."""
        kept = self.taken.get((verb, title), ())
        return statistics.median(kept) if len(kept) >= 20 else None


class Stopwatch:
    """A store whose verbs are timed: CPU time, because the machine may have others to serve."""

    def __init__(self, store: Store, board: Board) -> None:
        self._store, self._board, self.clock = store, board, store.clock

    @contextmanager
    def together(self) -> Iterator[None]:
        """Several verbs as one, with their commit."""
        before = time.thread_time()
        with self._store.together():
            yield
        self._board.add("together", time.thread_time() - before)

    def close(self) -> None:
        """Does nothing: the others work on."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb, board = getattr(self._store, name), self._board

        def timed(*words: Any, **named: Any) -> Any:
            before = time.thread_time()
            answer = verb(*words, **named)
            board.add(name, time.thread_time() - before)
            if name == "finish" and answer is Verdict.ACCEPTED:
                board.count(self._store.clock)  # type: ignore[arg-type]
            return answer

        self.__dict__[name] = timed
        return timed


def peak_gigabytes() -> float:
    """The most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def one_world(place: Place, plan: Plan) -> tuple[Board, Told]:
    """Lets a world happen. Its store is opened once, for its workers take turns."""
    board = Board(plan.workers, plan.trials)
    opened: list[Store] = []

    def timed_place() -> tuple[FakeClock, Callable[[], Store]]:
        clock, make = place()
        opened.append(make())
        watched: Any = Stopwatch(opened[0], board)
        return clock, lambda: watched

    gc.collect()
    gc.disable()  # nothing here is a cycle, and a look at ten million objects would be some verb's time
    try:
        return board, simulate(plan, timed_place)
    finally:
        gc.enable()
        for store in opened:
            store.close()


def plan_of(workers: int, trials: int, seconds: float, commits: float) -> Plan:
    """A world in which nothing goes wrong but what its size does; ten workers on each machine, who come within a minute."""
    return Plan(
        seed=7,
        hosts=max(2, workers // 10),
        workers=workers,
        trials=trials,
        typical_seconds=seconds,
        lease_seconds=60.0,
        pace=50.0,
        commit_seconds=1.0 / commits,
        arriving_seconds=60.0,
        stormy_seconds=0.0,
        most_wakes=10**10,
    )


def run_world(
    workers: int, trials: int, place: str, seconds: float, commits: float, bar: Callable[[int, int], float]
) -> bool:
    """Runs the worlds and prints the tables; False where a verb grows faster than `bar` of the sizes allows."""
    boards: list[Board] = []
    crowds = [size for size in (10, 100, 1_000) if size < workers]
    with PLACES[place]() as made:
        for size in crowds:
            boards.append(one_world(made, plan_of(size, CROWD[1], seconds, commits))[0])
            print(f"a world of {size:,} workers and {CROWD[1]:,} trials is over", flush=True)
        print(f"the world of {workers:,} workers and {trials:,} trials, store {place}:", flush=True)
        began, cpu = time.monotonic(), time.process_time()
        board, told = one_world(made, plan_of(workers, trials, seconds, commits))
        boards.append(board)
    print(
        f"it is over after {told.seconds:,.0f} s of its own and {(time.monotonic() - began) / 60:.1f} min here "
        f"({(time.process_time() - cpu) / 60:.1f} min of CPU), {peak_gigabytes():.1f} GB: {told.attempts:,} attempts, "
        "all promises kept",
        flush=True,
    )
    sizes = [size for size in SIZES if size <= trials]
    good = table("trials finished", sizes, [(board, f"{size:,}") for size in sizes], bar)
    good &= table("workers", [*crowds, workers], [(one, "crowd") for one in boards], bar)
    bottleneck(told, workers, trials, seconds, commits)
    return good


def table(
    title: str, sizes: list[int], columns: list[tuple[Board, str]], bar: Callable[[int, int], float]
) -> bool:
    """Prints how the verbs grow along the columns; False where one grows too fast."""
    most, good = bar(sizes[0], sizes[-1]), True
    print(
        f"\n{title}: median CPU in microseconds; growth from {sizes[0]:,} to {sizes[-1]:,} (bar {most:.1f} x)"
    )
    print(f"{'':<16}" + "".join(f"{size:>12,}" for size in sizes) + f"{'growth':>10}")
    for verb in sorted({verb for verb, _ in columns[-1][0].taken}):
        times = [board.median(verb, stage) for board, stage in columns]
        cells = "".join(f"{'-' if one is None else f'{one * 1e6:.0f}':>12}" for one in times)
        known = [(size, one) for size, one in zip(sizes, times, strict=True) if one is not None]
        if len(known) < 2:
            print(f"{verb:<16}{cells}")
            continue
        growth, most = known[-1][1] / known[0][1], bar(known[0][0], known[-1][0])
        good &= growth <= most
        print(f"{verb:<16}{cells}{growth:>8.2f} x{'' if growth <= most else '  MISSED'}", flush=True)
    return good


def bottleneck(told: Told, workers: int, trials: int, seconds: float, commits: float) -> None:
    """Names what gives way first in this world, with its number."""
    asked = told.asked
    beside = asked["renew"] + asked["report"]
    queued = told.commits - beside
    looks = asked["experiment"] + asked["end_requests"] + asked["held"]
    each = queued / told.attempts
    print(
        f"\nthe writers' lock: a trial takes {each:.2f} commits that queue for it, {queued / told.seconds:,.0f} a second of {commits:,.0f}; "
        f"one waits {told.waited_seconds / queued * 1e3:,.1f} ms on average. {workers:,} workers wait for one another when "
        f"their trials take less than {workers * each / commits:,.1f} s."
        f"\nbeside it {beside / told.seconds:,.0f} reports and renewals a second, which queue for nobody, and {looks / told.seconds:,.0f} "
        f"looks, {looks / told.seconds / workers:.2f} a worker.",
        flush=True,
    )
