"""Starts a driver that goes on without this terminal, and the word by which it says that it drives."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from luthier.errors import LuthierError

__all__ = ["run_in_background", "say_ready"]

READY = "LUTHIER_READY_FD"


def run_in_background(folder: Path, experiment: int) -> int:
    """Starts a driver that outlives this terminal, waits until it drives, and returns its process number.

    **Raises** LuthierError when it ended before that, with the file that says why.
    """
    import subprocess

    logs = folder / "drivers"
    logs.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "luthier", "resume", str(experiment), "--store", str(folder)]
    reading, writing = os.pipe()
    path = logs / f"{experiment}.log"
    with open(path, "ab") as log:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(writing,),
            env={**os.environ, READY: str(writing)},
        )
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
