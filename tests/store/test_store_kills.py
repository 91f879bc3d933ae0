"""Processes are killed with `kill -9`: at random moments (F1), before their first renewal (F21), at every commit (F3)."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest
from keeping import KEEPERS, Keeper

from luthier.clock import FakeClock
from luthier.errors import NotFound
from luthier.store import Store, Verdict, Wish
from luthier.testing.faults import (
    Ledger,
    Moment,
    count_commits,
    die,
    die_at_commit,
    fork,
    kill,
    record,
    scaled,
    wait,
)
from luthier.testing.store_scene import configuration, describe, ended, fingerprint, points
from luthier.testing.store_worker import LOST, Worker, audit
from luthier.trial import AttemptId, Outcome, Proposal

pytestmark = [pytest.mark.fault, pytest.mark.timeout(scaled(300, 3600))]


def new_experiment(keeper: Keeper, trials: int | None) -> int:
    with closing(keeper()) as store:
        return store.open_experiment(describe(trials))[0].id


def test_f1_workers_killed_at_random_moments(tmp_path: Path, keeper: Keeper) -> None:
    ledger, dice = Ledger(tmp_path / "ledger"), random.Random(1)
    e, kills, wanted = new_experiment(keeper, None), 0, scaled(200, 5000)
    lease = 0.02

    def begin() -> int:
        return fork(lambda: Worker(keeper(), ledger, lease).work())

    crowd = [begin() for _ in range(4)]
    while kills < wanted:
        time.sleep(dice.uniform(0.0, 0.06))  # the fault is a random moment; nothing waits for it
        place = dice.randrange(len(crowd))
        assert kill(crowd[place]) == -9
        crowd[place] = begin()
        kills += 1
    for pid in crowd:
        kill(pid)
    store = keeper()
    begun = store.experiment(e).trials
    store.open_experiment(describe(begun))
    Worker(store, ledger, lease).work()
    lines = ledger.lines()
    again = sum(line[0] == "claimed" and line[2] > 1 for line in lines)
    found = audit(store, e, lines)
    stale = sum(line[0] == "finished" and line[4] == "stale" for line in lines)
    record(
        f"F1 {keeper.kind}, kill -9 workers",
        kills=kills,
        trials=begun,
        attempts_again=again,
        stale=stale,
        **found,
    )
    store.close()
    assert begun > 0 and again > 0
    assert not any(found.values())


def test_f21_killed_between_claim_and_first_renewal(tmp_path: Path, keeper: Keeper) -> None:
    ledger, clock = Ledger(tmp_path / "ledger"), keeper.clock()
    n = scaled(50, 1000)
    e = new_experiment(keeper, n)

    def claim_and_die() -> None:
        worker = Worker(keeper(clock), ledger)
        worker.plan(1)
        worker.store.claim(e, 1, worker.name, worker.nonce())
        die()

    for _ in range(n):
        assert wait(fork(claim_and_die)) == -9
    store = keeper(clock)
    running = store.experiment(e).running
    clock.advance(60.5)
    lapsed = sum(held.lapsed for held in store.held(e))
    worker = Worker(store, ledger)
    worker.recover()
    worker.work()
    found = audit(store, e, ledger.lines())
    record(
        f"F21 {keeper.kind}, killed before the first renewal",
        kills=n,
        running=running,
        lapsed=lapsed,
        **found,
    )
    assert running == lapsed == n
    assert not any(found.values())
    assert [len(store.attempts(e, t.number)) for t in store.trials(e)] == [2] * n
    store.close()


def test_f4_paused_beyond_the_lease(tmp_path: Path, keeper: Keeper) -> None:
    """A worker is stopped in the middle of a trial; another takes the trial over and finishes it; the first wakes up,
    is told, and goes on with other work."""
    ledger, clock = Ledger(tmp_path / "ledger"), keeper.clock()
    n = scaled(20, 500)
    e = new_experiment(keeper, 2 * n)

    def pause_in_the_middle() -> None:
        with closing(keeper(clock)) as store:
            worker = Worker(store, ledger)
            worker.plan(1)
            id = store.claim(e, 1, worker.name, worker.nonce())[0].id
            os.kill(os.getpid(), signal.SIGSTOP)
            answers = (
                store.renew([id], worker.name) == [id],
                store.report(id, 0, points(1.0)) is Verdict.STALE,
                store.finish(id, ended(-1.0)) is Verdict.STALE,
            )
            worker.plan(1)
            ledger.note("woke", all(answers), worker.run_one())

    def take_over() -> None:
        with closing(keeper(clock)) as store:
            worker = Worker(store, ledger)
            worker.recover()
            assert worker.run_one()

    for _ in range(n):
        pid = fork(pause_in_the_middle)
        assert os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])
        clock.advance(61.0)
        assert wait(fork(take_over)) == 0
        os.kill(pid, signal.SIGCONT)
        assert wait(pid) == 0
    woke = [line[1:] for line in ledger.lines() if line[0] == "woke"]
    with closing(keeper(clock, read_only=True)) as store:
        found = audit(store, e, ledger.lines())
        values = [t.result.value for t in store.trials(e) if t.result]
    refused, survived = sum(line[0] for line in woke), sum(line[1] for line in woke)
    record(
        f"F4 {keeper.kind}, paused beyond the lease",
        pauses=n,
        stale_refused=refused,
        went_on=survived,
        **found,
    )
    assert refused == survived == n
    assert -1.0 not in values and len(values) == 2 * n
    assert not any(found.values())


def life() -> list[Callable[[Store], object]]:
    """Every verb at least once, each of which may be sent again at once when its reply is lost."""
    e, other = 1, 2

    def proposals(*numbers: int) -> list[tuple[int, Proposal]]:
        return [(n, Proposal(configuration(n), "random", n)) for n in numbers]

    def together(store: Store) -> None:
        with store.together():
            store.finish(AttemptId(e, 3, 1), ended(0.3))
            store.claim(e, 1, "w", "c4")

    return [
        lambda s: s.open_experiment(describe(6)),
        lambda s: s.open_experiment(describe(6), fresh=True, nonce="fresh"),
        lambda s: s.reserve(e, 4, "w", "r1"),
        lambda s: s.propose(e, "r1", proposals(1, 2)),
        lambda s: s.abandon("w"),
        lambda s: s.reserve(e, 2, "v", "r2"),
        lambda s: s.propose(e, "r2", proposals(3, 4)),
        lambda s: s.enqueue(e, [configuration(99)], "q1"),
        lambda s: s.claim(e, 2, "w", "c1"),
        lambda s: s.note_command(AttemptId(e, 5, 1), ["python", "train.py"]),
        lambda s: s.report(AttemptId(e, 5, 1), 0, points(3.0, 2.0)),
        lambda s: s.report(AttemptId(e, 5, 1), 2, points(1.0, step=3.0)),
        lambda s: s.renew([AttemptId(e, 5, 1), AttemptId(e, 1, 1)], "w"),
        lambda s: s.adopt(AttemptId(e, 1, 1), "w", "x"),
        lambda s: s.request_end(AttemptId(e, 5, 1), Wish.STOP, "enough"),
        lambda s: s.finish(AttemptId(e, 5, 1), ended(0.5)),
        lambda s: s.finish(AttemptId(e, 1, 1), LOST, again=True),
        lambda s: s.finish(AttemptId(e, 1, 1), ended(0.1)),
        lambda s: s.report(AttemptId(e, 1, 1), 0, points(1.0)),
        lambda s: s.claim(e, 3, "w", "c2"),
        lambda s: s.renew([AttemptId(e, 1, 1)], "w"),
        together,
        lambda s: s.finish(AttemptId(e, 1, 2), ended(None, Outcome.FAILED)),
        lambda s: s.set_wish(e, Wish.PAUSE, "lunch"),
        lambda s: s.set_wish(e, Wish.RUN),
        lambda s: s.retry(e, 1),
        lambda s: s.cancel(e, 1, Outcome.STOPPED, "enough"),
        lambda s: s.open_experiment(describe(20)),
        lambda s: s.reserve(e, 3, "w", "r3"),
        lambda s: s.propose(e, "r3", proposals(6), exhausted=True),
        lambda s: s.remove(other),
    ]


def live(keeper: Keeper, clock: FakeClock, ledger: Ledger) -> None:
    """Goes on with the life where the ledger says it was, as the same command typed again does."""
    steps = life()
    with closing(keeper(clock)) as store:
        for place in range(len(ledger.lines()), len(steps)):
            try:
                steps[place](store)
            except NotFound:
                if place != len(steps) - 1:  # removed by the call whose reply was lost
                    raise
            ledger.note(place)


def live_until(place: int, moment: Moment, keeper: Keeper, clock: FakeClock, ledger: Ledger) -> int:
    """Lives in a process that is killed at a commit; returns how it ended."""

    def body() -> None:
        with die_at_commit(place, moment):
            live(keeper, clock, ledger)

    return wait(fork(body))


@pytest.mark.parametrize("kind", list(KEEPERS))
def test_f3_killed_before_and_after_every_commit(fast: Path, kind: str) -> None:
    keeper = KEEPERS[kind](fast, "golden")
    clock = keeper.clock()
    with count_commits() as commits:
        live(keeper, clock, Ledger(fast / "golden ledger"))
    with closing(keeper(clock, read_only=True)) as store:
        golden = fingerprint(store)
    kills = differing = 0
    moments: tuple[Moment, ...] = ("before", "after")
    for turn, place, moment in product(range(2), range(1, commits[0] + 1), moments):
        keeper = KEEPERS[kind](fast, f"{turn} {place} {moment}" if kind == "sqlite" else "still")
        clock, ledger = keeper.clock(), Ledger(fast / f"{turn} {place} {moment}.ledger")
        assert live_until(place, moment, keeper, clock, ledger) == -9
        kills += 1
        if turn:  # the second time, the one that goes on is killed too, at its first commit
            kills += live_until(1, moment, keeper, clock, ledger) == -9
        live(keeper, clock, ledger)
        with closing(keeper(clock)) as store:
            differing += fingerprint(store) != golden
    record(
        f"F3 {kind}, killed at every commit", commits=commits[0], kills=kills, records_that_differ=differing
    )
    assert commits[0] == len(life())
    assert kills >= 6 * commits[0] - 2
    assert differing == 0
