"""Gradient's page on a PostgreSQL store: one of its two workers is killed in the middle of a trial, and the search completes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from luthier.store.postgres import PostgresStore
from luthier.testing.postgres import Server, running
from luthier.trial import Outcome

SEARCH = """
    from gradient_sdk import hyper_tune
    from hyperopt import hp, tpe
    from network import train
    hyper_tune(train, {"rate": hp.uniform("rate", 0.0, 1.0)}, algo=tpe.suggest, max_evals=6)
"""
NETWORK = """
    import os, signal

    def train(point):
        try:
            os.close(os.open(os.environ["MARK"], os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return point["rate"]
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
"""
WORKER = 'hyperopt-mongo-worker --mongo "$MONGO_DB_HOST:$MONGO_DB_PORT/$EXPERIMENT_NAME" --exp-key="$EXPERIMENT_NAME" --poll-interval=0.1'


@pytest.fixture
def server() -> Server:
    return running()


@pytest.mark.fault
def test_check_36_a_killed_worker_costs_the_page_s_search_nothing(server: Server, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name, text in (("search.py", SEARCH), ("network.py", NETWORK)):
        (project / name).write_text(textwrap.dedent(text))
    server.empty("pages")
    url = server.tcp_url("pages")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LUTHIER_")}
    env = {**plain, "LUTHIER_STORE": url, "LUTHIER_CONTAINER_ENGINE": "none", "MARK": str(tmp_path / "mark")}

    def luthier(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "luthier", "gradient", *words],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done
        return done.stdout

    said = luthier(
        *("experiments", "hyperparameters", "run", "--name", "one", "--projectId", "p"),
        *("--tuningCommand", "python search.py", "--workerCommand", WORKER, "--workerCount", "2"),
        *("--workerContainer", "image", "--workerMachineType", "K80", "--workspace", str(project)),
    )
    logs = luthier("experiments", "logs", "--id", said.split()[4], "--follow")
    with closing(PostgresStore(url, read_only=True)) as store:
        (record,) = store.experiments()
        attempts = [one for n in range(1, 7) for one in store.attempts(record.id, n)]
    assert (record.finished, record.succeeded) == (6, 6), logs
    lost = [one for one in attempts if one.result and one.result.outcome is Outcome.LOST]
    assert len(lost) == 1 and len(attempts) == 7, logs
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size < 10**6]
    assert not [path for path in kept if server.password.encode() in path.read_bytes()]
