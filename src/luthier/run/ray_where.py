"""Which Ray to run on, and the way to it: addresses, the token, what a cluster can give, and errors in words.

Everything goes through Ray's own client port (`ray://HOST:PORT`), also on this machine: then no part of Ray runs in the
driver's process, and a cluster that dies can't take the driver with it. It must not know attempts; `ray_runner.py` does.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from luthier.errors import LuthierError, UsageError

__all__ = [
    "CLIENT_PORT",
    "NAMESPACE",
    "Cluster",
    "Needs",
    "RayLost",
    "connect",
    "connected",
    "folder_facts",
    "has_token",
    "need_ray",
    "sought",
    "variables",
]

NAMESPACE = "luthier"
CLIENT_PORT = 10001
HOST, PORT = "RAY_HEAD_SERVICE_HOST", "RAY_HEAD_SERVICE_PORT"
MODE = "RAY_AUTH_MODE"
GIGABYTE = 2**30
TRIES = 3
KNOCK_SECONDS = 15.0


class RayLost(LuthierError):
    """Says that the cluster is out of reach. What was recorded stays; what still runs there is taken up again later."""

    exit_code = 3


class Needs(NamedTuple):
    """What Ray is to set aside for one attempt."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory_bytes: int | None = None
    resources: Mapping[str, float] = {}

    def options(self) -> dict[str, Any]:
        """As Ray has them."""
        made: dict[str, Any] = {
            "num_cpus": self.cpus,
            "num_gpus": self.gpus,
            "resources": dict(self.resources),
        }
        return made if self.memory_bytes is None else {**made, "memory": self.memory_bytes}

    def amounts(self) -> dict[str, float]:
        """By the names that nodes advertise them with."""
        made = {"CPU": self.cpus, "GPU": self.gpus, "memory": float(self.memory_bytes or 0), **self.resources}
        return {name: amount for name, amount in made.items() if amount}


def sought(address: str | None, environment: Mapping[str, str]) -> str | None:
    """The address of the Ray that is meant: the one given, or the one the environment names; None where there is none."""
    if address:
        return address
    if environment.get("RAY_ADDRESS"):
        return environment["RAY_ADDRESS"]
    if environment.get(HOST):
        return f"ray://{environment[HOST]}:{environment.get(PORT) or CLIENT_PORT}"
    return None


def variables(address: str) -> dict[str, str]:
    """What a program needs in its environment to connect to the same Ray with `ray://HOST:PORT`."""
    if not address.startswith("ray://"):
        return {"RAY_ADDRESS": address}
    host, _, port = address.removeprefix("ray://").rpartition(":")
    found = {HOST: host, PORT: port}
    return {**found, MODE: "token"} if has_token(os.environ) else found


def has_token(environment: Mapping[str, str]) -> bool:
    """Whether there is a token to show to Ray, and nobody said that none is to be shown."""
    if environment.get(MODE, "token") != "token":
        return False
    if environment.get("RAY_AUTH_TOKEN") or environment.get(MODE) == "token":
        return True
    path = environment.get("RAY_AUTH_TOKEN_PATH") or os.path.expanduser("~/.ray/auth_token")
    return os.path.isfile(path)


class Cluster:
    """A Ray this process is connected to. `ray` is the library; a connection that is not `ours` stays when we leave."""

    def __init__(self, ray: Any, address: str, *, ours: bool = True) -> None:
        self.ray = ray
        self.address = address
        self._is_ours = ours

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes that live, as Ray tells of them."""
        return [node for node in self.ray.nodes() if node["Alive"]]

    def room_for(self, needs: Needs) -> int:
        """How many attempts fit at once.

        **Raises** UsageError where one does not fit on any node.
        """
        nodes = [node["Resources"] for node in self.nodes()]
        wanted = needs.amounts()
        fits = [
            min((int(node.get(name, 0.0) / amount + 1e-9) for name, amount in wanted.items()), default=1)
            for node in nodes
        ]
        if not any(fits):
            raise UsageError(_nowhere(self.address, wanted, nodes))
        return sum(fits)

    def lack(self, needs: Needs) -> str:
        """Why no attempt fits on any node; empty where one does."""
        try:
            self.room_for(needs)
        except UsageError as error:
            return str(error)
        return ""

    def close(self) -> None:
        """Lets go of it."""
        if not self._is_ours:
            return
        try:
            self.ray.shutdown()
        except Exception:  # noqa: BLE001 - it is gone already, which is what was wanted
            pass


def _nowhere(address: str, wanted: Mapping[str, float], nodes: Sequence[Mapping[str, float]]) -> str:
    """Says what no node can give."""
    for name, amount in wanted.items():
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if most + 1e-9 < amount:
            option = {"CPU": "--cpus-per-run", "GPU": "--gpus-per-run", "memory": "--memory"}.get(
                name, "--ray-resources"
            )
            had = _amount(name, most) if most else "none"
            return (
                f"no node of the Ray cluster at {address} has {_amount(name, amount)}, which each trial needs; the most that "
                f"one of its {len(nodes)} has is {had}: lower {option}, or add a node that has it"
            )
    each = " and ".join(_amount(name, amount) for name, amount in wanted.items())
    return f"no single node of the Ray cluster at {address} has {each} together, which each trial needs; lower one of them"


def _amount(name: str, amount: float) -> str:
    if name == "memory":
        return f"{amount / GIGABYTE:.3g} GB of memory"
    word = {"CPU": "CPU", "GPU": "GPU"}.get(name)
    return f"{amount:g} {word}{'' if amount == 1 else 's'}" if word else f"{amount:g} of {name!r}"


def connected(address: str | None) -> Cluster | None:
    """The Ray that this program has connected to by itself, before it began a search; None where it has not.

    **Raises** UsageError where another one, at `address`, is wanted, for a program has one at a time.
    """
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return None
    if address is not None:
        raise UsageError(
            f"this program is connected to a Ray already; leave {address} out to search on that one, or call "
            "ray.shutdown() first"
        )
    known = str(ray.get_runtime_context().gcs_address)
    return Cluster(ray, sought(None, os.environ) or known, ours=False)


def connect(address: str, gcs: str | None = None) -> Cluster:
    """Connects this process. Where `gcs` is known, the own address of that cluster, to no other one: two Rays of one machine
    that serve clients in the same moment may take one another's.

    **Raises** UsageError where nothing answers, or Ray or Python there is another version; for a missing library too.
    """
    _knock(address)
    ray = need_ray()
    if has_token(os.environ) and MODE not in os.environ:
        _show_token()
    for again in range(TRIES, 0, -1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
            if gcs is None or str(ray.get_runtime_context().gcs_address) == gcs:
                break
            ray.shutdown()
            if again == 1:
                raise UsageError(f"another Ray of this machine answers at {address}; try again in a moment")
        except (ConnectionError, RuntimeError, ValueError, TimeoutError, ImportError) as error:
            # Ray's head forks a server for each client while other threads work; now and then that one dies at once.
            if again == 1 or "Initialization failure" not in str(error):
                raise UsageError(_unreachable(address, error)) from error
    return Cluster(ray, address)


def _knock(address: str) -> None:
    """Looks whether anything listens there, for Ray's client asks for half a minute. **Raises** UsageError."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not address.startswith("ray://") or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()
    except OSError as error:
        raise UsageError(_unreachable(address, error)) from error


def _show_token() -> None:
    """Has Ray's client show its token, which it does only when it is told to."""
    os.environ[MODE] = "token"
    try:
        import_module("ray._raylet").Config.initialize("")  # it was read when Ray was loaded
    except (ImportError, AttributeError):
        pass  # an older one reads the variable itself


def need_ray() -> Any:
    """The library. **Raises** UsageError where it is not installed."""
    os.environ.setdefault("RAY_CLIENT_RECONNECT_GRACE_PERIOD", "15")
    try:
        import ray
    except ImportError:
        raise UsageError("--on ray needs Ray, which is not installed; pip install 'luthier[ray]'") from None
    return ray


def _unreachable(address: str, error: BaseException) -> str:
    said = str(error).strip()
    first = said.splitlines()[0] if said else type(error).__name__
    if "version" in said.lower():
        return (
            f"the Ray at {address} and this one differ: {first}; Ray and Python have to be of the same version at both ends "
            f"(here Ray {_version()}, Python {_python()})"
        )
    if "grpc" in said.lower() and isinstance(error, ImportError | RuntimeError):
        return f"ray:// addresses need Ray's client, which is not installed; pip install 'luthier[ray]' ({first})"
    token = (
        "" if has_token(os.environ) else "; if it wants a token, set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH"
    )
    return (
        f"no Ray answers at {address} ({first}): look whether it runs and whether that is its client port, usually "
        f"{CLIENT_PORT}{token}; or start one here with: luthier ray up"
    )


def _version() -> str:
    import ray

    return str(ray.__version__)


def _python() -> str:
    import platform

    return platform.python_version()


def folder_facts(folder: str | Path) -> tuple[int, int]:
    """What tells a folder from any other of the same machine."""
    status = os.stat(folder)
    return status.st_dev, status.st_ino
