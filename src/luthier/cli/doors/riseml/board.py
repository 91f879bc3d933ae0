"""A TensorBoard over a set, as long as the set runs: `tensorflow: {tensorboard: true}`.

It runs beside the driver, in a process of its own (`luthier riseml board ID`), which keeps the links of the output tree up
to date, writes where it serves into a small file that `status` reads, and ends when the set has.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from luthier.cli.doors.riseml.naming import LABEL, one
from luthier.cli.doors.riseml.outputs import lay_out
from luthier.cli.doors.riseml.states import subs, whole
from luthier.cli.options import Place, with_store
from luthier.cli.output import say
from luthier.clock import SystemClock
from luthier.errors import LuthierError
from luthier.space import Configuration
from luthier.store import ExperimentRecord, Store
from luthier.view.whole import write_whole

__all__ = ["board_url", "command", "start_board", "wants_board"]

BEAT_SECONDS = 1.0
FORSAKEN_SECONDS = 60.0
"""How long it goes on after whoever drove the set is gone; somebody may go on with it."""


def wants_board(record: ExperimentRecord) -> bool:
    """Whether its file asks for a TensorBoard."""
    return record.description.labels.get(f"{LABEL}-tensorboard", "").lower() == "true"


def _state_file(place: Place, experiment: int) -> Path:
    return place.folder / "output" / f".tensorboard-{experiment}.json"


def start_board(place: Place, record: ExperimentRecord) -> None:
    """Starts it for an experiment that asks for one; what is in the way is said, and stops nothing."""
    if not wants_board(record):
        return
    from luthier.drive.background import start_apart
    from luthier.view.tensorboard.server import require_tensorboard

    try:
        require_tensorboard()
        words = ["-m", "luthier", "riseml", "board", str(record.id), "--store", str(place.folder)]
        start_apart(words, place.folder / "drivers" / f"{record.id}-tensorboard.log")
    except (LuthierError, OSError) as error:
        say(f"warning: no TensorBoard is shown: {error}")


def board_url(place: Place, experiment: int) -> str | None:
    """Where the TensorBoard of an experiment serves; None while it does not."""
    from luthier.run._tree import started

    try:
        known = json.loads(_state_file(place, experiment).read_text(encoding="utf-8"))
        is_there = known["started"] == started(known["pid"])
        return str(known["url"]) if is_there else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@click.command("board", hidden=True)
@click.argument("id")
@with_store
def command(id: str, place: Place) -> None:
    """Serves a TensorBoard over an experiment's outputs until it is over."""
    from luthier.run._tree import started
    from luthier.view.tensorboard.server import serving

    def leave(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    with place.read() as store:
        record = one(store, id).record
        file = _state_file(place, record.id)
        try:
            with serving(lay_out(place, store, record)) as server:
                found = {"url": server.url, "pid": server.pid, "started": started(server.pid)}
                write_whole(file, json.dumps(found).encode())
                _serve_on(place, store, record.id, server.is_running)
        except KeyboardInterrupt:
            pass
        finally:
            file.unlink(missing_ok=True)


def _serve_on(place: Place, store: Store, experiment: int, is_running: Callable[[], bool]) -> None:
    """Keeps the links up to date until the set is over, TensorBoard is, or nobody drives the set for long."""
    clock = SystemClock()
    seen, planned = clock.elapsed(), dict[int, Configuration]()
    while is_running():
        record = store.experiment(experiment)
        standing = whole(place, store, record, subs(place, store, record, planned))
        lay_out(place, store, record)
        if standing.is_driven:
            seen = clock.elapsed()
        elif standing.state.is_over or clock.elapsed() - seen > FORSAKEN_SECONDS:
            return
        time.sleep(BEAT_SECONDS)
