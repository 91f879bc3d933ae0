"""`luthier enqueue`: configurations of a person's own, to run before the algorithm's."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.app import Example
from luthier.cli.options import EXPERIMENT, NAMED, Id, Named, Place, as_json, with_store
from luthier.cli.output import emit_json, many, say
from luthier.errors import SpaceError, UsageError

if TYPE_CHECKING:
    from luthier.space import Configuration, Space

__all__ = ["command", "read_rows"]

_EXAMPLE = """\
luthier enqueue 144 rate=0.01 layers=3
luthier enqueue 144 --file favourites.csv
"""


@click.command("enqueue", cls=Example, example=_EXAMPLE)
@click.argument("id", type=EXPERIMENT)
@click.argument("values", metavar="[NAME=VALUE]...", nargs=-1, type=NAMED)
@click.option("--file", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="Configurations from a .csv, .json (a list of objects) or .jsonl file.")  # fmt: skip
@with_store
@as_json
def command(place: Place, id: Id, values: tuple[Named, ...], files: tuple[Path, ...], as_json: bool) -> None:
    """Adds configurations of your own to an experiment. They run before the algorithm's, and count towards its
    trials; when these are spent already, their number is raised.
    """
    given = [("", _row(values))] if values else []
    for file in files:
        given += [(f"{file}, configuration {n}: ", row) for n, row in enumerate(read_rows(file), start=1)]
    if not given:
        raise UsageError("nothing to add; write NAME=VALUE for every parameter, or give --file FILE")
    with place.change() as store:
        space = store.experiment(id.experiment).description.space
        configurations = [_configuration(space, where, row) for where, row in given]
        numbers = store.enqueue(id.experiment, configurations, os.urandom(8).hex())
        is_active = place.activity(store)(id.experiment)
    names = [f"{id.experiment}.{number}" for number in numbers]
    if as_json:
        emit_json("enqueue", {"trials": names})
    how = "will run next" if is_active else f"run with: {place.hint(f'resume {id.experiment}')}"
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    say(f"{many(len(names), 'trial')} queued ({shown}); {how}")


def _row(values: tuple[Named, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for named in values:
        if named.name in row:
            raise UsageError(
                f"{named.name} is given twice; give each parameter once, several configurations by --file"
            )
        row[named.name] = named.text
    return row


def _configuration(space: Space, where: str, row: dict[str, Any]) -> Configuration:
    try:
        return space.configuration(row)
    except SpaceError as error:
        raise SpaceError(f"{where}{error}") from None


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The configurations in a CSV, JSON or JSON-lines file, by name.

    Empty cells of a CSV file are left out: the parameter is not active there.
    **Raises** UsageError naming the file and the line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{file} could not be read: {reason}") from None
    match file.suffix.lower():
        case ".csv":
            rows: Any = [
                {k: v for k, v in row.items() if k and v} for row in csv.DictReader(text.splitlines())
            ]
        case ".jsonl" | ".ndjson":
            lines = enumerate(text.splitlines(), start=1)
            rows = [_json(f"{file}:{number}", line) for number, line in lines if line.strip()]
        case ".json":
            rows = _json(str(file), text)
            rows = [rows] if isinstance(rows, dict) else rows
        case other:
            raise UsageError(
                f"{file}: {other or 'a file without an ending'} is not known; use .csv, .json or .jsonl"
            )
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f'{file} must hold a list of objects, such as [{{"rate": 0.1}}]')
    return rows


def _json(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}") from None
