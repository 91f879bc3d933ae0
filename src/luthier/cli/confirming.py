"""`luthier best --confirm`: runs the leaders again with fresh seeds, as a search runs; `confirmed.py` says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.cli.options import Id, Place
from luthier.cli.output import many, say

if TYPE_CHECKING:
    from luthier.view.certainty import Believe

__all__ = ["confirm"]

_NOTHING = 4


def confirm(
    place: Place, id: Id | None, times: int, top: int, believe: Believe | None, *, as_json: bool
) -> int:
    """Runs the leaders of an experiment until each has `times` fresh runs, as its own searches run; returns a search's
    exit code, 4 when nothing leads yet."""
    from luthier.cli.searching import How, conduct
    from luthier.drive.alive import Alive
    from luthier.drive.confirming import confirmation, open_confirmation
    from luthier.drive.session import parallel_slots
    from luthier.view.certainty import certainty
    from luthier.view.verdicts import why_none

    with place.change() as store:
        record = place.record(store, id)
        leaders = certainty(store, record, believe=believe).leaders(top)
        if not leaders:
            say(f"luthier: {why_none(store, record, hint=place.hint)}")
            return _NOTHING
        trials = [store.trial(record.id, number) for number in leaders]
        description = confirmation(record, trials, times)
        parallel_slots(description.limits)  # refuses GPUs that are not there, before anything is written
        with store.together():
            opened, created = open_confirmation(store, description)
            Alive(place.folder).refuse_driven(opened.id)
        names = ", ".join(trial.name for trial in trials)
        say(f"{many(len(trials), 'leader')} of experiment {record.id}, {times} fresh runs each: {names}")
        return conduct(store, place.folder, opened, How(as_json=as_json), created=created)
