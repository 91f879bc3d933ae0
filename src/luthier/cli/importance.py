"""`luthier importance`: how much each parameter matters to the objective, and how sure that is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import emit, emit_json, one_line, paint, say
from luthier.errors import UsageError

if TYPE_CHECKING:
    from luthier.view.importance import Importance, Share

__all__ = ["command"]

_EXAMPLE = """\
luthier importance 144
luthier importance 144 --json
luthier plot 144 importance -o importance.svg
"""
_NOTHING = 4
_WIDTH = 30
_NAME = 32


@click.command("importance", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=EXPERIMENT)
@with_store
@as_json
def command(place: Place, id: Id | None, as_json: bool) -> int:
    """Shows how much each parameter matters: the share of what the objective varies over the space that it explains, alone
    and together with others, with the 95 % range of the latter.

    Shares together with others may add to more than 100 %. Leaves with 4 when nothing can be said.
    """
    from luthier.view.importance import importance

    with place.read() as store:
        record = place.record(store, id)
        if record.description.objective is None:
            raise UsageError(
                f"experiment {record.id} has no objective, so nothing matters to it; name one with --metric "
                "when you search"
            )
        found = importance(record.description.space, store.history(record.id))
        metric = record.description.objective.metric
    if as_json:
        emit_json("importance", _document(record.id, metric, found))
    elif not found.shares:
        say(f"luthier: {found.why}")
    else:
        _show(metric, found)
    return 0 if found.shares else _NOTHING


def _document(experiment: int, metric: str, found: Importance) -> dict[str, object]:
    return {
        "experiment": experiment,
        "metric": metric,
        "trials": found.trials,
        "left_out": found.left_out,
        "explained": found.explained,
        "message": found.why or None,
        "parameters": [
            {
                "name": share.parameter,
                "alone": share.alone,
                "total": share.total,
                "low": share.low,
                "high": share.high,
                "is_clear": share.is_clear,
            }
            for share in found.shares
        ],
    }


def _show(metric: str, found: Importance) -> None:
    """A bar for each parameter: full what it explains alone, light what it does together with others."""
    full, light = ("█", "░") if _can_print("█░–") else ("#", "-")
    names = [one_line(share.parameter) for share in found.shares]
    names = [name if len(name) <= _NAME else name[: _NAME - 3] + "..." for name in names]
    width = max([len(name) for name in names] + [len("PARAMETER")])
    emit(paint(f"What {one_line(metric)} depends on, {found.caption()}", "bold"))
    emit(paint(f"\n{'PARAMETER':<{width}}  {'ALONE':>6}  {'IN ALL':>6}  {'95 %':<12}", "bold"))
    for name, share in zip(names, found.shares, strict=True):
        emit(f"{name:<{width}}  {_row(share, full, light)}".rstrip())
    if any(not share.is_clear for share in found.shares):
        say("Where the 95 % begin at 0 a parameter can't be told from one that does nothing.")


def _row(share: Share, full: str, light: str) -> str:
    alone = min(share.alone, share.total)
    inner = round(alone * _WIDTH)
    outer = max(round(share.total * _WIDTH) - inner, 0)
    reach = f"{_percent(share.low)} to {_percent(share.high)}"
    bar = paint(full * inner, "blue") + paint(light * outer, "blue")
    return f"{_percent(alone):>4} %  {_percent(share.total):>4} %  {reach:<12}{bar}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _can_print(characters: str) -> bool:
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
