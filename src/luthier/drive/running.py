"""Drives the trials of a Python function to their end, from the very program that defines it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from luthier.drive.callee import Callee
from luthier.drive.ends import Ending, Interrupts
from luthier.drive.interrupting import interruptible
from luthier.drive.listener import Listener
from luthier.drive.session import Session
from luthier.metrics import report
from luthier.run.here import HereRunner
from luthier.run.rooms import Room
from luthier.store import Store, Wish

if TYPE_CHECKING:
    from luthier.drive.on_ray import OnRay

__all__ = ["drive_function"]


def drive_function(
    store: Store,
    folder: Path | None,
    experiment: int,
    callee: Callee,
    *,
    here: bool,
    listener: Listener,
    tell: Callable[[int], None],
    on: OnRay | None = None,
) -> Ending:
    """Drives an experiment with this function until it ends; `here` calls it in this process, workers `on` Ray or those of
    this machine otherwise.

    `folder` is the store's, None for one in memory, whose trials get a folder that is gone afterwards. `tell` hears of
    each Ctrl-C.
    **Raises** AliveError while another process drives the experiment.
    """
    with ExitStack() as stack:
        if folder is None:
            place = Path(stack.enter_context(Room()))
        else:
            place = folder
        session = stack.enter_context(Session(store, place, is_durable=folder is not None, on=on))
        session.become_driver(experiment)
        store.set_wish(experiment, Wish.RUN, "a search was started")
        record = store.experiment(experiment)
        runner = HereRunner(callee) if here else session.start_runner(record.description.limits, callee)
        raises = report.is_called if here else None
        interrupts: Interrupts = stack.enter_context(interruptible(runner, tell, raises=raises))
        return session.drive(record, listener, interrupts, callee=callee, here=here)
