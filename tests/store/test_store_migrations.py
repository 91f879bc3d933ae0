"""F20: databases of every release open and are brought up to date; a kill in the middle leaves the older one.

`data/v1.db` was made by the first release and `data/v2.db` when results began to have several objectives, each by running
this file as a program. A released migration is never edited; `test_a_fresh_store_has_the_schema_of_a_migrated_one`
notices.
"""

import shutil
import sqlite3
from contextlib import closing
from math import inf
from pathlib import Path

import pytest

from luthier.clock import FakeClock
from luthier.errors import SchemaError, StoreError
from luthier.store import Verdict, open_store
from luthier.store import sqlite_connection as connections
from luthier.store.migrate import migrate as really_migrate
from luthier.store.sqlite import SqliteStore
from luthier.store.statements import migrations, statements
from luthier.testing.faults import die, fork, record, wait
from luthier.testing.store_scene import configuration, describe, ended, fingerprint, points
from luthier.testing.store_worker import LOST
from luthier.trial import AttemptId, Outcome, Proposal, TrialState

DATA = Path(__file__).parent / "data"
AIMS = ended(0.5)._replace(values=(0.5, inf), constraints=(-1.0,))
NEXT = """
ALTER TABLE experiment ADD COLUMN mood TEXT;
{die}
CREATE TABLE feeling (trial INTEGER PRIMARY KEY, strength REAL);
INSERT INTO feeling SELECT id, 1.0 FROM trial;
"""


def write_first_release(path: Path) -> None:
    """What the fixture holds: every table has rows, every state but `waiting` has a trial."""
    with closing(SqliteStore(path, FakeClock())) as store:
        e = store.open_experiment(describe(6, name="first"))[0].id
        store.reserve(e, 4, "w", "r1")
        pairs = [(k, Proposal(configuration(k), "random", k, 1, 0.5, 0.25)) for k in (1, 2, 3)]
        store.propose(e, "r1", pairs)
        store.enqueue(e, [configuration(99)], "q1")
        store.claim(e, 3, "w", "c1")
        store.note_command(AttemptId(e, 5, 1), ["python", "train.py", "--rate=0.1"])
        store.report(AttemptId(e, 5, 1), 0, points(3.0, float("nan"), 1.0))
        store.finish(AttemptId(e, 5, 1), ended(float("nan")))
        store.finish(AttemptId(e, 1, 1), LOST, again=True)
        store.finish(AttemptId(e, 1, 1), ended(0.1))
        store.claim(e, 1, "w", "c2")
        store.finish(AttemptId(e, 1, 2), ended(0.125))
        store.open_experiment(describe(None, seed=7))


def write_second_release(path: Path) -> None:
    """What the first release had, and results with several objectives and constraints."""
    write_first_release(path)
    with closing(SqliteStore(path, FakeClock())) as store:
        e = store.open_experiment(describe(3, project="/aims"))[0].id
        store.enqueue(e, [configuration(k) for k in (1, 2)], "q2")
        store.claim(e, 2, "w", "c3")
        store.finish(AttemptId(e, 1, 1), AIMS)
        store.finish(AttemptId(e, 2, 1), LOST, again=True)


def schema(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(DATA / "v1.db", tmp_path / "store.db"))


@pytest.fixture(params=["v1.db", "v2.db"])
def any_old(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return Path(shutil.copy(DATA / request.param, tmp_path / "store.db"))


def test_every_release_opens_and_goes_on(any_old: Path) -> None:
    with closing(SqliteStore(any_old, FakeClock())) as store:
        record = store.experiment(1)
        assert (record.description.name, record.seed, record.target) == ("first", 0, 6)
        assert {t.number: t.state for t in store.trials(1)} == {
            1: TrialState.FINISHED,
            2: TrialState.RUNNING,
            3: TrialState.QUEUED,
            5: TrialState.FINISHED,
        }
        assert (record.reserved, record.finished, record.succeeded) == (1, 2, 2)
        first = store.trial(1, 1)
        assert first.proposal == Proposal(configuration(1), "random", 1, 1, 0.5, 0.25)
        assert first.result == ended(0.125)
        assert [a.result.outcome for a in store.attempts(1, 1) if a.result] == [
            Outcome.LOST,
            Outcome.SUCCEEDED,
        ]
        assert store.attempts(1, 5)[0].command == ("python", "train.py", "--rate=0.1")
        assert [point.step for point in store.points(1, 5, "loss")] == [1.0, 2.0, 3.0]
        assert store.experiment(2).seed == 7
        assert "stale" in [event.kind for event in store.events()]
        assert store.finish(AttemptId(1, 2, 1), ended(0.5)) is Verdict.ACCEPTED
        assert len(store.claim(1, 9, "w", "c1")) == 0
        assert len(store.claim(1, 9, "w", "c9")) == 1


def test_the_second_release_keeps_its_aims_and_its_trials_begin_at_the_first_stage(tmp_path: Path) -> None:
    path = Path(shutil.copy(DATA / "v2.db", tmp_path / "store.db"))
    with closing(SqliteStore(path, FakeClock())) as store:
        assert store.trial(3, 1).result == AIMS == store.attempts(3, 1)[0].result
        assert {trial.stage for trial in store.trials(3)} == {0}
        (claim,) = store.claim(3, 1, "w", "c9")
        assert (claim.id, claim.stage) == (AttemptId(3, 2, 2), 0)
        store.finish(claim.id, AIMS, pause=True)
        assert store.promote(3, 2)
        (claim,) = store.claim(3, 1, "w", "c10")
        assert (claim.id, claim.stage) == (AttemptId(3, 2, 3), 1)
        assert [attempt.stage for attempt in store.attempts(3, 2)] == [0, 0, 1]


def test_a_fresh_store_has_the_schema_of_a_migrated_one(any_old: Path, tmp_path: Path) -> None:
    SqliteStore(any_old).close()
    SqliteStore(tmp_path / "fresh.db").close()
    assert schema(any_old) == schema(tmp_path / "fresh.db")
    for version in (1, 2):
        with closing(sqlite3.connect(DATA / f"v{version}.db")) as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == version


def give(monkeypatch: pytest.MonkeyPatch, *steps: tuple[int, str]) -> None:
    """Has this process know these migrations."""
    monkeypatch.setattr(connections, "migrations", lambda _: list(steps))


@pytest.mark.fault
def test_a_kill_in_the_middle_of_a_migration_leaves_the_older_schema(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqliteStore(old, FakeClock())) as store:
        want = fingerprint(store)
    known = migrations("sqlite")
    first, n = known[0], len(known)
    second, third = (n + 1, NEXT.format(die="")), (n + 2, "CREATE TABLE third (a);")
    deaths = [
        ([(1, "SELECT die();" + first[1])], 0, tmp_path / "fresh1.db"),
        ([(1, first[1] + "SELECT die();")], 0, tmp_path / "fresh2.db"),
        ([*known[:-1], (n, known[-1][1] + "SELECT die();")], 0, tmp_path / "fresh3.db"),
        ([*known, (n + 1, NEXT.format(die="SELECT die();"))], n, old),
        ([*known, second, (n + 2, "SELECT die();" + third[1])], n + 1, old),
        ([*known, second, (n + 2, third[1] + "SELECT die();")], n + 1, old),
    ]

    def armed(db: sqlite3.Connection, steps: list[tuple[int, str]], place: str) -> None:
        db.create_function("die", 0, die)
        really_migrate(db, steps, place)

    for steps, left, path in deaths:

        def body(steps: list = steps, path: Path = path) -> None:
            give(monkeypatch, *steps)
            monkeypatch.setattr(connections, "migrate", armed)
            SqliteStore(path)

        assert wait(fork(body)) == -9
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == left
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    give(monkeypatch, *known, second, third)
    for path in (*(tmp_path / f"fresh{k}.db" for k in (1, 2, 3)), old):
        with closing(SqliteStore(path, FakeClock())) as store:
            found = fingerprint(store)
            store.enqueue(store.open_experiment(describe())[0].id, [configuration(1)], "n")
    record("F20 store, killed in a migration", kills=len(deaths), differing=int(found != want))
    assert found == want


def test_a_migration_that_fails_is_undone(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = migrations("sqlite")[0]
    before = schema(old)
    give(monkeypatch, first, (2, NEXT.format(die="SELECT * FROM missing;")))
    with pytest.raises(StoreError, match="no such table: missing"):
        SqliteStore(old)
    assert schema(old) == before
    monkeypatch.undo()
    SqliteStore(old).close()


def test_an_older_store_is_not_migrated_by_looking_at_it(any_old: Path) -> None:
    before = schema(any_old)
    with pytest.raises(SchemaError, match="an older Luthier .* run luthier doctor to bring it up to date"):
        open_store(any_old.parent, read_only=True)
    assert schema(any_old) == before
    open_store(any_old.parent).close()
    open_store(any_old.parent, read_only=True).close()


def test_many_may_make_a_new_store_at_once(tmp_path: Path) -> None:
    pids = [fork(lambda: SqliteStore(tmp_path / "new" / "store.db").close()) for _ in range(16)]
    assert [wait(pid) for pid in pids] == [0] * 16


def test_every_statement_has_a_purpose_and_a_user() -> None:
    """A named statement that no code asks for is dead; so is one that one database has and the other has not."""
    code = "".join(file.read_text() for file in Path(connections.__file__).parent.glob("*.py"))
    unused = [name for name in statements("sqlite") if f'"{name}"' not in code]
    assert [name for name in unused if not name.startswith(("remove_", "copy_", "put_"))] == []
    assert list(statements("postgres")) == list(statements("sqlite"))


if __name__ == "__main__":
    write_second_release(DATA / "v2.db")
