"""F17: the state machine of `luthier.testing`, 500 examples of 50 steps on each store. Each walks every row of the table of
transitions. On PostgreSQL, where every question is a journey to the server, a tenth of the looks are at everything."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from luthier.clock import Clock, FakeClock
from luthier.store import Store
from luthier.store.memory import MemoryStore
from luthier.store.postgres import PostgresStore
from luthier.store.sqlite import SqliteStore
from luthier.testing.faults import record, scaled
from luthier.testing.postgres import running
from luthier.testing.postgres_sessions import lent_sessions
from luthier.testing.store_machine import STEPS, StoreMachine

FAST = "/dev/shm" if os.path.isdir("/dev/shm") else None


class MemoryMachine(StoreMachine):
    walked = set()

    def make_store(self, clock: Clock) -> Store:
        return MemoryStore(clock)


class SqliteMachine(StoreMachine):
    walked = set()

    def make_store(self, clock: Clock) -> Store:
        self.folder = tempfile.mkdtemp(prefix="luthier-machine-", dir=FAST)
        return SqliteStore(Path(self.folder) / "store.db", clock)

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.folder)


class PostgresMachine(StoreMachine):
    walked = set()
    boots = False
    every = 10

    def make_clock(self) -> FakeClock:
        self.url = running().empty("machine")
        return running().hand("machine")

    def make_store(self, clock: Clock) -> Store:
        return PostgresStore(self.url, clock)


def steps(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )


class TestMemoryMachine(MemoryMachine.TestCase):
    settings = steps(scaled(500, 100_000))

    def runTest(self) -> None:
        super().runTest()
        assert MemoryMachine.walked == STEPS
        record("F17 state machine, memory", examples=self.settings.max_examples, steps=50, broken_promises=0)


@pytest.mark.fault
class TestSqliteMachine(SqliteMachine.TestCase):
    settings = steps(scaled(500, 20_000))

    def runTest(self) -> None:
        super().runTest()
        assert SqliteMachine.walked == STEPS
        record("F17 state machine, sqlite", examples=self.settings.max_examples, steps=50, broken_promises=0)


@pytest.mark.fault
@pytest.mark.timeout(
    scaled(600, 3600)
)  # a busy machine has two processes wait for one another at each of 200,000 journeys
class TestPostgresMachine(PostgresMachine.TestCase):
    settings = steps(scaled(500, 5_000))

    def runTest(self) -> None:
        with lent_sessions():
            super().runTest()
        assert PostgresMachine.walked == STEPS
        record(
            "F17 state machine, postgres", examples=self.settings.max_examples, steps=50, broken_promises=0
        )
