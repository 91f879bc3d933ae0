"""`trials_save_file`: the trials on disk after every one of them, whole at any moment.

A new file is written beside the old one and takes its place in one step, so that a kill leaves one or the other. It is
a pickle: a file is as trustworthy as who may write it.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from luthier.errors import UsageError
from luthier.view.whole import write_whole

__all__ = ["load", "save"]


def save(trials: Any, file: str | os.PathLike[str]) -> None:
    """Writes the trials. **Holds** on return the file is on the disk. **Raises** UsageError where it can't be written."""
    write_whole(Path(file), _dumps()(trials), mode=0o600, is_durable=True)


def load(file: str | os.PathLike[str], made: Callable[[list[Any], dict[str, Any]], Any]) -> Any:
    """The trials of a file; those that the real hyperopt wrote become ours by `made(documents, attachments)`.

    **Raises** UsageError for a file that holds none.
    """
    path = Path(file)
    try:
        found = pickle.loads(path.read_bytes())  # noqa: S301  the user's own file, by the user's own words
    except Exception as error:
        raise UsageError(
            f"the trials in {path} can't be read: {type(error).__name__}: {error}; "
            "was it written by another program? Name another trials_save_file to begin anew"
        ) from error
    if not hasattr(found, "_dynamic_trials"):
        raise UsageError(
            f"{path} holds a {type(found).__name__} and no trials; name another trials_save_file"
        )
    if type(found).__module__.startswith("hyperopt."):
        return made(found._dynamic_trials, dict(getattr(found, "attachments", {})))
    return found


def _dumps() -> Callable[[Any], bytes]:
    """cloudpickle's, which takes lambdas too, where it is installed."""
    try:
        import cloudpickle
    except ImportError:
        return pickle.dumps
    return cloudpickle.dumps  # type: ignore[no-any-return]
