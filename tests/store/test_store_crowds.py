"""Many processes on one file: exactly the budget (F13), and nobody is told that the database is locked (F8)."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from keeping import KEEPERS, Keeper, SqliteKeeper

from luthier.testing.faults import Ledger, fork, record, scaled, wait
from luthier.testing.store_scene import describe
from luthier.testing.store_worker import Worker, audit

pytestmark = pytest.mark.fault


def new_experiment(keeper: Keeper, trials: int | None) -> int:
    with closing(keeper()) as store:
        return store.open_experiment(describe(trials), fresh=True)[0].id


CROWD = 64


def together(n: int, body: Callable[[], object]) -> list[int]:
    """Runs a body in `n` processes that all begin when the last one is there; returns how each ended."""
    there, start = os.pipe(), os.pipe()

    def child() -> None:
        os.close(start[1])
        os.write(there[1], b".")
        os.read(start[0], 1)  # ends when the parent closes its end
        body()

    pids = [fork(child) for _ in range(n)]
    for _ in range(n):
        os.read(there[0], 1)
    os.close(start[1])
    ends = [wait(pid) for pid in pids]
    for fd in (*there, start[0]):
        os.close(fd)
    return ends


@pytest.mark.parametrize("kind", list(KEEPERS))
def test_f13_sixty_four_workers_share_a_budget(tmp_path: Path, kind: str) -> None:
    for _ in range(scaled(1, 50)):
        folder = tmp_path / os.urandom(4).hex()
        folder.mkdir()
        keeper, ledger = KEEPERS[kind](folder), Ledger(folder / "ledger")
        e = new_experiment(keeper, 1000)
        begun = time.monotonic()
        ends = together(CROWD, lambda: Worker(keeper(), ledger).work(batch=8))  # noqa: B023
        took = time.monotonic() - begun
        lines = ledger.lines()
        with closing(keeper()) as store:
            found, experiment = audit(store, e, lines), store.experiment(e)
            ordinals = [t.proposal.ordinal for t in store.trials(e) if t.proposal]
        claims = sum(line[0] == "claimed" for line in lines)
        record(
            f"F13 budget race, {kind}",
            workers=CROWD,
            asked=1000,
            finished=experiment.finished,
            claims=claims,
            trials_a_second=round(1000 / took),
            **found,
        )
        assert ends == [0] * CROWD
        assert experiment.trials == experiment.finished == experiment.proposed == claims == 1000
        assert not any(found.values())
        assert ordinals == list(range(1, 1001))


def test_f8_nobody_is_locked_out(tmp_path: Path) -> None:
    keeper, ledger, waits = SqliteKeeper(tmp_path), Ledger(tmp_path / "ledger"), Ledger(tmp_path / "waits")
    n = scaled(2000, 50_000)
    e = new_experiment(keeper, n)

    class Timed(Worker):
        def run_one(self) -> bool:
            claim = self.store.claim

            def timed(*args):  # type: ignore[no-untyped-def]
                begun = time.monotonic()
                try:
                    return claim(*args)
                finally:
                    waits.note(time.monotonic() - begun)

            self.store.claim = timed  # type: ignore[method-assign]
            try:
                return super().run_one()
            finally:
                self.store.claim = claim  # type: ignore[method-assign]

    def work() -> None:
        try:
            Timed(keeper(), ledger).work(batch=32)
        except Exception as error:
            ledger.note("error", str(error))
            raise

    begun = time.monotonic()
    ends = together(CROWD, work)
    took = time.monotonic() - begun
    lines, latency = ledger.lines(), sorted(line[0] for line in waits.lines())
    errors = [line[1] for line in lines if line[0] == "error"]
    found = audit(keeper(), e, lines)
    record(
        "F8 contention",
        processes=CROWD,
        trials=n,
        locked=sum("locked" in error for error in errors),
        errors=len(errors),
        claim_p99_ms=round(1000 * latency[int(0.99 * len(latency))], 1),
        claim_max_ms=round(1000 * latency[-1], 1),
        trials_a_second=round(n / took),
        **found,
    )
    assert errors == [] and ends == [0] * CROWD
    assert not any(found.values())
