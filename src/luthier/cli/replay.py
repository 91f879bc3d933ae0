"""`luthier replay`: makes every proposal again from the record, and tells which come out otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, Id, Place, as_json, with_store
from luthier.cli.output import emit, emit_json, many, pairs, say, table

if TYPE_CHECKING:
    from luthier.drive.replaying import Replayed
    from luthier.store import ExperimentRecord

__all__ = ["command"]

_EXAMPLE = """\
luthier replay 144
luthier replay 144 --tolerance 1e-6    where it was made elsewhere, or with other versions
"""
_SHOWN = 20


@click.command("replay", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False, type=EXPERIMENT)
@click.option(
    "--tolerance",
    type=click.FloatRange(0.0, 1.0),
    default=0.0,
    metavar="SHARE",
    help="How far a number may be off, as a share of its parameter's range.  [default: 0, equal to the last bit]",
)
@with_store
@as_json
def command(place: Place, id: Id | None, tolerance: float, as_json: bool) -> int:
    """Makes every proposal of an experiment again, from what the record says its algorithm knew then, and compares it
    with the configuration that was proposed.

    Leaves with 1 when any differs.
    """
    from luthier.drive.replaying import proposed_trials, replay

    with place.read() as store:
        record = place.record(store, id)
        trials = proposed_trials(store, record.id)
        skipped = len(store.trials(record.id)) - len(trials)
        found = list(_told(replay(store, record.id, trials, tolerance), len(trials)))
    differing = [one for one in found if not one.agrees]
    if as_json:
        emit_json("replay", _document(record, found, skipped, tolerance))
    else:
        if differing:
            _show(differing)
        added = f"; {many(skipped, 'trial')} added by a person left out" if skipped else ""
        verdict = f"{len(differing)} differ" + "s" * (len(differing) == 1) if differing else "all agree"
        emit(f"{many(len(found), 'proposal')} recomputed: {verdict}{added}")
    if differing:
        say(_why(differing))
    return 1 if differing else 0


def _told(replayed: Iterator[Replayed], count: int) -> Iterator[Replayed]:
    """Counts on a terminal how many are done."""
    shows, line = sys.stderr.isatty(), ""
    for done, one in enumerate(replayed, 1):
        if shows:
            line = f"\r{done} of {count} proposals recomputed"
            sys.stderr.write(line)
            sys.stderr.flush()
        yield one
    if shows:
        sys.stderr.write("\r" + " " * len(line) + "\r")


def _document(
    record: ExperimentRecord, found: list[Replayed], skipped: int, tolerance: float
) -> dict[str, Any]:
    """The comparison as the fields `docs/json.md` describes."""
    from luthier.drive.tools import tools

    return {
        "experiment": record.id,
        "algorithm": record.description.algorithm.name,
        "recomputed": len(found),
        "agreed": sum(one.agrees for one in found),
        "skipped": skipped,
        "tolerance": tolerance,
        "here": tools(),
        "differing": [
            {
                "trial": one.trial.name,
                "recorded": one.trial.configuration.values() if one.trial.configuration else {},
                "recomputed": one.again.values() if one.again else {},
                "made_with": one.made_with,
            }
            for one in found
            if not one.agrees
        ],
    }


def _show(differing: list[Replayed]) -> None:
    """Prints the parameters that differ, trial by trial, to the last digit."""
    lines = []
    for one in differing[:_SHOWN]:
        recorded = one.trial.configuration.texts() if one.trial.configuration else {}
        again = one.again.texts() if one.again else {}
        names = [n for n in (recorded | again) if recorded.get(n) != again.get(n)]
        sides = [pairs({n: side[n] for n in names if n in side}) or "-" for side in (recorded, again)]
        lines.append((one.trial.name, *sides))
    emit(table(("TRIAL", "RECORDED", "RECOMPUTED"), lines))
    if len(differing) > _SHOWN:
        emit(f"and {len(differing) - _SHOWN} more, all of them with --json")


def _why(differing: list[Replayed]) -> str:
    """What may be the cause: other versions, another machine, or a defect."""
    from luthier.drive.tools import tools

    here = tools()
    if not any(one.made_with for one in differing):
        return "what they were made with is not on record; another version of Luthier may propose otherwise"
    other = sorted(
        f"{name} {version} (here {here.get(name, 'none')})"
        for name, version in {item for one in differing for item in one.made_with.items()}
        if here.get(name) != version
    )
    if not other:
        return (
            "they were made by the same versions on this machine, so this is a bug in Luthier or somebody changed the "
            "record; please report it"
        )
    return (
        f"they were made with {', '.join(other)}; only the same versions and machine agree to the last bit, "
        "allow for others with --tolerance 1e-6"
    )
