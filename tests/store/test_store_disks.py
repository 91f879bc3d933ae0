"""The disk is full (F9), fails, or tore the last write (F10); the file is not ours; the folder can't be written."""

import fcntl
import os
import random
import resource
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from luthier.clock import FakeClock
from luthier.errors import NotFound, SchemaError, StoreError
from luthier.store import Store, Verdict, open_store
from luthier.store import sqlite_connection as connections
from luthier.store.location import filesystem_type, refuse_network, store_folder
from luthier.store.sqlite import SqliteStore
from luthier.testing.faults import fork, kill, record, scaled, wait
from luthier.testing.store_scene import configuration, describe, ended, fingerprint, points
from luthier.trial import Proposal

NOBODY = 65534
Step = Callable[[Store], object]


def work(n: int) -> list[Step]:
    """The messages of a small search: each may be sent again when its reply was an error."""
    steps: list[Step] = [lambda s: s.open_experiment(describe(n))]
    for k in range(1, n + 1):
        steps += [
            lambda s, k=k: s.reserve(1, 1, "w", f"r{k}"),
            lambda s, k=k: s.propose(1, f"r{k}", [(k, Proposal(configuration(k), "random", k))]),
            lambda s, k=k: s.claim(1, 1, "w", f"c{k}"),
            lambda s, k=k: s.report(s.held(1)[0].id, 0, points(*(j / 8 for j in range(40)))),
            lambda s, k=k: s.finish(s.held(1)[0].id, ended(k / 8, reason="x" * 500)),
        ]
    return steps


def golden(folder: Path, n: int) -> dict:
    with closing(SqliteStore(folder / "golden.db", FakeClock())) as store:
        for step in work(n):
            step(store)
        return fingerprint(store)


@pytest.mark.fault
def test_f9_the_disk_is_full_at_each_write(fast: Path) -> None:
    """The database may not grow by more than a page at a time; whatever fails is sent again when there is space."""
    want, refused, acked = golden(fast, 60), 0, 0
    with closing(SqliteStore(fast / "store.db", FakeClock())) as store:
        db = store._db._db
        assert db is not None
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        for step in work(60):
            while True:
                before = fingerprint(store)
                try:
                    step(store)
                    acked += 1
                    break
                except StoreError as error:
                    refused += 1
                    assert "full" in str(error) and "free some space" in str(error)
                    assert fingerprint(store) == before
                    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
                    pages += 1
                    db.execute(f"PRAGMA max_page_count = {pages}")
        found = fingerprint(store)
    record("F9 store, disk full", refused=refused, acknowledged=acked, acked_missing=int(found != want))
    assert refused >= 30
    assert found == want


@pytest.mark.fault
def test_f9_writes_to_the_log_fail(fast: Path) -> None:
    """No file may grow beyond a limit, as on a full disk; the limit is raised a little whenever a write fails."""
    want, points_hit = golden(fast, 12), fast / "refused"

    def body() -> None:
        refused = 0
        with closing(SqliteStore(fast / "store.db", FakeClock())) as store:
            limit = (fast / "store.db-wal").stat().st_size
            for step in work(12):
                while True:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
                    try:
                        step(store)
                        break
                    except StoreError:
                        refused += 1
                        limit += 3000
            assert fingerprint(store) == want
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        points_hit.write_text(str(refused))

    assert wait(fork(body)) == 0
    with closing(SqliteStore(fast / "store.db", FakeClock(), read_only=True)) as store:
        differs = fingerprint(store) != want
    refused = int(points_hit.read_text())
    record("F9 store, log can't grow", refused=refused, acked_missing=int(differs))
    assert refused >= 30
    assert not differs


@pytest.mark.fault
def test_f10_the_log_is_cut_at_random_bytes(fast: Path) -> None:
    """What was synced before the cut is there, what came after is not, and nothing in between is half there."""
    dice, n = random.Random(7), scaled(200, 10_000)
    path, wal = fast / "store.db", fast / "store.db-wal"
    sizes: list[tuple[int, int]] = []
    with closing(SqliteStore(path, FakeClock())) as store:
        assert store._db._db is not None
        store._db._db.execute("PRAGMA wal_autocheckpoint = 0")
        for step in work(12):
            step(store)
            sizes.append((wal.stat().st_size, store.revision()))
        whole = [repr(event) for event in store.events()]
        kept = fast / "kept"
        kept.mkdir()
        shutil.copy(path, kept)
        shutil.copy(wal, kept)
    broken = wrong = short = 0
    for place in range(n):
        cut = fast / f"cut {place}"
        shutil.copytree(kept, cut)
        at = dice.randrange(sizes[-1][0] + 1)
        os.truncate(cut / "store.db-wal", at)
        torn = place % 2 == 1 and at > 0
        if torn:  # the last bytes were written, but not those that were meant
            with open(cut / "store.db-wal", "r+b") as file:
                at = max(0, at - dice.randrange(1, 200))
                file.seek(at)
                file.write(os.urandom(8))
        synced = max([revision for size, revision in sizes if size <= at], default=0)
        try:
            with closing(SqliteStore(cut / "store.db", FakeClock())) as store:
                assert store._db._db is not None
                broken += store._db._db.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
                events = [repr(event) for event in store.events()]
                wrong += events != whole[: len(events)]
                short += len(events) < synced
                for e in store.experiments():
                    wrong += e.trials != len(store.trials(e.id)) + e.reserved
        except StoreError:
            broken += 1
        shutil.rmtree(cut)
    record("F10 log cut or torn", cuts=n, broken=broken, not_a_prefix=wrong, synced_missing=short)
    assert broken == wrong == short == 0


@pytest.mark.fault
def test_readers_that_never_pause_do_not_let_the_log_grow(
    fast: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite begins its log anew only when nobody reads it; overlapping readers would keep it from that for ever."""
    monkeypatch.setattr(connections, "WAL_BYTES", 2**20)
    with closing(open_store(fast, FakeClock())) as store:
        store.open_experiment(describe(None))

    def look() -> None:
        with closing(open_store(fast, read_only=True)) as view:
            while True:
                with view._db.snapshot():  # type: ignore[attr-defined]
                    view.revision()
                    time.sleep(0.005)  # a reader that takes its time

    readers = [fork(look) for _ in range(4)]
    largest = 0
    with closing(open_store(fast, FakeClock())) as store:
        for k in range(4000):
            store.enqueue(1, [configuration(k)], f"q{k}")
            largest = max(largest, (fast / "store.db-wal").stat().st_size)
    for pid in readers:
        kill(pid)
    record("log under constant reading", commits=4000, largest_log_mb=round(largest / 2**20, 1))
    assert largest < 64 * 2**20


class Boom(Exception):
    pass


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("place", ["add_event", "close_attempt", "count_ended"])
def test_a_verb_that_breaks_off_leaves_nothing(
    fast: Path, monkeypatch: pytest.MonkeyPatch, place: str, together: bool
) -> None:
    with closing(SqliteStore(fast / "store.db", FakeClock())) as store:
        for step in work(2)[:-1]:
            step(store)
        id, before = store.held(1)[0].id, fingerprint(store)
        run = store._db._run

        def break_off(name: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
            if name == place:
                raise Boom
            return run(name, values)

        def finish_and_break_off() -> None:
            with monkeypatch.context() as patch, pytest.raises(Boom):
                patch.setattr(store._db, "_run", break_off)
                store.finish(id, ended())

        if together:  # half a verb is never kept, though its error was caught
            with pytest.raises(StoreError, match="all of it was undone"), store.together():
                assert store.retry(1, 1)
                finish_and_break_off()
        else:
            finish_and_break_off()
        assert fingerprint(store) == before
        assert store.finish(id, ended()) is Verdict.ACCEPTED

        def retry_and_break_off() -> None:
            with store.together():
                store.retry(1, 1)
                assert store.history(1).trials[0].result is None
                raise Boom

        with pytest.raises(Boom):
            retry_and_break_off()
        assert store.experiment(1).finished == 2
        assert list(store.history(1).trials) == store.trials(1)


def test_writers_queue_before_they_begin(fast: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own queue is unfair, so nobody may begin to write before the lock of the side file is theirs."""
    told: list[str] = []
    flock = fcntl.flock

    def spy(fd: int, how: int) -> None:
        told.append({fcntl.LOCK_EX: "lock", fcntl.LOCK_UN: "unlock"}[how])
        flock(fd, how)

    with closing(SqliteStore(fast / "store.db", FakeClock())) as store:
        store.open_experiment(describe())
        assert store._db._db is not None
        store._db._db.set_trace_callback(lambda sql: told.append(sql) if sql.isupper() else None)
        monkeypatch.setattr(fcntl, "flock", spy)
        store.reserve(1, 1, "w", "n")
        assert told == ["lock", "BEGIN IMMEDIATE", "COMMIT", "unlock"]


def test_readers_see_whole_commits_while_a_writer_works(fast: Path) -> None:
    with closing(SqliteStore(fast / "store.db", FakeClock())) as store:
        store.open_experiment(describe(None))

        def body() -> None:
            with closing(open_store(fast, read_only=True)) as view:
                while (record := view.experiment(1)).finished < 300:
                    total = (
                        record.reserved + record.queued + record.running + record.waiting + record.finished
                    )
                    assert total == record.trials

        readers = [fork(body) for _ in range(3)]
        for k in range(150):
            store.enqueue(1, [configuration(k), configuration(k)], f"q{k}")
            for claim in store.claim(1, 2, "w", f"c{k}"):
                store.finish(claim.id, ended())
        assert [wait(pid) for pid in readers] == [0, 0, 0]


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to have a header" * 50, b"short", b"\0" * 8192]
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_another_kind_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, read_only: bool
) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"store\.db could not be opened: file is not a database; check"):
        SqliteStore(path, read_only=read_only)
    assert path.read_bytes() == content


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("version", [0, 3])
def test_the_database_of_another_program_is_refused_and_left_alone(
    tmp_path: Path, read_only: bool, version: int
) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (a)")
        db.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        SqliteStore(path, read_only=read_only)
    assert path.read_bytes() == before


def test_there_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no store at .*store\.db; run a search first"):
        open_store(tmp_path, read_only=True)
    (tmp_path / "store.db").touch()
    with pytest.raises(NotFound, match="is empty"):
        open_store(tmp_path, read_only=True)


def test_a_store_opened_to_be_read_refuses_to_write(fast: Path) -> None:
    with closing(open_store(fast)) as store:
        store.open_experiment(describe())
        with closing(open_store(fast, read_only=True)) as view:
            assert len(view.experiments()) == 1
            with pytest.raises(StoreError, match="opened to be read"):
                view.reserve(1, 1, "w", "n")
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                view._db._db.execute("DELETE FROM trial")  # type: ignore[attr-defined]


def test_a_store_is_not_carried_across_a_fork(fast: Path) -> None:
    with closing(SqliteStore(fast / "store.db")) as store:
        store.open_experiment(describe())

        def body() -> None:
            with pytest.raises(StoreError, match="before a fork"):
                store.reserve(1, 1, "w", "n")

        assert wait(fork(body)) == 0


def as_nobody(body: Callable[[], object]) -> int:
    """Runs a body as a user who may not write here."""

    def child() -> None:
        if os.getuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        body()

    return wait(fork(child))


@pytest.fixture
def sealed(fast: Path) -> Path:
    """A folder with a finished store in it, which nobody may write."""
    os.chmod(fast, 0o755)
    folder = fast / "sealed"
    with closing(open_store(folder, FakeClock())) as store:
        store.enqueue(store.open_experiment(describe())[0].id, [configuration(1)], "n")
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_a_store_in_a_folder_that_cant_be_written_is_read(sealed: Path) -> None:
    assert sorted(file.name for file in sealed.iterdir()) == [".gitignore", "store.db", "store.db-writers"]

    def body() -> None:
        with closing(open_store(sealed, read_only=True)) as view:
            assert view.experiments()[0].queued == 1
            assert view.trial(1, 1).configuration == configuration(1)

    assert as_nobody(body) == 0


def test_a_folder_that_cant_be_written_is_refused_for_writing(sealed: Path) -> None:
    def body() -> None:
        for folder in (sealed, sealed / "new"):
            with pytest.raises(StoreError, match=r"could not be opened: .*denied.*--store FOLDER"):
                open_store(folder)

    assert as_nobody(body) == 0


def test_a_log_that_cant_be_read_is_not_ignored(sealed: Path, fast: Path) -> None:
    """Without its shared index and with no place for one, a log can't be read; to leave it out would be to lie."""
    sealed.chmod(0o755)
    (sealed / "store.db").chmod(0o644)
    with closing(open_store(sealed, FakeClock())) as store:
        store.enqueue(1, [configuration(2)], "m")
        copy = fast / "copy"
        copy.mkdir()
        for name in ("store.db", "store.db-wal"):
            shutil.copy(sealed / name, copy)
    copy.chmod(0o555)

    def body() -> None:
        with pytest.raises(StoreError, match="could not be opened"):
            open_store(copy, read_only=True)

    assert as_nobody(body) == 0
    copy.chmod(0o755)
    with closing(open_store(copy, read_only=True)) as view:
        assert view.experiments()[0].queued == 2


def test_reading_needs_no_shared_memory_left_by_a_writer(fast: Path) -> None:
    with closing(open_store(fast, FakeClock())) as store:
        store.open_experiment(describe())
    assert not (fast / "store.db-shm").exists()
    with closing(open_store(fast, read_only=True)) as view:
        assert len(view.experiments()) == 1


KINDS = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "lustre",
    "gpfs",
    "fuse",
    "fuse.sshfs",
    "afs",
    "ceph",
    "9p",
    "beegfs",
]


@pytest.mark.parametrize("kind", KINDS)
def test_network_file_systems_are_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match=rf"network file system \({kind}\).*put the store on a local disk"):
        refuse_network(tmp_path, kind)
    monkeypatch.setattr(connections, "filesystem_type", lambda _: kind)
    with pytest.raises(StoreError, match="network file system"):
        SqliteStore(tmp_path / "store.db")
    assert not (tmp_path / "store.db").exists()
    monkeypatch.setenv("LUTHIER_ALLOW_NETWORK_STORE", "1")
    SqliteStore(tmp_path / "store.db").close()


@pytest.mark.parametrize("kind", [None, "ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs", "fuseblk"])
def test_local_file_systems_are_not(kind: str | None, tmp_path: Path) -> None:
    refuse_network(tmp_path, kind)


@pytest.mark.skipif(not os.path.exists("/proc/self/mountinfo"), reason="Linux tells its mounts there")
def test_the_type_of_a_real_mount_is_found(tmp_path: Path) -> None:
    assert filesystem_type(Path("/proc/self")) == "proc"
    assert filesystem_type(Path("/sys")) == "sysfs"
    assert filesystem_type(tmp_path / "not" / "there") == filesystem_type(tmp_path) is not None
    link = tmp_path / "link"
    link.symlink_to("/proc")
    assert filesystem_type(link / "self") == "proc"


def test_where_a_store_is(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert store_folder(None, inner) == inner / ".luthier"
    open_store(tmp_path / ".luthier").close()
    assert store_folder(None, inner) == tmp_path / ".luthier"
    assert (tmp_path / ".luthier" / ".gitignore").read_text() == "*\n"
    assert store_folder("runs", inner) == Path("runs")
    assert store_folder("sqlite:///x/y", inner) == Path("/x/y")
    assert store_folder("/x/store.db", inner) == Path("/x")


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "store.db").close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as db:
        db.execute("PRAGMA user_version = 99")
    for read_only in (False, True):
        with pytest.raises(
            SchemaError, match=r"newer Luthier \(schema 99, this one knows \d+\); upgrade"
        ) as caught:
            SqliteStore(tmp_path / "store.db", read_only=read_only)
        assert caught.value.exit_code == 3


def test_a_store_that_was_deleted_takes_nothing_more_and_says_so(fast: Path) -> None:
    folder = fast / ".luthier"
    with closing(open_store(folder)) as store:
        store.open_experiment(describe(3))
        folder.rename(fast / "moved")
        store.reserve(1, 1, "w", "r1")  # only moved: it is written where it is now
        shutil.rmtree(fast / "moved")
        with pytest.raises(StoreError, match="was deleted while it was in use"):
            store.reserve(1, 1, "w", "r2")
        assert not folder.exists()
