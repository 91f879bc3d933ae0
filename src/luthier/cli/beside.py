"""`--dashboard` beside a search: the page of its record, in a process of its own for as long as the command runs.

It only reads, gives way to the trials (nice 10), is told of Ctrl-C by nobody, and is ended when the search has.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from luthier.store.address import VARIABLE, address_of

__all__ = ["dashboard_beside"]

END_SECONDS = 5.0


@contextmanager
def dashboard_beside(folder: Path) -> Iterator[None]:
    """A dashboard while the body runs. It says its address by itself."""
    words = ["dashboard", "--store", str(folder), "--beside", str(os.getpid())]
    url = address_of(folder)
    variables = {VARIABLE: url} if url else {}  # with its password, which may stand in no list of processes
    process = subprocess.Popen(
        [sys.executable, "-m", "luthier", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **variables},
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
