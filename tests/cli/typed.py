"""A command line typed in a folder, with nobody at the terminal, in this process: to start another costs more than most of
what is typed. Tests of signals and of the terminal start their own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from luthier.cli import main

__all__ = ["luthier"]


def luthier(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What was said and the exit code; `settings` are in the environment meanwhile."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with ExitStack() as undo:
        undo.enter_context(chdir(folder))
        undo.enter_context(mock.patch.dict(os.environ, {"NO_COLOR": "1", **settings}))
        undo.enter_context(mock.patch.object(sys, "stdin", undo.enter_context(open(os.devnull))))
        undo.enter_context(redirect_stdout(out))
        undo.enter_context(redirect_stderr(err))
        code = main(list(words))
    out.flush()
    said: bytes = out.buffer.getvalue()  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(words, code, said.decode(), err.getvalue())
