"""`luthier best`: the best configuration, its ties, how sure that is, and the command line that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.outlook import outlook_document, outlook_lines
from luthier.cli.output import emit, emit_json, say
from luthier.cli.verdict import best_document, show_best
from luthier.clock import SystemClock
from luthier.drive.confirming import fresh_runs
from luthier.errors import UsageError
from luthier.view.certainty import Certainty, certainty, sentence
from luthier.view.verdicts import best, command_line, why_none

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from luthier.history import History
    from luthier.space import Space
    from luthier.store import ExperimentRecord, Store

__all__ = ["command"]

_NOTHING = 4
_LEADERS = 3
_MODELLED = 500


_EXAMPLE = """\
luthier best 144
luthier best 144 --top 5
luthier best 144 --confirm 5          run the leaders again, and see if the winner is real
luthier best 144 --test 'python score.py --C :C:'
"""


@click.command("best", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=ID)
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
@click.option(
    "--test",
    metavar="COMMAND",
    help="Score the locked test set, once, with the values of the trial to use (or of trial ID.N): :name: and "
    "LUTHIER_PARAM_* as in a search, and LUTHIER_CHECKPOINT_DIR of that trial.",
)
@click.option("--again", is_flag=True, help="With --test: look at the test set once more.")
@with_store
@as_json
def command(
    place: Place,
    id: Id | None,
    top: int | None,
    times: int | None,
    test: str | None,
    again: bool,
    as_json: bool,
) -> int:
    """Shows the best configuration of an experiment, how sure it is that it is the best, the trials that are as good,
    and the command line that runs it. With several objectives it shows the best trade-offs instead.

    Leaves with 4 when there is none yet. With --confirm it runs trials, in an experiment of their own that goes on
    when the same is typed again, and leaves as a search does.

    With --test it runs one command, remembers what that reported, and refuses a second look without --again.
    """
    _refuse_together(id, top=top, times=times, test=test, again=again)
    if test is not None:
        from luthier.cli.looking import look_at_test_set

        return look_at_test_set(place, id, test, _believe, again=again, as_json=as_json)
    if times is not None:
        from luthier.cli.confirming import confirm

        return confirm(place, id, times, top or _LEADERS, _believe, as_json=as_json)
    return _verdict(place, id, top, as_json=as_json)


def _refuse_together(
    id: Id | None, *, top: int | None, times: int | None, test: str | None, again: bool
) -> None:
    """**Raises** UsageError for options that don't go together."""
    if test is not None and (times is not None or top is not None):
        raise UsageError("--test scores one configuration; leave --top and --confirm out")
    if again and test is None:
        raise UsageError("--again goes with --test, which scores the test set")
    if test is None and id is not None and id.trial is not None:
        raise UsageError(
            f"'{id}' is a trial; give the experiment alone: {id.experiment}; or score the test set with it by --test"
        )


def _verdict(place: Place, id: Id | None, top: int | None, *, as_json: bool) -> int:
    """Shows the best trial, or the front of several objectives."""
    with place.read() as store:
        record = place.record(store, id)
        if record.description.also:
            return _front(store, record, place, top, as_json=as_json)
        found = best(store, record, top or 1, SystemClock().now())
        none = "" if found else why_none(store, record, hint=place.hint)
        sure = certainty(store, record, fresh_runs(store, record.id), _believe) if found else None
        noise = sure.noise if sure else None
        outlook = outlook_document(store, record, noise) if as_json else {}
        lines = [] if as_json else outlook_lines(store, record, noise, says_why=True)
        line = None
        if sure and sure.recommended:
            line = command_line(store, record, sure.recommended.trial)
    if as_json:
        emit_json("best", {**best_document(record, found, none, sure), **outlook, "front": None})
    elif found is None:
        say(f"luthier: {none}")
    else:
        show_best(record, found)
        if sure is not None:
            _show_certainty(place, record, sure, line)
        for said in lines:
            emit(said)
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
        outlook = outlook_document(store, record)
        emit_json("best", {**document, **outlook, "front": front_document(record, found)})
    elif found is None:
        say(f"luthier: {why_none(store, record, hint=place.hint)}")
    else:
        show_front(record, found, top)
        for said in outlook_lines(store, record, says_why=True):
            emit(said)
    return 0 if found else _NOTHING


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
