"""Ends the tasks of an experiment: by whoever looks after them, or, where nobody does, by this very process."""

from __future__ import annotations

import time

from luthier.cli.doors.gradient.record import Room, Tuning
from luthier.cli.doors.gradient.standing import standing_of
from luthier.errors import UsageError

__all__ = ["stop"]

BEAT_SECONDS = 0.1


def stop(room: Room, tuning: Tuning) -> bool:
    """Ends all tasks and waits until they have; tells whether there was one to end."""
    if not any(job.state in ("running", "pending") for job in standing_of(room, tuning).jobs[:-1]):
        return False
    from luthier.cli.doors.gradient.supervising import supervise

    room.wish_to_stop()
    while True:
        if not room.is_supervised:
            try:
                # It adopts what runs, hears the wish and takes it back; where all has ended there is nothing to do.
                supervise(room, starts=False)
            except UsageError:
                continue  # somebody else was quicker
            return True
        time.sleep(BEAT_SECONDS)
