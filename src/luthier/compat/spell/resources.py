"""Spell's names for files: `runs/362/model.h5` is in the outputs of run 362; anything else is a path of this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from luthier.compat.spell.errors import SpellError

__all__ = ["mounts_of", "place_of"]

_RUN = re.compile(r"runs/(\d{1,18})(?:/(.*))?")
_REMOTE = re.compile(r"[a-z0-9+]+://|uploads/|public/")


def mounts_of(texts: Sequence[str], folder: Path, directory: Path) -> tuple[list[str], list[str]]:
    """The `SOURCE:TARGET` of each `RES[:PATH]` that is here, and notices about the others.

    **Raises** SpellError for a run that does not exist, and for an empty one.
    """
    found, notices = [], []
    for text in texts:
        source, _, target = text.partition(":") if "://" not in text else (text, "", "")
        if not source.strip():
            raise SpellError(
                f"--mount {text!r}: write RESOURCE or RESOURCE:PATH, such as runs/362/model:model"
            )
        path = place_of(source, folder)
        if path is None or not path.exists():
            why = "is kept elsewhere" if _REMOTE.match(source) else "is not on this machine"
            notices.append(f"notice: --mount {text} is kept with the search and not mounted: {source} {why}")
            continue
        inside = os.path.join(directory, target or path.name)
        found.append(f"{path.resolve()}:{inside}:ro")
    return found, notices


def place_of(resource: str, folder: Path) -> Path | None:
    """The file or folder a resource names; None for what is kept elsewhere. It need not exist.

    **Raises** SpellError for a run that does not exist, or a path that leads out of its outputs.
    """
    run = _RUN.fullmatch(resource.strip("/"))
    if run is None:
        return None if _REMOTE.match(resource) else Path(resource).expanduser()
    from luthier.compat.spell.looking import find_run
    from luthier.run.folders import Folders
    from luthier.store import open_store

    store = open_store(folder, read_only=True)
    try:
        trial = find_run(store, int(run[1]))
    finally:
        store.close()
    outputs = Path(Folders(folder).attempt(trial.experiment, trial.number, max(trial.attempt, 1)).outputs)
    place = Path(os.path.normpath(outputs / (run[2] or "")))
    if place != outputs and outputs not in place.parents:
        raise SpellError(f"{resource} leads out of the outputs of run {run[1]}")
    if outputs.exists() and place.exists() and not place.resolve().is_relative_to(outputs.resolve()):
        raise SpellError(f"{resource} leads out of the outputs of run {run[1]}")
    return place
