"""Ready projects to begin with: each a folder beside this file, with its program, its data, its spaces and a README.

`luthier template list` and `get` are made of the three verbs here. Templates are package data: this module copies
them byte for byte and never imports or runs one. It needs nothing but the standard library.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from luthier.errors import UsageError

__all__ = ["copy", "describe", "names"]

# name -> what it is, in a line. A folder that is not in this table is not a template.
TEMPLATES = {
    "digits": "An SVM on 1,797 handwritten digits, 5-fold; a second a trial. The place to start.",
    "mnist": "An SVM on 5,000 MNIST images, laid out as kaos's page has it, with its six metrics.",
}
# What Python or Luthier leaves in a folder that was worked in; never part of a template.
LEFTOVERS = frozenset({"__pycache__", ".luthier"})


def names() -> list[str]:
    """The names of all templates, sorted."""
    return sorted(TEMPLATES)


def describe(name: str) -> str:
    """What the template is, in one line.

    **Raises** UsageError when there is no such template.
    """
    try:
        return TEMPLATES[name]
    except KeyError:
        raise UsageError(f"there is no template {name!r}; choose one of: {', '.join(names())}") from None


def copy(name: str, destination: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Copies a template to the folder `destination`, which is made, and returns that folder.

    A folder that already holds something is refused. With `force` the template's files are written over those of the
    same names; whatever else is there stays, for it may be a store full of experiments.

    **Holds** each file is there whole or not at all: it is written beside its place and moved there.
    **Raises** UsageError when there is no such template, or the destination is in use.
    """
    describe(name)
    target = Path(destination)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file, so the template {name} can't be copied there; name a folder")
    if not force and target.is_dir() and any(target.iterdir()):
        raise UsageError(
            f"the folder {target} is not empty, so the template {name} was not copied; name another folder, or "
            "add --force to write over the template's own files there"
        )
    for source, place in _contents(files(__name__) / name, target):
        _write(source, place)
    return target


def _contents(source: Traversable, target: Path) -> Iterator[tuple[Traversable, Path]]:
    """Every file below `source` with the place it goes to, sorted by name."""
    for entry in sorted(source.iterdir(), key=lambda each: each.name):
        if entry.name in LEFTOVERS:
            continue
        if entry.is_dir():
            yield from _contents(entry, target / entry.name)
        else:
            yield entry, target / entry.name


def _write(source: Traversable, place: Path) -> None:
    """Writes one file; a script (it begins with `#!`) becomes executable, which a wheel does not promise to keep."""
    content = source.read_bytes()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(content)
            if content.startswith(b"#!"):
                beside.chmod(beside.stat().st_mode | 0o111)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"the template's file {place} can't be written: {error.strerror}; choose a folder you may write to"
        ) from error
