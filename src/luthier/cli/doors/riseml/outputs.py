"""The output tree: `<store>/output/<project>/<set>/<experiment>`, links to the folders that trials write into.

It is what TensorBoard is shown over a set, and what `riseml ls` and `cp` look at. A link leads to the newest attempt.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from luthier.cli.doors.riseml.naming import is_set
from luthier.cli.options import Place
from luthier.run.folders import Folders
from luthier.store import ExperimentRecord, Store

__all__ = ["lay_out", "output_folder", "root_of"]


def root_of(place: Place) -> Path:
    """Where the projects are."""
    return place.folder.absolute() / "output"


def output_folder(place: Place, record: ExperimentRecord) -> Path:
    """The folder of a set, or of a single experiment."""
    project = re.sub(r"[^\w.-]", "_", record.description.project).lstrip(".") or "_"
    return root_of(place) / project / str(record.id)


def lay_out(place: Place, store: Store, record: ExperimentRecord) -> Path:
    """Makes the links of an experiment, or mends them, and returns its folder. May be repeated, also by several at once.
    Where the disk refuses, links are missing and nothing else is."""
    folders, folder = Folders(place.folder), output_folder(place, record)
    try:
        if not is_set(record):
            attempt = max([trial.attempt for trial in store.trials(record.id)], default=1)
            folder.parent.mkdir(parents=True, exist_ok=True)
            _link(folder, folders.attempt(record.id, 1, max(attempt, 1)).outputs)
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        for trial in store.trials(record.id):
            outputs = folders.attempt(record.id, trial.number, max(trial.attempt, 1)).outputs
            _link(folder / f"{record.id}.{trial.number}", outputs)
    except OSError:
        pass
    return folder


def _link(link: Path, target: str) -> None:
    """Makes a link, or another one in its place, in one step."""
    if link.is_symlink() and os.readlink(link) == target:
        return
    new = link.with_name(f".{link.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
