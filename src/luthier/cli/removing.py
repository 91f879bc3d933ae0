"""Removes an experiment: its trials from the record, and all that it left in the store's folder from the disk.

`luthier rm` and Gradient's `experiments delete` do it. Whether it may go is for them to say: nothing is asked or refused here.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from luthier.errors import StoreError
from luthier.store import Store

__all__ = ["remove_experiment"]

_FOLDERS = ("trials", "hyperopt", "tensorboard")
"""Each holds a folder for an experiment: what its trials wrote, hyperopt's pickles, its mirror for TensorBoard."""


def remove_experiment(folder: Path, store: Store, experiment: int) -> int:
    """Removes it and returns how many **Units** bytes its files held. **Raises** StoreError naming what could not be deleted."""
    from luthier.view.disk import size_of

    places = [folder / name / str(experiment) for name in _FOLDERS]
    freed = sum(map(size_of, places))
    store.remove(experiment)
    for place in places:
        _delete(place)
    for name in (f"{experiment}.log", f"{experiment}-tensorboard.log"):
        (folder / "drivers" / name).unlink(missing_ok=True)
    return freed


def _delete(place: Path) -> None:
    if not place.exists():
        return
    try:
        shutil.rmtree(place)
    except OSError as error:
        raise StoreError(
            f"the experiment is out of the record, but {error.filename} could not be deleted: {error.strerror}; "
            f"delete {place} yourself"
        ) from error
