"""`spell ls` and `spell cp`: the files that runs wrote, under Spell's names: `runs/362/model.h5`."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from luthier.cli.app import Example
from luthier.cli.options import Place, with_store
from luthier.cli.output import date, emit, size, table
from luthier.clock import SystemClock
from luthier.compat.spell.errors import SpellError
from luthier.compat.spell.looking import run_row
from luthier.compat.spell.resources import place_of

__all__ = ["cp", "ls"]


@click.command("ls", cls=Example, example="luthier spell ls runs/362")
@click.argument("path", default="", metavar="[PATH]")
@with_store
def ls(place: Place, path: str) -> None:
    """Lists what a run wrote into its output folder ($LUTHIER_OUTPUT_DIR), or all runs."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        emit(table(["SIZE", "DATE", "NAME"], [["-", "", "runs"]]))
        return
    if parts == ["runs"]:
        _list_runs(place)
        return
    folder = _found(place, path)
    entries = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    rows = []
    for entry in entries:
        status = entry.lstat()
        amount = "-" if entry.is_dir() else size(status.st_size)
        rows.append([amount, date(status.st_mtime), entry.name])
    emit(table(["SIZE", "DATE", "NAME"], rows))


def _list_runs(place: Place) -> None:
    now = SystemClock().now()
    with place.read() as store:
        rows = [
            ["-", date(row.began), str(row.id)]
            for record in store.experiments()
            for trial in store.trials(record.id)
            if (row := run_row(record, trial, now)).began is not None
        ]
    emit(table(["SIZE", "DATE", "NAME"], sorted(rows, key=lambda cells: int(cells[2]))))


@click.command("cp", cls=Example, example="luthier spell cp runs/362/model.h5 .")
@click.argument("path")
@click.argument("target", default=".", metavar="[LOCAL]")
@click.option("-f", "--force", is_flag=True, help="Replace what is there already.")
@with_store
def cp(place: Place, path: str, target: str, force: bool) -> None:
    """Copies a file or a folder that a run wrote to LOCAL, here when it is left out."""
    source = _found(place, path)
    goal = Path(target)
    if goal.is_dir():
        goal = goal / (source.name if path.strip("/").count("/") > 1 else f"run-{path.split('/')[1]}")
    if goal.exists() and not force:
        raise SpellError(f"{goal} is there already; add -f to replace it, or name another")
    try:
        if source.is_dir():
            shutil.copytree(source, goal, symlinks=True, dirs_exist_ok=force)
        else:
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, goal)
    except (OSError, shutil.Error) as error:
        raise SpellError(f"{path} could not be copied to {goal}: {error}") from error
    emit(f"Copied {path} to {goal}")


def _found(place: Place, path: str) -> Path:
    """What a resource names. **Raises** SpellError where there is none."""
    if not path.strip("/").startswith("runs/"):
        raise SpellError(f"{path}: only the outputs of runs are kept here; write runs/ID or runs/ID/FILE")
    found = place_of(path, place.folder)
    if found is None or not found.exists():
        raise SpellError(f"{path}: there is no such file or folder")
    return found
