"""`luthier init [SCRIPT]`: writes a commented file for `luthier run` from what a program's text tells of its options."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.app import Example
from luthier.cli.output import emit, many, say
from luthier.errors import UsageError

if TYPE_CHECKING:
    from luthier.job.starting import Found

__all__ = ["command"]

EXAMPLE = """
luthier init train.py                     writes search.yaml from the options of train.py
luthier init train.py -o wide.yaml
luthier init train.py -o -                only shows it
"""
USUAL = ("train.py", "main.py", "run.py", "fit.py")
LARGEST_BYTES = 5_000_000
RUNS = {
    ".py": "python", ".sh": "sh", ".bash": "bash", ".R": "Rscript", ".r": "Rscript", ".jl": "julia", ".js": "node",
    ".rb": "ruby", ".pl": "perl", ".lua": "lua", ".m": "octave",
}  # fmt: skip


@click.command("init", cls=Example, example=EXAMPLE)
@click.argument("script", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    default="search.yaml",
    show_default=True,
    metavar="FILE",
    help="The file to write; - prints it.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def command(script: Path | None, output: str, force: bool) -> int:
    """Writes a commented YAML file for a program: its options, what to try for each, and what else can be said.

    The program is read, never run: the options of argparse and click are found in the text of a Python program. Of other
    programs little can be known, and the file says what to fill in.
    """
    from luthier.job.starting import CHANGE, Found, look_at, written

    script = _usual() if script is None else script
    file = Path(output)
    if output != "-" and file.exists() and not force:
        raise UsageError(
            f"{output} is there already; name another with --output, or add --force to write over it"
        )
    found = look_at(script.name, _text(script)) if script else Found(why="no program was named")
    if found.broken is not None:
        line, column = found.broken
        raise UsageError(f"{script}:{line}:{column}: {found.why}; mend it, or name another program")
    named = script or Path("train.py")
    start = _start(named, _text(script) if script else "", Path.cwd() if output == "-" else file.parent)
    text = written(str(named), start, found)
    _make_sure(text, file)
    if output == "-":
        emit(text.removesuffix("\n"))
        return 0
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} can't be written: {error.strerror}; name another with --output") from None
    _tell(script, output, found, CHANGE in text)
    return 0


def _usual() -> Path | None:
    """The program of this folder, where it has one of the usual names."""
    there = [Path(name) for name in USUAL if Path(name).is_file()]
    return there[0] if there else None


def _text(script: Path) -> str:
    try:
        if script.is_file() and script.stat().st_size > LARGEST_BYTES:
            return ""
        return script.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise UsageError(f"{script} can't be read: {error.strerror}; name the program to tune") from None


def _start(script: Path, text: str, folder: Path) -> list[str]:
    """The words that run the program from the folder of the file: by its own first line, but Python by the one in use."""
    path = os.path.relpath(script, folder)
    own = _named_by(text)
    if own and not Path(own[0]).name.startswith("python"):
        return [*own, path]
    runner = RUNS.get(script.suffix)
    if runner == "python" and shutil.which("python") is None:
        runner = "python3"
    if runner is not None:
        return [runner, path]
    return [path if "/" in path else f"./{path}"]


def _named_by(text: str) -> list[str]:
    """The program that the first line names, `#!/bin/bash -e` or `#!/usr/bin/env -S bash -e`, by its name alone where that
    is found; empty where it names none."""
    first = text.partition("\n")[0]
    words = first[2:].split() if first.startswith("#!") else []
    if words and Path(words[0]).name == "env":
        words = words[2:] if words[1:2] == ["-S"] else words[1:]
    if not words or words[0].startswith("-") or "=" in words[0]:
        return []
    name = Path(words[0]).name
    return [name if shutil.which(name) else words[0], *words[1:]]


def _make_sure(text: str, file: Path) -> None:
    """The file has to be one that `luthier run` reads; otherwise it is our mistake."""
    from luthier.job.document import parse_document
    from luthier.job.reading import job_of

    job_of(parse_document(str(file), text), str(Path.cwd()), Path.cwd())


def _tell(script: Path | None, output: str, found: Found, is_open: bool) -> None:
    """`is_open`: something in the file has to be filled in before it runs."""
    searched = [option.name for option, _ in found.searched] or found.variables
    why = f": {found.why}" if found.why else ""
    if searched:
        guessed = "" if found.searched else "; the ranges are made up"
        say(
            f"Wrote {output}: {many(len(searched), 'parameter')} of {script} ({', '.join(searched)}){guessed}"
        )
    else:
        say(f"Wrote {output} to be filled in{why}")
    if found.left:
        say(f"Left as they are: {', '.join(option.words[0] for option, _ in found.left)}")
    first = "Fill in what says CHANGE_ME" if is_open else "Look it over"
    say(f"{first}, then: luthier run {output} --dry-run")
