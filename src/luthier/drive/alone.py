"""Runs one order beside the search, to its end or until Ctrl-C: what is no trial and of which the record knows nothing yet.

What is made of how it ended is its caller's: `looking.py` scores a test set, `reproducing.py` runs a trial again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from luthier.run.runner import Ended, Order
from luthier.trial import Outcome, Result

if TYPE_CHECKING:
    from luthier.drive.ends import Interrupts
    from luthier.drive.session import Session

__all__ = ["run_alone"]

BEAT_SECONDS = 0.1


def run_alone(
    session: Session, order: Order, interrupts: Interrupts, heard: Callable[[], None] = lambda: None
) -> Result:
    """Runs an order and returns how it ended; `heard` is called now and then, and once it has ended.

    **Holds** nothing of it is alive on return. It ends with this process, for nobody else would hear what it says.
    """
    runner = session.start_runner(order.limits)
    runner.start(order._replace(limits=order.limits._replace(on_driver_loss="stop")))
    while True:
        ended = [event for event in runner.events(BEAT_SECONDS) if isinstance(event, Ended)]
        heard()
        for event in ended:
            if event.id == order.id:
                return event.result
        if presses := interrupts.look():
            reason, grace = f"interrupted by {interrupts.by}", order.limits.grace_seconds
            runner.stop(order.id, Outcome.INTERRUPTED, reason, grace, kill=presses > 1)
