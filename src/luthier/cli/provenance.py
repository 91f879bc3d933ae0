"""`luthier provenance`: where a trial's result came from, as text, JSON or a picture."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.app import Example
from luthier.cli.options import ID, Id, Place, as_json, with_store
from luthier.cli.output import (
    date,
    duration,
    emit,
    emit_json,
    ending,
    many,
    number,
    one_line,
    paint,
    say,
    size,
)
from luthier.errors import UsageError

if TYPE_CHECKING:
    from luthier.view.provenance import Lineage

__all__ = ["command"]

_EXAMPLE = """\
luthier provenance 144.7
luthier provenance 144.7 --svg 144.7.svg      the same as a picture; also .pdf and .png
"""


@click.command("provenance", cls=Example, example=_EXAMPLE)
@click.argument("id", type=ID)
@click.option(
    "--attempt", type=click.IntRange(1), metavar="N", help="An earlier attempt.  [default: the newest]"
)
@click.option(
    "--svg",
    "picture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw it; FILE ends in .svg, .pdf or .png.",
)
@click.option("--packages", is_flag=True, help="List all packages of its Python.")
@with_store
@as_json
def command(
    place: Place, id: Id, attempt: int | None, picture: Path | None, packages: bool, as_json: bool
) -> None:
    """Shows what a trial ran with (code, data, parameters, environment) and what it left."""
    from luthier.view import provenance as view

    if id.trial is None:
        raise UsageError(f"{id} is an experiment; name one of its trials: {id}.1")
    with place.read() as store:
        lineage = view.provenance(store, place.folder, id.experiment, id.trial, attempt)
    if picture is not None:
        say(f"Drawn: {view.picture(lineage).save(picture)}")
    if as_json:
        emit_json("provenance", _document(lineage))
    elif picture is None:
        _print(lineage, packages)


def _print(lineage: Lineage, packages: bool) -> None:
    emit(
        paint(
            f"trial {lineage.name}, attempt {lineage.attempt}: {ending(lineage.state, lineage.reason)}",
            "bold",
        )
    )
    if not lineage.is_known:
        say(
            "what it ran with is not on record: it has not run, or an older Luthier ran it, or a program of its own"
        )
    known = lineage.ran_with
    facts = {
        "taken from": f"trial {lineage.reused}, which was identical" if lineage.reused else "",
        "code": bundle_line(known.code) or (f"not kept: {known.no_code}" if known.no_code else ""),
        "data": bundle_line(known.data),
        "git": _git(known.git),
        "parameters": " ".join(f"{name}={text}" for name, text in lineage.parameters.items()),
        "seed": str(lineage.seed),
        "command": lineage.command or "",
        "directory": lineage.directory or "",
        "image": str(lineage.environment.get("image") or "")
        + (f" (not used: {known.no_image})" if known.no_image else ""),
        "python": _python(known.python),
        "machine": _machine(known.machine),
        "variables": " ".join(f"{name}={text}" for name, text in known.variables.items()),
        "began": date(lineage.began) if lineage.began else "",
        "took": duration(lineage.seconds) if lineage.seconds is not None else "",
        "metrics": ", ".join(f"{name} {number(value)}" for name, value in lineage.metrics.items()),
        "outputs": _outputs(lineage),
    }
    for name, text in facts.items():
        if text:
            emit(f"  {name:<12} {one_line(text)}")
    for notice in known.notices:
        emit(f"  {'note':<12} {one_line(notice)}")
    if packages and known.python:
        emit(f"\n{paint('Packages', 'bold')}")
        for name, version in known.python["packages"].items():
            emit(f"  {name} {version}")


def bundle_line(bundle: Any) -> str:
    """`57cd915045a4 (3 files, 1.2 kB)`; empty where there is none."""
    if not bundle:
        return ""
    held = f" ({many(bundle['files'], 'file')}, {size(bundle['size_bytes'])})" if bundle.get("files") else ""
    return f"{bundle['digest'][:12]}{held}"


def _git(git: Any) -> str:
    if not git:
        return ""
    state = {True: ", with changes that are not committed", False: ", nothing changed", None: ""}[
        git["dirty"]
    ]
    branch = f" on {git['branch']}" if git["branch"] else ""
    remote = f", {git['remote']}" if git["remote"] else ""
    return f"{git['commit'] or 'no commit yet'}{branch}{state}{remote}"


def _python(python: Any) -> str:
    if not python:
        return ""
    return f"{python['version'] or 'of unknown version'}, {many(len(python['packages']), 'package')}: {python['executable']}"


def _machine(machine: Any) -> str:
    if not machine:
        return ""
    memory = f", {size(machine['memory_bytes'])} of memory" if machine.get("memory_bytes") else ""
    gpus = f", {', '.join(machine['gpus'])}" if machine.get("gpus") else ", no GPU"
    return f"{machine['host']}: {machine['system']}, {many(machine['cpus'], 'core')}{memory}{gpus}"


def _outputs(lineage: Lineage) -> str:
    if not lineage.outputs:
        return ""
    total = sum(each for _, each in lineage.outputs)
    return f"{many(len(lineage.outputs), 'file')}, {size(total)}, in {lineage.folder}/outputs"


def _document(lineage: Lineage) -> dict[str, Any]:
    document = asdict(lineage)
    document["ran_with"] = (
        lineage.ran_with._asdict() if lineage.is_known or lineage.ran_with.digests else None
    )
    document["outputs"] = [{"path": path, "size_bytes": each} for path, each in lineage.outputs]
    return {
        "trial": lineage.name,
        **{k: v for k, v in document.items() if k not in ("trial", "experiment", "is_known")},
    }
