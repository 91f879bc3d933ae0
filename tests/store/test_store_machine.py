"""F17: the state machine of `luthier.testing`, 500 examples of 50 steps in memory and as many as fit on SQLite."""

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
from luthier.testing.store_machine import StoreMachine

FAST = "/dev/shm" if os.path.isdir("/dev/shm") else None


class MemoryMachine(StoreMachine):
    def make_store(self, clock: Clock) -> Store:
        return MemoryStore(clock)


class SqliteMachine(StoreMachine):
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
        record("F17 state machine, memory", examples=self.settings.max_examples, steps=50, broken_promises=0)


@pytest.mark.fault
class TestSqliteMachine(SqliteMachine.TestCase):
    settings = steps(scaled(1000, 20_000))

    def runTest(self) -> None:
        super().runTest()
        record("F17 state machine, sqlite", examples=self.settings.max_examples, steps=50, broken_promises=0)
