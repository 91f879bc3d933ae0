"""`luthier ray up`, `down`, `env`: a Ray of this machine's own that stays until it is ended, for searches and for programs.

It is bound to loopback, and asks for the token that Ray keeps for its user. Other Rays on this machine are left alone.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from luthier.cli.app import Example
from luthier.cli.output import emit, many, say
from luthier.errors import NotFound, UsageError
from luthier.run import _tree
from luthier.run.platform import cores

__all__ = ["command"]

END_SECONDS = 60.0


_EXAMPLE = """\
luthier ray up --nodes 2
eval "$(luthier ray env)"
luthier random --on ray --num-runs 20 --metric loss --param rate=.001:1:log -- python train.py --rate :rate:
luthier ray down
"""


class _Verbs(Example, click.Group):
    """Its commands, with the example below the text."""


@click.group("ray", cls=_Verbs, example=_EXAMPLE)
def command() -> None:
    """Starts and ends a Ray on this machine, and says how programs connect to it.

    Trials run on any Ray with --on ray; without an address, and with none in RAY_ADDRESS, a search starts its own.
    """


@command.command(cls=Example, example="luthier ray up --nodes 2 --cpus 2")
@click.option(
    "--nodes", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="How many nodes."
)
@click.option(
    "--cpus", type=click.IntRange(1), metavar="N", help="Cores of each node (default: this machine's)."
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=10001, show_default=True, help="The client port."
)
def up(nodes: int, cpus: int | None, port: int) -> int:
    """Starts a Ray that stays until 'luthier ray down'."""
    from luthier.run.ray_local import LocalRay, Node
    from luthier.run.ray_where import need_ray

    need_ray()
    known = _known()
    if known is not None:
        say(f"A Ray of yours runs already, at {known['address']}.")
        _say_next(known["port"])
        return 0
    place = _place()
    _refuse_taken(port)
    say(f"Starting Ray with {many(nodes, 'node')}; this takes some seconds…")
    ray = LocalRay(place / "ray.log", [Node(cpus or cores())] * nodes, port=port, bound=False)
    ray.wait()
    pid = ray.process.pid
    state = {"pid": pid, "began": _tree.started(pid), "port": port, "address": ray.address}
    (place / "up.json").write_text(json.dumps(state), encoding="utf-8")
    say(f"Ray runs at {ray.address}, on this machine only.")
    _say_next(port)
    return 0


@command.command(cls=Example, example="luthier ray down")
def down() -> int:
    """Ends the Ray that 'luthier ray up' started, and what runs on it."""
    known = _known()
    if known is None:
        say("No Ray of yours runs here.")
        return 0
    os.kill(known["pid"], signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while _known() is not None:
        if time.monotonic() > deadline:
            os.kill(known["pid"], signal.SIGKILL)  # Ray's own reaper ends the rest
            break
        time.sleep(0.05)
    (_place() / "up.json").unlink(missing_ok=True)
    say("Ray is down.")
    return 0


@command.command(cls=Example, example='eval "$(luthier ray env)"')
def env() -> int:
    """Prints what a shell needs so that programs and searches find the Ray of 'luthier ray up'."""
    from luthier.run.ray_where import variables

    known = _known()
    if known is None:
        raise NotFound("no Ray of yours runs here; start one with: luthier ray up")
    for name, text in variables(known["address"]).items():
        emit(f"export {name}={shlex.quote(text)}")
    return 0


def _say_next(port: int) -> None:
    say(
        'Type next: eval "$(luthier ray env)"\n'
        'then any search with --on ray, or a program with: ray.init("ray://127.0.0.1:' + f'{port}")\n'
        "and at the end: luthier ray down"
    )


def _place() -> Path:
    """Where it is noted which Ray is up: a folder only its user may enter."""
    place = Path(tempfile.gettempdir(), f"luthier-ray-of-{os.geteuid()}")
    place.mkdir(mode=0o700, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.geteuid():
        raise UsageError(
            f"{place} belongs to somebody else; remove it, or set TMPDIR to a folder of your own"
        )
    return place


def _known() -> dict[str, Any] | None:
    """The Ray that is up, None where there is none."""
    try:
        known: dict[str, Any] = json.loads((_place() / "up.json").read_bytes())
        return known if _tree.started(known["pid"]) == known["began"] else None
    except (OSError, ValueError, KeyError):
        return None


def _refuse_taken(port: int) -> None:
    import socket

    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            raise UsageError(f"port {port} is taken, maybe by another Ray; choose one with --port") from None
