"""Starts programs of Luthier's that go on without this process, and the word by which one says that it is at work.

A driver (`run_in_background`), and what the doors have beside it: the supervisor of Gradient's tasks, a build, a TensorBoard.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from luthier.errors import LuthierError

__all__ = ["run_in_background", "say_ready", "start_and_wait", "start_apart"]

READY = "LUTHIER_READY_FD"


def run_in_background(
    folder: Path, experiment: int, variables: Mapping[str, str] | None = None, words: Sequence[str] = ()
) -> int:
    """Starts a driver that outlives this terminal, waits until it drives, and returns its process number. `variables` are
    added to its environment, and so to that of the trials it starts; they are stored nowhere. `words` are further options
    of its command.

    **Raises** LuthierError when it ended before that, with the file that says why.
    """
    words = ["-m", "luthier", "resume", str(experiment), "--store", str(folder), *words]
    log = folder / "drivers" / f"{experiment}.log"
    return start_and_wait("driver in the background", words, log, variables)


def start_and_wait(
    what: str, words: Sequence[str], log: Path, variables: Mapping[str, str] | None = None
) -> int:
    """Starts `python WORDS` apart, waits until it calls `say_ready`, and returns its process number.

    **Raises** LuthierError naming `what` when it ended before that, with the file that says why.
    """
    reading, writing = os.pipe()
    with open(reading, "rb") as answer:
        try:
            pid = start_apart(words, log, {**(variables or {}), READY: str(writing)}, (writing,))
        finally:
            os.close(writing)
        if not answer.read(1):
            raise LuthierError(f"the {what} ended at once; {log} says why")
    return pid


def start_apart(
    words: Sequence[str],
    log: Path,
    variables: Mapping[str, str] | None = None,
    passed: tuple[int, ...] = (),
) -> int:
    """Starts `python WORDS` in a session of its own, and returns its process number; what it prints is added to `log`."""
    import subprocess
    import threading

    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as file:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            pass_fds=passed,
            env={**os.environ, **(variables or {})},
        )
    # A program that goes on (the Python face of a door) is not to keep it as a zombie once it has ended.
    threading.Thread(target=process.wait, name=f"of process {process.pid}", daemon=True).start()
    return process.pid


def say_ready() -> None:
    """Tells whoever started this process that it is at work now."""
    descriptor = os.environ.pop(READY, "")
    if descriptor:
        os.write(int(descriptor), b".")
        os.close(int(descriptor))
