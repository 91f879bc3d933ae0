"""Ends what still runs on this machine of attempts that nobody holds any more.

A machine was cut off from the server, its leases ran out and its trials went elsewhere; meanwhile its worker died, so that
nobody was left to be told. The guardians go on, as they should, until the next worker comes to this machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from luthier.drive.alive import Alive
from luthier.errors import NotFound
from luthier.run.adopted import ask_guardian, is_guarded
from luthier.run.folders import Folders
from luthier.store import Store
from luthier.trial import AttemptId, Outcome, TrialState

__all__ = ["end_orphans"]

REASON = "its lease ran out while its worker was dead, and it went to another worker"
GRACE_SECONDS = 10.0


def end_orphans(store: Store, folders: Folders, alive: Alive) -> list[AttemptId]:
    """Asks the guardians of attempts that are not held any more to end them; returns which.

    Where a store is one machine's alone there are none: an attempt does not lapse while its guardian lives.
    **Cost** nothing unless a worker died here; then a look at each attempt's folder.
    """
    if not alive.is_shared or not alive.dead_workers():
        return []
    orphans = [(id, folder) for id, folder in _guarded(folders) if not _is_held(store, id)]
    return [
        id
        for id, folder in orphans
        if ask_guardian(id, folder, Outcome.LOST, REASON, GRACE_SECONDS, kill=False)
    ]


def _guarded(folders: Folders) -> Iterator[tuple[AttemptId, str]]:
    """The attempts here whose guardian lives, of all experiments."""
    for path in (folders.root / "trials").glob("*/*/attempt-*"):
        numbers = (path.parent.parent.name, path.parent.name, path.name.removeprefix("attempt-"))
        if all(number.isdecimal() for number in numbers) and is_guarded(str(path)):
            yield AttemptId(*map(int, numbers)), str(path)


def _is_held(store: Store, id: AttemptId) -> bool:
    """Whether it is still the attempt that counts, whoever holds it."""
    try:
        trial = store.trial(id.experiment, id.trial)
    except NotFound:
        return False
    return trial.state is TrialState.RUNNING and trial.attempt == id.attempt
