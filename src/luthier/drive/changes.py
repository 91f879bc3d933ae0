"""Notices that the program of an experiment is not the one its earlier trials ran.

Files that the command names (`train.py`, `--config=small.yaml`) are noted by their digests beside the trials. It can't
see what a program imports; it is a warning to a person, never a reason to stop, and a disk that refuses the note is no
reason either.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from luthier.description import Command
from luthier.digest import blake2b
from luthier.run.folders import Folders

__all__ = ["changed_files", "digests"]

MOST_BYTES = 2**20
"""Larger files are data or interpreters, not code."""


def digests(command: Command) -> dict[str, str]:
    """The digest of each small file that a word of the command names, by the name it has there."""
    found = {}
    for name in _names(command):
        path = Path(command.directory, name)
        with suppress(OSError, ValueError):
            if path.is_file() and path.stat().st_size <= MOST_BYTES:
                found[name] = blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return found


def _names(command: Command) -> Iterator[str]:
    words = command.words
    if command.shell:
        try:
            words = tuple(shlex.split(words[0], comments=True))
        except ValueError:
            words = tuple(words[0].split())
    for word in words:
        yield word
        yield word.partition("=")[2] or word


def changed_files(folders: Folders, experiment: int, command: Command) -> list[str]:
    """Names the files that differ from what was noted when this was last called, and notes them as they are now."""
    note = Path(folders.code(experiment))
    now = digests(command)
    try:
        before = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    if now != before:
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            new = f"{note}.{os.getpid()}"
            Path(new).write_text(json.dumps(now) + "\n", encoding="utf-8")
            os.replace(new, note)
    return [name for name, digest in before.items() if now.get(name) != digest]
