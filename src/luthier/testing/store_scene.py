"""What the tests of a store share: a store, a clock, and short words for the verbs they need most."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from luthier.clock import Clock, FakeClock
from luthier.description import Algorithm, Description, Objective
from luthier.space import Configuration, Float, Parameter, Space
from luthier.store import Claim, Reservation, Store
from luthier.trial import AttemptId, Outcome, Point, Proposal, Result, TrialState

__all__ = ["NAN", "StoreScene", "configuration", "describe", "ended", "fingerprint", "points"]

NAN = float("nan")


def describe(
    trials: int | None = 10, *, seed: int = 0, project: str = "/p", name: str | None = None
) -> Description:
    """A small random search; another project makes it another search."""
    space = Space([Parameter("rate", Float(0.0, 1.0))])
    return Description(
        project, space, Algorithm("random"), objective=Objective("loss"), trials=trials, seed=seed, name=name
    )


def configuration(number: int) -> Configuration:
    """A configuration that tells which number it was made for."""
    return Configuration({"rate": number / 1024})


def ended(
    value: float | None = 0.5, outcome: Outcome = Outcome.SUCCEEDED, reason: str = "the program ended"
) -> Result:
    """How an attempt ended."""
    return Result(outcome, reason, value, exit_code=0)


def points(*values: float, metric: str = "loss", step: float = 1.0) -> list[Point]:
    """Points of one metric at successive steps."""
    return [Point(metric, step + k, value, 1_700_000_000.0 + k) for k, value in enumerate(values)]


def fingerprint(store: Store, with_events: bool = True) -> dict[str, Any]:
    """Everything that can be read from a store, as plain values that compare equal when the records are equal."""
    found: dict[str, Any] = {"revision": store.revision()}
    if with_events:
        found["events"] = [repr(event) for event in store.events()]
    for record in store.experiments():
        found[f"experiment {record.id}"] = repr(record)
        found[f"held {record.id}"] = repr(store.held(record.id))
        found[f"sheets {record.id}"] = repr(store.sheets(record.id))
        found[f"metrics {record.id}"] = store.metric_names(record.id)
        for trial in store.trials(record.id):
            found[trial.name] = repr(
                (
                    trial,
                    store.attempts(record.id, trial.number),
                    store.points(record.id, trial.number),
                    store.summaries(record.id, trial.number),
                )
            )
    return found


class StoreScene:
    """A test's own store. Override `make_store`; set `reopen` where the record outlives the process. Where leases are counted
    on a clock that many machines share, override `make_clock` with one that turns it too, and set `boots` to False: no
    boot of one machine voids a lease there."""

    store: Store
    clock: FakeClock
    folder: Path
    reopen: Any = None
    boots = True

    def make_store(self, clock: Clock) -> Store:
        """Opens an empty store. It may keep files in `self.folder`."""
        raise NotImplementedError

    def make_clock(self) -> FakeClock:
        """The clock of one test."""
        return FakeClock()

    @pytest.fixture(autouse=True)
    def scene(self, tmp_path: Path) -> Iterator[None]:
        """Opens the store for one test and closes it."""
        self.folder, self.clock = tmp_path, self.make_clock()
        self._nonces = count(1)
        self.store = self.make_store(self.clock)
        yield
        self.store.close()

    def nonce(self) -> str:
        """A nonce no call has used."""
        return f"nonce {next(self._nonces)}"

    def open(self, trials: int | None = 10) -> int:
        """A new experiment's number."""
        return self.store.open_experiment(describe(trials), fresh=True)[0].id

    def reserve(self, experiment: int, n: int, worker: str = "w") -> tuple[str, list[Reservation]]:
        """Reserves and tells the nonce."""
        nonce = self.nonce()
        return nonce, self.store.reserve(experiment, n, worker, nonce)

    def propose(self, experiment: int, nonce: str, reserved: list[Reservation]) -> int:
        """Writes a configuration for each reservation."""
        pairs = [(r.number, Proposal(configuration(r.number), "random", r.ordinal)) for r in reserved]
        return self.store.propose(experiment, nonce, pairs)

    def queue(self, experiment: int, n: int) -> list[int]:
        """Fills the queue by up to `n` trials; returns their numbers."""
        nonce, reserved = self.reserve(experiment, n)
        self.propose(experiment, nonce, reserved)
        return [r.number for r in reserved]

    def claim(self, experiment: int, n: int = 1, worker: str = "w") -> list[Claim]:
        """Claims with a new nonce."""
        return self.store.claim(experiment, n, worker, self.nonce())

    def begin(self, experiment: int, worker: str = "w") -> AttemptId:
        """Queues one trial more where the queue is empty, and begins an attempt of the first one."""
        if not self.store.experiment(experiment).queued:
            self.queue(experiment, 1)
        return self.claim(experiment, 1, worker)[0].id

    def check_counters(self, experiment: int) -> None:
        """Compares the counters with the rows they count."""
        record, seen = self.store.experiment(experiment), self.store.trials(experiment)
        counted = {state: sum(trial.state is state for trial in seen) for state in TrialState}
        assert record.queued == counted[TrialState.QUEUED]
        assert record.running == counted[TrialState.RUNNING]
        assert record.waiting == counted[TrialState.WAITING]
        assert record.finished == counted[TrialState.FINISHED]
        assert record.trials == len(seen) + record.reserved
        over = [t.result for t in seen if t.state is TrialState.FINISHED]
        assert record.succeeded == sum(r is not None and r.outcome is Outcome.SUCCEEDED for r in over)
