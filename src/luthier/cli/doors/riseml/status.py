"""`luthier riseml status`: what runs, or how one experiment stands, with what is to be known of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from luthier.cli.app import Example
from luthier.cli.doors.riseml.board import board_url, wants_board
from luthier.cli.doors.riseml.naming import LABEL, Named, is_set, of_riseml, one
from luthier.cli.doors.riseml.outputs import lay_out
from luthier.cli.doors.riseml.states import Sub, Whole, age, subs, whole
from luthier.cli.options import Place, with_store
from luthier.cli.output import emit, one_line, say
from luthier.clock import SystemClock
from luthier.drive.containing import why_without
from luthier.store import ExperimentRecord, Store

__all__ = ["command", "riseml_table"]

_EXAMPLE = """\
luthier riseml status            what runs
luthier riseml status -a         all there ever was
luthier riseml status 144        one set with its sub-experiments
luthier riseml status 144.2      one of them
"""
LIST = (("ID", 6), ("PROJECT", 0), ("STATE", 8), ("AGE", 13), ("TYPE", 0))
SET = (("EXP ID", 6), ("STATE", 9), ("AGE", 13), ("PARAMS", 0))
"""The heads of the tables and how wide their columns are at least."""


@click.command("status", cls=Example, example=_EXAMPLE)
@click.argument("id", required=False)
@click.option("-a", "--all", "everything", is_flag=True, help="Those that are over, too.")
@click.option("-l", "--long", is_flag=True, help="More of each.")
@with_store
def command(id: str | None, everything: bool, long: bool, place: Place) -> None:
    """Shows the experiments that are running, or how the one named stands."""
    if not place.is_made and id is None:
        say(f"no experiment is running; begin with: {place.hint('riseml train')}")
        return
    with place.read() as store:
        if id is not None:
            _show(place, store, one(store, id), long=long)
        else:
            _list(place, store, everything=everything, long=long)


def _list(place: Place, store: Store, *, everything: bool, long: bool) -> None:
    standing = {}
    for record in of_riseml(store):
        standing[record.id] = (record, whole(place, store, record, subs(place, store, record)))
    shown = [both for both in standing.values() if everything or _is_active(both[1])]
    if not shown:
        say("no experiment is running; all there were: luthier riseml status -a")
        return
    now = SystemClock().now()
    heads = (*LIST, ("CREATED", 0), ("FILE", 0)) if long else LIST
    rows = []
    for record, one_of in shown:
        kind = "Set" if is_set(record) else "Experiment"
        row = [str(record.id), record.description.project, one_of.state, age(now - record.created), kind]
        made = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows.append([*row, made, record.description.labels.get(f"{LABEL}-file", "")] if long else row)
    emit(riseml_table(heads, rows))
    active = [record for record, one_of in shown if _is_active(one_of)]
    for record, one_of in shown:
        _warn(place, record, one_of)
    if len(active) == 1 and is_set(active[0]):
        emit()
        emit(riseml_table(SET, _rows(active[0], subs(place, store, active[0]), now)))


def _is_active(standing: Whole) -> bool:
    return not standing.state.is_over


def _show(place: Place, store: Store, what: Named, *, long: bool) -> None:
    record = what.record
    parts = subs(place, store, record)
    standing = whole(place, store, record, parts)
    folder = lay_out(place, store, record)
    if what.trial is not None:
        parts = [part for part in parts if part.number == what.trial]
    if what.trial is None and is_set(record):
        lines = [f"ID: {record.id}", "Type: Set", f"State: {standing.state}"]
        if long:
            lines += _surroundings(record)
        lines += [*_board(place, record), f"Project: {record.description.project}"]
        emit("\n".join([*lines, *([f"Output: {folder}"] if long else [])]))
        _warn(place, record, standing)
        emit()
        emit(riseml_table(SET, _rows(record, parts, SystemClock().now())))
        return
    part = parts[0]
    state = part.state if what.trial is not None else standing.state
    lines = [f"ID: {what.id}", "Type: Experiment", f"State: {state}", *_surroundings(record)]
    lines += [*_board(place, record), f"Project: {record.description.project}"]
    lines += [f"Params: {_params(part)}"] if part.texts else []
    lines += [f"Output: {folder / what.id if what.trial is not None else folder}"]
    lines += [f"Reason: {one_line(part.reason)}"] if part.reason else []
    emit("\n".join(lines))
    _warn(place, record, standing)


def _surroundings(record: ExperimentRecord) -> list[str]:
    """The image and the framework, as RiseML shows them."""
    labels, environment = record.description.labels, record.description.environment
    lines = [f"Image: {environment.image}"] if environment is not None and environment.image else []
    if f"{LABEL}-framework" in labels:
        lines.append(f"Framework: {labels[f'{LABEL}-framework']}")
    known = [name for name in ("tensorboard", "version") if f"{LABEL}-{name}" in labels]
    if known:
        lines += [
            "Framework Config:",
            *(f"  {name}: {labels[f'{LABEL}-{name}'].capitalize()}" for name in known),
        ]
    return lines


def _board(place: Place, record: ExperimentRecord) -> list[str]:
    if not wants_board(record):
        return []
    url = board_url(place, record.id)
    return [f"Tensorboard: {url}"] if url else []


def _warn(place: Place, record: ExperimentRecord, standing: Whole) -> None:
    """What is to be known, loudly: what it runs without, and who is missing."""
    without = why_without(record, place.folder)
    for text in (without, record.description.labels.get("without-gpus"), standing.note):
        if text:
            say(f"warning: {record.id}: {text}")


def _rows(record: ExperimentRecord, parts: Sequence[Sub], now: float) -> list[list[str]]:
    old = age(now - record.created)
    return [[f"{record.id}.{part.number}", part.state, old, _params(part)] for part in parts]


def _params(part: Sub) -> str:
    return one_line(", ".join(f"{name}={text}" for name, text in part.texts.items()))


def riseml_table(heads: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]]) -> str:
    """RiseML's tables: columns one space apart, as wide as they need and at least as on its pages."""
    lines = [[name for name, _ in heads], *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(least, *(len(line[i]) for line in lines)) for i, (_, least) in enumerate(heads)]
    return "\n".join(
        " ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
