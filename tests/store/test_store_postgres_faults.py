"""What may happen between a worker and a PostgreSQL server: cut connections (F5), answers that never arrive (F6), a server
that dies at once and starts again (F7), clocks that are wrong (F11)."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from keeping import PostgresKeeper

from luthier.clock import FakeClock
from luthier.errors import StoreUnavailable
from luthier.store import Verdict, Wish, postgres_session
from luthier.store.postgres import PostgresStore
from luthier.testing.faults import Ledger, fork, record, scaled, wait
from luthier.testing.postgres import running
from luthier.testing.proxy import CuttingProxy
from luthier.testing.store_scene import configuration, describe, ended, points
from luthier.testing.store_worker import Worker, audit
from luthier.trial import Outcome, Proposal, TrialState

pytestmark = pytest.mark.fault


@pytest.fixture
def keeper(tmp_path: Path) -> PostgresKeeper:
    return PostgresKeeper(tmp_path)


def open_experiment(keeper: PostgresKeeper, trials: int | None = None) -> int:
    with closing(keeper()) as store:
        return store.open_experiment(describe(trials))[0].id


@contextmanager
def at_work(keeper: PostgresKeeper, ledger: Ledger, n: int = 4) -> Iterator[None]:
    """Has `n` processes work while the body does harm; then ends the search and checks that none of them died of it."""

    def work() -> None:
        Worker(keeper(), ledger).work()

    pids = [fork(work) for _ in range(n)]
    try:
        yield
        with closing(keeper()) as store, store.together():
            store.open_experiment(describe(store.experiments()[0].trials))
        ends = [wait(pid) for pid in pids]
        pids.clear()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            wait(pid)
    assert ends == [0] * n


def until_finished(ledger: Ledger, more: int) -> None:
    """Waits until so many trials more are finished than are now."""
    wanted = more + sum(line[0] == "finished" for line in ledger.lines())
    while sum(line[0] == "finished" for line in ledger.lines()) < wanted:
        time.sleep(0.01)


def test_f5_connections_are_cut(keeper: PostgresKeeper, tmp_path: Path) -> None:
    ledger, dice = Ledger(tmp_path / "ledger"), random.Random(5)
    e, cuts, wanted = open_experiment(keeper), 0, scaled(200, 10_000)
    session = running().session()
    with at_work(keeper, ledger):
        while cuts < wanted:
            time.sleep(dice.uniform(0.0, 0.03))  # the fault is a random moment; nothing waits for it
            sql = "SELECT pid FROM pg_stat_activity WHERE datname = 'moving' AND application_name = 'luthier'"
            pids = [row[0] for row in session.execute(sql).fetchall()]
            if pids:
                cuts += session.execute("SELECT pg_terminate_backend(%s)", [dice.choice(pids)]).fetchone()[0]
        until_finished(ledger, 1)
    with closing(keeper()) as store:
        found, trials = audit(store, e, ledger.lines()), store.experiment(e).trials
    record("F5 postgres, connections cut", cuts=cuts, trials=trials, dead_workers=0, **found)
    assert not any(found.values())


def test_f6_the_answer_to_a_commit_is_lost(keeper: PostgresKeeper) -> None:
    """Every verb is answered as if nothing had been cut, and has its effect once. Reports take no number of their
    transaction: they are told that they were accepted before."""
    server, cuts = running(), scaled(50, 1000)
    with CuttingProxy(server.port) as proxy:
        with closing(PostgresStore(server.tcp_url("moving", proxy.port))) as store:
            wrong: list[object] = []

            def cut(verb: object, want: object) -> object:
                proxy.cut_next_commit(after_answer=proxy.cuts % 2 == 0)
                got = verb()  # type: ignore[operator]
                if want is not None and got != want:
                    wrong.append((got, want))
                return got

            e = cut(lambda: store.open_experiment(describe(None)), None)[0].id  # type: ignore[index]
            turn = 0
            while proxy.cuts < cuts:
                turn += 1
                reserved = cut(lambda: store.reserve(e, 1, "w", f"r{turn}"), None)  # noqa: B023
                pairs = [(r.number, Proposal(configuration(turn), "random", r.ordinal)) for r in reserved]  # type: ignore[attr-defined]
                cut(lambda: store.propose(e, f"r{turn}", pairs), 1)  # noqa: B023
                (claim,) = cut(lambda: store.claim(e, 1, "w", f"c{turn}"), None)  # type: ignore[misc] # noqa: B023
                cut(lambda: store.renew([claim.id], "w"), [])  # noqa: B023
                cut(lambda: store.report(claim.id, 0, points(1.0)), Verdict.REPEATED)  # noqa: B023
                cut(lambda: store.finish(claim.id, ended()), Verdict.ACCEPTED)  # noqa: B023
                cut(lambda: store.set_wish(e, Wish.PAUSE), True)
                cut(lambda: store.set_wish(e, Wish.RUN), True)
            kinds = [event.kind for event in store.events()]
            record_of = store.experiment(e)
            counted = [len(store.points(e, k)) for k in range(1, turn + 1)]
    resolved_twice = sum(kinds.count(kind) - turn for kind in ("proposed", "claimed", "finished"))
    record("F6 postgres, answers to COMMIT lost", cuts=proxy.cuts, wrong=len(wrong), twice=resolved_twice)
    assert wrong == [] and resolved_twice == 0
    assert kinds.count("created") == 1 and kinds.count("wished") == 2 * turn
    assert (record_of.finished, record_of.trials) == (turn, turn) and counted == [1] * turn


def test_f7_the_server_dies_and_starts_again(keeper: PostgresKeeper, tmp_path: Path) -> None:
    server, ledger, crashes = running(), Ledger(tmp_path / "ledger"), scaled(2, 50)
    e, resumed = open_experiment(keeper), []
    with at_work(keeper, ledger):
        for _ in range(crashes):
            until_finished(ledger, 5)
            server.crash()
            server.start()
            begun = time.monotonic()
            until_finished(ledger, 1)
            resumed.append(time.monotonic() - begun)
    with closing(keeper()) as store:
        found, trials = audit(store, e, ledger.lines()), store.experiment(e).trials
    longest = round(max(resumed), 2)
    record(
        "F7 postgres, dies and starts again", crashes=crashes, trials=trials, resumed_within=longest, **found
    )
    assert not any(found.values())


@pytest.mark.parametrize("wrong_by", [3600.0, -3600.0, 4e8, -1.6e9])
def test_f11_the_clock_of_a_host_is_wrong(keeper: PostgresKeeper, wrong_by: float) -> None:
    """Neither a lease nor a time that is written rests on the client's clock; somebody sets it in between."""
    hand, premature = keeper.clock(), 0
    here = FakeClock(hand.now() + wrong_by)
    with closing(keeper(here)) as wrong, closing(keeper(hand)) as right:
        e = right.open_experiment(describe(None))[0].id
        for turn in range(scaled(5, 50)):
            right.enqueue(e, [configuration(turn)], f"q{turn}")
            (claim,) = wrong.claim(e, 1, "w", f"c{turn}")
            assert right.trial(e, claim.id.trial).began == hand.now()
            here.step_wall(-2 * wrong_by if turn % 2 else 2 * wrong_by)
            hand.advance(59.0)
            here.advance(59.0)
            premature += right.held(e)[0].lapsed + wrong.held(e)[0].lapsed
            assert wrong.renew([claim.id], "w") == []
            hand.advance(59.0)
            here.advance(59.0)
            premature += right.held(e)[0].lapsed
            hand.advance(1.5)
            here.advance(1.5)
            assert right.held(e)[0].lapsed and wrong.held(e)[0].lapsed
            assert wrong.finish(claim.id, ended()) is Verdict.ACCEPTED
            assert right.attempts(e, claim.id.trial)[0].ended == hand.now()
    record("F11 postgres, a host's clock is wrong", by_seconds=wrong_by, premature_reclaims=premature)
    assert premature == 0


def cut_off(store: PostgresStore) -> None:
    """Ends the session of a store from the server's side, and waits until it is gone."""
    pid = store.connection._session.info.backend_pid
    session = running().session()
    session.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def test_verbs_together_fail_as_one_when_the_connection_is_lost(keeper: PostgresKeeper) -> None:
    with closing(keeper()) as store:
        assert isinstance(store, PostgresStore)
        e = store.open_experiment(describe(None))[0].id
        store.enqueue(e, [configuration(k) for k in range(2)], "q")
        first, second = (claim.id for claim in store.claim(e, 2, "w", "c"))
        before = store.revision()
        with pytest.raises(StoreUnavailable):
            with store.together():
                assert store.finish(first, ended()) is Verdict.ACCEPTED
                cut_off(store)
                store.finish(second, ended())
        assert store.revision() == before and store.experiment(e).running == 2
        cut_off(store)
        with store.together():  # a session that was lost before it began is nobody's loss
            assert store.finish(first, ended()) is Verdict.ACCEPTED
        cut_off(store)
        assert store.trial(e, first.trial).state is TrialState.FINISHED


def test_a_swallowed_loss_is_not_a_commit(keeper: PostgresKeeper) -> None:
    with closing(keeper()) as store:
        assert isinstance(store, PostgresStore)
        e = store.open_experiment(describe(None))[0].id
        with pytest.raises(StoreUnavailable):
            with store.together():
                store.enqueue(e, [configuration(1)], "q1")
                cut_off(store)
                with pytest.raises(StoreUnavailable):
                    store.enqueue(e, [configuration(2)], "q2")
        assert store.trials(e) == []


def test_deadlocked_verbs_come_again(keeper: PostgresKeeper) -> None:
    """Another program takes the same rows the other way round."""
    other = running().session("moving")
    with closing(keeper()) as store:
        e = store.open_experiment(describe(None))[0].id
        store.enqueue(e, [configuration(k) for k in range(2)], "q")
        first = store.claim(e, 1, "w", "c")[0].id
        answers: list[object] = []

        def finish() -> None:
            answers.append(store.finish(first, ended(None, Outcome.LOST), again=True))

        # It holds the attempt's row, which a finish takes second; then it wants the trial's, which a finish takes first.
        other.execute("BEGIN")
        other.execute("UPDATE luthier.attempt SET points = points WHERE trial = %s", [1])
        thread = Thread(target=finish)
        thread.start()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'moving'"
        )
        while other.execute(waiting).fetchone()[0] == 0:
            time.sleep(0.01)
        with suppress(psycopg.errors.DeadlockDetected):  # either of the two may be the one that is undone
            other.execute("UPDATE luthier.trial SET priority = priority WHERE id = %s", [1])
        other.execute("ROLLBACK")
        thread.join()
        assert answers == [Verdict.ACCEPTED]
        assert [trial.attempt for trial in store.trials(e)] == [1, 0]


def test_a_paused_client_does_not_hold_the_lock_for_ever(
    keeper: PostgresKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = postgres_session._SETTINGS.replace("'10s'", "'200ms'")
    monkeypatch.setattr(postgres_session, "_SETTINGS", short)
    with closing(keeper()) as paused, closing(keeper()) as other:
        e = other.open_experiment(describe(None))[0].id
        with pytest.raises(StoreUnavailable):
            with paused.together():
                paused.enqueue(e, [configuration(1)], "q1")
                assert other.enqueue(e, [configuration(2)], "q2") == [1]  # waited until the pause was over
        assert len(other.trials(e)) == 1


def test_what_is_heard_is_heard_again_when_the_ear_was_cut_off(keeper: PostgresKeeper) -> None:
    with closing(keeper()) as store, closing(keeper()) as other:
        assert isinstance(store, PostgresStore)
        e = store.open_experiment(describe(None))[0].id
        for turn in range(3):
            since = store.revision()
            while store._ear._session is None:
                assert store.wait(since, 0.05) == since
            listening = store._ear._session.info.backend_pid
            running().session().execute("SELECT pg_terminate_backend(%s, 10000)", [listening])
            thread = Thread(target=other.enqueue, args=(e, [configuration(turn)], f"q{turn}"))
            thread.start()
            assert store.wait(since, 60.0) == since + 1
            thread.join()


def test_after_a_crash_nobody_knows_how_a_commit_ended(keeper: PostgresKeeper) -> None:
    """The number of a transaction that a crash undid may be another's then, and that one's end is not this one's."""
    server = running()
    with closing(keeper()) as store:
        assert isinstance(store, PostgresStore)
        store.open_experiment(describe(None))
        number = str(store.connection._locked.fetchone()[1])
        epoch = store.connection._epoch
        cut_off(store)
        assert store.connection._was_committed(number, epoch)
        server.crash()
        server.start()
        assert not store.connection._was_committed(number, epoch)
        assert len(store.experiments()) == 1
