"""`luthier best`: the best configuration, its ties, how sure that is, and the command line that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import emit, emit_json, say
from luthier.cli.verdict import best_document, show_best
from luthier.clock import SystemClock
from luthier.drive.confirming import confirmations
from luthier.view.certainty import Certainty, certainty, sentence
from luthier.view.verdicts import best, command_line, why_none

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from luthier.history import History
    from luthier.space import Space
    from luthier.store import ExperimentRecord, Store
    from luthier.trial import Trial

__all__ = ["command"]

_NOTHING = 4
_LEADERS = 3
_MODELLED = 500


_EXAMPLE = """\
luthier best 144
luthier best 144 --top 5
luthier best 144 --confirm 5          run the leaders again, and see if the winner is real
"""


@click.command("best", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=EXPERIMENT)
@click.option(
    "--top",
    type=click.IntRange(1),
    metavar="K",
    help="Show the K best trials (default: 1); with --confirm, run so many again (default: 3).",
)
@click.option(
    "--confirm",
    "times",
    type=click.IntRange(2),
    metavar="K",
    help="Run the leading configurations K times each with fresh seeds, and say whether the winner is real.",
)
@with_store
@as_json
def command(place: Place, id: Id | None, top: int | None, times: int | None, as_json: bool) -> int:
    """Shows the best configuration of an experiment, how sure it is that it is the best, the trials that are as good,
    and the command line that runs it. With several objectives it shows the best trade-offs instead.

    Leaves with 4 when there is none yet. With --confirm it runs trials, in an experiment of their own that goes on
    when the same is typed again, and leaves as a search does.
    """
    if times is not None:
        from luthier.cli.confirming import confirm

        return confirm(place, id, times, top or _LEADERS, _believe, as_json=as_json)
    with place.read() as store:
        record = place.record(store, id)
        if record.description.also:
            return _front(store, record, place, top, as_json=as_json)
        found = best(store, record, top or 1, SystemClock().now())
        none = "" if found else why_none(store, record, hint=place.hint)
        sure = certainty(store, record, _fresh(store, record), _believe) if found else None
        line = None
        if sure and sure.recommended:
            line = command_line(store, record, sure.recommended.trial)
    if as_json:
        emit_json("best", {**best_document(record, found, none, sure), "front": None})
    elif found is None:
        say(f"luthier: {none}")
    else:
        show_best(record, found)
        if sure is not None:
            _show_certainty(place, record, sure, line)
    return 0 if found else _NOTHING


def _front(store: Store, record: ExperimentRecord, place: Place, top: int | None, *, as_json: bool) -> int:
    """Shows the front of several objectives, where no trial alone is best."""
    from luthier.cli.front import front_document, show_front
    from luthier.view.front import front

    found = front(store, record, SystemClock().now())
    if as_json:
        one = best(store, record, 1, SystemClock().now())
        none = "" if found else why_none(store, record, hint=place.hint)
        document = best_document(record, one if found else None, none)
        emit_json("best", {**document, "front": front_document(record, found)})
    elif found is None:
        say(f"luthier: {why_none(store, record, hint=place.hint)}")
    else:
        show_front(record, found, top)
    return 0 if found else _NOTHING


def _fresh(store: Store, record: ExperimentRecord) -> list[Trial]:
    """The trials of the experiment's confirmations."""
    return [trial for each in confirmations(store, record.id) for trial in store.trials(each.id)]


def _believe(space: Space, history: History) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """What a Gaussian process makes of the results; not asked about so many that an answer would be long in coming."""
    if len(history.scored) > _MODELLED:
        return None
    from luthier.search.gaussian import believed_draws

    return believed_draws(space, history)


def _show_certainty(place: Place, record: ExperimentRecord, sure: Certainty, line: str | None) -> None:
    """Prints how sure the verdict is, and the command line of the recommended trial where that is another one."""
    said = sentence(sure, record.id)
    if said:
        emit(f"How sure: {said}")
        if sure.best and sure.recommended and sure.best.trial != sure.recommended.trial and line:
            emit(f"Run that one: {line}")
    elif record.description.command:
        hint = place.hint(f"best {record.id} --confirm 5")
        say(f"One run of each configuration can't tell luck from merit; find out with: {hint}")
