"""What only a store on a server has: an address with a password, a schema beside other programs' tables, migrations that many
start at once, a session that may only read."""

import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from keeping import PostgresKeeper

from luthier.clock import FakeClock
from luthier.errors import NotFound, SchemaError, StoreError, StoreUnavailable, UsageError
from luthier.store import postgres_connection
from luthier.store.postgres import PostgresStore
from luthier.store.postgres_migrate import migrate
from luthier.store.statements import migrations, statements
from luthier.testing.faults import fork, record, wait
from luthier.testing.postgres import Server, running
from luthier.testing.store_scene import configuration, describe, ended, fingerprint
from luthier.trial import AttemptId

SECRET = "s3cr:t@/%"
NEXT = (2, "ALTER TABLE experiment ADD COLUMN mood text; CREATE TABLE feeling (trial bigint PRIMARY KEY)")


@pytest.fixture
def server() -> Server:
    return running()


@pytest.fixture
def fresh(server: Server) -> Iterator[str]:
    """A database of this test's own, in which there is nothing at all."""
    name = f"fresh_{secrets.token_hex(4)}"
    server.session().execute(f'CREATE DATABASE "{name}"')
    yield name
    server.session(name).close()
    server.session().execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def whole(error: BaseException) -> str:
    """All that a traceback would show of an error and what it came from."""
    found: list[str] = []
    at: BaseException | None = error
    while at is not None:
        found.append(f"{type(at).__name__} {at!r} {at}")
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "\n".join(found)


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://ann:s3cret@db:5433/lab", "postgresql://ann:***@db:5433/lab"),
        ("postgres://ann:s3cret@db/lab?sslmode=require&password=s3cret", "postgresql://ann:***@db/lab"),
        ("postgresql:///lab?host=/run/pg&user=ann&password=s3cret", "postgresql://ann:***@%2Frun%2Fpg/lab"),
        ("postgresql://ann@[::1]:5432/lab", "postgresql://ann@[::1]:5432/lab"),
        ("postgresql://one:1,two:2/lab", "postgresql://one:1,two:2/lab"),
        ("postgresql://", "postgresql:///"),
    ],
)
def test_a_name_has_no_password(url: str, name: str) -> None:
    from luthier.store.postgres_address import address, masked

    assert masked(address(url)) == name


def test_a_password_is_in_no_text(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    quoted = "s3cr%3At%40%2F%25"
    place = f"127.0.0.1:{server.port}/contract"
    for url, kind in [
        (f"postgresql://luthier:{quoted}@{place}", StoreError),  # not the password
        (f"postgresql://luthier:{SECRET}@{place}", UsageError),  # not a URL
        (f"postgresql://luthier:{quoted}@127.0.0.1:1/contract", StoreUnavailable),  # nobody there
        (f"postgresql://luthier:{quoted}@{place}?nonsense=1", UsageError),
    ]:
        with pytest.raises(kind) as caught:
            PostgresStore(url, patience_seconds=0.0)
        text = whole(caught.value)
        assert SECRET not in text and quoted not in text and "s3cr" not in text
    assert "s3cr" not in "".join(capsys.readouterr())
    server.empty("contract")
    with closing(PostgresStore(server.tcp_url("contract"))) as store:
        with pytest.raises(NotFound) as missing:
            store.experiment(7)
        shown = [repr(store), store.connection.name, str(missing.value), repr(store.connection)]
    assert not any(server.password in text for text in shown)
    assert f"no experiment 7 in postgresql://luthier:***@{place}" in str(missing.value)


def test_what_a_url_leaves_open_comes_from_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.empty("contract")
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(server.port))
    monkeypatch.setenv("PGUSER", "luthier")
    with pytest.raises(StoreError, match="no password supplied"):
        PostgresStore("postgresql:///contract")
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:{server.port}:*:luthier:{server.password}\n", encoding="ascii")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    PostgresStore("postgresql:///contract").close()
    PostgresStore("postgres:///contract?application_name=mine").close()


def test_a_server_that_is_not_there_is_waited_for_and_named() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        PostgresStore("postgresql://ann@127.0.0.1:1/lab", patience_seconds=0.05)
    assert re.fullmatch(
        r"the store postgresql://ann@127\.0\.0\.1:1/lab can't be reached: .*[Cc]onnection refused.*; nothing acknowledged is "
        r"lost, see that the server runs and run the same command again",
        str(caught.value),
    )
    assert isinstance(caught.value, StoreError) and caught.value.exit_code == 3


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"needs the package psycopg .* pip install 'luthier\[postgres\]'"):
        PostgresStore("postgresql:///lab")


def test_sqlite_needs_no_psycopg() -> None:
    code = "import sys, luthier.store.sqlite; sys.exit(any('psycopg' in name for name in sys.modules))"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0


# ------------------------------------------------------------------ reading only


def test_a_store_opened_to_be_read_can_not_write(server: Server) -> None:
    url = server.empty("contract")
    with closing(PostgresStore(url)) as store:
        e = store.open_experiment(describe())[0].id
        with closing(PostgresStore(url, read_only=True)) as view:
            assert fingerprint(view) == fingerprint(store)
            with pytest.raises(StoreError, match="opened to be read"):
                view.enqueue(e, [configuration(1)], "q")
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                view.connection._session.execute("UPDATE experiment SET target = 5")
            assert view.experiment(e).target == 10


def test_there_is_nothing_to_read_before_the_first_search(server: Server, fresh: str) -> None:
    with pytest.raises(NotFound, match=f"there is no store at postgresql://.*/{fresh}"):
        PostgresStore(server.url(fresh), read_only=True)
    assert tables(server, fresh) == []


def test_a_store_is_not_carried_across_a_fork(server: Server) -> None:
    with closing(PostgresStore(server.empty("contract"))) as store:

        def child() -> None:
            with pytest.raises(StoreError, match="opened before a fork"):
                store.revision()

        assert wait(fork(child)) == 0
        assert store.revision() == 0


# ------------------------------------------------------------------ schemas


def tables(server: Server, database: str) -> list[tuple[str, ...]]:
    """Every column of every table that is not the server's own."""
    return (
        server.session(database)
        .execute(
            "SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3"
        )
        .fetchall()
    )


def version(server: Server, database: str) -> int:
    """The number of the newest migration that was committed."""
    session = server.session(database)
    if session.execute("SELECT to_regclass('luthier.schema_version')").fetchone()[0] is None:
        return 0
    return int(session.execute("SELECT number FROM luthier.schema_version").fetchone()[0])


def give(monkeypatch: pytest.MonkeyPatch, *steps: tuple[int, str]) -> None:
    """Has this process know these migrations."""
    monkeypatch.setattr(
        postgres_connection, "migrate", lambda session, place: migrate(session, place, list(steps))
    )


def test_another_programs_tables_stay_as_they_are(server: Server, fresh: str) -> None:
    session = server.session(fresh)
    session.execute("CREATE TABLE trial (mine int); INSERT INTO trial VALUES (1)")
    with closing(PostgresStore(server.url(fresh))) as store:
        e = store.open_experiment(describe())[0].id
        store.enqueue(e, [configuration(1)], "q")
    assert session.execute("SELECT mine FROM public.trial").fetchall() == [(1,)]
    assert session.execute("SELECT count(*) FROM luthier.trial").fetchone() == (1,)


def test_a_schema_of_another_program_is_refused(server: Server, fresh: str) -> None:
    server.session(fresh).execute("CREATE SCHEMA luthier; CREATE TABLE luthier.trial (mine int)")
    before = tables(server, fresh)
    for read_only in (False, True):
        with pytest.raises(StoreError, match="made by another program"):
            PostgresStore(server.url(fresh), read_only=read_only)
    assert tables(server, fresh) == before


def test_a_newer_schema_is_refused_and_an_older_one_is_not_migrated_by_looking(
    server: Server, fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url(fresh)
    PostgresStore(url).close()
    session = server.session(fresh)
    for number, words in ((99, "a newer Luthier"), (0, "there is no store")):
        session.execute("UPDATE luthier.schema_version SET number = %s", [number])
        with pytest.raises((SchemaError, NotFound), match=words):
            PostgresStore(url, read_only=True)
    session.execute("UPDATE luthier.schema_version SET number = 99")
    with pytest.raises(
        SchemaError, match=r"\*?/fresh_.* written by a newer Luthier \(schema 99, .*upgrade Luthier"
    ):
        PostgresStore(url)


def test_many_may_make_a_new_store_at_once(server: Server, fresh: str) -> None:
    url = server.url(fresh)
    pids = [fork(lambda: PostgresStore(url).close()) for _ in range(16)]
    assert [wait(pid) for pid in pids] == [0] * 16
    with closing(PostgresStore(url)) as store:
        assert store.open_experiment(describe())[0].id == 1


@pytest.mark.fault
def test_a_migration_that_is_cut_off_leaves_the_older_schema(
    server: Server, fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F20. The session is ended in the middle of one; the next start goes on."""
    url, die = server.url(fresh), "SELECT pg_terminate_backend(pg_backend_pid());"
    known = migrations("postgres")
    first, number = known[0], len(known) + 1
    following = (number, NEXT[1])
    deaths = [
        ([(1, die + first[1])], 0),
        ([(1, first[1] + die)], 0),
        ([*known, (number, die + NEXT[1])], number - 1),
        ([*known, (number, NEXT[1] + ";" + die)], number - 1),
    ]
    found: Any = None
    for steps, left in deaths:
        if left and found is None:
            with closing(PostgresStore(url, FakeClock())) as store:
                e = store.open_experiment(describe())[0].id
                store.enqueue(e, [configuration(1)], "q")
                found = fingerprint(store)
        with monkeypatch.context() as patch:
            give(patch, *steps)
            with pytest.raises(StoreUnavailable):
                PostgresStore(url, patience_seconds=0.0)
        assert version(server, fresh) == left
    give(monkeypatch, *known, following)
    with closing(PostgresStore(url, FakeClock())) as store:
        after = fingerprint(store)
    record("F20 postgres, cut off in a migration", cuts=len(deaths), differing=int(after != found))
    assert after == found
    assert version(server, fresh) == number


def test_a_migration_goes_on_under_load(server: Server, fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of the older Luthier finds its verbs working before and after, in the session it has."""
    url, known = server.url(fresh), migrations("postgres")
    with closing(PostgresStore(url)) as old:
        e = old.open_experiment(describe())[0].id
        old.enqueue(e, [configuration(k) for k in range(9)], "q")
        for k in range(4):  # often enough for its statements to be prepared
            old.finish(old.claim(e, 1, "w", f"c{k}")[0].id, ended())
        give(monkeypatch, *known, (len(known) + 1, NEXT[1]))
        PostgresStore(url).close()
        for k in range(4, 8):
            old.finish(old.claim(e, 1, "w", f"c{k}")[0].id, ended())
        assert old.experiment(e).finished == 8
        assert old.trial(e, 8) == old.trials(e)[7]


# ------------------------------------------------------------------ cost


def test_hot_statements_use_their_index(tmp_path: Path) -> None:
    keeper = PostgresKeeper(tmp_path)
    with closing(keeper()) as store:
        e = store.open_experiment(describe(None))[0].id
        store.enqueue(e, [configuration(k) for k in range(3000)], "q")
        for id in (claim.id for claim in store.claim(e, 60, "w", "c")):
            store.finish(AttemptId(*id), ended(id.trial / 64))
    session = running().session("moving")
    session.execute("ANALYZE")
    session.execute("SET search_path = luthier")
    values = {"experiment": e, "limit": 20, "offset": 0, "since": 10**6, "n": 2, "worker": "w", "nonce": "c"}
    values |= {"lease_seconds": 60.0, "time": 0.0, "number": 1, "attempt": 1}
    used = {
        "claim": "trial_queue",
        "held": "trial_running",
        "repeated_claim": "trial_(running|leases)",  # both have only what runs
        "lapsed": "trial_leases",
        "best_up": "trial_by_value",
        "changed_trials": "trial_by_revision",
        "newest_revision": "event_pkey",
        "read_trial": "trial_experiment_number_key",
    }
    for name, index in used.items():
        plan = session.execute("EXPLAIN " + statements("postgres")[name], values).fetchall()
        assert any(re.search(index, row[0]) for row in plan), (name, plan)
    session.execute("RESET search_path")
