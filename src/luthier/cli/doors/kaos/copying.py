"""Copies a template over an earlier copy, which is kept aside if anybody worked on it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from luthier import templates
from luthier.cli.doors.kaos.words import KaosError

__all__ = ["replace_copy"]


def replace_copy(name: str, target: Path) -> Path | None:
    """Copies a template to `target`; returns where the earlier copy went, if it was changed.

    **Holds** whatever is killed, the earlier copy is there or beside. **Raises** KaosError where the disk refuses.
    """
    made = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(made, ignore_errors=True)
        templates.copy(name, made)
        kept = _aside(target) if target.exists() and _files(target) != _files(made) else None
        if kept is not None:
            target.rename(kept)
        elif target.exists():
            shutil.rmtree(target)
        made.rename(target)
    except OSError as error:
        raise KaosError(f"{target} can't be written: {error.strerror}") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return kept


def _aside(target: Path) -> Path:
    """The first free name beside."""
    number = 1
    while (kept := target.with_name(f"{target.name}.{number}")).exists():
        number += 1
    return kept


def _files(folder: Path) -> dict[str, bytes]:
    """All files by their paths, without what Python leaves."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}
