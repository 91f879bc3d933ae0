"""The contract of a store, as tests to inherit: `class TestMine(StoreContract)` with `make_store` overridden.

    class TestSqlite(StoreContract):
        def make_store(self, clock):
            return SqliteStore(self.folder / "store.db", clock)

        reopen = make_store     # a store that survives its process opens the same record again

Every test has a store of its own, a `FakeClock` that it turns by hand, and a `folder`. The promises stand in seven
parts: `store_proposing` (experiments, budget, numbers), `store_running` (fences, leases), `store_stages` (trials in
stages), `store_reporting` (points), `store_provenance` (what trials ran with), `store_crew` (workers) and `store_reading` (pages,
histories, events). `store_machine` drives a store at random against a tiny model.
"""

from __future__ import annotations

from luthier.testing.store_crew import CrewPromises
from luthier.testing.store_proposing import ExperimentPromises, ProposingPromises
from luthier.testing.store_provenance import ProvenancePromises
from luthier.testing.store_reading import ReadingPromises
from luthier.testing.store_reporting import ReportPromises
from luthier.testing.store_running import LeasePromises, RunningPromises
from luthier.testing.store_scene import StoreScene, fingerprint
from luthier.testing.store_stages import StagePromises

__all__ = ["StoreContract", "fingerprint"]


class StoreContract(
    ExperimentPromises,
    ProposingPromises,
    RunningPromises,
    LeasePromises,
    StagePromises,
    ReportPromises,
    ProvenancePromises,
    CrewPromises,
    ReadingPromises,
    StoreScene,
):
    """Every promise of `luthier.store.Store`, one test each."""
