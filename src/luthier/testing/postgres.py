"""A PostgreSQL server of the tests' own: started in a temporary folder when the first test asks, stopped with the last.

    server = running()                      # one a process; raises pytest's Skipped where PostgreSQL is not installed
    url = server.empty("crowd")             # a database with nothing in it, over a Unix socket
    clock = server.hand("crowd")            # a FakeClock whose seconds are that database's server's too

It listens on a socket in its folder and on a loopback port with a password, refuses nothing that production has switched
on (`fsync` is), and runs as an unprivileged user where the tests run as root, because it refuses root. The kernel ends it
when the tests are killed.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from luthier.clock import FakeClock
from luthier.store.postgres import PostgresStore

__all__ = ["Server", "ServerHand", "running", "stop_running"]

_PATIENCE_SECONDS = 60.0
_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "128MB",
    "min_wal_size": "32MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
_EMPTY = """
DELETE FROM luthier.point; DELETE FROM luthier.summary; DELETE FROM luthier.attempt; DELETE FROM luthier.trial;
DELETE FROM luthier.metric; DELETE FROM luthier.description; DELETE FROM luthier.ran_with;
DELETE FROM luthier.provenance; DELETE FROM luthier.worker; DELETE FROM luthier.blob; DELETE FROM luthier.heard; DELETE FROM luthier.event; DELETE FROM luthier.experiment;
UPDATE luthier.newest SET experiment = 0, trial = 0;
"""


class ServerHand(FakeClock):
    """A clock turned by hand, whose seconds are those of one database's server. A boot of the machine is none of the
    server's."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session
        self._turn()

    def advance(self, seconds: float) -> None:
        """Moves this clock and the server's on."""
        super().advance(seconds)
        self._turn()

    def reboot(self, boot_id: str) -> None:
        """Begins another boot of the client. Its time since boot goes on, as that of its store's process does."""
        self._boot_id = boot_id

    def _turn(self) -> None:
        self._session.execute(
            "UPDATE hand.hand SET seconds = %s", [1_700_000_000.0 + self.elapsed() - 1000.0]
        )


class Server:
    """One server, its folder, and the sessions with which tests prepare databases. Not started by making it."""

    def __init__(self) -> None:
        self.folder = Path(
            tempfile.mkdtemp(
                prefix="luthier-postgres-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None
            )
        )
        self.password = secrets.token_hex(8)
        self.port = _free_port()
        self._user = "postgres" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._sessions: dict[str, Any] = {}
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def make(self) -> None:
        """Makes the server's files."""
        secret = self.folder / "password"
        secret.write_text(self.password, encoding="ascii")
        secret.chmod(0o644)
        options = (
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        self._call("initdb", "-D", str(self.folder / "data"), "-U", "luthier", f"--pwfile={secret}", *options)

    def _call(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [_program(program), *words],
            user=self._user,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout.decode()}")

    def start(self) -> None:
        """Starts the server and returns when it answers; also after `crash`, on the same files and the same port."""
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        words = [
            "-D",
            str(self.folder / "data"),
            "-k",
            str(self.folder),
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
        ]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), *words, *settings],
                user=self._user,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (one system call, no lock)
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def crash(self) -> None:
        """Ends the server as `pg_ctl -m immediate` does: nothing is finished, nothing is written, recovery is due."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """Ends the server and forgets its files."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        self._end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_PATIENCE_SECONDS)
            self._process = None

    # ------------------------------------------------------------------ databases

    def url(self, database: str) -> str:
        """A database over the socket, without a password."""
        return f"postgresql://luthier@/{database}?host={self.folder}&port={self.port}"

    def tcp_url(self, database: str, port: int | None = None) -> str:
        """A database over loopback, with a password; with `port`, through whatever listens there."""
        return f"postgresql://luthier:{self.password}@127.0.0.1:{port or self.port}/{database}"

    def session(self, database: str = "postgres") -> Any:
        """A session of the tests' own, which commits by itself."""
        import psycopg

        known = self._sessions.get(database)
        if known is None or not _is_alive(known):
            known = psycopg.connect(self.url(database), autocommit=True)
            self._sessions[database] = known
        return known

    def empty(self, database: str) -> str:
        """A database with an empty store, made when it is first asked for. Returns its URL."""
        found = self.session().execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        if not found:
            self.session().execute(f'CREATE DATABASE "{database}"')
            PostgresStore(self.url(database)).close()
        self.session(database).execute(_EMPTY)  # one transaction
        return self.url(database)

    def hand(self, database: str) -> ServerHand:
        """Stops the server's clock in one database, as far as a store sees it, and gives what turns its hands."""
        session = self.session(database)
        session.execute("CREATE SCHEMA IF NOT EXISTS hand")
        session.execute("CREATE TABLE IF NOT EXISTS hand.hand (seconds double precision NOT NULL)")
        session.execute("INSERT INTO hand.hand SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM hand.hand)")
        session.execute(
            "CREATE OR REPLACE FUNCTION luthier.server_seconds() RETURNS double precision LANGUAGE sql VOLATILE "
            "AS 'SELECT seconds FROM hand.hand'"
        )
        session.execute("SET synchronous_commit = off")
        return ServerHand(session)


@cache
def running() -> Server:
    """The server of this process, started once."""
    if not _has("initdb") or not _has("postgres"):
        pytest.skip(
            "PostgreSQL's server is not installed; tools/install.sh installs Debian's package postgresql"
        )
    server = Server()
    try:
        server.make()
        server.start()
    except BaseException:
        server.stop()
        raise
    return server


def stop_running() -> None:
    """Stops the server of this process, if one was started."""
    if running.cache_info().currsize:
        running().stop()
        running.cache_clear()


def _has(name: str) -> bool:
    return os.path.exists(_program(name))


def _program(name: str) -> str:
    """The newest of Debian's versions, which are not on the PATH, or what is on it."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    return str(found[-1]) if found else shutil.which(name) or name


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _die_with_parent() -> None:
    """Has the kernel end the server, at once, when the process of the tests is gone."""
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


def _is_alive(session: Any) -> bool:
    """Whether a session still has its server; a crash is noticed by nobody who does not ask."""
    import psycopg

    try:
        session.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
