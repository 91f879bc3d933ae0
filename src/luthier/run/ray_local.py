"""Starts a Ray of this machine's own, on loopback alone, and ends it: for one command, or until `luthier ray down`.

A process of ours (`python -m luthier.run.ray_local`) holds it: when that ends, however it ends, everything of this Ray goes
with it, and nothing of any other. It ends by TERM, or once whoever started it is gone where it was `bound` to that.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from luthier.errors import LuthierError

__all__ = ["LOOPBACK", "LocalRay", "Node", "free_port"]

START_SECONDS = 180.0
END_SECONDS = 30.0
LOOPBACK = "127.0.0.1"
PLACES = "RAY_TMPDIR"
LOOPBACK_ONLY = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray listens on every address of a Linux machine, whatever it is told, unless this switches clusters of several machines
off, as they are by default on macOS."""


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


class Node(NamedTuple):
    """One node: its cores, what else it gives, and what is added to the environment of its programs."""

    cpus: float
    resources: Mapping[str, float] = {}
    variables: Mapping[str, str] = {}


class LocalRay:
    """A Ray of one or more nodes on this machine, the head first."""

    def __init__(self, log: Path, nodes: Sequence[Node], *, port: int = 0, bound: bool = True) -> None:
        self.port = port or free_port()
        self.log = log
        wanted = {"nodes": [node._asdict() for node in nodes], "port": self.port, "bound": bound}
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "luthier.run.ray_local", json.dumps(wanted)],
                stdin=subprocess.PIPE if bound else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
                env=_environment(os.environ),
                start_new_session=True,
            )

    @property
    def address(self) -> str:
        """Where programs connect."""
        return f"ray://{LOOPBACK}:{self.port}"

    def wait(self) -> dict[str, Any]:
        """Waits until it takes connections, and returns what it is: its own address and its nodes' processes.

        **Raises** LuthierError when it ended before that, with the file that says why.
        """
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        line = self.process.stdout.readline() if ready else b""
        if not line.strip():
            self.end()
            raise LuthierError(f"Ray could not be started on this machine; {self.log} says why")
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> None:
        """Ends it and waits. May be repeated."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()  # Ray's own reaper ends the rest
                self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    left_out = ("RAY_ADDRESS", "RAY_JOB_ID", "RAY_HEAD_SERVICE_HOST", "RAY_HEAD_SERVICE_PORT")
    found = {name: text for name, text in inherited.items() if name not in left_out}
    # Whoever else works on this machine is not to run programs as us.
    found.setdefault("RAY_AUTH_MODE", "token")
    return {**found, LOOPBACK_ONLY: "0", "RAY_USAGE_STATS_ENABLED": "0"}


def main(wanted: dict[str, Any]) -> None:
    """Holds a Ray until it is to end."""
    ended, ending = os.pipe()
    for heard in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(heard, lambda *_: os.write(ending, b"."))
    from ray._private.authentication.authentication_token_setup import ensure_token_if_auth_enabled
    from ray.cluster_utils import Cluster

    ensure_token_if_auth_enabled(None, create_token_if_missing=True)
    # Unix sockets have to lie at short paths, and two of these may begin in the same second.
    place = tempfile.mkdtemp(prefix="luthier-ray-", dir=os.environ.get(PLACES))
    # Ray notes its address in a folder of all Rays, which need not be there and is not ours to write to.
    os.environ[PLACES] = place
    os.mkdir(f"{place}/ray")
    cluster = Cluster(shutdown_at_exit=True)
    try:
        nodes = []
        for number, node in enumerate(wanted["nodes"]):
            head = {} if number else _head(wanted["port"], place)
            nodes.append(cluster.add_node(**_arguments(Node(**node)), **head))
        _until_it_answers(wanted["port"])
        raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
        said = json.dumps({"gcs": cluster.address, "raylets": raylets})
        os.write(1, f"{said}\n".encode())
        select.select([ended, 0] if wanted["bound"] else [ended], [], [])
    finally:
        for one in cluster.list_all_nodes()[::-1]:
            with suppress(Exception):  # whatever is wrong with one, the others are to end
                cluster.remove_node(one, allow_graceful=False)  # in good grace it takes half a minute
        shutil.rmtree(place, ignore_errors=True)


def _arguments(node: Node) -> dict[str, Any]:
    made = {"num_cpus": node.cpus, "resources": dict(node.resources), "env_vars": dict(node.variables)}
    return {**made, "include_dashboard": False, "node_ip_address": LOOPBACK}


def _head(port: int, place: str) -> dict[str, Any]:
    return {"ray_client_server_port": port, "temp_dir": place, "dashboard_port": free_port()}


def _until_it_answers(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((LOOPBACK, port), 1.0).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
