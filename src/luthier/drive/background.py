"""Starts a driver that goes on without this process, and the word by which it says that it drives."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from luthier.errors import LuthierError

__all__ = ["run_in_background", "say_ready"]

READY = "LUTHIER_READY_FD"


def run_in_background(
    folder: Path, experiment: int, variables: Mapping[str, str] | None = None, words: Sequence[str] = ()
) -> int:
    """Starts a driver that outlives this terminal, waits until it drives, and returns its process number. `variables` are
    added to its environment, and so to that of the trials it starts; they are stored nowhere. `words` are further options
    of its command.

    **Raises** LuthierError when it ended before that, with the file that says why.
    """
    import subprocess
    import threading

    logs = folder / "drivers"
    logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "luthier", "resume", str(experiment), "--store", str(folder), *words]
    reading, writing = os.pipe()
    path = logs / f"{experiment}.log"
    with open(path, "ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(writing,),
            env={**os.environ, **(variables or {}), READY: str(writing)},
        )
    # A program that goes on (the Python face of a door) is not to keep it as a zombie once it has ended.
    threading.Thread(target=process.wait, name=f"driver {experiment}", daemon=True).start()
    os.close(writing)
    with open(reading, "rb") as answer:
        if not answer.read(1):
            raise LuthierError(f"the driver in the background ended at once; {path} says why")
    return process.pid


def say_ready() -> None:
    """Tells whoever started this driver in the background that it drives now."""
    descriptor = os.environ.pop(READY, "")
    if descriptor:
        os.write(int(descriptor), b".")
        os.close(int(descriptor))
