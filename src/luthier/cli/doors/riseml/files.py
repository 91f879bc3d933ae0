"""`luthier riseml ls` and `cp`: what experiments wrote (`output://`) and what is there to learn from (`data://`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from luthier.cli.app import Example
from luthier.cli.doors.riseml.naming import of_riseml
from luthier.cli.doors.riseml.outputs import lay_out, root_of
from luthier.cli.options import Place, with_store
from luthier.cli.output import emit, size
from luthier.errors import NotFound, UsageError

__all__ = ["cp", "ls"]

DATA = Path("/data")


@click.command("ls", cls=Example, example="luthier riseml ls output://ai-toaster/144/144.1")
@click.argument("uri", default="output://")
@with_store
def ls(uri: str, place: Place) -> None:
    """Lists a folder of outputs (output://PROJECT/SET/EXPERIMENT) or of data (data://, which is /data)."""
    path = _resolved(place, uri)
    for entry in sorted(path.iterdir()) if path.is_dir() else [path]:
        if not entry.name.startswith("."):
            emit(
                f"{'-' if entry.is_dir() else size(entry.stat().st_size):>8}  {entry.name}{'/' * entry.is_dir()}"
            )


@click.command("cp", cls=Example, example="luthier riseml cp output://ai-toaster/144/144.1/model .")
@click.argument("source")
@click.argument("target")
@with_store
def cp(source: str, target: str, place: Place) -> None:
    """Copies a file or a folder from output:// or data:// to a place of your own; an existing one is left alone."""
    if "://" in target:
        raise UsageError(
            f"{target} can't be written to: outputs are written by their experiments, and data is an ordinary folder; "
            "use the system's own cp"
        )
    path, to = _resolved(place, source), Path(target)
    to = to / path.name if to.is_dir() else to
    if to.exists():
        raise UsageError(f"{to} is there already, and was left as it is; name another place")
    try:
        shutil.copytree(path, to) if path.is_dir() else shutil.copy2(path, to)
    except OSError as error:
        raise UsageError(f"{source} could not be copied to {to}: {error.strerror or error}") from error
    emit(f"copied {source} to {to}")


def _resolved(place: Place, uri: str) -> Path:
    """Where a URI leads. **Raises** UsageError for what is none, NotFound."""
    kind, sign, rest = uri.partition("://")
    if not sign or kind not in ("output", "data"):
        raise UsageError(f"{uri!r} is no place; write output://PROJECT/SET/EXPERIMENT or data://FOLDER")
    if kind == "output" and place.is_made:
        with place.read() as store:
            for record in of_riseml(store):
                lay_out(place, store, record)
    root = root_of(place) if kind == "output" else DATA
    parts = [part for part in rest.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UsageError(f"{uri!r} leads out of {kind}://; write a path below it")
    path = root.joinpath(*parts)
    if not os.path.exists(path):
        raise NotFound(f"there is no {uri}; see: {place.hint('riseml ls ' + kind + '://')}")
    return path
