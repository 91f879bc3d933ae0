"""F14 on PostgreSQL: a grid whose workers are killed gives each of its points exactly once. The same on SQLite, with the whole
drive, its guardians and real programs, is in `tests/drive/test_drive_kills.py`."""

import random
import time
from contextlib import closing
from pathlib import Path

import pytest
from keeping import PostgresKeeper

from luthier.description import Algorithm, Description, Objective
from luthier.history import History
from luthier.search import searcher
from luthier.space import Integer, Parameter, Space
from luthier.testing.faults import Ledger, fork, kill, record, scaled, wait
from luthier.testing.store_worker import Worker, audit

pytestmark = pytest.mark.fault

WIDTH = 25
LEASE_SECONDS = 0.02


def grid(points: int) -> Description:
    space = Space([Parameter("a", Integer(1, points // WIDTH)), Parameter("b", Integer(1, WIDTH))])
    return Description("/p", space, Algorithm("grid"), objective=Objective("loss"), trials=points)


class GridWorker(Worker):
    def plan(self, n: int) -> bool:
        nonce, experiment = self.nonce(), self.store.experiment(self.e)
        reserved = self.store.reserve(self.e, n, self.name, nonce, self.lease)
        numbers = {place.ordinal: place.number for place in reserved}
        made = searcher(Algorithm("grid")).propose(
            experiment.description.space, History(), experiment.seed, list(numbers)
        )
        pairs = [(numbers[one.ordinal], one) for one in made if one.ordinal is not None]
        return bool(pairs) and self.store.propose(self.e, nonce, pairs) > 0


def test_f14_a_grid_whose_workers_are_killed(tmp_path: Path) -> None:
    keeper, ledger, dice = PostgresKeeper(tmp_path), Ledger(tmp_path / "ledger"), random.Random(14)
    points, wanted = scaled(500, 4500), scaled(50, 500)
    with closing(keeper()) as store:
        e = store.open_experiment(grid(points))[0].id

    def begin() -> int:
        return fork(lambda: GridWorker(keeper(), ledger, LEASE_SECONDS).work(batch=8))

    def finished() -> int:
        return ledger.path.read_bytes().count(b'["finished"')

    crowd, killed = [begin() for _ in range(3)], []
    # A tenth is left for the end, so that each kill finds somebody at work.
    for place in sorted(dice.sample(range(points * 9 // 10), wanted)):
        while finished() < place:
            time.sleep(0.002)
        victim = dice.randrange(len(crowd))
        killed.append(kill(crowd[victim]))
        crowd[victim] = begin()
    ends = [wait(pid) for pid in crowd]
    with closing(keeper(read_only=True)) as store:
        found, trials = audit(store, e, ledger.lines()), store.trials(e)
        configurations = {t.configuration for t in trials}
        attempts = sum(t.attempt for t in trials)
    doubled = points - len(configurations)
    record(
        "F14 postgres, a grid under fire",
        points=points,
        kills=killed.count(-9),
        attempts=attempts,
        doubled=doubled,
        **found,
    )
    # On a busy machine a victim may have done all there was to do before it was its turn.
    assert ends == [0] * len(crowd) and set(killed) <= {-9, 0} and killed.count(-9) >= wanted * 0.9
    assert len(trials) == points and doubled == 0
    assert not any(found.values())
