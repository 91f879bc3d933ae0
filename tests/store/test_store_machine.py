"""F17: the state machine of `luthier.testing`, 500 examples of 50 steps in memory and as many as fit on SQLite. Each walks
every row of the table of transitions."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from luthier.clock import Clock
from luthier.store import Store
from luthier.store.memory import MemoryStore
from luthier.store.sqlite import SqliteStore
from luthier.testing.faults import record, scaled
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
