"""What trials keep on the disk, and what of it may go.

`sweep` plans and counts; it deletes only when it is told to. Only finished trials are swept, for a running one may
be writing, and one that waits may need its checkpoint to go on.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from luthier.errors import StoreError, UsageError
from luthier.run.folders import Folders
from luthier.store import ExperimentRecord, Store
from luthier.trial import TrialState
from luthier.view.experiments import best_trials

__all__ = ["Keep", "Swept", "parse_keep", "size_of", "sweep"]


@dataclass(frozen=True, slots=True)
class Keep:
    """Which trials keep something: all, none, or the `best` ones."""

    kind: Literal["all", "none", "best"]
    count: int = 0


@dataclass(frozen=True, slots=True)
class Swept:
    """What was, or would be, deleted: how many folders and **Units** bytes, by kind."""

    checkpoints: int = 0
    checkpoint_bytes: int = 0
    outputs: int = 0
    output_bytes: int = 0


def parse_keep(option: str, text: str) -> Keep:
    """Reads `all`, `none` or `best:3`. **Raises** UsageError naming the option."""
    if text in ("all", "none"):
        return Keep("all" if text == "all" else "none")
    kind, _, count = text.partition(":")
    if kind != "best" or not count.isascii() or not count.isdigit() or int(count) < 1:
        raise UsageError(f"{option} {text}: write all, none or best:3")
    return Keep("best", int(count))


def size_of(folder: Path) -> int:
    """The bytes that the files below a folder hold; links are not followed. 0 where there is none."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                pass
    return total


def sweep(
    store: Store, folder: Path, record: ExperimentRecord, checkpoints: Keep, outputs: Keep, *, delete: bool
) -> Swept:
    """Deletes, or with `delete=False` only counts, what finished trials need not keep.

    **Raises** UsageError when the best are to be kept and nothing tells which they are; StoreError when the disk
    refuses.
    """
    keeps_checkpoint = _kept(store, record, checkpoints)
    keeps_outputs = _kept(store, record, outputs)
    folders = Folders(folder)
    count = [0, 0, 0, 0]
    for trial in store.trials(record.id):
        if trial.state is not TrialState.FINISHED:
            continue
        files = folders.attempt(record.id, trial.number, trial.attempt)
        if not keeps_checkpoint(trial.number):
            _add(count, 0, _clear(Path(files.checkpoint), delete))
        if not keeps_outputs(trial.number):
            for attempt in range(1, trial.attempt + 1):
                path = folders.attempt(record.id, trial.number, attempt).outputs
                _add(count, 2, _clear(Path(path), delete))
    return Swept(*count)


def _kept(store: Store, record: ExperimentRecord, keep: Keep) -> Callable[[int], bool]:
    """Tells by a trial's number whether it keeps its own."""
    if keep.kind != "best":
        return lambda number: keep.kind == "all"
    if record.description.objective is None:
        raise UsageError(
            f"experiment {record.id} has no objective, so none of its trials is best; keep all or none of them"
        )
    numbers = {trial.number for trial in best_trials(store, record, keep.count)}
    return numbers.__contains__


def _add(count: list[int], place: int, freed: int) -> None:
    if freed >= 0:
        count[place] += 1
        count[place + 1] += freed


def _clear(folder: Path, delete: bool) -> int:
    """The bytes in a folder, emptied if it is to be; -1 where there is nothing in it. The folder itself stays."""
    entries = list(_entries(folder))
    if not entries:
        return -1
    freed = size_of(folder)
    if delete:
        try:
            for entry in entries:
                shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
        except OSError as error:
            raise StoreError(
                f"{error.filename} could not be deleted: {error.strerror}; delete it yourself"
            ) from error
    return freed


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except (FileNotFoundError, NotADirectoryError):
        return
