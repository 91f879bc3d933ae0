"""`luthier reproduce`: runs a trial again from the record, and compares what it reports."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.output import emit, emit_json, ending, number, paint, say, table
from luthier.errors import UsageError
from luthier.trial import Outcome

if TYPE_CHECKING:
    from luthier.drive.reproducing import Again, Plan, Same
    from luthier.run.folders import AttemptFolder

__all__ = ["command"]

_EXAMPLE = """\
luthier reproduce 144.7
luthier reproduce 144.7 --check                  leaves with 1 where a metric differs
luthier reproduce 144.7 --keep again             its files stay in the folder again
"""


@click.command("reproduce", cls=Example, example=_EXAMPLE)
@click.argument("id", type=ID)
@click.option("--check", is_flag=True, help="Leave with 1 where it ends otherwise or a metric differs.")
@click.option("--metric", "only", multiple=True, metavar="NAME", help="Compare only this metric; repeat it.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0.0, 1.0),
    default=0.0,
    metavar="SHARE",
    help="How far a number may be off, as a share of it.  [default: 0, equal to the last bit]",
)
@click.option(
    "--keep", type=click.Path(path_type=Path), metavar="FOLDER", help="Run it there, and leave its files."
)
@click.option("-q", "--quiet", is_flag=True, help="Don't show what it prints.")
@with_store
@as_json
def command(
    place: Place,
    id: Id,
    check: bool,
    only: tuple[str, ...],
    tolerance: float,
    keep: Path | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Runs a trial again as the record has it (its code, command, parameters, seed and variables) and compares the metrics.

    The record stays as it is.
    """
    from luthier.drive.reproducing import compared, plan
    from luthier.run.rooms import Room

    if id.trial is None:
        raise UsageError(f"{id} is an experiment; name one of its trials: {id}.1")
    with place.read() as store:
        made = plan(store, id.experiment, id.trial, os.environ)
        recorded = store.points(id.experiment, id.trial, attempt=made.attempt.id.attempt)
    _say_plan(made)
    with Room() as room:
        into = _folder(keep or Path(room, "again"))
        again = _run(place, made, into, Path(room), None if quiet else _Echo())
    compares = compared(recorded, again.points, tolerance, was_cut=made.was_cut)
    found = [same for same in compares if not only or same.metric in only]
    if missing := [name for name in only if name not in {same.metric for same in found}]:
        raise UsageError(f"trial {id} reported no metric {missing[0]!r}, then or now")
    differs = _differing(made, again, found)
    if as_json:
        emit_json("reproduce", _document(made, again, found, differs, into if keep else None))
    else:
        _print(made, again, found, differs, into if keep else None)
    if again.result.outcome is Outcome.INTERRUPTED:
        return 128 + signal.SIGINT
    return 1 if check and differs else 0


def _folder(keep: Path) -> Path:
    """Where it runs. **Raises** UsageError for a folder that has something in it."""
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"--keep {keep}: it is not empty; name a new folder")
    keep.mkdir(parents=True, exist_ok=True)
    return keep


def _say_plan(made: Plan) -> None:
    code, trial = made.ran_with.code, made.trial.name
    what = f"code {code['digest'][:12]}" if code else "the code as it is now"
    say(f"Reproducing trial {trial}, attempt {made.attempt.id.attempt}: {what}, seed {made.trial.seed}")
    for warning in made.warnings:
        say(f"warning: {warning}")


def _run(place: Place, made: Plan, into: Path, room: Path, echo: _Echo | None) -> Again:
    """Runs it with a store of its own, which is gone afterwards; its files are in `room`."""
    from luthier.cli.foreground import interruptible
    from luthier.drive.reproducing import run_again
    from luthier.drive.session import Session
    from luthier.store.memory import MemoryStore

    with Session(MemoryStore(), room / "own") as session:
        runner = session.start_runner(made.record.description.limits)
        with interruptible(runner, "Stopping it.") as interrupts:
            heard = echo.hear if echo is not None else _nothing
            return run_again(session, made, place.folder, into, interrupts, heard, _warn)


def _warn(text: str) -> None:
    say(f"warning: {text}")


def _nothing(_folder: AttemptFolder) -> None:
    """Hears nothing."""


class _Echo:
    """Shows what the program prints, on standard error: the comparison alone is data."""

    def __init__(self) -> None:
        self._read = {"out": 0, "err": 0}

    def hear(self, folder: AttemptFolder) -> None:
        """Shows what is new."""
        for name, path in (("out", folder.stdout), ("err", folder.stderr)):
            try:
                with open(path, "rb") as file:
                    file.seek(self._read[name])
                    new = file.read()
            except OSError:
                continue
            if new:
                self._read[name] += len(new)
                sys.stderr.write(new.decode("utf-8", "replace"))
                sys.stderr.flush()


def _differing(made: Plan, again: Again, found: list[Same]) -> list[str]:
    """What differs, in words."""
    before = made.attempt.result
    assert before is not None, "a plan is of an attempt that ended"
    said = []
    is_as_before = before.outcome is again.result.outcome
    if not is_as_before and not (made.was_cut and again.result.outcome is Outcome.SUCCEEDED):
        now = ending(again.result.outcome, again.result.reason)
        said.append(f"then it {_ended(before.outcome)}, now it {_ended(again.result.outcome)} ({now})")
    return said + [same.metric for same in found if not same.is_same]


def _ended(outcome: Outcome) -> str:
    return str(outcome) if outcome in (Outcome.SUCCEEDED, Outcome.FAILED) else f"was {outcome}"


def _print(made: Plan, again: Again, found: list[Same], differs: list[str], kept: Path | None) -> None:
    before = made.attempt.result
    assert before is not None, "a plan is of an attempt that ended"
    if found:
        lines = [(same.metric, *_both(same), "same" if same.is_same else _off(same)) for same in found]
        styles = [() if same.is_same else ("red",) for same in found]
        emit(table(("METRIC", "RECORDED", "AGAIN", ""), lines, right=("RECORDED", "AGAIN"), styles=styles))
    if made.was_cut:
        say(f"It {_ended(before.outcome)} then, so only what it had reported by then is compared.")
    if kept is not None:
        say(f"Its files are in {kept}; what it printed and left is in {os.path.relpath(again.folder)}")
    if not differs and not found:
        emit(f"trial {made.trial.name} ended as before; it reported no metrics, then or now")
    elif not differs:
        emit(paint(f"trial {made.trial.name} is reproduced: every metric is the same", "green"))
    else:
        emit(paint(f"trial {made.trial.name} is not reproduced; different: {', '.join(differs)}", "red"))


def _both(same: Same) -> tuple[str, str]:
    """Two values, with as many digits as it takes to tell them apart."""
    short = number(same.recorded), number(same.again)
    if same.is_same or short[0] != short[1] or same.recorded is None or same.again is None:
        return short
    return repr(same.recorded), repr(same.again)


def _off(same: Same) -> str:
    if same.recorded is None:
        return "new"
    if same.again is None:
        return "missing"
    off = same.again - same.recorded
    return f"{off:+.3g}" if off else "other points"


def _document(
    made: Plan, again: Again, found: list[Same], differs: list[str], kept: Path | None
) -> dict[str, Any]:
    before = made.attempt.result
    return {
        "trial": made.trial.name,
        "attempt": made.attempt.id.attempt,
        "code": made.ran_with.digests.get("code"),
        "warnings": list(made.warnings),
        "recorded": {
            "outcome": before.outcome if before else None,
            "value": before.value if before else None,
        },
        "again": {
            "outcome": again.result.outcome,
            "reason": again.result.reason,
            "value": again.result.value,
            "seconds": again.result.seconds,
        },
        "metrics": [same._asdict() for same in found],
        "differing": differs,
        "is_same": not differs,
        "folder": str(kept) if kept else None,
    }
