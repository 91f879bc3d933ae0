"""`luthier diff`: what two trials ran with and what became of them, where it differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.output import emit, emit_json, one_line, paint, say
from luthier.errors import UsageError

if TYPE_CHECKING:
    from luthier.view.differing import Difference, FileDifference
    from luthier.view.provenance import Lineage

__all__ = ["command"]

_EXAMPLE = """\
luthier diff 144.3 144.7
luthier diff 144.3 151.2 --brief        which files of the code, without their lines
"""


@click.command("diff", cls=Example, example=_EXAMPLE)
@click.argument("a", type=ID)
@click.argument("b", type=ID)
@click.option("--brief", is_flag=True, help="Name the files of the code that differ, without their lines.")
@with_store
@as_json
def command(place: Place, a: Id, b: Id, brief: bool, as_json: bool) -> None:
    """Compares two trials: parameters, code, data, packages, git, command, machine and result."""
    from luthier.view.differing import differences, file_differences
    from luthier.view.provenance import provenance

    lineages = []
    with place.read() as store:
        for id in (a, b):
            if id.trial is None:
                raise UsageError(f"{id} is an experiment; name one of its trials: {id}.1")
            lineages.append(provenance(store, place.folder, id.experiment, id.trial))
    one, other = lineages
    found = differences(one, other)
    files = file_differences(place.folder, one, place.folder, other)
    if as_json:
        emit_json("diff", _document(one, other, found, files))
        return
    for lineage in lineages:
        if not lineage.is_known:
            say(f"what trial {lineage.name} ran with is not on record")
    _print(one, other, found, files, brief)


def _print(
    a: Lineage, b: Lineage, found: list[Difference], files: list[FileDifference] | None, brief: bool
) -> None:
    if not found and not files:
        emit(f"trials {a.name} and {b.name} are the same in all that is known of them")
        return
    part = ""
    for one in found:
        if one.part != part:
            part = one.part
            emit(paint(part.capitalize(), "bold"))
        emit(f"  {one.name:<16} {_shown(one.a)} -> {_shown(one.b)}")
        if part == "code" and one.name == "bundle":
            _print_files(files, brief)


def _shown(text: str | None) -> str:
    return "-" if text is None else one_line(text)


def _print_files(files: list[FileDifference] | None, brief: bool) -> None:
    if files is None:
        emit("  (its files can't be compared: the code of both was not kept)")
        return
    for file in files:
        note = f" ({file.why})" if file.why else ""
        emit(f"  {file.how:<16} {one_line(file.path)}{note}")
    for file in () if brief else files:
        for line in file.lines:
            style = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
            safe = "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line)
            emit(paint(safe, style) if style else safe)


def _document(
    a: Lineage, b: Lineage, found: list[Difference], files: list[FileDifference] | None
) -> dict[str, Any]:
    return {
        "a": a.name,
        "b": b.name,
        "differences": [one._asdict() for one in found],
        "files": None if files is None else [file._asdict() for file in files],
        "is_same": not found and not files,
    }
