"""What the processes of fault tests do: they work on one experiment as a driver does, and write down what a store
acknowledged, so that `audit` can compare the record with it afterwards.
"""

from __future__ import annotations

import os
from itertools import count
from typing import Any

from luthier.store import Store, Verdict, Wish
from luthier.testing.faults import Ledger
from luthier.testing.store_scene import configuration, points
from luthier.trial import Outcome, Proposal, Result, TrialState

__all__ = ["LOST", "Worker", "audit"]

LOST = Result(Outcome.LOST, "its worker was silent")


class Worker:
    """One process's work. Its name and its nonces are never used again."""

    def __init__(self, store: Store, ledger: Ledger, lease_seconds: float = 60.0) -> None:
        self.store, self.ledger, self.lease = store, ledger, lease_seconds
        self.name = f"{os.getpid()}-{os.urandom(4).hex()}"
        self.calls = count()
        self.e = store.experiments()[0].id

    def nonce(self) -> str:
        """A nonce no call has used."""
        return f"{self.name} {next(self.calls)}"

    def plan(self, n: int) -> bool:
        """Reserves and proposes; False when there was nothing to propose."""
        nonce = self.nonce()
        reserved = self.store.reserve(self.e, n, self.name, nonce, self.lease)
        pairs = [(r.number, Proposal(configuration(r.number), "random", r.ordinal)) for r in reserved]
        return bool(pairs) and self.store.propose(self.e, nonce, pairs) > 0

    def recover(self) -> None:
        """Gives trials back whose leases ran out."""
        for held in self.store.held(self.e):
            if held.lapsed and self.store.adopt(held.id, held.worker, self.name, self.lease):
                self.store.finish(held.id, LOST, again=True)

    def run_one(self) -> bool:
        """Claims, reports and finishes one trial; False when there was none."""
        claims = self.store.claim(self.e, 1, self.name, self.nonce(), self.lease)
        for claim in claims:
            id = claim.id
            self.ledger.note("claimed", id.trial, id.attempt)
            sent = points(*(id.trial + k / 8 for k in range(3)))
            if self.store.report(id, 0, sent) is Verdict.ACCEPTED:
                self.ledger.note("reported", id.trial, id.attempt, len(sent))
            value = int.from_bytes(os.urandom(6), "big") / 2**48
            self.ledger.note("finishing", id.trial, id.attempt, value)
            verdict = self.store.finish(id, Result(Outcome.SUCCEEDED, "the program ended", value, 0))
            self.ledger.note("finished", id.trial, id.attempt, value, verdict.value)
        return bool(claims)

    def work(self, batch: int = 4) -> None:
        """Works until as many trials are finished as were asked for."""
        while True:
            if self.run_one() or self.plan(batch):
                continue
            record = self.store.experiment(self.e)
            if record.is_met or record.wish is not Wish.RUN:
                return
            self.recover()


def audit(store: Store, e: int, lines: list[list[Any]]) -> dict[str, int]:
    """Compares the record with what the ledger says was acknowledged. Every figure should be zero."""
    record, trials = store.experiment(e), store.trials(e)
    done = [line for line in lines if line[0] == "finished" and line[4] == "accepted"]
    missing = 0
    for _, number, attempt, value, _ in done:
        result, kept = store.trial(e, number).result, store.attempts(e, number)[attempt - 1].result
        missing += result is None or kept is None or not result.value == kept.value == value
    for _, number, attempt, n in (line for line in lines if line[0] == "reported"):
        missing += len(store.points(e, number, attempt=attempt)) < n
    finishes = [event.trial for event in store.events(experiment=e) if event.kind == "finished"]
    counts = [record.reserved, record.queued, record.running, record.waiting, record.finished]
    states = list(TrialState)
    kinds = [record.reserved, *(sum(t.state is state for t in trials) for state in states[1:])]
    return {
        "lost": record.trials
        - record.finished
        + len(set(range(1, record.trials + 1)) ^ {t.number for t in trials}),
        "acked_missing": missing,
        "accepted_twice": len(done) - len({line[1] for line in done}) + len(finishes) - len(set(finishes)),
        "left_leased": record.running + record.reserved + record.queued,
        "counters_wrong": sum(a != b for a, b in zip(counts, kinds, strict=True)),
    }
