"""A Ray for tests: a head and two more nodes on this machine, of which the two claim to be other machines.

One is shared by all tests of a session, whichever of pytest's workers they run in: the first that needs it starts it, and
ends it when the others have let go.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from luthier.run.ray_local import LocalRay, Node

NODES = (
    Node(4, {"here": 8}),
    Node(4, {"elsewhere": 8}, {"LUTHIER_RAY_MACHINE": "elsewhere"}),
    Node(4, {"yonder": 8}, {"LUTHIER_RAY_MACHINE": "yonder"}),
)


@contextmanager
def shared_ray(place: Path) -> Iterator[dict[str, Any]]:
    """The shared Ray: `address`, and the processes of its `raylets`, the head's first."""
    place.mkdir(exist_ok=True)
    state = place / "ray.json"
    with open(place / "lock", "a+b") as lock, open(place / "users", "a+b") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        ours = None
        if not state.exists():
            ours = LocalRay(place / "ray.log", NODES)
            state.write_text(json.dumps({**ours.wait(), "address": ours.address}))
        fcntl.flock(lock, fcntl.LOCK_UN)
        try:
            yield json.loads(state.read_text())
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            if ours is not None:
                fcntl.flock(users, fcntl.LOCK_EX)  # the others are through with it
                state.unlink()
                ours.end()


def place_of_all(base: Path) -> Path:
    """A folder that all of pytest's workers share."""
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shared-ray"


def marked(key: str) -> list[int]:
    """The living processes that carry an attempt's key."""
    mark, found = f"LUTHIER_ATTEMPT_KEY={key}".encode(), []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue  # it has just ended
    return found


def seat_above(pid: int) -> int:
    """The process of the actor that a program runs under: its guardian's nursery is a child of that."""
    while not Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::"):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Waits until something holds, and fails when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
